"""What is compared with PyTorch: each case is a function of the module, run with either, that gives plain data.

Exact cases give texts and whole numbers; the others give floats, which agree within a tolerance.
"""

import numpy as np

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "dampening": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01, "betas": (0.8, 0.9)}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1}),
    ("Adadelta", {"rho": 0.8}),
]

SCHEDULERS = [
    ("StepLR", {"step_size": 3}),
    ("MultiStepLR", {"milestones": [2, 4], "gamma": 0.5}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("LinearLR", {}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"total_iters": 8, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 6, "eta_min": 0.001}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 12}),
]

LAYERS = [
    "Linear(3, 2)", "Linear(3, 2, bias=False)", "ReLU()", "ReLU(inplace=True)", "LeakyReLU(0.2)", "ELU(alpha=0.5)", "CELU(2)",
    "SELU()", "GELU()", "GELU(approximate='tanh')", "SiLU()", "Mish()", "Softplus()", "Softplus(beta=2, threshold=10)",
    "Softsign()", "Sigmoid()", "LogSigmoid()", "Tanh()", "Hardtanh(-2, 2)", "ReLU6()", "Hardsigmoid()", "Hardswish()",
    "Softmax(dim=1)", "LogSoftmax(dim=-1)", "PReLU()", "PReLU(3)", "Identity()", "Flatten()", "BatchNorm1d(3)",
    "BatchNorm1d(3, affine=False)", "BatchNorm1d(3, track_running_stats=False, momentum=0.3)", "BatchNorm1d(3, momentum=None)",
    "LayerNorm(3)", "LayerNorm([3], elementwise_affine=False)", "LayerNorm(3, bias=False)", "Dropout(0.0)",
]

LOSSES = [
    ("CrossEntropyLoss()", "classes"), ("CrossEntropyLoss(reduction='sum', label_smoothing=0.1)", "classes"),
    ("CrossEntropyLoss(ignore_index=1)", "classes"), ("CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]))", "classes"),
    ("CrossEntropyLoss()", "probabilities"), ("CrossEntropyLoss(reduction='none')", "classes"), ("NLLLoss()", "classes"),
    ("MSELoss()", "numbers"), ("MSELoss(reduction='sum')", "numbers"), ("L1Loss()", "numbers"), ("SmoothL1Loss(beta=0.5)", "numbers"),
    ("HuberLoss(delta=0.5)", "numbers"), ("BCEWithLogitsLoss()", "chances"),
    ("BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0]))", "chances"), ("BCELoss()", "sigmoid"),
    ("KLDivLoss(reduction='batchmean')", "probabilities"), ("PoissonNLLLoss()", "counts"), ("PoissonNLLLoss(full=True)", "counts"),
]

EXPRESSIONS = [
    "(x + y).sum()", "(x - y * 2).mean()", "(x / (y * y + 1)).sum()", "(x ** 2).sum()", "(x ** 3).mean()", "x.exp().sum()",
    "(x * x + 1).log().sum()", "(x @ y.T).sum()", "(x @ y.T).softmax(1)[:, 0].sum()", "x.T[1].sum()", "x[0, 1] * x[1, 0]",
    "x[:, ::2].sum()", "x[[1, 0, 1]].sum() + x[x > 0].sum()", "x.max()", "x.max(1).values.sum()", "x.min(0).values.sum()",
    "x.var()", "x.std(0).sum()", "x.norm()", "x.reshape(3, 2).sum(1).prod()", "torch.cat([x, y], 1).tanh().mean()",
    "torch.stack([x, y]).sum(0).sigmoid().sum()", "x.clamp(-0.5, 0.5).sum()", "torch.where(x > 0, x, 2 * x).sum()", "x.abs().sum()",
    "x.unsqueeze(1).expand(2, 4, 3).sum()", "x.permute(1, 0).reshape(-1)[2]", "(2 - x).relu().sum()", "(1 / (x + 5)).sum()",
    "x.log_softmax(0).sum()", "torch.nn.functional.gelu(x).sum()", "x.float().double().sum()", "x.flatten().dot(y.flatten())",
    "x.cumsum(1).sum()", "x.flip(0)[0].sum()", "x.gather(1, torch.tensor([[0], [2]])).sum()", "x.sort(1).values[:, 0].sum()",
    "x.topk(2, 1).values.sum()", "sum(part.sum() for part in x.split(2, 1))", "(x.detach() * x).sum()", "x.amax(1).sum()",
    "torch.maximum(x, y).sum()", "(x.sqrt() if (x > 0).all() else x.square()).sum()", "(x * torch.tensor(2)).sum()",
    "(x * torch.arange(3)).sum()", "x.mean(0, keepdim=True).sum()", "x.logsumexp(1).sum()", "((x - x).norm(dim=1) + x.norm(dim=0)[:2] + (x - x).std(1)).sum()", "(x.floor() * y).sum()", "(x.round() * x).sum()", "torch.logsumexp(x, 0, keepdim=True).square().sum()",
    "(x * y).view(-1)[1:4].mean()", "(x - x.mean(1, keepdim=True)).pow(2).sum().sqrt()", "torch.addmm(y[:, :2], x, y.T).sum()",
]

