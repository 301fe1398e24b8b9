"""How closely training follows PyTorch: python parity.py [configurations] [first seed]

Each configuration is drawn at random: layers, activation, loss, optimiser, schedule, batch size. glassnet and the installed
PyTorch train the same network from the same seed on the same rows in the same order, 100 steps, and PyTorch once more in
float64. At each step the losses may differ by 1e-5 or ten times what PyTorch's own rounding makes, whichever is more. The
last tables that were printed stand in PARITY.md. The command fails where a configuration differs by more.
"""

import platform
import random
import sys
import warnings

import glassnet
import numpy as np
import torch

STEPS = 100
ROWS = 48

ACTIVATIONS = [
    "ReLU()", "LeakyReLU(0.1)", "ELU()", "CELU(0.5)", "SELU()", "GELU()", "GELU('tanh')", "SiLU()", "Mish()", "Softplus()", "Softsign()",
    "Sigmoid()", "LogSigmoid()", "Tanh()", "Hardtanh()", "ReLU6()", "Hardsigmoid()", "Hardswish()", "PReLU()",
]
NORMS = [None, None, "LayerNorm({0})", "BatchNorm1d({0})"]
OPTIMIZERS = [
    ("SGD", {"lr": 0.05}), ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}), ("SGD", {"lr": 0.05, "momentum": 0.5, "dampening": 0.2}),
    ("Adam", {}), ("Adam", {"amsgrad": True, "weight_decay": 0.01}), ("AdamW", {}), ("NAdam", {}), ("RAdam", {}), ("RMSprop", {"lr": 1e-3}),
    ("RMSprop", {"lr": 1e-3, "centered": True, "momentum": 0.5}), ("Adagrad", {}), ("Adadelta", {}),
]
SCHEDULES = [
    None, ("StepLR", {"step_size": 30}), ("MultiStepLR", {"milestones": [20, 60], "gamma": 0.5}), ("ConstantLR", {"total_iters": 10}),
    ("LinearLR", {"total_iters": 20}), ("ExponentialLR", {"gamma": 0.99}), ("PolynomialLR", {"total_iters": 120}),
    ("CosineAnnealingLR", {"T_max": 50}), ("CosineAnnealingWarmRestarts", {"T_0": 20, "T_mult": 2}), ("OneCycleLR", {"max_lr": 0.02, "total_steps": 110}),
]
LOSSES = [
    "CrossEntropyLoss()", "CrossEntropyLoss(label_smoothing=0.1)", "NLLLoss()", "MSELoss()", "L1Loss()", "SmoothL1Loss()", "HuberLoss(delta=0.5)",
    "BCELoss()", "BCEWithLogitsLoss()", "KLDivLoss(reduction='batchmean')", "PoissonNLLLoss()", "GaussianNLLLoss()",
]


def draw(seed):
    """A configuration."""
    chance = random.Random(seed)
    widths = [chance.randint(2, 12)] + [chance.randint(2, 24) for _ in range(chance.randint(0, 3))] + [chance.randint(2, 5)]
    layers = []
    for number, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(f"Linear({a}, {b})")
        if number + 2 < len(widths):
            norm = chance.choice(NORMS)
            layers += [] if norm is None else [norm.format(b)]
            layers.append(chance.choice(ACTIVATIONS))
    optimizer, schedule = chance.choice(OPTIMIZERS), chance.choice(SCHEDULES)
    if schedule is not None and schedule[0] == "OneCycleLR" and optimizer[0] in ("Adagrad", "Adadelta"):
        schedule[1]["cycle_momentum"] = False
    elif schedule is not None and schedule[0] == "OneCycleLR":
        schedule[1]["cycle_momentum"] = True
    return widths, layers, optimizer, schedule, chance.choice(LOSSES), chance.choice([8, 16, 48])


def data(seed, widths, loss):
    """Rows and targets that suit the loss."""
    rng = np.random.RandomState(seed)
    x = rng.randn(ROWS, widths[0]).astype(np.float32)
    shape = (ROWS, widths[-1])
    if loss.startswith(("CrossEntropy", "NLL")):
        return x, rng.randint(0, widths[-1], ROWS)
    if loss.startswith("BCE"):
        return x, rng.randint(0, 2, shape).astype(np.float32)
    if loss.startswith("KL"):
        raw = rng.rand(*shape).astype(np.float32) + 0.1
        return x, raw / raw.sum(1, keepdims=True)
    if loss.startswith("Poisson"):
        return x, rng.poisson(2.0, shape).astype(np.float32)
    return x, rng.randn(*shape).astype(np.float32)


