"""Networks as ONNX, properties as VNN-LIB, and how both are sampled with ONNX Runtime: what `families.py` is written with."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray
# What instances.csv gives each instance.
SECONDS = 20


class Net:
    """An ONNX graph that grows node by node; a value is its name."""

    def __init__(self, seed: int, opset: int = 13, ir: int = 7) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[tuple[str, list[Any]]] = []
        self.outputs: list[tuple[str, list[Any]]] = []
        self.opset, self.ir = opset, ir
        self.weights_as_inputs = False

    def input(self, name: str, shape: list[Any]) -> str:
        self.inputs.append((name, shape))
        return name

    def output(self, value: str, shape: list[Any]) -> None:
        self.outputs.append((value, shape))

    def weight(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def whole(self, value: Any) -> str:
        return self.weight(value, np.int64)

    def op(self, kind: str, *operands: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{kind.lower()}_{len(self.nodes)}" + (f"_{at}" if outputs > 1 else "") for at in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(operands), names, name=f"{kind}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def draw(self, *shape: int, scale: float | None = None) -> Array:
        fan = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        return (self.random.standard_normal(shape) * (scale or (1.6 / fan) ** 0.5)).astype(np.float32)

    def gemm(self, x: str, inputs: int, outputs: int) -> str:
        return self.op("Gemm", x, self.weight(self.draw(outputs, inputs)), self.weight(self.draw(outputs, scale=0.1)), transB=1)

    def matmul(self, x: str, inputs: int, outputs: int) -> str:
        product = self.op("MatMul", x, self.weight(self.draw(outputs, inputs).T.copy()))
        return self.op("Add", product, self.weight(self.draw(outputs, scale=0.1)))

    def layers(self, x: str, widths: list[int], activation: str = "Relu", product: str = "gemm") -> str:
        for at, (before, after) in enumerate(zip(widths, widths[1:])):
            x = getattr(self, product)(x, before, after)
            if at + 2 < len(widths):
                x = self.op(activation, x)
        return x

    def bytes(self) -> bytes:
        def info(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        inputs = [info(*it) for it in self.inputs]
        if self.weights_as_inputs:
            inputs += [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in self.weights]
        graph = helper.make_graph(self.nodes, "net", inputs, [info(*it) for it in self.outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = self.ir
        return model.SerializeToString()


class Running:
    """A network in ONNX Runtime: rows of all inputs one after the other to rows of all outputs."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(model, options)
        self.names = [it.name for it in self.session.get_inputs()]
        self.shapes = [[d if isinstance(d, int) and d > 0 else 1 for d in it.shape] for it in self.session.get_inputs()]
        free = [isinstance(it.shape[0], str) or it.shape[0] in (None, 0, -1) for it in self.session.get_inputs() if it.shape]
        self.batched = bool(free) and all(free)
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]

    def one(self, x: Array) -> Array:
        parts = np.split(np.asarray(x, np.float32), np.cumsum(self.sizes)[:-1])
        feed = {name: part.reshape(shape) for name, part, shape in zip(self.names, parts, self.shapes)}
        return np.concatenate([y.reshape(-1) for y in self.session.run(None, feed)])

    def __call__(self, rows: Array) -> Array:
        if self.batched and len(self.names) == 1:
            shape = [len(rows), *self.shapes[0][1:]]
            return self.session.run(None, {self.names[0]: rows.astype(np.float32).reshape(shape)})[0].reshape(len(rows), -1)
        return np.stack([self.one(row) for row in rows])


Term = tuple[str, int, float]  # X or Y, number, factor
Atom = tuple[list[Term], float]  # sum of terms + constant <= 0