PRINTED = [
    "torch.tensor([1.0, 2.5])", "torch.tensor([1.0, 2.0])", "torch.tensor([[1, 20], [300, 4]])", "torch.tensor(3)", "torch.tensor(3.5)",
    "torch.tensor([1e-5, 1.0])", "torch.tensor([1e9, 1.0])", "torch.tensor([0.0, float('inf'), float('nan')])", "torch.tensor([True, False])",
    "torch.zeros(0)", "torch.zeros(2, 0)", "torch.zeros(2, 3, 4)", "torch.arange(2000)", "torch.arange(2000.0).reshape(40, 50)",
    "torch.tensor([1.5], dtype=torch.float64)", "torch.tensor([1, 2], dtype=torch.int32)", "torch.ones(2, requires_grad=True)",
    "torch.arange(40) * 1000", "torch.tensor([[-1.25, 1e-3], [1.0, 3.0]])", "torch.tensor([float('inf'), 1.0])", "torch.tensor([-0.0, 1.0])",
    "torch.arange(30.0).reshape(2, 3, 5) / 7", "torch.rand(3, 30).shape", "torch.tensor([1.0]).dtype", "torch.tensor([[0.1, 123456.0]])",
    "torch.nn.Parameter(torch.tensor([1.0, 2.0]))", "torch.tensor([1.0, 2.0]).max(0)", "torch.full((2,), 7)", "torch.linspace(0, 1, 5)",
    "torch.arange(0, 1, 0.25)", "torch.eye(2)", "torch.tensor([1, 2]) / 2", "torch.tensor([5, -5]) // 2", "torch.tensor([5, -5]) % 3",
    "torch.tensor([1, 2]) == torch.tensor([1, 3])", "torch.tensor([0.1 + 0.2])", "torch.ones(2).type()", "torch.tensor([1, 2]) + 0.5",
    "torch.ones(1, dtype=torch.float64) + torch.ones(1)", "torch.ones(1) * torch.tensor(2.0, dtype=torch.float64)", "torch.ones(()).item()",
    "torch.nn.functional.one_hot(torch.tensor([0, 2]))", "torch.tensor([3, 1, 2]).sort()", "torch.tensor([[1, 2], [3, 4]]).sum(0)",
    "torch.tensor([1.0, 2.0]).tolist()", "torch.tensor([[1.0, 2.0]]).size(1)", "torch.tensor([1, 2, 3])[-1]", "torch.triu(torch.ones(3, 3))",
    "torch.tensor([1.0, 5.0, 2.0]).argmax()", "torch.zeros(2, 2).argmax(1)", "~torch.tensor([True, False])", "-torch.tensor([1, -2])",
]

