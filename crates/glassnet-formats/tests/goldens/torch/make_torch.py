#!/usr/bin/env python3
"""Makes the small files of PyTorch and NumPy that glassnet-formats' tests read, and what must be read from them.

    python make_torch.py

Every file is written by the tool that people have it from, or (where the name says so) that file with a few bytes
changed. `expected.json` has the numbers of each file that must be read, by key. Made with torch 2.15, NumPy 2,
safetensors 0.8.
"""

import collections
import json
import os
import zipfile
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).resolve().parent
EXPECTED = {}


def expect(name, state):
    """Notes what must be read from the file `name`: floats as float32, the rest as integers."""
    entries = {}
    for key, value in state.items():
        tensor = torch.as_tensor(value).detach()
        floating = tensor.dtype.is_floating_point
        if tensor.dtype in (torch.uint16, torch.uint32, torch.uint64):
            numbers = tensor.to(torch.int64)
        else:
            numbers = tensor.to(torch.float32) if floating else tensor.to(torch.int64)
        kind = "float32" if floating else "int64"
        entries[key] = {"type": kind, "shape": list(tensor.shape), "data": numbers.reshape(-1).tolist()}
    EXPECTED[name] = entries


def save(name, value, state=None, **arguments):
    torch.save(value, HERE / name, **arguments)
    if state is not None:
        expect(name, state)


