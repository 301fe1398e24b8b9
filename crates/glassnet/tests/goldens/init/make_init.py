"""Writes the goldens of PyTorch's generator, initialisers and default weights: streams.json,
initialisers.json, architectures.json, beside this script.

    python make_init.py

Tensors are stored as shape, FNV-1a-64 of their little-endian f32 bytes, the first and the last element, and
either all values (up to 40) or 16 evenly spread ones as [index, value].
"""

import json
import math
import pathlib
import platform
import warnings

import numpy
import torch
from torch import nn

SEEDS = [0, 1, 42, 2**40 + 7]
FOLDER = pathlib.Path(__file__).resolve().parent

ARCHITECTURES = {
    "two-units": "Linear(2, 2)",
    "one-unit": "Linear(1, 1)",
    "weather": "Sequential(Linear(6, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 4))",
    "mnist": "Sequential(Linear(784, 128), ReLU(), Linear(128, 64), ReLU(), Linear(64, 10))",
    "digits": "Sequential(Linear(64, 64), ReLU(), Linear(64, 10))",
    "no-bias": "Sequential(Linear(5, 7, bias=False), Tanh(), Linear(7, 3, bias=False))",
    "batch-norm": "Sequential(Linear(10, 16), BatchNorm1d(16), ReLU(), Linear(16, 3))",
    "layer-norm": "Sequential(Linear(8, 12), LayerNorm(12), GELU(), Dropout(p=0.5), Linear(12, 2))",
    "embedding": "Sequential(Embedding(20, 4), Flatten(), Linear(12, 5))",
    "padded-embedding": "Sequential(Embedding(5, 3, padding_idx=0), Linear(3, 2))",
    "prelu": "Sequential(Linear(4, 6), PReLU(), Linear(6, 6), PReLU(6), Linear(6, 1))",
    "nested": "Sequential(Sequential(Linear(3, 4), ReLU()), Sequential(Linear(4, 4), Sequential(Tanh(), Linear(4, 2))))",
}

SHAPES = [[3, 4], [1, 1], [5, 3], [16, 16], [33, 20], [4, 3, 5], [0, 3]]

# The expression as `Init` prints it, without the tensor.
INITIALISERS = [
    "uniform_(a=0.0, b=1.0)",
    "uniform_(a=-0.3, b=0.7)",
    "normal_(mean=0.0, std=1.0)",
    "normal_(mean=2.0, std=0.05)",
    "trunc_normal_(mean=0.0, std=1.0, a=-2.0, b=2.0)",
    "trunc_normal_(mean=0.0, std=1.0, a=1.5, b=4.0)",
    "trunc_normal_(mean=0.0, std=1.0, a=0.0, b=2.0)",
    "trunc_normal_(mean=0.5, std=2.0, a=1.5, b=4.5)",
    "constant_(val=0.3)",
    "zeros_()",
    "ones_()",
    "eye_()",
    "kaiming_uniform_(a=0.0, mode='fan_in', nonlinearity='leaky_relu')",
    "kaiming_uniform_(a=0.0, mode='fan_in', nonlinearity='relu')",
    "kaiming_uniform_(a=0.25, mode='fan_out', nonlinearity='leaky_relu')",
    "kaiming_normal_(a=0.0, mode='fan_in', nonlinearity='leaky_relu')",
    "kaiming_normal_(a=0.0, mode='fan_out', nonlinearity='relu')",
    "kaiming_normal_(a=0.0, mode='fan_in', nonlinearity='selu')",
    "xavier_uniform_(gain=1.0)",
    "xavier_uniform_(gain=1.6666666666666667)",
    "xavier_normal_(gain=1.0)",
    "xavier_normal_(gain=0.5)",
    "orthogonal_(gain=1.0)",
    "orthogonal_(gain=1.4142135623730951)",
]