ERRORS = [
    "torch.ones(2, requires_grad=True).numpy()", "torch.ones(2).backward()", "torch.ones(2, requires_grad=True).exp().backward()",
    "torch.ones(2).item()", "torch.ones(2) + torch.ones(3)", "torch.ones(2, 3) @ torch.ones(2, 3)", "bool(torch.ones(2))",
    "torch.ones(2).reshape(3)", "torch.ones(2)[5]", "torch.ones(2).sum(3)", "torch.nn.Linear(2, 2).load_state_dict({})",
    "torch.nn.Linear(2, 2).load_state_dict({'weight': torch.ones(2, 3), 'bias': torch.ones(2), 'more': torch.ones(1)})",
    "torch.tensor([1, 2], requires_grad=True)", "torch.arange(3).mean()", "torch.cat([])", "torch.stack([torch.ones(2), torch.ones(3)])",
    "torch.nn.functional.cross_entropy(torch.ones(1, 3), torch.tensor([3]))", "len(torch.tensor(1))", "torch.nn.Dropout(2.0)",
    "torch.nn.Module()(1)", "torch.optim.SGD([], lr=0.1)", "setattr(torch.nn.Linear(2, 2), 'weight', torch.ones(2, 2))",
    "torch.nn.Sequential(1)", "torch.ones(2, requires_grad=True).add_(1)", "torch.tensor([True]) - torch.tensor([True])",
    "float(torch.ones(2))", "torch.ones(2, 2).t().mm(torch.ones(3))", "torch.nn.Linear(2, 2).weight.data.numpy()[5]",
]


def printed(torch):
    """Texts of tensors and results."""
    return [repr(eval(each, {"torch": torch})) for each in PRINTED]


def layer_texts(torch):
    """Texts of layers and networks."""
    nn = torch.nn
    texts = [repr(eval(f"nn.{each}", {"nn": nn})) for each in LAYERS]
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Dropout(0.5)), nn.Embedding(3, 4, padding_idx=0))
    return [*texts, repr(net), repr(list(net.state_dict())), repr([name for name, _ in net.named_modules()])]


def errors(torch):
    """Kinds and texts of errors."""
    found = []
    for each in ERRORS:
        try:
            eval(each, {"torch": torch})
        except Exception as error:
            kinds = [kind.__name__ for kind in (TypeError, ValueError, IndexError, RuntimeError, KeyError, NotImplementedError, AttributeError) if isinstance(error, kind)]
            found.append([each, kinds, str(error)])
        else:
            found.append([each, [], ""])
    return found


def _leaves(torch):
    x = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], requires_grad=True)
    y = torch.tensor([[1.0, 2.0, -1.0], [0.5, -0.5, 3.0]], requires_grad=True)
    return x, y


def gradients(torch):
    """Values of expressions, and their gradients."""
    found = []
    for each in EXPRESSIONS:
        x, y = _leaves(torch)
        value = eval(each, {"torch": torch, "x": x, "y": y})
        value.backward()
        found.append([value.item(), x.grad.tolist(), None if y.grad is None else y.grad.tolist()])
    return found


