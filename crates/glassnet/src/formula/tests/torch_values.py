"""Writes torch_values.json: values and slopes of the named functions in float64, kinks included, from PyTorch.

    python torch_values.py
"""

import json
import pathlib

import torch
import torch.nn.functional as F

POINTS = [-30.0, -5.5, -1.3, -0.4, 0.0, 0.2, 0.9, 3.1, 25.0]
FUNCTIONS = {
    "exp(z)": torch.exp,
    "log(z^2 + 1)": lambda z: torch.log(z**2 + 1),
    "log2(z^2 + 1)": lambda z: torch.log2(z**2 + 1),
    "log10(z^2 + 1)": lambda z: torch.log10(z**2 + 1),
    "log1p(z^2)": lambda z: torch.log1p(z**2),
    "expm1(z)": torch.expm1,
    "sqrt(z^2 + 1)": lambda z: torch.sqrt(z**2 + 1),
    "sin(z)": torch.sin,
    "cos(z)": torch.cos,
    "tan(z)": torch.tan,
    "asin(z/50)": lambda z: torch.asin(z / 50),
    "acos(z/50)": lambda z: torch.acos(z / 50),
    "atan(z)": torch.atan,
    "sinh(z)": torch.sinh,
    "cosh(z)": torch.cosh,
    "tanh(z)": torch.tanh,
    "sigmoid(z)": torch.sigmoid,
    # PyTorch's own threshold of 20 would cut the tail off.
    "softplus(z)": lambda z: F.softplus(z, threshold=1000),
    "relu(z)": torch.relu,
    "abs(z)": torch.abs,
    "sign(z)": torch.sign,
    "erf(z)": torch.erf,
    "silu(z)": F.silu,
    "gelu(z)": F.gelu,
    "mish(z)": F.mish,
    "logsigmoid(z)": F.logsigmoid,
    "softsign(z)": F.softsign,
    "max(z, 0)": lambda z: torch.maximum(z, torch.zeros_like(z)),
    "min(3*z, z)": lambda z: torch.minimum(3 * z, z),
    "max(4*z, 0, 2*z)": lambda z: torch.maximum(torch.maximum(4 * z, 0 * z.detach()), 2 * z),
    "piecewise(z < 0, z, 5*z)": lambda z: torch.where(z < 0, z, 5 * z),
}


def row(function):
    z = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    value = function(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    return {"value": value.tolist(), "slope": slope.tolist()}


table = {"torch": torch.__version__, "points": POINTS, "functions": {name: row(f) for name, f in FUNCTIONS.items()}}
path = pathlib.Path(__file__).with_name("torch_values.json")
path.write_text(json.dumps(table, indent=1) + "\n")
