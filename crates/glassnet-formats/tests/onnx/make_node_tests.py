"""Writes ONNX's own node tests as files that glassnet's reader is run against.

    python make_node_tests.py FOLDER              every case that the installed `onnx` package generates
    python make_node_tests.py FOLDER NAME NAME …  these cases only

For each case FOLDER/NAME holds model.onnx, input_I.pb and output_I.pb (TensorProto; the first data set), operator.txt,
and tolerance.txt with the relative and the absolute tolerance that the case states. Cases whose values are not arrays
(sequences, maps, optional values) have no .pb for these and are refused by the runner.

Run the cases with
    cargo run --release -p glassnet-formats --example onnx_node_tests -- FOLDER
"""

import pathlib
import sys
import warnings

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")


def operator(case):
    """The one operator of a case, or of the case whose operator is written as a function of others here."""
    nodes = case.model.graph.node
    if len(nodes) == 1:
        return ".".join(part for part in (nodes[0].domain, nodes[0].op_type) if part)
    return "made of others: " + case.name.removeprefix("test_").split("_expanded")[0].split("_")[0]


def main():
    folder, wanted = pathlib.Path(sys.argv[1]), set(sys.argv[2:])
    numpy.random.seed(0)
    cases = [case for case in collect_testcases(None) if not wanted or case.name in wanted]
    for case in cases:
        target = folder / case.name
        target.mkdir(parents=True, exist_ok=True)
        (target / "model.onnx").write_bytes(case.model.SerializeToString())
        (target / "operator.txt").write_text(operator(case) + "\n")
        # A bfloat16 has 8 bits: ONNX's values are rounded to them, ours are not.
        short = any(info.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for info in case.model.graph.output)
        (target / "tolerance.txt").write_text(f"{max(case.rtol, 8e-3) if short else case.rtol} {case.atol}\n")
        inputs, outputs = case.data_sets[0]
        graph = case.model.graph
        for word, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for number, (value, info) in enumerate(zip(values, infos)):
                if not info.type.HasField("tensor_type"):
                    continue
                if not isinstance(value, onnx.TensorProto):
                    value = numpy_helper.from_array(numpy.asarray(value), info.name)
                value.name = info.name
                (target / f"{word}_{number}.pb").write_bytes(value.SerializeToString())
    missing = wanted - {case.name for case in cases}
    print(f"onnx {onnx.__version__}: {len(cases)} cases" + (f", unknown: {sorted(missing)}" if missing else ""))


main()