def train(library, seed, double=False, nudged=False):
    """The losses of 100 steps; `nudged` changes the first number of the data by its last place."""
    nn = library.nn
    widths, layers, (optimizer, options), schedule, loss, batch = draw(seed)
    x, y = data(seed, widths, loss)
    if nudged:
        x[0, 0] = np.nextafter(x[0, 0], np.float32(np.inf))
    library.manual_seed(seed)
    net = nn.Sequential(*[eval(f"nn.{each}", {"nn": nn}) for each in layers])
    criterion = eval(f"nn.{loss}", {"nn": nn})
    x, y = library.tensor(x), library.tensor(y)
    if double:
        net, x = net.double(), x.double()
        y = y.double() if y.dtype == library.float32 else y
    optimizer = getattr(library.optim, optimizer)(net.parameters(), **options)
    if schedule is not None:
        schedule = getattr(library.optim.lr_scheduler, schedule[0])(optimizer, **schedule[1])
    losses = []
    for step in range(STEPS):
        start = step * batch % ROWS
        rows, wanted = x[start : start + batch], y[start : start + batch]
        out = net(rows)
        if loss.startswith(("NLL", "KL")):
            out = nn.functional.log_softmax(out, dim=1)
        elif loss.startswith("BCELoss"):
            out = library.sigmoid(out)
        value = criterion(out, wanted, library.ones_like(out) * 0.5) if loss.startswith("Gauss") else criterion(out, wanted)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        losses.append(value.item())
    return np.array(losses)


def name(number, seed):
    """What a group of configurations has in common."""
    _, _, optimizer, schedule, loss, _ = draw(seed)
    return [optimizer[0], loss.split("(")[0], "no schedule" if schedule is None else schedule[0]][number]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 240
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    groups, failures = {}, []
    for seed in range(first, first + count):
        ours, theirs, exact = train(glassnet, seed), train(torch, seed), train(torch, seed, double=True)
        difference, allowed = np.abs(ours - theirs), np.maximum(1e-5, 10 * np.abs(theirs - exact))
        # Nothing is claimed where PyTorch itself left the finite numbers.
        finite = np.isfinite(theirs) & np.isfinite(exact)
        follows = bool((difference[finite] <= allowed[finite]).all()) and bool((np.isfinite(ours) == np.isfinite(theirs)).all())
        if not follows:
            nudged = np.abs(train(torch, seed, nudged=True) - theirs)
            failures.append((seed, difference[finite].max(), int(np.argmax(difference > allowed)), nudged[finite].max()))
        for kind in range(3):
            entry = groups.setdefault((kind, name(kind, seed)), [0, 0, 0.0, 0.0])
            entry[0] += 1
            entry[1] += follows
            entry[2] = max(entry[2], float(difference[finite].max(initial=0.0)))
            entry[3] = max(entry[3], float(np.abs(theirs - exact)[finite].max(initial=0.0)))
    print(f"glassnet {glassnet.__version__}, PyTorch {torch.__version__}, {platform.machine()}; seeds {first} to {first + count - 1}.")
    print(f"{count - len(failures)} of {count} configurations follow PyTorch for {STEPS} steps.\n")
    print("| what | configurations | follow | largest difference of losses | PyTorch's own, f32 from f64 |")
    print("|---|---|---|---|---|")
    for (_, group), (total, good, largest, own) in sorted(groups.items()):
        print(f"| {group} | {total} | {good} | {largest:.1e} | {own:.1e} |")
    if failures:
        print("\nThose that don't, with what PyTorch's losses change by when one number of the data changes by its last place:\n")
        print("| seed | configuration | largest difference | from step | PyTorch nudged |")
        print("|---|---|---|---|---|")
        for seed, largest, step, nudged in failures:
            _, layers, optimizer, schedule, loss, _ = draw(seed)
            parts = [", ".join(layers), optimizer[0], loss] + ([] if schedule is None else [schedule[0]])
            print(f"| {seed} | {'; '.join(parts)} | {largest:.1e} | {step} | {nudged:.1e} |")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
