#!/usr/bin/env python3
"""Makes the JSON files that glassnet's tests compare with PyTorch, and two checks against outside tools.

    python make_goldens.py make [NAME ...]            writes NAME.json (all of them without a name)
    python make_goldens.py check-model MODEL          loads a model file of glassnet into torch, strictly
    python make_goldens.py sklearn-digits CSV         accuracy of scikit-learn's MLPClassifier on digits

Every input is a multiple of 1/64 or another number that f32 holds exactly, so that the f32 and the f64 run see
the same data and the Rust test may read either. README.md beside this file says what each JSON file holds.
All goldens come from this one file, tables of cases included, so that one command and one version make them all.
"""

import argparse
import ast
import json
import math
import platform
import random
import sys
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import lr_scheduler

HERE = Path(__file__).resolve().parent


# --- JSON ---------------------------------------------------------------------------------------------------


def encode(value):
    """Compact JSON: floats as their shortest round-trip text, f32 as f32, non-finite floats as strings."""
    if isinstance(value, torch.Tensor):
        return encode_tensor(value)
    if isinstance(value, np.float32):
        return encode_f32(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else json.dumps(nonfinite(value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(encode(item) for item in value) + "]"
    if value is None or isinstance(value, (bool, int, str)):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"no JSON for {type(value)}")


def nonfinite(value):
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def encode_f32(value):
    if not np.isfinite(value):
        return json.dumps(nonfinite(float(value)))
    text = str(value)
    # A reader that goes through f64 must land on the same f32.
    assert np.float32(float(text)).tobytes() == value.tobytes(), text
    return text


def encode_tensor(tensor):
    tensor = tensor.detach()
    dtype = {torch.float32: "f32", torch.float64: "f64", torch.int64: "i64"}[tensor.dtype]
    flat = tensor.contiguous().reshape(-1)
    data = list(flat.numpy()) if dtype == "f32" else flat.tolist()
    return encode({"dtype": dtype, "shape": list(tensor.shape), "data": data})


def write(name, cases, **shared):
    """Writes `NAME.json`: what made it, what all cases share, then one case per line."""
    made_with = {
        "script": "make_goldens.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
    head = {"made_with": made_with, **shared}
    lines = [f"{json.dumps(key)}:{encode(item)}" for key, item in head.items()]
    body = ",\n".join(encode(case) for case in cases)
    text = "{" + ",\n".join(lines) + ',\n"cases":[\n' + body + "\n]}\n"
    json.loads(text)
    path = HERE / f"{name}.json"
    path.write_text(text, encoding="utf-8")
    print(f"{path.name}: {len(cases)} cases, {len(text.encode())} bytes")


# --- inputs and modules -------------------------------------------------------------------------------------


def grid(seed, *shape, low=-2.0, high=2.0):
    """f64 numbers drawn from the multiples of 1/64 in [low, high]; Python's generator, so no torch stream moves."""
    source = random.Random(seed)
    count = math.prod(shape)
    numbers = [source.randint(round(low * 64), round(high * 64)) / 64 for _ in range(count)]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape)


def simplex(seed, rows, classes):
    """Rows of probabilities in multiples of 1/64 that sum to exactly 1."""
    source = random.Random(seed)
    table = []
    for _ in range(rows):
        cuts = sorted(source.sample(range(1, 64), classes - 1))
        edges = [0, *cuts, 64]
        table.append([(edges[i + 1] - edges[i]) / 64 for i in range(classes)])
    return torch.tensor(table, dtype=torch.float64)


def f64(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


MODULES = """Sequential Linear Identity Flatten Dropout BatchNorm1d LayerNorm Embedding ReLU LeakyReLU PReLU ELU CELU
SELU GELU SiLU Mish Softplus Softsign Sigmoid LogSigmoid Tanh Hardtanh ReLU6 Hardsigmoid Hardswish Softmax
LogSoftmax""".split()

SHORT_FORM = {"r": "ReLU", "t": "Tanh", "s": "Sigmoid", "g": "GELU", "l": "Identity"}


def build(expression):
    """The torch module of an expression or short form; reads the syntax tree and only knows MODULES, never evaluates."""
    if "(" not in expression:
        return build_short_form(expression)
    return build_node(ast.parse(expression.strip(), mode="eval").body)


def build_node(node):
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    if name == "OrderedDict":
        pairs = node.args[0].elts
        return OrderedDict((ast.literal_eval(pair.elts[0]), build_node(pair.elts[1])) for pair in pairs)
    if name == "EmbedColumns":
        pairs = node.args[0]
        return EmbedColumns({ast.literal_eval(key): build_node(value) for key, value in zip(pairs.keys, pairs.values)})
    if name not in MODULES:
        raise ValueError(f"{name} is not one of the known torch.nn modules")
    arguments = [build_node(argument) for argument in node.args]
    options = {option.arg: ast.literal_eval(option.value) for option in node.keywords}
    return getattr(nn, name)(*arguments, **options)


class EmbedColumns(nn.ModuleDict):
    """Columns of codes look up rows of tables; glassnet's module of that name, as its documentation gives it."""

    def forward(self, x):
        parts = [self[str(c)](x[..., c].long()) if str(c) in self else x[..., c:c + 1] for c in range(x.shape[-1])]
        return torch.cat(parts, -1)


def build_short_form(text):
    """`6-32t-4`: a letter names the activation after the width, ReLU without one; the last layer is linear."""
    parts = text.strip().split("-")
    widths = [int(part.rstrip("rtsgl")) for part in parts]
    layers = []
    for i in range(1, len(parts)):
        layers.append(nn.Linear(widths[i - 1], widths[i]))
        letter = parts[i][-1] if parts[i][-1].isalpha() else "r"
        if i + 1 < len(parts) and letter != "l":
            layers.append(getattr(nn, SHORT_FORM[letter])())
    return nn.Sequential(*layers)


def call_text(name, options):
    """`SGD(lr=0.1, momentum=0.9)`; tensors as their lists."""
    shown = {key: value.tolist() if isinstance(value, torch.Tensor) else value for key, value in options.items()}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


# --- activations.json ---------------------------------------------------------------------------------------

ACTIVATIONS = [
    "ReLU()", "LeakyReLU()", "LeakyReLU(0.2)", "PReLU(init=0.25)", "ELU()", "ELU(alpha=0.5)", "CELU()",
    "CELU(alpha=1.5)", "SELU()", "GELU()", "GELU(approximate='tanh')", "SiLU()", "Mish()", "Softplus()",
    "Softplus(beta=2, threshold=5)", "Softsign()", "Sigmoid()", "LogSigmoid()", "Tanh()", "Hardtanh()",
    "Hardtanh(-2, 0.5)", "ReLU6()", "Hardsigmoid()", "Hardswish()", "Identity()",
]

POINTS = [
    0.0, -0.0, 1e-8, -1e-8, 1e-4, -1e-4, 0.1, -0.1, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75, 1.0, -1.0, 1.25, -1.25, 2.0,
    -2.0, 2.5, -2.5, 3.0, -3.0, 4.0, -4.0, 5.5, -5.5, 6.0, -6.0, 10.0, -10.0, 20.0, -20.0, 20.5, 30.0, -30.0, 88.0,
    -88.0, 100.0, -100.0,
]


def make_activations():
    z32 = torch.tensor(POINTS, dtype=torch.float32)
    cases = []
    for expression in ACTIVATIONS:
        module = build(expression).double()
        z = z32.double().requires_grad_()
        y = module(z)
        (slope,) = torch.autograd.grad(y.sum(), z)
        y32 = module.float()(z32)
        cases.append({
            "expression": expression, "repr": repr(module), "y": y.tolist(), "dy": slope.tolist(),
            "y_f32": list(y32.detach().numpy()),
        })
    write("activations", cases, z=z32.double().tolist())


# --- layers.json --------------------------------------------------------------------------------------------


def layer_cases():
    """(name, expression, input, mode, earlier training inputs)."""
    table = grid(1, 5, 4)
    deep = grid(2, 3, 2, 4)
    channels = grid(3, 4, 3, 5)
    image = grid(4, 2, 3, 4)
    tokens = torch.tensor([[1, 0, 5], [2, 2, 4]])
    norm = grid(5, 6, 3)
    early_norm, early_channels = [grid(6, 6, 3), grid(7, 4, 3)], [grid(8, 4, 3, 5), grid(9, 2, 3, 5)]
    plain = [
        ("linear 2-D", "Linear(4, 3)", table), ("linear 3-D", "Linear(4, 3)", deep),
        ("linear 1-D", "Linear(4, 3)", table[0].clone()), ("linear without bias", "Linear(4, 3, bias=False)", table),
        ("softmax rows", "Softmax(dim=1)", table), ("softmax columns", "Softmax(dim=0)", table),
        ("softmax channels", "Softmax(dim=1)", image), ("softmax large", "Softmax(dim=-1)", table * 64),
        ("log-softmax", "LogSoftmax(dim=-1)", table), ("log-softmax columns", "LogSoftmax(dim=0)", table),
        ("log-softmax large", "LogSoftmax(dim=1)", table * 64),
        ("layer norm", "LayerNorm(4)", table), ("layer norm 3-D", "LayerNorm(4)", deep),
        ("layer norm two dims", "LayerNorm([3, 4])", image), ("layer norm eps", "LayerNorm(4, eps=0.1)", table),
        ("layer norm plain", "LayerNorm(4, elementwise_affine=False)", table),
        ("layer norm without bias", "LayerNorm(4, bias=False)", table),
        ("embedding", "Embedding(6, 3)", tokens), ("embedding 1-D", "Embedding(6, 3)", tokens[0].clone()),
        ("embedding padding", "Embedding(6, 3, padding_idx=2)", tokens),
        ("embedding padding from the end", "Embedding(6, 3, padding_idx=-1)", tokens),
        ("prelu one", "PReLU()", table), ("prelu per column", "PReLU(num_parameters=4)", table),
        ("prelu per channel", "PReLU(num_parameters=3, init=0.1)", image),
        ("flatten", "Flatten(start_dim=1)", image), ("flatten all", "Flatten(start_dim=0)", image),
        ("flatten pair", "Flatten(start_dim=0, end_dim=1)", image), ("identity", "Identity()", table),
        ("dropout none", "Dropout(p=0.0)", table), ("dropout all", "Dropout(p=1.0)", table),
        ("batch norm", "BatchNorm1d(3)", norm), ("batch norm 3-D", "BatchNorm1d(3)", channels),
        ("batch norm plain", "BatchNorm1d(3, affine=False)", norm),
        ("batch norm momentum", "BatchNorm1d(3, eps=0.001, momentum=0.3)", norm),
        ("batch norm without statistics", "BatchNorm1d(3, track_running_stats=False)", norm),
        ("batch norm 3-D without statistics", "BatchNorm1d(3, track_running_stats=False)", channels),
        ("network", "Sequential(Linear(4, 6), GELU(), LayerNorm(6), Linear(6, 3), LogSoftmax(dim=1))", table),
        ("network batch norm", "Sequential(Linear(4, 6), BatchNorm1d(6), Tanh(), Linear(6, 3))", table),
        ("network tokens", "Sequential(Embedding(6, 3), Flatten(), Linear(9, 2), Softmax(dim=1))", tokens),
    ]
    cases = [(*case, "train", []) for case in plain]
    return cases + [
        ("dropout eval", "Dropout(p=0.5)", table, "eval", []),
        ("batch norm third step", "BatchNorm1d(3)", norm, "train", early_norm),
        ("batch norm cumulative", "BatchNorm1d(3, momentum=None)", norm, "train", early_norm),
        ("batch norm eval", "BatchNorm1d(3)", norm, "eval", early_norm),
        ("batch norm eval 3-D", "BatchNorm1d(3, momentum=0.3)", channels, "eval", early_channels),
        ("batch norm eval plain", "BatchNorm1d(3, affine=False)", norm, "eval", early_norm),
        ("batch norm eval cumulative", "BatchNorm1d(3, momentum=None)", norm, "eval", early_norm),
        ("batch norm eval without statistics", "BatchNorm1d(3, track_running_stats=False)", norm, "eval", early_norm),
    ]


def set_parameters(module, seed):
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(grid(1000 * seed + i, *parameter.shape, low=-1.5, high=1.5))


def copies(named):
    return {name: tensor.detach().clone() for name, tensor in named}


def run_layer(expression, x, mode, earlier, dtype, seed):
    """One pass after `earlier` training passes: everything that a test may compare."""
    module = build(expression).to(dtype).train()
    set_parameters(module, seed)
    for batch in earlier:
        module(batch.to(dtype))
    module.train(mode == "train")
    before = copies(module.named_buffers())
    if x.is_floating_point():
        x = x.detach().to(dtype, copy=True).requires_grad_()
    y = module(x)
    cotangent = grid(seed + 500, *y.shape).to(dtype)
    wanted = dict(module.named_parameters())
    if x.requires_grad:
        wanted = {"": x, **wanted}
    slopes = dict(zip(wanted, torch.autograd.grad((y * cotangent).sum(), list(wanted.values()))))
    return {
        "parameters": copies(module.named_parameters()), "buffers": before, "output": y, "cotangent": cotangent,
        "input_gradient": slopes.pop("", None), "gradients": slopes, "buffers_after": copies(module.named_buffers()),
    }


def make_layers():
    cases = []
    for seed, (name, expression, x, mode, earlier) in enumerate(layer_cases(), start=1):
        result = run_layer(expression, x, mode, earlier, torch.float64, seed)
        single = run_layer(expression, x, mode, earlier, torch.float32, seed)
        cases.append({
            "name": name, "expression": expression, "mode": mode, "earlier": earlier, "input": x, **result,
            "output_f32": single["output"],
        })
    write("layers", cases)


# --- losses.json --------------------------------------------------------------------------------------------


def cross_entropy_cases():
    logits = grid(21, 5, 3, low=-4, high=4)
    labels = torch.tensor([2, 0, 1, 1, 0])
    shares = simplex(22, 5, 3)
    weight = f64([0.5, 2.0, 1.25])
    by_label, by_share = {"input": logits, "target": labels}, {"input": logits, "target": shares}
    smoothing = {"label_smoothing": 0.1}
    cases = []
    for options in [
        {}, {"weight": weight}, smoothing, {"ignore_index": 1}, {"weight": weight, **smoothing},
        {"weight": weight, "ignore_index": 1}, {"ignore_index": 1, **smoothing},
        {"weight": weight, "ignore_index": 1, **smoothing},
    ]:
        cases.append(("CrossEntropyLoss", options, by_label))
    for options in [{}, {"weight": weight}, smoothing, {"weight": weight, **smoothing}]:
        cases.append(("CrossEntropyLoss", options, by_share))
    cases.append(("CrossEntropyLoss", {}, {"input": logits * 32, "target": labels}))
    cases.append(("CrossEntropyLoss", {"ignore_index": -100}, {"input": logits, "target": torch.tensor([2, -100, 1, 1, -100])}))
    cases.append(("CrossEntropyLoss", {}, {"input": logits[0].clone(), "target": labels[0].clone()}))
    deep = {"input": grid(23, 2, 3, 4, low=-4, high=4), "target": torch.tensor([[0, 2, 1, 1], [2, 0, 0, 1]])}
    deep_shares = {"input": deep["input"], "target": simplex(24, 8, 3).reshape(2, 4, 3).transpose(1, 2).contiguous()}
    for options in [{}, {"weight": weight, "ignore_index": 1, **smoothing}]:
        cases.append(("CrossEntropyLoss", options, deep))
    cases.append(("CrossEntropyLoss", {"weight": weight, **smoothing}, deep_shares))
    log_shares = grid(25, 5, 3, low=-4, high=-0.25)
    for options in [{}, {"weight": weight}, {"ignore_index": 1}, {"weight": weight, "ignore_index": 1}]:
        cases.append(("NLLLoss", options, {"input": log_shares, "target": labels}))
    deep_log = {"input": grid(26, 2, 3, 4, low=-4, high=-0.25), "target": deep["target"]}
    cases.append(("NLLLoss", {"weight": weight, "ignore_index": 1}, deep_log))
    return cases


def regression_cases():
    x, y = grid(31, 4, 3), grid(32, 4, 3)
    y[0, 0] = x[0, 0]  # on the kink of L1
    y[0, 1] = x[0, 1] + 1.0  # on the joint of SmoothL1 and Huber with width 1
    y[0, 2] = x[0, 2] - 0.5
    y[1, 0] = x[1, 0] + 2.0
    pair = {"input": x, "target": y}
    cases = [("MSELoss", {}, pair), ("L1Loss", {}, pair)]
    cases += [("SmoothL1Loss", options, pair) for options in [{}, {"beta": 0.5}, {"beta": 0.0}]]
    cases += [("HuberLoss", options, pair) for options in [{}, {"delta": 2.0}, {"delta": 0.5}]]
    return cases


def binary_cases():
    p, y = grid(41, 4, 3, low=1 / 64, high=63 / 64), grid(42, 4, 3, low=0, high=1)
    edge_p = f64([0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.5, 2.0**-40])
    edge_y = f64([0.0, 1.0, 0.0, 1.0, 0.5, 0.25, 1.0, 1.0])
    weight, row_weight = grid(43, 4, 3, low=0, high=2), f64([0.5, 1.0, 2.0])
    z = grid(44, 4, 3, low=-6, high=6)
    edge_z = f64([0.0, 100.0, -100.0, 100.0, -100.0, 30.0, -30.0, 1000.0])
    edge_t = f64([1.0, 0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 0.0])
    positive = f64([3.0, 0.25, 1.0])
    cases = [("BCELoss", {}, {"input": p, "target": y}), ("BCELoss", {}, {"input": edge_p, "target": edge_y})]
    cases += [("BCELoss", {"weight": w}, {"input": p, "target": y}) for w in [weight, row_weight]]
    pair = {"input": z, "target": y}
    for options in [
        {}, {"weight": weight}, {"weight": row_weight}, {"pos_weight": positive},
        {"weight": weight, "pos_weight": positive},
    ]:
        cases.append(("BCEWithLogitsLoss", options, pair))
    cases.append(("BCEWithLogitsLoss", {}, {"input": edge_z, "target": edge_t}))
    return cases


def distribution_cases():
    log_shares = grid(51, 5, 3, low=-4, high=-0.25)
    shares, log_target = simplex(52, 5, 3), grid(53, 5, 3, low=-4, high=-0.25)
    zeros = f64([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    cases = [
        ("KLDivLoss", {}, {"input": log_shares, "target": shares}),
        ("KLDivLoss", {}, {"input": log_shares[:2].clone(), "target": zeros}),
        ("KLDivLoss", {"log_target": True}, {"input": log_shares, "target": log_target}),
    ]
    log_rate, counts = grid(54, 4, 3), f64([[0, 1, 2], [3, 7, 1], [0, 12, 5], [1, 1, 40]])
    rate = grid(55, 4, 3, low=0.125, high=6)
    rate[0, 0] = 0.0
    for full in [False, True]:
        cases.append(("PoissonNLLLoss", {"full": full}, {"input": log_rate, "target": counts}))
        options = {"log_input": False, "full": full}
        cases.append(("PoissonNLLLoss", options, {"input": rate, "target": counts}))
    cases.append(("PoissonNLLLoss", {"log_input": False, "eps": 0.001}, {"input": rate, "target": counts}))
    mean, target, var = grid(56, 4, 3), grid(57, 4, 3), grid(58, 4, 3, low=0.25, high=3)
    low_var = var.clone()
    low_var[0, 0], low_var[1, 1], low_var[2, 2] = 0.0, 0.015625, 0.125
    shared_var = grid(59, 4, 1, low=0.25, high=3)
    for full in [False, True]:
        cases.append(("GaussianNLLLoss", {"full": full}, {"input": mean, "target": target, "var": var}))
        options = {"full": full, "eps": 0.0625}
        cases.append(("GaussianNLLLoss", options, {"input": mean, "target": target, "var": low_var}))
    cases.append(("GaussianNLLLoss", {}, {"input": mean, "target": target, "var": low_var}))
    cases.append(("GaussianNLLLoss", {}, {"input": mean, "target": target, "var": shared_var}))
    return cases


def as_dtype(named, dtype):
    """Float tensors as fresh copies in `dtype`; all else as it is."""
    def convert(value):
        floats = isinstance(value, torch.Tensor) and value.is_floating_point()
        return value.detach().to(dtype, copy=True) if floats else value

    return {name: convert(value) for name, value in named.items()}


def run_loss(name, options, operands, reduction, dtype):
    """The loss and, where torch allows it, the slope of sum(loss · cotangent) with respect to every float operand."""
    module = getattr(nn, name)(**as_dtype(options, dtype), reduction=reduction)
    operands = as_dtype(operands, dtype)
    wanted = {key: value for key, value in operands.items() if value.is_floating_point()}
    for operand in wanted.values():
        operand.requires_grad_()
    loss = module(*operands.values())
    cotangent = grid(99, *loss.shape, low=0.5, high=2) if loss.dim() else f64(1.0)
    total = (loss * cotangent.to(dtype)).sum()
    slopes = torch.autograd.grad(total, list(wanted.values()), allow_unused=True)
    return loss, cotangent, dict(zip(wanted, slopes))


def make_losses():
    warnings.filterwarnings("ignore", message="reduction: 'mean' divides")  # KLDivLoss: the mean over elements is wanted
    cases = []
    for name, options, operands in cross_entropy_cases() + regression_cases() + binary_cases() + distribution_cases():
        reductions = ["mean", "sum", "none"] + (["batchmean"] if name == "KLDivLoss" else [])
        for reduction in reductions:
            loss, cotangent, slopes = run_loss(name, options, operands, reduction, torch.float64)
            loss32, _, _ = run_loss(name, options, operands, reduction, torch.float32)
            given = {**options, "reduction": reduction}
            cases.append({
                "loss": name, "expression": call_text(name, given), "options": given, "operands": operands,
                "value": loss, "value_f32": loss32, "cotangent": cotangent, "gradients": slopes,
            })
    write("losses", cases)


# --- optimizers.json ----------------------------------------------------------------------------------------

OPTIMIZER_STEPS = 50
OPTIMIZER_NET = "Sequential(Linear(3, 5), Tanh(), Linear(5, 2))"

OPTIMIZERS = [
    ("SGD", {}), ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.1}), ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.01}), ("SGD", {"lr": 0.001, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    ("SGD", {"lr": 0.001, "momentum": 0.8, "dampening": 0.1, "weight_decay": 0.01, "maximize": True}),
    ("Adam", {}), ("Adam", {"lr": 0.05}), ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1}), ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 0.0001}),
    ("Adam", {"lr": 0.001, "maximize": True}), ("AdamW", {}), ("AdamW", {"lr": 0.05, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1}), ("NAdam", {}), ("NAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("NAdam", {"lr": 0.05, "momentum_decay": 0.1}), ("RAdam", {}), ("RAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1}), ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9)}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RMSprop", {}), ("RMSprop", {"lr": 0.005, "momentum": 0.9}), ("RMSprop", {"lr": 0.01, "centered": True}),
    ("RMSprop", {"lr": 0.01, "weight_decay": 0.1}), ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 0.0001}),
    ("RMSprop", {"lr": 0.005, "alpha": 0.95, "momentum": 0.5, "centered": True, "weight_decay": 0.01}),
    ("Adagrad", {}), ("Adagrad", {"lr": 0.1, "lr_decay": 0.05}), ("Adagrad", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}), ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 0.0001}), ("Adadelta", {"weight_decay": 0.1}),
]