# Calls on one generator, one after another: what each leaves behind (a cached normal) counts.
STREAM_CALLS = (
    [["uniform_", 0.0, 1.0, count] for count in (1, 15, 16, 17, 100)]
    + [["normal_", 0.0, 1.0, count] for count in (1, 15, 16, 17, 100)]
    + [["normal_", 0.0, 1.0, 3], ["uniform_", -0.1, 0.2, 5], ["normal_", 1.0, 0.5, 2], ["normal_", 0.0, 1.0, 31]]
    + [["uniform_", -1e-3, 1e-3, 4096], ["uniform_", 1e6, 1e6 + 1, 64], ["uniform_", 2.5, 2.5, 3]]
    + [["randint", 0, 10, 8], ["randint", -5, 2**20, 8], ["randint", 0, 2**28 - 1, 4]]
    + [["randint", 0, 2**28, 4], ["randint", -(2**40), 2**61, 4], ["random_", 0, 0, 3]]
    + [["randperm", 0, 0, count] for count in (0, 1, 5, 1000, 100000)]
    + [["uniform_", 0.0, 1.0, 2]]
)


def fnv1a(data: bytes) -> str:
    state = 0xCBF29CE484222325
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{state:016x}"


def described(tensor: torch.Tensor) -> dict:
    array = tensor.detach().numpy()
    flat = array.reshape(-1)
    wire = flat.astype(flat.dtype.newbyteorder("<")).tobytes()
    entry = {"shape": list(array.shape), "dtype": str(array.dtype), "hash": fnv1a(wire)}
    values = [value.item() for value in flat]
    if values:
        entry |= {"first": values[0], "last": values[-1]}
    if len(values) <= 40:
        return entry | {"values": values}
    indices = [round(step * (len(values) - 1) / 15) for step in range(16)]
    return entry | {"sample": [[index, values[index]] for index in indices]}


def next_uniform() -> float:
    return torch.empty(1).uniform_().item()


def stream_call(name: str, low, high, count: int) -> torch.Tensor:
    if name == "uniform_":
        return torch.empty(count).uniform_(low, high)
    if name == "normal_":
        return torch.empty(count).normal_(low, high)
    if name == "randint":
        return torch.randint(low, high, (count,))
    if name == "random_":
        return torch.empty(count, dtype=torch.int64).random_()
    return torch.randperm(count)


def streams() -> list:
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        calls = []
        for name, low, high, count in STREAM_CALLS:
            tensor = stream_call(name, low, high, count)
            calls.append({"call": name, "low": low, "high": high, "count": count} | described(tensor))
        found.append({"seed": seed, "calls": calls})
    return found


def accepts(expression: str, shape: list) -> bool:
    return not expression.startswith("eye_") or len(shape) == 2


def initialisers() -> list:
    found = []
    for number, expression in enumerate(INITIALISERS):
        for place, shape in enumerate(SHAPES):
            if not accepts(expression, shape):
                continue
            seed = SEEDS[(number + place) % len(SEEDS)]
            torch.manual_seed(seed)
            tensor = torch.full(shape, math.nan)
            call = expression.replace("(", "(tensor, ", 1).replace(", )", ")")
            eval(call, {name: getattr(nn.init, name) for name in nn.init.__all__}, {"tensor": tensor})
            entry = {"expression": expression, "seed": seed} | described(tensor)
            found.append(entry | {"next_uniform": next_uniform()})
    return found


def gains() -> list:
    names = ["linear", "sigmoid", "tanh", "relu", "selu"]
    found = [{"nonlinearity": name, "param": None, "gain": nn.init.calculate_gain(name)} for name in names]
    for param in (None, 0, 0.2, math.sqrt(5)):
        gain = nn.init.calculate_gain("leaky_relu", param)
        found.append({"nonlinearity": "leaky_relu", "param": param, "gain": gain})
    return found


def architectures() -> list:
    found = []
    for name, expression in ARCHITECTURES.items():
        for seed in SEEDS:
            torch.manual_seed(seed)
            network = eval(expression, vars(nn))
            tensors = [{"key": key} | described(value) for key, value in network.state_dict().items()]
            found.append(
                {
                    "name": name,
                    "expression": expression,
                    "seed": seed,
                    "tensors": tensors,
                    "next_uniform": next_uniform(),
                }
            )
    return found


def write(name: str, content: dict) -> None:
    made_with = {
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    lines = [f'"made_with": {json.dumps(made_with)}']
    for key, entries in content.items():
        body = ",\n".join(json.dumps(entry) for entry in entries)
        lines.append(f'"{key}": [\n{body}\n]')
    (FOLDER / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
    write("streams.json", {"streams": streams()})
    write("initialisers.json", {"gains": gains(), "initialisers": initialisers()})
    write("architectures.json", {"architectures": architectures()})
