"""ONNX Runtime as a contestant: the network as an ONNX model, run through its Python interface."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from serve import Case, Loaded, measure_passes, serve, threads


def model(case: Case) -> bytes:
    """Gemm and Relu, for the case's batch size."""
    nodes, weights = [], []
    value, last = "x", len(case.weights) - 1
    for layer, (weight, bias) in enumerate(zip(case.weights, case.biases)):
        weights.append(numpy_helper.from_array(weight, f"{layer}.weight"))
        weights.append(numpy_helper.from_array(bias, f"{layer}.bias"))
        output = "y" if layer == last else f"z{layer}"
        nodes.append(helper.make_node("Gemm", [value, f"{layer}.weight", f"{layer}.bias"], [output], transB=1))
        if layer != last:
            nodes.append(helper.make_node("Relu", [output], [f"h{layer}"]))
            value = f"h{layer}"
    shapes = [[case.batch, case.sizes[0]], [case.batch, case.sizes[-1]]]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in zip("xy", shapes))
    graph = helper.make_graph(nodes, "net", [x], [y], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


class Inference(Loaded):
    """Runs of a session: `run` with arrays, or with values that are bound once."""

    def __init__(self, case: Case, form: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model(case), options, providers=["CPUExecutionProvider"])
        self.x = [{"x": np.ascontiguousarray(x)} for x in case.x]
        self.form = form
        if form == "bound":
            shape = (case.batch, case.sizes[-1])
            # A binding doesn't keep the arrays that its values are made of.
            self.kept = [onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))]
            self.bound = []
            for x in self.x:
                self.kept.append(onnxruntime.OrtValue.ortvalue_from_numpy(x["x"]))
                binding = self.session.io_binding()
                binding.bind_ortvalue_input("x", self.kept[-1])
                binding.bind_ortvalue_output("y", self.kept[0])
                # The interface beneath `run_with_iobinding`, which adds a call in Python.
                self.bound.append(binding._iobinding)

    def run(self, begin: int, count: int) -> None:
        batches = len(self.x)
        if self.form == "bound":
            do, bound = self.session._sess.run_with_iobinding, self.bound
            for number in range(begin, begin + count):
                do(bound[number % batches], None)
        else:
            do, x, names = self.session.run, self.x, ["y"]
            for number in range(begin, begin + count):
                do(names, x[number % batches])

    def measure(self, seconds: float) -> dict:
        return measure_passes(seconds, self.run)

    def outputs(self, rows: int) -> list[float]:
        batches = -(-rows // len(self.x[0]["x"]))
        found = np.concatenate([self.output(batch) for batch in range(batches)])
        return found[:rows].flatten().tolist()

    def output(self, batch: int) -> np.ndarray:
        """What the form that is measured computes for a batch."""
        if self.form == "bound":
            self.run(batch, 1)
            return self.kept[0].numpy().copy()
        return self.session.run(["y"], self.x[batch])[0]


if __name__ == "__main__":
    serve(
        {
            "name": "ONNX Runtime",
            "versions": {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__},
        },
        Inference,
    )