CLIPS = [
    {"kind": "norm", "max_norm": 0.1, "norm_type": 2.0}, {"kind": "norm", "max_norm": 1000.0, "norm_type": 2.0},
    {"kind": "norm", "max_norm": 0.1, "norm_type": math.inf}, {"kind": "norm", "max_norm": 0.1, "norm_type": 1.0},
    {"kind": "norm", "max_norm": 0.1, "norm_type": 3.0}, {"kind": "value", "clip_value": 0.05},
]


def clip_gradients(parameters, clip):
    """Clips as `clip` says; the total norm before clipping, or None when clipping by value."""
    if clip["kind"] == "value":
        nn.utils.clip_grad_value_(parameters, clip["clip_value"])
        return None
    return nn.utils.clip_grad_norm_(parameters, clip["max_norm"], norm_type=clip["norm_type"])


def scalar(tensor):
    """A 0-d tensor as the number that `encode` prints in its own precision."""
    return tensor.detach().numpy()[()] if tensor.dtype == torch.float32 else tensor.item()


def run_optimizer(name, options, clip, dtype, x, y):
    net = build(OPTIMIZER_NET).to(dtype)
    set_parameters(net, 7)
    optimizer = getattr(torch.optim, name)(net.parameters(), **options)
    losses, norms = [], []
    for step in range(OPTIMIZER_STEPS):
        rows = slice(0, 4) if step % 2 == 0 else slice(4, 8)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x[rows].to(dtype)), y[rows].to(dtype))
        loss.backward()
        if clip is not None:
            norms.append(clip_gradients(list(net.parameters()), clip))
        optimizer.step()
        losses.append(scalar(loss))
    norms = [scalar(norm) for norm in norms if norm is not None]
    return {"losses": losses, "norms": norms, "weights": copies(net.named_parameters())}