@dataclass
class Case:
    """A box, and what a counterexample in it meets: all atoms of one of these."""

    box: Array
    any: list[list[Atom]]

    def met(self, x: Array, y: Array) -> Array:
        """For each row by how much it misses being a counterexample; at most 0 where it is one."""
        misses = []
        for atoms in self.any:
            values = [sum(f * (x if s == "X" else y)[:, at] for s, at, f in terms) + constant for terms, constant in atoms]
            misses.append(np.max(values, axis=0))
        return np.min(misses, axis=0)

    def sample(self, random: np.random.Generator, count: int) -> Array:
        lo, hi = self.box[:, 0], self.box[:, 1]
        rows = lo + (hi - lo) * random.random((count, len(lo)))
        corners = np.where(random.random((count // 4, len(lo))) < 0.5, lo, hi)
        rows[: len(corners)] = corners
        low, high = inside(lo), inside(-hi)
        return np.clip(rows.astype(np.float32), low, -high)


def inside(lo: Array) -> Array:
    """The least f32 that are not below."""
    near = lo.astype(np.float32)
    return np.where(near.astype(np.float64) < lo, np.nextafter(near, np.float32(np.inf)), near)


@dataclass
class Property:
    name: str
    cases: list[Case]
    style: str = "plain"


def shown(value: float) -> str:
    return repr(float(value))


def text(prop: Property, inputs: int, outputs: int) -> str:
    """The property as VNN-LIB 1; with boxes inside of the disjunction where there are several cases."""
    lines = ["; a stand-in", ""]
    lines += [f"(declare-const X_{i} Real)" for i in range(inputs)] + [f"(declare-const Y_{i} Real)" for i in range(outputs)]

    def atom(terms: list[Term], constant: float) -> str:
        if len(terms) == 1 and abs(terms[0][2]) == 1:
            s, at, f = terms[0]
            return f"({'<=' if f > 0 else '>='} {s}_{at} {shown(-constant * f)})"
        if len(terms) == 2 and constant == 0 and terms[0][2] == -terms[1][2] and abs(terms[0][2]) == 1:
            (a, i, f), (b, j, _) = terms
            return f"({'<=' if f > 0 else '>='} {a}_{i} {b}_{j})"
        parts = " ".join(f"(* {shown(f)} {s}_{at})" for s, at, f in terms)
        return f"(<= (+ {parts} {shown(constant)}) 0.0)"

    def box(case: Case) -> list[str]:
        sides = [[f"(>= X_{i} {shown(lo)})", f"(<= X_{i} {shown(hi)})"] for i, (lo, hi) in enumerate(case.box)]
        return [side for both in sides for side in both]

    def all_of(parts: list[str]) -> str:
        return "(and " + " ".join(parts) + ")"

    if len(prop.cases) == 1:
        lines += [f"(assert {side})" for side in box(prop.cases[0])]
        any_of = prop.cases[0].any
        if len(any_of) == 1:
            lines += [f"(assert {atom(*it)})" for it in any_of[0]]
        else:
            lines += ["(assert (or"] + ["    " + all_of([atom(*it) for it in atoms]) for atoms in any_of] + ["))"]
    else:
        lines.append("(assert (or")
        for case in prop.cases:
            lines += ["    " + all_of(box(case) + [atom(*it) for it in atoms]) for atoms in case.any]
        lines.append("))")
    return "\n".join(lines) + "\n"


def text2(prop: Property, shapes: list[list[int]], outputs: list[list[int]]) -> str:
    """The property as VNN-LIB 2: tensors with indices."""

    def places(letter: str, all_shapes: list[list[int]]) -> list[str]:
        found = []
        for at, shape in enumerate(all_shapes):
            for index in np.ndindex(*shape):
                found.append(f"{letter}{at}[{','.join(map(str, index))}]")
        return found

    known = {"X": places("in", shapes), "Y": places("out", outputs)}
    plain = text(prop, len(known["X"]), len(known["Y"]))
    body = plain[plain.index("(assert"):]
    body = re.sub(r"\b([XY])_(\d+)", lambda m: known[m[1]][int(m[2])], body)
    declared = [f"    (declare-input in{at} Real {shape})" for at, shape in enumerate(shapes)]
    declared += [f"    (declare-output out{at} float32 {shape})" for at, shape in enumerate(outputs)]
    return "(vnnlib-version <2.0>)\n(declare-network f\n" + "\n".join(declared) + "\n)\n" + body


@dataclass
class Family:
    name: str
    nets: dict[str, Net] = field(default_factory=dict)
    properties: dict[str, list[Property]] = field(default_factory=dict)
    packed: bool = False
    second: bool = False

    def add(self, name: str, net: Net, properties: list[Property]) -> None:
        self.nets[name] = net
        self.properties[name] = properties


def thresholds(net: Net, box: Array, output: int, slacks: list[float], most: bool = True) -> list[Property]:
    """`Y_output` is never above (or below) what samples reach and so much of their range more."""
    rows = Case(np.asarray(box), []).sample(np.random.default_rng(1), 3000)
    y = Running(net.bytes())(rows)[:, output]
    reach = y.max() - y.min()
    found = []
    for slack in slacks:
        limit = float(y.max() + slack * reach) if most else float(y.min() - slack * reach)
        sign = -1.0 if most else 1.0
        found.append(Property(f"{'max' if most else 'min'}{output}_{slack}", [Case(np.asarray(box), [[([("Y", output, sign)], -sign * limit)]])]))
    return found


def overtaken(net: Net, centre: Array, radius: float, limits: tuple[float, float] = (-np.inf, np.inf), name: str = "robust") -> Property:
    """The class of the centre stays within the radius."""
    box = np.stack([np.clip(centre - radius, *limits), np.clip(centre + radius, *limits)], axis=1)
    y = Running(net.bytes()).one(centre)
    best = int(np.argmax(y))
    any_of = [[([("Y", best, 1.0), ("Y", other, -1.0)], 0.0)] for other in range(len(y)) if other != best]
    return Property(f"{name}_{radius}", [Case(box, any_of)])


def boxed(*sides: tuple[float, float]) -> Array:
    return np.asarray(sides, dtype=np.float64)


def write(folder: Path, it: Family) -> None:
    """A folder as the competition has it: instances.csv, onnx, vnnlib, packed or not; and what the sampler needs."""
    for part in ("onnx", "vnnlib"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    lines, kept = [], []
    for name, net in it.nets.items():
        model = net.bytes()
        onnx.checker.check_model(onnx.load_from_string(model))
        running = Running(model)
        outputs = len(running.one(np.zeros(sum(running.sizes))))
        store(folder / "onnx" / f"{name}.onnx", model, it.packed)
        for prop in it.properties[name]:
            if it.second:
                shapes = [[1 if isinstance(d, str) else d for d in shape] for _, shape in net.outputs]
                written = text2(prop, running.shapes, shapes)
            else:
                written = text(prop, sum(running.sizes), outputs)
            file = f"{name}_{prop.name}.vnnlib"
            store(folder / "vnnlib" / file, written.encode(), it.packed)
            lines.append(f"onnx/{name}.onnx,vnnlib/{file},{SECONDS}")
            cases = [{"box": case.box.tolist(), "any": case.any} for case in prop.cases]
            kept.append({"network": f"{name}.onnx", "property": file, "cases": cases})
    (folder / "instances.csv").write_text("\n".join(lines) + "\n")
    (folder / "sampled.json").write_text(json.dumps(kept))


def store(path: Path, content: bytes, packed: bool) -> None:
    if packed:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
    else:
        path.write_bytes(content)


def check(folder: Path, results: Path, count: int = 100_000, quiet: bool = False) -> int:
    """Samples what is said to hold; replays witnesses. The number of contradictions."""
    kept = {(it["network"], it["property"]): it["cases"] for it in json.loads((folder / "sampled.json").read_text())}
    wrong, told = 0, {}
    running: dict[str, Running] = {}
    for row in json.loads(results.read_text())["instances"]:
        network, prop = (row[key].removesuffix(".gz") for key in ("network", "property"))
        told[row["verdict"]] = told.get(row["verdict"], 0) + 1
        if network not in running:
            path = folder / "onnx" / network
            packed = path.with_name(path.name + ".gz")
            running[network] = Running(gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes())
        cases = [Case(np.asarray(it["box"]), it["any"]) for it in kept[network, prop]]
        if row["verdict"] == "holds":
            random = np.random.default_rng(11)
            share = max(count // len(cases), 40)
            share = share if running[network].batched else min(share, 5000)
            for case in cases:
                x = case.sample(random, share)
                y = running[network](x)
                miss = float(case.met(x.astype(np.float64), y.astype(np.float64)).min())
                if miss < -1e-5 * max(1.0, float(np.abs(y).max())):
                    wrong += 1
                    print(f"WRONG {folder.name} {network} {prop}: holds, but a sample violates it by {-miss}")
                    break
        elif row["verdict"] == "violated":
            x = np.asarray(row["witness"]["input"])
            y = running[network].one(x)
            inside_one = [bool(((case.box[:, 0] <= x) & (x <= case.box[:, 1])).all()) for case in cases]
            misses = [float(case.met(x[None], y[None].astype(np.float64))[0]) for case, ok in zip(cases, inside_one) if ok]
            miss = min(misses, default=np.inf)
            if miss > 1e-5 * max(1.0, float(np.abs(y).max())):
                wrong += 1
                print(f"WRONG {folder.name} {network} {prop}: the witness misses by {miss}, inside {any(inside_one)}")
    if not quiet:
        print(f"{folder.name}: {told}, {wrong} contradictions")
    return wrong
