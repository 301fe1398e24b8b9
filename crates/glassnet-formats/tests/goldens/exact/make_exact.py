#!/usr/bin/env python3
"""Makes one network's weights as a file of each format in each type of floats: what the tests predict the same bits with.

    python make_exact.py FOLDER

The weights are sixteenths below 8, which bfloat16 holds, and so every wider type. NumPy has no bfloat16. Made with torch 2.15,
NumPy 2, safetensors 0.8, onnx 1.23.
"""

import sys
from pathlib import Path

import numpy
import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file

FOLDER = Path(sys.argv[1])
TYPES = {
    "float64": (torch.float64, TensorProto.DOUBLE),
    "float32": (torch.float32, TensorProto.FLOAT),
    "float16": (torch.float16, TensorProto.FLOAT16),
    "bfloat16": (torch.bfloat16, TensorProto.BFLOAT16),
}


def weights():
    torch.manual_seed(0)
    sixteenths = lambda *shape: torch.randint(-127, 128, shape) / 16
    return {
        "0.weight": sixteenths(3, 4),
        "0.bias": sixteenths(3),
        "2.weight": sixteenths(2, 3),
        "2.bias": sixteenths(2),
    }


def bits(tensor):
    """The tensor's bytes; NumPy knows bfloat16 as pairs of bytes only."""
    return tensor.view(torch.int16).numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


def graph(state, kind):
    arrays = [
        helper.make_tensor(key, kind, list(tensor.shape), bits(tensor).tobytes(), raw=True)
        for key, tensor in state.items()
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "0.weight", "0.bias"], ["a"], transB=1),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Gemm", ["b", "2.weight", "2.bias"], ["y"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", kind, ["N", 4])
    y = helper.make_tensor_value_info("y", kind, ["N", 2])
    model = helper.make_model(
        helper.make_graph(nodes, "exact", [x], [y], arrays),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


for name, (dtype, kind) in TYPES.items():
    state = {key: tensor.to(dtype) for key, tensor in weights().items()}
    torch.save(state, FOLDER / f"{name}.pt")
    save_file(state, FOLDER / f"{name}.safetensors", metadata={"format": "pt"})
    if dtype != torch.bfloat16:
        numpy.savez(FOLDER / f"{name}.npz", **{key: tensor.numpy() for key, tensor in state.items()})
    onnx.save(graph(state, kind), FOLDER / f"{name}.onnx")
