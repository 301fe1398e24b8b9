"""Writes models as PyTorch exports them, with what ONNX Runtime makes of some rows.

    python make_fixtures.py FOLDER

For each network FOLDER/NAME.onnx and in FOLDER/fixtures.json: the rows given, the outputs of ONNX Runtime, and the
versions. Needs torch, onnx, onnxruntime; fixes every seed.
"""

import io
import json
import pathlib
import sys
import warnings

import onnx
import onnxruntime
import torch
from torch import nn

warnings.filterwarnings("ignore")


class Named(nn.Module):
    """Layers with names, one of which is used by a function."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 12)
        self.norm = nn.LayerNorm(12)
        self.fc2 = nn.Linear(12, 3)

    def forward(self, x):
        return torch.log_softmax(self.fc2(torch.relu(self.norm(self.fc1(x)))), dim=1)


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 8)
        self.inner = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8))
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        return self.last(x + self.inner(x))


class TwoHeads(nn.Module):
    """No chain: two inputs, two outputs."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(2, 4)
        self.value, self.score = nn.Linear(8, 1), nn.Linear(8, 3)

    def forward(self, x, y):
        z = torch.cat([torch.relu(self.a(x)), torch.sigmoid(self.b(y))], dim=1)
        return self.value(z), torch.softmax(self.score(z), dim=-1)


class Shaped(nn.Module):
    """Reads the batch's size from the input, as much code does."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        return self.fc(x.view(x.size(0), -1) * 2.0).clamp(min=-1.0)


class EmbedColumns(nn.ModuleDict):
    """Columns of codes among columns of numbers, as glassnet's module of that name."""

    def forward(self, x):
        parts = [self[str(c)](x[..., c].long()) if str(c) in self else x[..., c:c + 1] for c in range(x.shape[-1])]
        return torch.cat(parts, -1)


ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(), nn.CELU(1.5), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(),
    nn.Softplus(), nn.Softsign(), nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(), nn.Hardtanh(-0.5, 0.7), nn.ReLU6(),
    nn.Hardsigmoid(), nn.Hardswish(),
]


def activations():
    layers = []
    for activation in ACTIVATIONS:
        layers += [nn.Linear(4, 4), activation]
    return nn.Sequential(*layers)


def networks():
    plain = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4), nn.Softmax(dim=1))
    norm = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.PReLU(8), nn.Linear(8, 8), nn.PReLU(), nn.Linear(8, 2))
    for module in norm:
        if isinstance(module, nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    table = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
    rows = lambda *shape: torch.randn(*shape)
    yield "mlp", plain, [rows(5, 6)], 17, True
    yield "mlp_opset_9", plain, [rows(5, 6)], 9, True
    yield "one_row", plain, [rows(1, 6)], 17, False
    yield "named", Named(), [rows(5, 6)], 17, True
    yield "named_opset_13", Named(), [rows(5, 6)], 13, True
    yield "norm", norm, [rows(5, 4)], 17, True
    yield "skip", Skip(), [rows(5, 5)], 17, True
    yield "activations", activations(), [rows(5, 4)], 17, True
    yield "activations_opset_20", activations(), [rows(5, 4)], 20, True
    yield "table", table, [torch.randint(0, 10, (5, 3))], 17, True
    yield "two_heads", TwoHeads(), [rows(5, 3), rows(5, 2)], 17, True
    yield "shaped", Shaped(), [rows(5, 3, 4)], 11, True
    yield "image", nn.Sequential(nn.Flatten(), nn.Linear(8, 3)), [rows(1, 8, 1)], 17, False
    yield "weights_as_inputs", nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)), [rows(5, 6)], 9, True
    yield "image_of_4", nn.Sequential(nn.Flatten(), nn.Linear(5, 3), nn.ReLU()), [rows(1, 1, 1, 5)], 17, False
    codes = torch.stack([torch.randint(0, 7, (5,)), torch.randint(0, 9, (5,))], 1)
    coded = torch.cat([rows(5, 1), codes[:, :1], rows(5, 1), codes[:, 1:]], 1)
    embedded = nn.Sequential(EmbedColumns({"1": nn.Embedding(7, 3), "3": nn.Embedding(9, 2)}), nn.Linear(7, 2))
    yield "codes", embedded, [coded], 17, True


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    fixtures = {
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__},
        "cases": [],
    }
    torch.manual_seed(0)
    for name, module, inputs, opset, dynamic in networks():
        module.eval()
        names = [f"x{place}" if len(inputs) > 1 else "x" for place in range(len(inputs))]
        outputs = module(*inputs)
        count = len(outputs) if isinstance(outputs, tuple) else 1
        output_names = [f"y{place}" if count > 1 else "y" for place in range(count)]
        axes = {name: {0: "batch"} for name in names + output_names} if dynamic else None
        file = io.BytesIO()
        torch.onnx.export(module, tuple(inputs), file, opset_version=opset, dynamo=False, input_names=names,
                          output_names=output_names, dynamic_axes=axes,
                          keep_initializers_as_inputs=name == "weights_as_inputs")
        model = onnx.load_from_string(file.getvalue())
        onnx.checker.check_model(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        session = onnxruntime.InferenceSession(model.SerializeToString())
        values = session.run(None, {name: value.numpy() for name, value in zip(names, inputs)})
        array = lambda name, value: {"name": name, "shape": list(value.shape), "data": value.reshape(-1).tolist()}
        fixtures["cases"].append({
            "name": name,
            "inputs": [array(name, value) for name, value in zip(names, inputs)],
            "outputs": [array(name, value) for name, value in zip(output_names, values)],
        })
    (folder / "fixtures.json").write_text(json.dumps(fixtures) + "\n")


main()