def initial_weights(torch):
    """The weights that layers begin with, bit for bit."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3, bias=False))
    more = [torch.rand(3), torch.randint(0, 10, (4,)), torch.randperm(6), torch.nn.Linear(2, 1).weight.detach()]
    torch.manual_seed(7)
    uniform = torch.nn.init.kaiming_uniform_(torch.empty(3, 4))
    return [each.tolist() for each in [*net.state_dict().values(), *more, uniform]]


def normal_numbers(torch):
    """Normal numbers, which agree to about 1e-6."""
    torch.manual_seed(0)
    few, many, table = torch.randn(5), torch.randn(50), torch.nn.Embedding(4, 3).weight.detach()
    return [few.tolist(), many.tolist(), table.tolist(), torch.nn.init.xavier_normal_(torch.empty(5, 5)).tolist()]


def layer_gradients(torch):
    """Outputs and gradients of every layer, in training and in evaluation."""
    found = []
    for text in LAYERS:
        torch.manual_seed(1)
        layer = eval(f"nn.{text}", {"nn": torch.nn})
        for mode in (True, False):
            layer.train(mode)
            x, _ = _leaves(torch)
            y = layer(x * 1)
            (y * y).sum().backward()
            found.append([y.tolist(), x.grad.tolist(), [p.grad.tolist() for p in layer.parameters()]])
            layer.zero_grad()
        found.append([buffer.tolist() for buffer in layer.buffers()])
    return found


def losses(torch):
    """Losses and their gradients."""
    targets = {
        "classes": torch.tensor([2, 1]),
        "numbers": torch.tensor([[0.5, 0.0, 1.0], [2.0, 1.0, -1.0]]),
        "chances": torch.tensor([[0.5, 0.0, 1.0], [1.0, 0.25, 0.0]]),
        "sigmoid": torch.tensor([[0.5, 0.0, 1.0], [1.0, 0.25, 0.0]]),
        "probabilities": torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25]]),
        "counts": torch.tensor([[0.0, 3.0, 1.0], [2.0, 5.0, 1.0]]),
    }
    found = []
    for text, kind in LOSSES:
        x, _ = _leaves(torch)
        loss = eval(f"torch.nn.{text}", {"torch": torch})
        estimate = x.sigmoid() if kind == "sigmoid" else x.log_softmax(1) if text.startswith("KL") else x
        value = loss(estimate, targets[kind])
        value.sum().backward()
        found.append([value.tolist(), x.grad.tolist()])
    return found


def _data(torch):
    rng = np.random.RandomState(0)
    x = rng.rand(24, 4).astype(np.float32)
    return torch.tensor(x), torch.tensor((x.sum(1) > 2).astype(np.int64) + (x[:, 0] > 0.5))


def training(torch, double=False):
    """The losses of 30 steps with every optimiser."""
    found = []
    x, y = _data(torch)
    x = x.double() if double else x
    for name, options in OPTIMIZERS:
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.LayerNorm(8), torch.nn.Linear(8, 3))
        net = net.double() if double else net
        optimizer = getattr(torch.optim, name)(net.parameters(), **options)
        steps = []
        for _ in range(30):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimizer.step()
            steps.append(loss.item())
        found.append(steps)
    return found


def rates(torch):
    """The learning rates of 10 epochs with every schedule, and the momentum where it is changed."""
    found = []
    for name, options in SCHEDULERS:
        w = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.SGD([{"params": [w]}, {"params": [torch.ones(1)], "lr": 0.05}], lr=0.1, momentum=0.9)
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
        epochs = []
        for _ in range(10):
            epochs.append([*scheduler.get_last_lr(), optimizer.param_groups[0]["momentum"]])
            w.grad = torch.zeros(1)
            optimizer.step()
            scheduler.step()
        found.append(epochs)
    optimizer = torch.optim.SGD([torch.ones(1)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    epochs = []
    for metric in [1.0, 0.9, 0.95, 0.95, 0.95, 0.8, 0.9, 0.9, 0.9]:
        scheduler.step(metric)
        epochs.append(optimizer.param_groups[0]["lr"])
    return [*found, epochs]


def batches(torch):
    """The orders in which rows come."""
    data = torch.utils.data
    torch.manual_seed(3)
    rows = data.TensorDataset(torch.arange(10), torch.arange(10.0))
    loader = data.DataLoader(rows, batch_size=4, shuffle=True)
    found = [[x.tolist(), y.tolist()] for _ in range(2) for x, y in loader]
    generator = torch.Generator().manual_seed(5)
    parts = data.random_split(rows, [0.7, 0.3], generator=generator)
    found.append([list(part.indices) for part in parts])
    plain = data.DataLoader([{"a": 1, "b": 2.5}, {"a": 2, "b": 3.5}, {"a": 3, "b": 4.5}], batch_size=2, drop_last=True)
    found.append([[len(loader), len(plain)], [repr(batch) for batch in plain]])
    chosen = data.RandomSampler(range(7), replacement=True, num_samples=40)
    return [*found, list(chosen), torch.rand(2, generator=generator).tolist(), torch.randperm(4, generator=generator).tolist()]


def by_hand(torch):
    """Steps of gradient descent as programs write them."""
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    for step in range(6):
        loss = ((w - 3) ** 2).sum()
        loss.backward()
        if step % 3 == 0:
            with torch.no_grad():
                w -= 0.1 * w.grad
        elif step % 3 == 1:
            w.data -= 0.1 * w.grad
        else:
            w.data.sub_(0.1 * w.grad.data)
        w.grad.zero_()
    with torch.set_grad_enabled(False):
        total = (w * 2).sum()
    return [w.tolist(), w.grad.tolist(), [w.requires_grad, w.is_leaf, total.requires_grad], f"{loss:.3f}"]


EXACT = [printed, layer_texts, errors, initial_weights, batches]
CLOSE = [(gradients, 2e-6), (by_hand, 1e-6), (normal_numbers, 1e-5), (layer_gradients, 2e-6), (losses, 2e-6), (rates, 1e-12)]