def make_optimizers():
    x, y = grid(61, 8, 3), grid(62, 8, 2)
    net = build(OPTIMIZER_NET)
    set_parameters(net, 7)
    runs = [(name, options, None) for name, options in OPTIMIZERS]
    runs += [("SGD", {"lr": 0.1}, clip) for clip in CLIPS] + [("Adam", {"lr": 0.05}, CLIPS[0])]
    cases = []
    for name, options, clip in runs:
        case = {"optimizer": name, "expression": call_text(name, options), "options": options, "clip": clip}
        if clip is not None:
            arguments = {key: value for key, value in clip.items() if key != "kind"}
            case["clip_expression"] = call_text(f"clip_grad_{clip['kind']}_", arguments)
        for key, dtype in [("f64", torch.float64), ("f32", torch.float32)]:
            case[key] = run_optimizer(name, options, clip, dtype, x, y)
        cases.append(case)
    write(
        "optimizers", cases, net=OPTIMIZER_NET, loss="MSELoss()", steps=OPTIMIZER_STEPS, rows=[[0, 4], [4, 8]], x=x,
        y=y, initial=copies(net.named_parameters()),
    )


# --- schedules.json -----------------------------------------------------------------------------------------

EPOCHS = 60

SCHEDULES = [
    (0.1, "StepLR", {"step_size": 10}), (0.1, "StepLR", {"step_size": 7, "gamma": 0.5}),
    (0.1, "MultiStepLR", {"milestones": [5, 20, 21, 45]}),
    (0.1, "MultiStepLR", {"milestones": [3, 3, 30], "gamma": 0.5}), (0.1, "ExponentialLR", {"gamma": 0.95}),
    (0.1, "CosineAnnealingLR", {"T_max": 60}), (0.1, "CosineAnnealingLR", {"T_max": 20, "eta_min": 0.001}),
    (0.1, "CosineAnnealingWarmRestarts", {"T_0": 7, "T_mult": 2}),
    (0.1, "CosineAnnealingWarmRestarts", {"T_0": 10, "eta_min": 0.01}),
    (0.1, "OneCycleLR", {"max_lr": 0.5, "total_steps": 60}),
    (0.1, "OneCycleLR", {"max_lr": 0.5, "epochs": 12, "steps_per_epoch": 5, "anneal_strategy": "linear"}),
    (0.1, "OneCycleLR", {"max_lr": 0.5, "total_steps": 60, "three_phase": True}),
    (0.1, "OneCycleLR", {
        "max_lr": 0.5, "total_steps": 60, "pct_start": 0.25, "base_momentum": 0.8, "max_momentum": 0.9,
        "div_factor": 10.0, "final_div_factor": 100.0,
    }),
    (0.1, "OneCycleLR", {"max_lr": 0.5, "total_steps": 60, "cycle_momentum": False}), (0.1, "LinearLR", {}),
    (0.1, "LinearLR", {"start_factor": 0.01, "end_factor": 1.0, "total_iters": 10}),
    (0.1, "LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 30}), (0.1, "ConstantLR", {}),
    (0.1, "ConstantLR", {"factor": 0.25, "total_iters": 20}),
    (0.1, "PolynomialLR", {"total_iters": 40, "power": 2.0}),
]

PLATEAU_OPTIONS = [
    {"patience": 3}, {"patience": 3, "factor": 0.5, "threshold": 0.05}, {"patience": 2, "threshold_mode": "abs", "threshold": 0.02},
    {"patience": 2, "factor": 0.5, "cooldown": 4}, {"patience": 0, "factor": 0.5, "min_lr": 0.01},
    {"mode": "max", "patience": 3}, {"mode": "max", "patience": 2, "threshold_mode": "abs", "threshold": 0.05, "factor": 0.3},
    {"patience": 1, "factor": 0.1, "eps": 0.0005},
]

SEQUENCES = [
    ([("LinearLR", {"start_factor": 0.1, "total_iters": 5}), ("CosineAnnealingLR", {"T_max": 55})], [5]),
    ([("ConstantLR", {"factor": 0.1, "total_iters": 4}), ("StepLR", {"step_size": 10}), ("ExponentialLR", {"gamma": 0.9})],
     [4, 40]),
]


def fresh_optimizer(lr):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.9)


