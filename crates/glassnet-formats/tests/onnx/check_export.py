"""Checks the ONNX files that glassnet writes with ONNX's checker and compares their outputs in ONNX Runtime with glassnet's.

    cargo run --release -p glassnet-formats --example onnx_export -- FOLDER
    python check_export.py FOLDER

Prints a table; fails if the checker refuses a file or an output differs by more than 1e-6 of the largest.
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime


def main():
    folder = pathlib.Path(sys.argv[1])
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}\n")
    print("| network | operators | largest difference / largest output |\n|---|---|---|")
    worst = 0.0
    for path in sorted(folder.glob("*.onnx"), key=lambda path: int(path.stem)):
        case = json.loads(path.with_suffix(".json").read_text())
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        dtype = numpy.int64 if case["integers"] else numpy.float32
        x = numpy.array(case["x"]["data"], dtype).reshape(case["x"]["shape"])
        y = numpy.array(case["y"]["data"], numpy.float32).reshape(case["y"]["shape"])
        (found,) = onnxruntime.InferenceSession(path).run(["y"], {"x": x})
        assert found.shape == y.shape, (case["network"], found.shape, y.shape)
        difference = float(numpy.abs(found - y).max() / numpy.abs(y).max())
        worst = max(worst, difference)
        operators = sorted({node.op_type for node in model.graph.node})
        print(f"| `{case['network']}` | {', '.join(operators)} | {difference:.1e} |")
    assert worst <= 1e-6, worst


main()