def rezip(source, target, change=lambda name, content: content, method=zipfile.ZIP_STORED, names=lambda name: name):
    """The archive `source` with other contents, as Python's zipfile writes it."""
    with zipfile.ZipFile(HERE / source) as old, zipfile.ZipFile(HERE / target, "w", method) as new:
        for entry in old.infolist():
            info = zipfile.ZipInfo(names(entry.filename), (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            new.writestr(info, change(entry.filename, old.read(entry.filename)))


class Net(nn.Module):
    """As the tutorials write one."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 3)
        self.fc2 = nn.Linear(3, 3)
        self.out = nn.Linear(3, 2)

    def forward(self, x):
        return self.out(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Quickstart(nn.Module):
    """PyTorch's own quickstart, smaller."""

    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


class Evil:
    def __reduce__(self):
        return os.system, ("touch glassnet-must-not-run-this",)


def prefixed(prefix, state):
    return collections.OrderedDict((prefix + key, value) for key, value in state.items())


def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    state = net.state_dict()

    # The same weights in every format.
    save("same.pt", state, state)
    save_file(state, HERE / "same.safetensors", metadata={"format": "pt", "author": "somebody"})
    expect("same.safetensors", state)
    numpy.savez(HERE / "same.npz", **{key: value.numpy() for key, value in state.items()})
    expect("same.npz", state)

    # What a training loop saves.
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    net(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    state = net.state_dict()
    save(
        "checkpoint.pt",
        {
            "epoch": 3,
            "model_state_dict": state,
            "optimizer_state_dict": optimizer.state_dict(),
            "scheduler": schedule.state_dict(),
            "loss": numpy.float64(0.25),
            "best": numpy.int64(-2),
            "classes": ["a", "b"],
            "history": {"loss": [0.5, 0.25], "when": None},
            "mean": numpy.arange(3.0),
            "config": {"lr": 1e-3, "seed": 2**70, "shape": torch.Size([1, 2]), "device": torch.device("cpu")},
            "type": torch.float16,
        },
        state,
    )
    lightning = {
        "epoch": 1,
        "global_step": 10,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": prefixed("model.", state),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5), "best_k_models": {}}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [schedule.state_dict()],
        "hparams_name": "kwargs",
        "hyper_parameters": {"width": 3},
    }
    save("lightning.ckpt", lightning, prefixed("model.", state))
    save("data_parallel.pth", prefixed("module.", state), prefixed("module.", state))
    save("compiled.pt", prefixed("_orig_mod.", state), prefixed("_orig_mod.", state))
    save("nested.pt", {"encoder": {"0": {"weight": torch.ones(2, 3)}}, "decoder": {"bias": torch.arange(2.0)}},
         {"encoder.0.weight": torch.ones(2, 3), "decoder.bias": torch.arange(2.0)})
    save("mixed.pt", {"weight": torch.ones(1, 2), "epoch": 3, "note": "none"}, {"weight": torch.ones(1, 2)})

    # Every number type.
    numbers = torch.tensor([0.0, 1.5, -2.25, 100.0])
    types = {
        str(kind).removeprefix("torch."): numbers.to(kind)
        for kind in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    }
    types["float64_rounded"] = torch.tensor([0.1, 1e-60, -3.3], dtype=torch.float64)
    types["float16_small"] = torch.tensor([2**-24, -(2**-14), 65504.0], dtype=torch.float16)
    for kind in (torch.int64, torch.int32, torch.int16, torch.int8):
        types[str(kind).removeprefix("torch.")] = torch.tensor([0, 1, -2, 100], dtype=kind)
    types["uint8"] = torch.tensor([0, 1, 255], dtype=torch.uint8)
    types["bool"] = torch.tensor([True, False, True])
    for kind in (torch.uint16, torch.uint32, torch.uint64):
        types[str(kind).removeprefix("torch.")] = torch.tensor([0, 1, 65535], dtype=torch.int64).to(kind)
    save("types.pt", types, types)
    plain = {key: value for key, value in types.items()}
    save_file(plain, HERE / "types.safetensors")
    expect("types.safetensors", plain)
    too_large = {"a.weight": torch.tensor([[1.0, 1e39]], dtype=torch.float64)}
    save("float64_beyond.pt", too_large)
    save_file(too_large, HERE / "float64_beyond.safetensors")

    # Views and shared numbers.
    base = torch.arange(12.0).reshape(3, 4)
    views = {
        "base": base,
        "transposed": base.t(),
        "sliced": base[1:, ::2],
        "column": base[:, 3],
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "scalar": torch.tensor(7.0),
        "empty": torch.zeros(0, 3),
        "same": base,
        "permuted": torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1),
    }
    save("views.pt", views, views)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    tied[2].weight = tied[0].weight
    save("tied.pt", tied.state_dict(), tied.state_dict())

    # Parameters, tensors with attributes, other protocols, other layouts of the archive.
    named = torch.ones(2)
    named.note = "an attribute"
    parameters = {"parameter": nn.Parameter(torch.arange(3.0)), "named": named, "buffer": nn.Buffer(torch.ones(1))}
    save("parameters.pt", parameters, parameters)
    for protocol in (3, 4, 5):
        save(f"protocol_{protocol}.pt", {"state_dict": state, "epoch": numpy.float32(0.5)}, state, pickle_protocol=protocol)
    rezip("same.pt", "deflated.pt", method=zipfile.ZIP_DEFLATED)
    EXPECTED["deflated.pt"] = EXPECTED["same.pt"]
    rezip("same.pt", "no_folder.pt", names=lambda name: name.split("/", 1)[1])
    EXPECTED["no_folder.pt"] = EXPECTED["same.pt"]

    def swap(name, content):
        if name.endswith("byteorder"):
            return b"big"
        if "/data/" in name:
            return b"".join(content[at : at + 4][::-1] for at in range(0, len(content), 4))
        return content

    rezip("same.pt", "big_endian.pt", swap)
    EXPECTED["big_endian.pt"] = EXPECTED["same.pt"]
    rezip("same.pt", "no_byteorder.pt", lambda name, content: b"little" if name.endswith("byteorder") else content)
    EXPECTED["no_byteorder.pt"] = EXPECTED["same.pt"]

    # What is refused, and why is said.
    save("legacy.pt", state, _use_new_zipfile_serialization=False)
    save("whole.pt", net)
    save("own_class.pt", Net())
    save("evil.pt", {"weight": torch.ones(1), "x": Evil()})
    save("tensor.pt", torch.ones(2))
    save("list.pt", [1, 2])
    save("no_tensors.pt", {"epoch": 1, "note": "nothing"})
    save("sparse.pt", {"weight": torch.eye(2).to_sparse()})
    save("complex.pt", {"weight": torch.ones(2, dtype=torch.complex64)})
    script = torch.jit.script(nn.Linear(2, 1))
    torch.jit.save(script, str(HERE / "script.pt"))

    # Networks whose layers must be found.
    def network(name, module):
        for key, value in module.state_dict().items():
            if value.dtype.is_floating_point:
                value.copy_(torch.rand(value.shape) + 0.1 if "var" in key else torch.randn(value.shape))
        save(name, module.state_dict(), module.state_dict())
        return module

    x = torch.tensor([[0.5, -1.0, 2.0, 0.25], [1.5, 0.25, -0.75, 1.0]])
    outputs = {}

    def runs(name, module, rows=x):
        module = network(name, module).eval()
        with torch.no_grad():
            outputs[name] = {"input": rows.tolist(), "output": module(rows).tolist()}

    runs("chain_attributes.pt", Net())
    runs("chain_quickstart.pt", Quickstart())
    runs("chain_single.pt", nn.Linear(4, 2))
    runs("chain_dropout.pt", nn.Sequential(
        nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 3, bias=False), nn.LayerNorm(3),
        nn.ReLU(), nn.Linear(3, 2)))
    runs("chain_flatten.pt", nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    network("conv.pt", nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)))
    network("no_chain.pt", nn.ModuleDict({"a": nn.Linear(4, 3), "b": nn.Linear(4, 2)}))
    network("embedding.pt", nn.Sequential(nn.Embedding(5, 2), nn.Flatten(), nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 2)))
    # Sorted by name, as safetensors' own writer leaves them: 10 before 2.
    deep = nn.Sequential(*[layer for _ in range(6) for layer in (nn.Linear(2, 2), nn.Tanh())])
    network("deep.pt", deep)
    save_file(deep.state_dict(), HERE / "deep.safetensors")
    with torch.no_grad():
        rows = torch.tensor([[0.5, -1.0]])
        outputs["deep.pt"] = {"input": rows.tolist(), "output": deep.eval()(rows).tolist()}
    (HERE / "outputs.json").write_text(json.dumps(outputs, indent=1) + "\n", encoding="utf-8")

    # NumPy's archives and arrays.
    matrix = numpy.array([[1.5, -2.0, 0.25], [3.0, 0.1, -7.5]])
    arrays = {
        "f8": matrix,
        "f4": matrix.astype("<f4"),
        "f2": matrix.astype("<f2"),
        "big": matrix.astype(">f4"),
        "big_int": numpy.arange(3, dtype=">i2"),
        "fortran": numpy.asfortranarray(matrix.astype("<f4")),
        "i8": numpy.arange(3, dtype="<i8"),
        "i1": numpy.array([-1, 5], dtype="i1"),
        "u4": numpy.array([4294967295], dtype="<u4"),
        "bool": numpy.array([True, False]),
        "scalar": numpy.float32(2.5),
        "empty": numpy.zeros((0, 2), "f4"),
    }
    readable = {key: numpy.ascontiguousarray(value).astype(numpy.asarray(value).dtype.newbyteorder("="))
                .reshape(numpy.shape(value)) for key, value in arrays.items()}
    readable["u4"] = readable["u4"].astype("i8")
    numpy.savez(HERE / "arrays.npz", **arrays)
    expect("arrays.npz", readable)
    numpy.savez_compressed(HERE / "compressed.npz", **arrays)
    expect("compressed.npz", readable)
    numpy.save(HERE / "matrix.npy", matrix.astype("<f4"))
    expect("matrix.npy", {"weight": matrix.astype("<f4")})
    numpy.savez(HERE / "objects.npz", a=numpy.array([None, 1], dtype=object))
    numpy.savez(HERE / "texts.npz", a=numpy.array(["x", "y"]))

    lines = [f"{json.dumps(name)}: {json.dumps(entries)}" for name, entries in EXPECTED.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
