#!/usr/bin/env python3
"""Makes the small files that glassnet-formats' tests read.

    python make_goldens.py

`torch.safetensors` is a state dict as safetensors.torch.save_file writes it; `torch.json` holds the same numbers. The
files in `../all/hostile` hold another format than their name says, each written by the tool that people have them from.
Made with torch 2.15, safetensors 0.8, NumPy 2.
"""

import gzip
import json
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
HOSTILE = HERE.parent / "all" / "hostile"


def network():
    """A network with every kind of array: matrices, vectors, and BatchNorm's counter of 64-bit integers."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    module(torch.tensor([[0.5, -1.0], [1.5, 0.25]]))
    return module


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def onnx():
    """The smallest ModelProto: IR version 8, a producer, an empty graph, operator set 17."""
    return b"\x08\x08" + field(2, b"pytorch") + field(7, field(2, b"main_graph")) + field(8, b"\x10\x11")


def main():
    state = network().state_dict()
    save_file(state, HERE / "torch.safetensors", metadata={"format": "pt"})
    numbers = {key: {"shape": list(t.shape), "data": t.reshape(-1).tolist()} for key, t in state.items()}
    (HERE / "torch.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")

    HOSTILE.mkdir(exist_ok=True)
    small = {"0.weight": torch.ones(2, 2)}
    torch.save(small, HOSTILE / "torch_zip.safetensors")
    torch.save(small, HOSTILE / "torch_legacy.safetensors", _use_new_zipfile_serialization=False)
    with open(HOSTILE / "numpy_zip.safetensors", "wb") as file:
        numpy.savez(file, weight=numpy.ones((2, 2), numpy.float32))
    with open(HOSTILE / "numpy.safetensors", "wb") as file:
        numpy.save(file, numpy.ones((2, 2), numpy.float32))
    compressed = gzip.compress((HERE / "torch.safetensors").read_bytes(), mtime=0)
    (HOSTILE / "gzip.safetensors").write_bytes(compressed)
    (HOSTILE / "onnx.safetensors").write_bytes(onnx())


if __name__ == "__main__":
    main()