def follow(optimizer, schedule, metrics=None):
    """Learning rate and momentum in force at every epoch, the schedule stepping after each."""
    rates, momenta = [], []
    for epoch in range(EPOCHS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        momenta.append(float(optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        if epoch + 1 < EPOCHS:
            schedule.step(*([] if metrics is None else [metrics[epoch]]))
    return rates, momenta


def schedule_case(lr, name, options, schedule, optimizer, **more):
    rates, momenta = follow(optimizer, schedule, more.get("metrics"))
    case = {"schedule": name, "expression": call_text(name, options), "lr": lr, "options": options, **more}
    case["rates"] = rates
    if len(set(momenta)) > 1:
        case["momenta"] = momenta
    return case


def plateau_metrics():
    """A falling curve with flat stretches, a bump and small improvements around the thresholds."""
    noise = grid(71, EPOCHS, low=-0.5, high=0.5).tolist()
    return [round(1.0 / (1 + epoch // 6) + 0.03 * bump, 4) for epoch, bump in enumerate(noise)]


def make_schedules():
    cases = []
    for lr, name, options in SCHEDULES:
        optimizer = fresh_optimizer(lr)
        schedule = getattr(lr_scheduler, name)(optimizer, **options)
        cases.append(schedule_case(lr, name, options, schedule, optimizer))
    falling = plateau_metrics()
    for options in PLATEAU_OPTIONS:
        metrics = [-value for value in falling] if options.get("mode") == "max" else falling
        optimizer = fresh_optimizer(0.1)
        schedule = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        cases.append(schedule_case(0.1, "ReduceLROnPlateau", options, schedule, optimizer, metrics=metrics))
    for parts, milestones in SEQUENCES:
        optimizer = fresh_optimizer(0.1)
        inner = [getattr(lr_scheduler, name)(optimizer, **options) for name, options in parts]
        schedule = lr_scheduler.SequentialLR(optimizer, inner, milestones)
        case = schedule_case(0.1, "SequentialLR", {"milestones": milestones}, schedule, optimizer)
        texts = ", ".join(call_text(name, options) for name, options in parts)
        case["expression"] = f"SequentialLR([{texts}], milestones={milestones})"
        case["parts"] = [{"schedule": name, "options": options} for name, options in parts]
        cases.append(case)
    write("schedules", cases, epochs=EPOCHS, momentum=0.9)


# --- modules.json -------------------------------------------------------------------------------------------

ARCHITECTURES = [
    "Sequential(Linear(6, 32), ReLU(), Linear(32, 4))", "6-32-32-32-4", "6-32t-16s-8g-8l-4",
    "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))", "Sequential()", "Linear(2, 3)",
    "Linear(in_features=2, out_features=3, bias=False)",
    "Sequential(OrderedDict([('fc1', Linear(4, 8)), ('act', ReLU()), ('fc2', Linear(8, 3))]))",
    "Sequential(OrderedDict([('encoder', Sequential(Linear(4, 8), Tanh())), ('head', Sequential(OrderedDict([('out', Linear(8, 3, bias=False)), ('soft', Softmax(dim=1))])))]))",
    "Sequential(Sequential(Sequential(Linear(2, 2))), Sequential(), Linear(2, 1))",
    "Sequential(ReLU(inplace=True), LeakyReLU(), LeakyReLU(negative_slope=0.2, inplace=True), ReLU6(), ReLU6(inplace=True))",
    "Sequential(PReLU(), PReLU(num_parameters=3), PReLU(3, init=0.1))",
    "Sequential(ELU(), ELU(alpha=0.5), ELU(alpha=0.5, inplace=True), CELU(), CELU(alpha=1.5), CELU(1.5, True), SELU(), SELU(inplace=True))",
    "Sequential(GELU(), GELU(approximate='tanh'), SiLU(), SiLU(inplace=True), Mish(), Mish(inplace=True))",
    "Sequential(Softplus(), Softplus(beta=2.0, threshold=5.0), Softplus(beta=2, threshold=5), Softsign(), Sigmoid(), LogSigmoid(), Tanh())",
    "Sequential(Hardtanh(), Hardtanh(min_val=-2.0, max_val=0.5), Hardtanh(-2, 2, inplace=True), Hardsigmoid(), Hardsigmoid(inplace=True), Hardswish(), Hardswish(inplace=True))",
    "Sequential(Softmax(), Softmax(dim=1), Softmax(-1), LogSoftmax(), LogSoftmax(dim=-1))",
    "Sequential(Identity(), Flatten(), Flatten(start_dim=0), Flatten(1, 2), Dropout(), Dropout(p=0.1), Dropout(0.25, inplace=True))",
    "Sequential(BatchNorm1d(3), BatchNorm1d(3, eps=0.001, momentum=0.3), BatchNorm1d(3, momentum=None))",
    "Sequential(BatchNorm1d(3, affine=False), BatchNorm1d(3, track_running_stats=False), BatchNorm1d(3, affine=False, track_running_stats=False))",
    "Sequential(LayerNorm(4), LayerNorm((3, 4)), LayerNorm([3, 4], eps=0.001), LayerNorm(4, elementwise_affine=False), LayerNorm(4, bias=False))",
    "Sequential(Embedding(10, 3), Embedding(10, 3, padding_idx=0), Embedding(10, 3, padding_idx=-1))",
    "Sequential(Embedding(10, 3, max_norm=1.0), Embedding(10, 3, padding_idx=2, max_norm=2.5, norm_type=1.0, scale_grad_by_freq=True))",
    "Sequential(Embedding(20, 4), Flatten(), Linear(12, 8), BatchNorm1d(8), ReLU(), Dropout(p=0.2), Linear(8, 2), LogSoftmax(dim=1))",
    "Sequential(Linear(64, 64), BatchNorm1d(64), ReLU(), Dropout(0.2), Linear(64, 64), LayerNorm(64), GELU(), Linear(64, 10))",
    "Sequential(Flatten(), Linear(784, 300), ReLU(), Linear(300, 100), ReLU(), Linear(100, 10))",
    "Sequential(Linear(3, 3), Linear(3, 3), Linear(3, 3), ReLU(), ReLU(), Linear(3, 1, bias=False), Sigmoid())",
]

DEEP = "Sequential(OrderedDict([('body', Sequential(Linear(2, 3), BatchNorm1d(3))), ('head', Linear(3, 1))]))"

# (architecture, keys taken out, keys put in or given another shape)
LOAD_ERRORS = [
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", ["0.bias"], {}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", ["0.bias", "2.weight"], {}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", [], {"3.weight": [1, 1]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", [], {"3.weight": [1, 1], "3.bias": [1], "extra": [2]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", [], {"0.weight": [2, 3]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", [], {"0.weight": [4, 2], "0.bias": [4]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", [], {"0.bias": []}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", ["2.bias"], {"5.bias": [1]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", ["2.bias"], {"0.weight": [6]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", [], {"5.bias": [1], "2.weight": [1, 4]}),
    ("Sequential(Linear(2, 3), ReLU(), Linear(3, 1))", ["2.bias"], {"5.bias": [1], "0.weight": [5, 2], "2.weight": [1, 5]}),
    ("Sequential(Linear(2, 3, bias=False))", [], {"0.bias": [3]}),
    ("Linear(2, 3)", ["weight"], {"wieght": [3, 2]}),
    (DEEP, ["body.1.running_mean", "head.bias"], {"head.scale": [1]}),
    (DEEP, [], {"body.1.running_var": [4], "head.weight": [1, 4]}),
]


def make_modules():
    cases = []
    for expression in ARCHITECTURES:
        module = build(expression)
        state = [
            {"key": key, "shape": list(tensor.shape), "dtype": {torch.float32: "f32", torch.int64: "i64"}[tensor.dtype]}
            for key, tensor in module.state_dict().items()
        ]
        count = sum(parameter.numel() for parameter in module.parameters())
        cases.append({"expression": expression, "repr": repr(module), "state_dict": state, "parameters": count})
    write("modules", cases, load_errors=[load_error(*case) for case in LOAD_ERRORS])


def load_error(expression, taken, put):
    module = build(expression)
    state = module.state_dict()
    for key in taken:
        del state[key]
    for key, shape in put.items():
        state[key] = torch.zeros(shape)
    given = [{"key": key, "shape": list(tensor.shape)} for key, tensor in state.items()]
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        return {"expression": expression, "given": given, "message": str(error)}
    raise AssertionError(f"{expression} loads {put}")


# --- exercise.json ------------------------------------------------------------------------------------------

EXERCISE = [
    ("2.5 (a)", "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))", {
        "0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
        "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42],
    }),
    ("2.5 (b)", "Sequential(Linear(2, 3), ReLU(), Linear(3, 2))", {
        "0.weight": [[3.21, 3.21], [-2.34, -2.34], [0.0, 0.0]], "0.bias": [-3.21, 2.34, 0.0],
        "2.weight": [[3.19, 4.64, 0.0], [-2.68, -3.44, 0.0]], "2.bias": [-4.08, 4.42],
    }),
]


def run_exercise(expression, parameters, x, labels, dtype):
    net = build(expression)
    net.load_state_dict({name: torch.tensor(value) for name, value in parameters.items()})
    net = net.to(dtype)
    logits = net(x.to(dtype))
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    return {
        "logits": logits, "softmax": torch.softmax(logits, dim=1), "loss": scalar(loss),
        "gradients": {name: parameter.grad for name, parameter in net.named_parameters()},
    }


def make_exercise():
    """The f64 run starts from the weights rounded to f32, as `torch.Tensor(np.array(…))` of the sheet rounds them."""
    x = f64([[0, 0], [0, 1], [1, 0], [1, 1]])
    labels = torch.tensor([0, 1, 1, 0])
    cases = []
    for name, expression, parameters in EXERCISE:
        single = run_exercise(expression, parameters, x, labels, torch.float32)
        double = run_exercise(expression, parameters, x, labels, torch.float64)
        rounded = {key: torch.tensor(value) for key, value in parameters.items()}
        cases.append({
            "name": name, "expression": expression, "parameters": rounded, "f64": double, "f32": single,
            "printed": {
                "logits": str(single["logits"].detach().numpy()), "softmax": str(single["softmax"].detach().numpy()),
                "one_hot": str(nn.functional.one_hot(labels, 2).float().numpy()), "loss": str(single["loss"]),
            },
        })
    write("exercise", cases, x=x, labels=labels)


# --- training.json ------------------------------------------------------------------------------------------

TRAINING = {"seed": 0, "lr": 0.01, "batch_size": 16, "epochs": 5}


def run_training(expression, x, labels, dtype):
    """Seed, build, then one `torch.randperm` of the default generator per epoch; Adam and mean cross-entropy."""
    torch.manual_seed(TRAINING["seed"])
    net = build(expression)
    initial = copies(net.named_parameters())
    net = net.to(dtype)
    optimizer = torch.optim.Adam(net.parameters(), lr=TRAINING["lr"])
    orders, losses = [], []
    for _ in range(TRAINING["epochs"]):
        order = torch.randperm(len(x))
        orders.append(order.tolist())
        for rows in order.split(TRAINING["batch_size"]):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[rows].to(dtype)), labels[rows])
            loss.backward()
            optimizer.step()
            losses.append(scalar(loss))
    return initial, orders, {"losses": losses, "weights": copies(net.named_parameters())}


def make_training():
    x = grid(81, 100, 4)
    labels = (grid(82, 4, 3).T @ x.T + 0.5 * grid(83, 3, 100)).argmax(dim=0)
    cases = []
    for expression in ["Sequential(Linear(4, 8), ReLU(), Linear(8, 3))", "Sequential(Linear(4, 8), Tanh(), Linear(8, 3))"]:
        initial, orders, double = run_training(expression, x, labels, torch.float64)
        same_initial, same_orders, single = run_training(expression, x, labels, torch.float32)
        assert orders == same_orders and all(torch.equal(initial[key], same_initial[key]) for key in initial)
        cases.append({"expression": expression, "initial": initial, "orders": orders, "f64": double, "f32": single})
    write("training", cases, **TRAINING, optimizer="Adam(lr=0.01)", loss="CrossEntropyLoss()", x=x, labels=labels)


# --- codes.json ---------------------------------------------------------------------------------------------

CODES = {"batch_size": 16, "epochs": 3}
CODES_NET = (
    "Sequential(EmbedColumns({'1': Embedding(7, 3, padding_idx=0), '3': Embedding(40, 5)}), Linear(10, 8), ReLU(), "
    "Linear(8, 3))"
)


def run_codes(optimizer, options, x, labels, dtype):
    """Rows in their order; codes repeat within a batch, some rows of the second table are never looked up."""
    torch.manual_seed(0)
    net = build(CODES_NET)
    initial = copies(net.named_parameters())
    net = net.to(dtype)
    optimizer = getattr(torch.optim, optimizer)(net.parameters(), **options)
    losses = []
    for _ in range(CODES["epochs"]):
        for rows in torch.arange(len(x)).split(CODES["batch_size"]):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[rows].to(dtype)), labels[rows])
            loss.backward()
            optimizer.step()
            losses.append(scalar(loss))
    return initial, {"losses": losses, "weights": copies(net.named_parameters())}


def make_codes():
    x = grid(91, 100, 4)
    source = random.Random(92)
    x[:, 1] = torch.tensor([float(source.randrange(7)) for _ in range(100)])
    x[:, 3] = torch.tensor([float(min(source.randrange(40), source.randrange(36))) for _ in range(100)])
    labels = torch.tensor([(int(row[1]) + int(row[3])) % 3 for row in x])
    cases = []
    for optimizer, options in [
        ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9}), ("SGD", {"lr": 0.1, "weight_decay": 0.01}),
        ("Adam", {"lr": 0.01}), ("Adagrad", {"lr": 0.05}),
    ]:
        initial, double = run_codes(optimizer, options, x, labels, torch.float64)
        same_initial, single = run_codes(optimizer, options, x, labels, torch.float32)
        assert all(torch.equal(initial[key], same_initial[key]) for key in initial)
        cases.append({"optimizer": call_text(optimizer, options), "f64": double, "f32": single})
    net = build(CODES_NET)
    state = [{"key": key, "shape": list(tensor.shape)} for key, tensor in net.state_dict().items()]
    write("codes", cases, **CODES, expression=CODES_NET, repr=repr(net), state_dict=state, loss="CrossEntropyLoss()",
          initial=initial, x=x, labels=labels)


# --- checks against outside tools ---------------------------------------------------------------------------


def notation_of(metadata):
    """The network's notation: a metadata entry named `network`, or that field of an entry which holds JSON."""
    for name in ("network", "notation"):
        if name in metadata:
            return metadata[name]
    for text in metadata.values():
        try:
            value = json.loads(text)
        except ValueError:
            continue
        for name in ("network", "notation"):
            if isinstance(value, dict) and isinstance(value.get(name), str):
                return value[name]
    raise SystemExit(f"no network in the metadata; entries: {', '.join(metadata) or 'none'}")


def check_model_file(path, network=None):
    """Loads a model file with safetensors' own reader into the torch module of its notation, strictly."""
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
    notation = network or notation_of(metadata)
    try:
        module = build(notation)
    except (ValueError, TypeError, AttributeError, SyntaxError) as error:
        raise SystemExit(f"the notation {notation!r} can't be built: {error}") from None
    state = load_file(str(path))
    print(f"network: {notation}")
    expected = module.state_dict()
    wrong_types = []
    for key in list(expected) + [key for key in state if key not in expected]:
        print(f"{key}  {describe(state.get(key))}  {'ok' if same_kind(expected.get(key), state.get(key)) else 'WRONG'}")
        if key in expected and key in state and expected[key].dtype != state[key].dtype:
            wrong_types.append(f"{key}: {state[key].dtype} in the file, {expected[key].dtype} in torch")
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise SystemExit(str(error)) from None
    if wrong_types:
        # load_state_dict converts silently, so strict loading alone would not see these.
        raise SystemExit("; ".join(wrong_types))
    print("loaded with strict=True: ok")
    return module


def describe(tensor):
    return "missing" if tensor is None else f"{list(tensor.shape)}  {tensor.dtype}"


def same_kind(expected, given):
    if expected is None or given is None:
        return False
    return expected.shape == given.shape and expected.dtype == given.dtype


def sklearn_digits(options):
    """Mean validation accuracy of MLPClassifier over seeds; each seed draws its own stratified split."""
    import pandas
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    table = pandas.read_csv(options.csv)
    target = options.target or table.columns[-1]
    x, y = table.drop(columns=target).to_numpy(float), table[target].to_numpy()
    hidden = tuple(int(width) for width in options.hidden.split(","))
    scores = []
    for seed in range(options.seeds):
        x_train, x_val, y_train, y_val = train_test_split(
            x, y, test_size=options.validation, stratify=y, random_state=seed
        )
        scaler = StandardScaler().fit(x_train)
        net = MLPClassifier(
            hidden, activation="relu", solver="adam", learning_rate_init=options.lr, batch_size=options.batch_size,
            alpha=options.alpha, max_iter=options.epochs, n_iter_no_change=options.epochs + 1, random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # max_iter is meant to end the run
            net.fit(scaler.transform(x_train), y_train)
        scores.append(net.score(scaler.transform(x_val), y_val))
        print(f"seed {seed}: {scores[-1]:.4f}")
    print(f"mean {np.mean(scores):.4f}, standard deviation {np.std(scores):.4f}, lowest {min(scores):.4f}")


# --- command line -------------------------------------------------------------------------------------------

MAKERS = {
    "activations": make_activations, "layers": make_layers, "losses": make_losses, "optimizers": make_optimizers,
    "schedules": make_schedules, "modules": make_modules, "exercise": make_exercise, "training": make_training,
    "codes": make_codes,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write the JSON files beside this script")
    make.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MAKERS)}; all without one")
    check = commands.add_parser("check-model", help="load a model file of glassnet into torch")
    check.add_argument("path", type=Path)
    check.add_argument("--network", help="notation to use instead of the file's")
    digits = commands.add_parser("sklearn-digits", help="accuracy of MLPClassifier to compare with")
    digits.add_argument("csv", type=Path)
    digits.add_argument("--target", help="the label's column; the last one by default")
    digits.add_argument("--hidden", default="64")
    digits.add_argument("--epochs", type=int, default=30)
    digits.add_argument("--batch-size", type=int, default=32)
    digits.add_argument("--lr", type=float, default=1e-3)
    digits.add_argument("--alpha", type=float, default=0.0, help="L2 penalty; scikit-learn's own default is 1e-4")
    digits.add_argument("--validation", type=float, default=0.2)
    digits.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if options.command == "check-model":
        check_model_file(options.path, options.network)
    elif options.command == "sklearn-digits":
        sklearn_digits(options)
    else:
        unknown = [name for name in options.names if name not in MAKERS]
        if unknown:
            sys.exit(f"no goldens named {', '.join(unknown)}; there are {', '.join(MAKERS)}")
        for name in options.names or MAKERS:
            MAKERS[name]()


if __name__ == "__main__":
    main()
