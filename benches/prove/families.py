"""Stand-ins for the verification competition's families: networks of their structure with properties, as its folders have them.

    python families.py make FOLDER          # writes FOLDER/<family>/{instances.csv, onnx/, vnnlib/, sampled.json}
    python families.py check FOLDER/<family> RESULTS.json      # of `glassnet prove --benchmark FOLDER/<family> --json`

The networks are small and have random weights, or are trained for a moment on a made-up function; thresholds come from samples, so that
some properties hold with a margin, some nearly, and some are violated. `check` samples every box again with ONNX Runtime: no sample may
violate what is said to hold, and every witness must, up to f32's rounding.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray
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


FAMILIES: dict[str, Callable[[], Family]] = {}


def family(make: Callable[[], Family]) -> Callable[[], Family]:
    FAMILIES[make.__name__] = make
    return make


@family
def acasxu() -> Family:
    it = Family("acasxu", packed=True)
    net = Net(1, opset=9, ir=4)
    x = net.input("input", [1, 1, 1, 5])
    x = net.op("Flatten", net.op("Sub", x, net.weight(np.zeros((1, 1, 1, 5)))), axis=1)
    net.output(net.layers(x, [5, 50, 50, 50, 50, 5], product="matmul"), [1, 5])
    wide = np.tile([-0.3, 0.3], (5, 1))
    small = np.tile([-0.05, 0.1], (5, 1))
    minimal = [[([("Y", 0, 1.0), ("Y", k, -1.0)], 0.0) for k in range(1, 5)]]
    two = [Case(boxed(*[(0.2, 0.4)] * 5), minimal), Case(boxed(*[(-0.4, -0.2)] * 5), minimal)]
    either = [[([("Y", k, 1.0), ("Y", j, -1.0)], 0.0) for j in range(5) if j != k] for k in range(1, 5)]
    it.add("run_1_1_batch", net, thresholds(net, wide, 0, [0.6, 0.2, -0.05]) + [
        Property("least", [Case(small, minimal)]), Property("two_boxes", two), Property("disjunction", [Case(small, either)])])
    return it


@family
def mnist_fc() -> Family:
    it = Family("mnist_fc", packed=True)
    for depth in (2, 4):
        net = Net(2 + depth, opset=11, ir=6)
        x = net.op("Flatten", net.input("0", ["unk__17", 784, 1]), axis=1)
        net.output(net.layers(x, [784] + [128] * depth + [10]), ["unk__18", 10])
        centre = np.random.default_rng(depth).random(784)
        it.add(f"mnist-net_256x{depth}", net, [overtaken(net, centre, r, (0, 1)) for r in (0.003, 0.01, 0.05)])
    return it


@family
def tllverifybench() -> Family:
    it = Family("tllverifybench")
    net = Net(3, opset=12)
    x = net.input("X", ["batch", 2])
    pieces, groups, size = 16, 16, 4
    linear = net.matmul(x, 2, pieces)

    def extremes(value: str, width: int, most: bool) -> str:
        """Halves a row of groups by pairs, with two ReLUs for an extreme: (a + b ± |a − b|)/2."""
        while width > 1:
            half = width // 2
            selector = np.zeros((groups_now * width, groups_now * half * 4), np.float32)
            for g in range(groups_now):
                for k in range(half):
                    a, b, to = g * width + 2 * k, g * width + 2 * k + 1, (g * half + k) * 4
                    for at, (fa, fb) in enumerate([(1, 1), (-1, -1), (1, -1), (-1, 1)]):
                        selector[a, to + at], selector[b, to + at] = fa, fb
            hidden = net.op("Relu", net.op("MatMul", value, net.weight(selector)))
            joined = np.zeros((groups_now * half * 4, groups_now * half), np.float32)
            for k in range(groups_now * half):
                joined[4 * k : 4 * k + 4, k] = [0.5, -0.5, *([0.5, 0.5] if most else [-0.5, -0.5])]
            value, width = net.op("MatMul", hidden, net.weight(joined)), half
        return value

    choice = np.zeros((pieces, groups * size), np.float32)
    for at in range(groups * size):
        choice[net.random.integers(pieces), at] = 1
    groups_now = groups
    value = extremes(net.op("MatMul", linear, net.weight(choice)), size, False)
    groups_now = 1
    net.output(extremes(value, groups, True), ["batch", 1])
    box = boxed((-2, 2), (-2, 2))
    it.add("tllBench_n=2_N=M=16_m=1", net, thresholds(net, box, 0, [0.05, 0.5, -0.02]) + thresholds(net, box, 0, [0.05, -0.02], most=False))
    return it


@family
def rl_benchmarks() -> Family:
    it = Family("rl_benchmarks", packed=True)
    for name, widths, activation in (("cartpole", [4, 64, 64, 2], "Relu"), ("lunarlander", [8, 64, 64, 4], "Relu"), ("dubinsrejoin", [8, 256, 256, 8], "Relu")):
        net = Net(len(name), opset=9, ir=4)
        net.weights_as_inputs = True
        net.output(net.layers(net.input("obs", [1, widths[0]]), widths, activation), [1, widths[-1]])
        centre = net.random.standard_normal(widths[0])
        y = Running(net.bytes()).one(centre)
        count = len(y)
        if count == 8:
            # The greatest of the first four together with the greatest of the last four are not a pair that is allowed.
            best = (int(np.argmax(y[:4])), 4 + int(np.argmax(y[4:])))
            any_of = []
            for a in range(4):
                for b in range(4, 8):
                    if (a, b) == best:
                        continue
                    any_of.append([([("Y", k, 1.0), ("Y", a, -1.0)], 0.0) for k in range(4) if k != a] + [([("Y", k, 1.0), ("Y", b, -1.0)], 0.0) for k in range(4, 8) if k != b])
            props = [Property(f"pairs_{r}", [Case(np.stack([centre - r, centre + r], 1), any_of)]) for r in (0.01, 0.05, 0.2)]
        else:
            props = [overtaken(net, centre, r) for r in (0.01, 0.05, 0.3)]
        it.add(name, net, props)
    return it


@family
def reach_prob_density() -> Family:
    it = Family("reach_prob_density")
    for name, widths in (("gcas", [9, 32, 32, 32, 13]), ("robot", [5, 64, 64, 64, 5]), ("vdp", [3, 32, 32, 3])):
        net = Net(sum(widths), opset=10, ir=5)
        net.output(net.layers(net.input("input", [1, widths[0]]), widths), [1, widths[-1]])
        box = boxed(*[(-0.2, 0.2)] * widths[0])
        rows = Case(box, []).sample(np.random.default_rng(3), 3000)
        y = Running(net.bytes())(rows)
        lo, hi = y.min(0), y.max(0)
        reach = hi - lo

        def region(at: float, width: float) -> list[list[Atom]]:
            low, high = lo + (at - width) * reach, lo + (at + width) * reach
            return [[([("Y", k, -1.0)], float(low[k])) for k in range(len(lo))] + [([("Y", k, 1.0)], -float(high[k])) for k in range(len(lo))]]

        it.add(name, net, [Property("far", [Case(box, region(1.4, 0.2))]), Property("corner", [Case(box, region(1.0, 0.1))]), Property("inside", [Case(box, region(0.5, 0.6))])])
    return it


@family
def safenlp() -> Family:
    it = Family("safenlp")
    net = Net(7, opset=13)
    x = net.input("input", ["batch_size", 30])
    net.output(net.layers(x, [30, 128, 2], product="matmul"), ["batch_size", 2])
    centre = net.random.standard_normal(30) * 0.3
    # As its files have it: Y_0 at most Y_1.
    best = int(np.argmax(Running(net.bytes()).one(centre)))
    props = []
    for at, r in enumerate((0.01, 0.05, 0.2)):
        widths = r * net.random.random(30)
        props.append(Property(f"hyperrectangle_{at}", [Case(np.stack([centre - widths, centre + widths], 1), [[([("Y", best, 1.0), ("Y", 1 - best, -1.0)], 0.0)]])]))
    it.add("perturbations_0", net, props)
    return it


@family
def dist_shift() -> Family:
    it = Family("dist_shift")
    net = Net(8, opset=11)
    x = net.input("x", [1, 792])
    image = net.op("Slice", x, net.whole([0]), net.whole([784]), net.whole([1]))
    code = net.op("Slice", x, net.whole([784]), net.whole([792]), net.whole([1]))
    both = net.op("Concat", net.layers(image, [784, 64, 8]), code, axis=1)
    shifted = net.op("Sigmoid", net.layers(net.op("Relu", both), [16, 64, 784]))
    net.output(net.layers(net.op("Relu", net.gemm(shifted, 784, 64)), [64, 64, 10]), [1, 10])
    centre = np.concatenate([net.random.random(784), net.random.standard_normal(8)])
    y = Running(net.bytes()).one(centre)
    best = int(np.argmax(y))
    props = []
    for r in (0.002, 0.02, 0.1):
        box = np.stack([centre, centre], 1)
        box[784:] += [-r, r]
        any_of = [[([("Y", best, 1.0), ("Y", k, -1.0)], 0.0)] for k in range(10) if k != best]
        props.append(Property(f"shift_{r}", [Case(box, any_of)]))
    it.add("mnist_concat", net, props)
    return it


@family
def cersyve() -> Family:
    """A value function of the next state, which a controller and known dynamics give."""
    it = Family("cersyve")
    net = Net(9, opset=17, ir=8)
    x = net.input("x", [1, 4])
    action = net.op("Clip", net.layers(x, [4, 32, 32, 1]), net.weight(-1.0), net.weight(1.0))
    moved = net.op("MatMul", x, net.weight(np.eye(4) + 0.05 * net.draw(4, 4)))
    following = net.op("Add", moved, net.op("Mul", action, net.weight([[0.0, 0.05, 0.0, 0.1]])))
    inner = [net.weight(net.draw(32, 4)), net.weight(net.draw(32, scale=0.1)), net.weight(net.draw(1, 32)), net.weight([0.1])]

    def value(state: str) -> str:
        return net.op("Gemm", net.op("Relu", net.op("Gemm", state, inner[0], inner[1], transB=1)), inner[2], inner[3], transB=1)

    net.output(net.op("Concat", value(x), value(following), axis=1), [1, 2])
    box = boxed(*[(-0.5, 0.5)] * 4)
    rows = Case(box, []).sample(np.random.default_rng(5), 4000)
    y = Running(net.bytes())(rows)
    gap = float((y[:, 1] - y[:, 0]).max())
    props = []
    for slack in (0.3, 0.02, -0.02):
        atoms = [([("Y", 0, 1.0)], -float(np.median(y[:, 0]))), ([("Y", 1, -1.0), ("Y", 0, 1.0)], gap + slack)]
        props.append(Property(f"next_{slack}", [Case(box, [atoms])]))
    it.add("point_mass_pretrain_con", net, props)
    return it


@family
def lindex() -> Family:
    it = Family("nn4sys_lindex", packed=True)
    net = Net(10, opset=9, ir=4)
    net.output(net.layers(net.input("x", ["N", 1]), [1, 128, 128, 128, 1], product="matmul"), ["N", 1])
    running = Running(net.bytes())
    for count in (100, 1000):
        edges = np.linspace(0.0, 1.0, count + 1)
        for slack in (0.05, 0.002, -0.0005):
            cases = []
            for lo, hi in zip(edges, edges[1:]):
                y = running(np.linspace(lo, hi, 20).reshape(-1, 1))
                wide = max(slack, 0.0) if slack > 0 else (slack if lo < 0.5 <= hi else 0.05)
                cases.append(Case(boxed((lo, hi)), [[([("Y", 0, 1.0)], -float(y.min() - wide))], [([("Y", 0, -1.0)], float(y.max() + wide))]]))
            it.properties.setdefault("lindex", []).append(Property(f"lindex_{count}_{slack}", cases))
    it.nets["lindex"] = net
    return it


@family
def mscn() -> Family:
    """Sets of tables, joins and predicates with masks: products, sums, quotients, a sigmoid."""
    it = Family("nn4sys_mscn")
    net = Net(11, opset=11)
    x = net.input("x", [1, 11, 14])
    parts = []
    for at, (begin, end, width) in enumerate([(0, 3, 6), (3, 6, 6), (6, 9, 13)]):
        rows = net.op("Slice", x, net.whole([begin]), net.whole([end]), net.whole([1]))
        values, mask = net.op("Split", rows, outputs=2, axis=2, split=[13, 1])
        values = net.op("Slice", values, net.whole([0]), net.whole([width]), net.whole([2]))
        hidden = net.op("Relu", net.matmul(net.op("Relu", net.matmul(values, width, 16)), 16, 16))
        total = net.op("ReduceSum", net.op("Mul", hidden, mask), axes=[1], keepdims=0)
        parts.append(net.op("Div", total, net.op("ReduceSum", mask, axes=[1], keepdims=0)))
    joined = net.op("Relu", net.gemm(net.op("Concat", *parts, axis=1), 48, 16))
    net.output(net.op("Sigmoid", net.gemm(joined, 16, 1)), [1, 1])
    centre = net.random.random((11, 14))
    centre[:, 13] = 1.0
    props = []
    for r in (0.02, 0.2):
        box = np.stack([centre - r, centre + r], axis=2)
        box[:, 13] = 1.0
        props += thresholds(net, box.reshape(-1, 2), 0, [0.5, 0.1, -0.05])
        for prop in props[-3:]:
            prop.name += f"_{r}"
    # Masks that vary: a quotient by what depends on the input.
    box = np.stack([centre, centre], axis=2)
    box[:, 13] = [0.8, 1.0]
    masks = thresholds(net, box.reshape(-1, 2), 0, [0.5, -0.05])
    for prop in masks:
        prop.name += "_masks"
    it.add("mscn_128d", net, props + masks)
    return it


@family
def mscn_dual() -> Family:
    """The same network twice, on two inputs that lie close: the difference of the outputs."""
    it = Family("nn4sys_mscn_dual")
    net = Net(12, opset=13)
    x = net.input("x", [1, 22, 6])
    one, other = net.op("Split", x, net.whole([11, 11]), outputs=2, axis=1)
    inner = (net.weight(net.draw(6, 16)), net.weight(net.draw(16, 1, scale=0.3)))

    def value(rows: str) -> str:
        hidden = net.op("Relu", net.op("MatMul", rows, inner[0]))
        return net.op("MatMul", net.op("ReduceMean", hidden, axes=[1], keepdims=0), inner[1])

    net.output(net.op("Sub", value(one), value(other)), [1, 1])
    centre = np.tile(net.random.random((11, 6)), (2, 1))
    box = np.stack([centre - 0.02, centre + 0.02], axis=2).reshape(-1, 2)
    it.add("mscn_dual", net, thresholds(net, box, 0, [1.0, 0.2, -0.1]))
    return it


@family
def collins_rul_cnn() -> Family:
    it = Family("collins_rul_cnn", packed=True)
    net = Net(13, opset=9, ir=4)
    x = net.input("input", [1, 1, 20, 20])
    for channels, before in ((8, 1), (8, 8), (1, 8)):
        x = net.op("Conv", x, net.weight(net.draw(channels, before, 5, 1)), net.weight(net.draw(channels, scale=0.1)), kernel_shape=[5, 1], pads=[2, 0, 2, 0], strides=[1, 1], dilations=[1, 1], group=1)
        x = net.op("Relu", x)
    x = net.op("Reshape", x, net.whole([1, -1]))
    net.output(net.layers(net.op("Dropout", x), [400, 50, 1]), [1, 1])
    centre = net.random.random(400)
    box = np.stack([centre, centre], 1)
    box[:60] += [-0.1, 0.1]
    monotone = np.stack([centre, centre], 1)
    monotone[[3, 23, 43]] += [0.0, 0.5]
    it.add("NN_rul_small_window_20", net, thresholds(net, box, 0, [0.5, 0.1, -0.05]) + thresholds(net, monotone, 0, [0.1, -0.1], most=False))
    return it


@family
def sri_resnet() -> Family:
    it = Family("sri_resnet")
    net = Net(14, opset=11)
    x = net.input("input.1", [1, 3, 8, 8])
    x = net.op("Div", net.op("Sub", x, net.weight(np.full((1, 3, 1, 1), 0.45))), net.weight(np.full((1, 3, 1, 1), 0.25)))

    def conv(value: str, before: int, after: int, stride: int = 1, kernel: int = 3) -> str:
        pad = kernel // 2
        return net.op("Conv", value, net.weight(net.draw(after, before, kernel, kernel)), net.weight(net.draw(after, scale=0.1)), kernel_shape=[kernel] * 2, pads=[pad] * 4, strides=[stride] * 2)

    x = net.op("Relu", conv(x, 3, 4))
    for before, after, stride in ((4, 4, 1), (4, 8, 2)):
        inner = conv(net.op("Relu", conv(x, before, after, stride)), after, after)
        inner = net.op("BatchNormalization", inner, *[net.weight(1 + net.draw(after, scale=0.1)) for _ in range(1)], net.weight(net.draw(after, scale=0.1)), net.weight(net.draw(after, scale=0.1)), net.weight(np.abs(1 + net.draw(after, scale=0.1))))
        skip = x if stride == 1 else conv(x, before, after, stride, 1)
        x = net.op("Relu", net.op("Add", inner, skip))
    x = net.op("Flatten", net.op("GlobalAveragePool", x), axis=1)
    net.output(net.layers(x, [8, 32, 10]), [1, 10])
    centre = net.random.random(192)
    it.add("resnet_3b2_bn_mixup", net, [overtaken(net, centre, r, (0, 1)) for r in (0.001, 0.004, 0.03)])
    return it


@family
def eran() -> Family:
    it = Family("eran")
    for activation in ("Sigmoid", "Tanh"):
        net = Net(len(activation), opset=10, ir=5)
        x = net.op("Flatten", net.input("x", [1, 1, 8, 8]), axis=1)
        net.output(net.layers(x, [64, 50, 50, 10], activation), [1, 10])
        centre = net.random.random(64)
        it.add(f"ffnn{activation}", net, [overtaken(net, centre, r, (0, 1)) for r in (0.005, 0.02, 0.1)])
    return it


@family
def ml4acopf() -> Family:
    """Loads to voltages and flows: sigmoids scaled to limits, products, sines and cosines of differences of angles."""
    it = Family("ml4acopf")
    net = Net(15, opset=14, ir=8)
    x = net.input("input", [1, 22])
    hidden = net.layers(x, [22, 32, 32, 14], "Relu")
    angle = net.op("Mul", net.op("Sub", net.op("Sigmoid", net.op("Slice", hidden, net.whole([0]), net.whole([7]), net.whole([1]))), net.weight(0.5)), net.weight(1.2))
    volt = net.op("Add", net.op("Mul", net.op("Sigmoid", net.op("Slice", hidden, net.whole([7]), net.whole([14]), net.whole([1]))), net.weight(0.12)), net.weight(0.94))
    source, target = net.whole([0, 1, 2, 3, 4, 5]), net.whole([1, 2, 3, 4, 5, 6])
    turn = net.op("Sub", net.op("Gather", angle, source, axis=1), net.op("Gather", angle, target, axis=1))
    pair = net.op("Mul", net.op("Gather", volt, source, axis=1), net.op("Gather", volt, target, axis=1))
    square = net.op("Pow", net.op("Gather", volt, source, axis=1), net.weight(2.0))
    flow = net.op("Sub", net.op("Mul", square, net.weight(np.full((1, 6), 1.4))), net.op("Mul", pair, net.op("Add", net.op("Mul", net.op("Cos", turn), net.weight(1.4)), net.op("Mul", net.op("Sin", turn), net.weight(4.0)))))
    excess = net.op("Relu", net.op("Sub", net.op("Abs", flow), net.weight(0.8)))
    net.output(net.op("Concat", flow, net.op("ReduceSum", excess, net.whole([1]), keepdims=1), volt, axis=1), [1, 14])
    centre = net.random.random(22)
    props = []
    for r in (0.01, 0.1):
        box = np.stack([centre - r, centre + r], 1)
        for output in (0, 6):
            found = thresholds(net, box, output, [0.5, 0.1, -0.05])
            for prop in found:
                prop.name += f"_{r}"
            props += found
    it.add("14_ieee_ml4acopf", net, props)
    return it


@family
def lsnc() -> Family:
    """A controller, dynamics of a planar vehicle, and a Lyapunov function |Rx| + V(x) of the next state."""
    it = Family("lsnc")
    net = Net(16, opset=14, ir=8)
    x = net.input("state", ["batch", 6])
    action = net.op("Clip", net.layers(x, [6, 8, 8, 2]), net.weight(-2.0), net.weight(2.0))
    parts = net.op("Split", x, net.whole([2, 1, 2, 1]), outputs=4, axis=1)
    place, turn, speed, rate = parts
    lift, twist = net.op("Split", action, net.whole([1, 1]), outputs=2, axis=1)
    sine, cosine = net.op("Sin", turn), net.op("Cos", turn)
    step = 0.05
    push = net.op("Concat", net.op("Mul", net.op("Neg", sine), lift), net.op("Sub", net.op("Mul", cosine, lift), net.weight(1.0)), axis=1)
    following = net.op("Concat",
        net.op("Add", place, net.op("Mul", speed, net.weight(step))), net.op("Add", turn, net.op("Mul", rate, net.weight(step))),
        net.op("Add", speed, net.op("Mul", push, net.weight(step))), net.op("Add", rate, net.op("Mul", twist, net.weight(step))), axis=1)
    form = net.draw(6, 6)

    def value(state: str) -> str:
        product = net.op("MatMul", state, net.weight((form @ form.T + 0.1 * np.eye(6)).astype(np.float32)))
        return net.op("ReduceSum", net.op("Mul", state, product), net.whole([1]), keepdims=1)

    change = net.op("Sub", value(following), net.op("Mul", value(x), net.weight(0.99)))
    net.output(net.op("Concat", change, value(x), following, axis=1), ["batch", 8])
    box = boxed(*[(0.1, 0.3)] * 6)
    props = thresholds(net, box, 0, [0.5, 0.1, -0.05]) + thresholds(net, boxed(*[(-0.3, 0.3)] * 6), 0, [0.5, -0.05])
    # A hole around the origin is left out: a disjunction of boxes.
    y = Running(net.bytes())(Case(boxed(*[(-0.4, 0.4)] * 6), []).sample(np.random.default_rng(2), 5000))
    cases = []
    for k in range(6):
        for side in ((-0.4, -0.2), (0.2, 0.4)):
            sides = boxed(*[(-0.4, 0.4)] * 6)
            sides[k] = side
            cases.append(Case(sides, [[([("Y", 0, -1.0)], float(y[:, 0].max() + 0.6 * np.ptp(y[:, 0])))]]))
    props.append(Property("hole", cases))
    it.add("quadrotor2d_state", net, props)
    return it


@family
def traffic() -> Family:
    """Binary activations."""
    it = Family("traffic_signs")
    net = Net(17, opset=9, ir=4)
    x = net.input("input", [1, 3, 6, 6])
    x = net.op("Conv", x, net.weight(net.draw(6, 3, 3, 3)), kernel_shape=[3, 3], pads=[0] * 4)
    x = net.op("BatchNormalization", x, net.weight(np.ones(6)), net.weight(net.draw(6, scale=0.2)), net.weight(net.draw(6, scale=0.2)), net.weight(np.ones(6)))
    x = net.op("Flatten", net.op("Sign", x), axis=1)
    net.output(net.op("MatMul", x, net.weight(np.sign(net.draw(96, 5)))), [1, 5])
    centre = net.random.random(108)
    it.add("3_30_30_QConv", net, [overtaken(net, centre, r) for r in (0.0005, 0.01, 0.2)])
    return it


@family
def relusplitter() -> Family:
    it = Family("relusplitter")
    net = Net(18, opset=12)
    x = net.input("onnx::Flatten_0", [1, 1, 8, 8])
    x = net.op("Conv", x, net.weight(net.draw(4, 1, 4, 4)), net.weight(net.draw(4, scale=0.1)), kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4)
    x = net.op("Reshape", net.op("Relu", x), net.op("Concat", net.op("Slice", net.op("Shape", net.inputs[0][0]), net.whole([0]), net.whole([1])), net.whole([-1]), axis=0))
    net.output(net.layers(x, [64, 64, 10]), [1, 10])
    centre = net.random.random(64)
    it.add("mnist_conv_split", net, [overtaken(net, centre, r, (0, 1)) for r in (0.01, 0.04, 0.2)])
    return it


@family
def linearizenn() -> Family:
    it = Family("linearizenn")
    net = Net(19, opset=13)
    x = net.input("input", [1, 4])
    hidden = net.layers(x, [4, 20, 20, 1])
    # The network's distance to its linearisation, as one output for each side.
    linear = net.op("MatMul", x, net.weight(net.draw(4, 1, scale=0.3)))
    gap = net.op("Sub", hidden, linear)
    net.output(net.op("Concat", gap, net.op("Neg", gap), axis=1), [1, 2])
    box = boxed(*[(-0.1, 0.1)] * 4)
    it.add("AllInOne_20_20", net, thresholds(net, box, 0, [0.3, 0.02, -0.05]) + thresholds(net, box, 1, [0.02, -0.05]))
    return it


@family
def layernorm() -> Family:
    it = Family("layernorm")
    for name, size in (("plain", 1.0), ("large", 1e4)):
        net = Net(20, opset=17, ir=8)
        x = net.input("x", ["batch", 8])
        x = net.op("Mul", net.gemm(x, 8, 16), net.weight(size))
        x = net.op("LayerNormalization", x, net.weight(1 + net.draw(16, scale=0.1)), net.weight(net.draw(16, scale=0.1)), axis=-1, epsilon=1e-5)
        x = net.op("Gelu" if False else "Relu", net.gemm(x, 16, 16))
        net.output(net.gemm(x, 16, 4), ["batch", 4])
        centre = net.random.standard_normal(8)
        it.add(name, net, [overtaken(net, centre, r) for r in (0.001, 0.01, 0.2)])
    return it


@family
def vit() -> Family:
    """One block of attention over four patches."""
    it = Family("vit")
    net = Net(21, opset=13)
    x = net.input("x", [1, 4, 6])
    query, key, value = (net.matmul(x, 6, 6) for _ in range(3))
    scores = net.op("Mul", net.op("MatMul", query, net.op("Transpose", key, perm=[0, 2, 1])), net.weight(6**-0.5))
    x = net.op("Add", x, net.op("MatMul", net.op("Softmax", scores, axis=-1), value))
    x = net.op("Relu", net.matmul(x, 6, 12))
    net.output(net.gemm(net.op("ReduceMean", x, axes=[1], keepdims=0), 12, 5), [1, 5])
    centre = net.random.standard_normal(24)
    it.add("ibp_3_3_8", net, [overtaken(net, centre, r) for r in (0.002, 0.02, 0.2)])
    return it


@family
def gate() -> Family:
    """Residual times gate, in the manner of gated units."""
    it = Family("gate")
    net = Net(22, opset=13)
    x = net.input("x", ["b", 6])
    up, gated = net.gemm(x, 6, 16), net.op("Sigmoid", net.gemm(x, 6, 16))
    y = net.op("Add", net.gemm(net.op("Mul", up, gated), 16, 6), x)
    y = net.op("Mul", y, net.op("Relu", net.gemm(y, 6, 6)))
    net.output(net.gemm(y, 6, 3), ["b", 3])
    centre = net.random.standard_normal(6)
    it.add("glu", net, [overtaken(net, centre, r) for r in (0.01, 0.05, 0.3)])
    return it


@family
def cgan() -> Family:
    it = Family("cgan")
    net = Net(23, opset=11)
    x = net.input("z", [1, 5])
    x = net.op("Reshape", net.gemm(x, 5, 32), net.whole([1, 8, 2, 2]))
    x = net.op("Relu", net.op("BatchNormalization", x, net.weight(np.ones(8)), net.weight(net.draw(8, scale=0.2)), net.weight(net.draw(8, scale=0.2)), net.weight(np.ones(8))))
    x = net.op("ConvTranspose", x, net.weight(net.draw(8, 4, 4, 4)), net.weight(net.draw(4, scale=0.1)), kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4)
    x = net.op("Tanh", net.op("ConvTranspose", net.op("Relu", x), net.weight(net.draw(4, 1, 4, 4)), kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4))
    x = net.op("LeakyRelu", net.op("Conv", x, net.weight(net.draw(4, 1, 4, 4)), net.weight(net.draw(4, scale=0.1)), kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4), alpha=0.2)
    net.output(net.gemm(net.op("Flatten", x, axis=1), 64, 1), [1, 1])
    box = np.stack([np.full(5, 0.4), np.full(5, 0.45)], 1)
    it.add("cGAN_imgSz32_nCh_1", net, thresholds(net, box, 0, [0.5, 0.1, -0.05]))
    return it


@family
def two_inputs() -> Family:
    """Several inputs and outputs, which VNN-LIB numbers one after the other."""
    it = Family("two_inputs")
    net = Net(24, opset=13)
    a, b = net.input("image", [1, 2, 3]), net.input("meta", [1, 4])
    joined = net.op("Concat", net.op("Reshape", a, net.whole([1, 6])), b, axis=1)
    hidden = net.op("Relu", net.gemm(joined, 10, 24))
    net.output(net.gemm(hidden, 24, 2), [1, 2])
    net.output(net.op("Reshape", net.gemm(hidden, 24, 3), net.whole([1, 3, 1])), [1, 3, 1])
    box = boxed(*[(-0.3, 0.3)] * 10)
    relation = Property("inputs_in_outputs", [Case(box, [[([("Y", 0, -1.0), ("X", 1, 2.0), ("Y", 4, 1.0)], 8.0)]])])
    it.add("two", net, thresholds(net, box, 0, [0.5, -0.05]) + thresholds(net, box, 3, [0.5, -0.05]) + [relation])
    return it


@family
def second_version() -> Family:
    it = two_inputs()
    it.name, it.second = "vnnlib2", True
    return it


@family
def choices() -> Family:
    """Comparisons and choices: clipped and piecewise rewards."""
    it = Family("choices")
    net = Net(25, opset=16, ir=8)
    x = net.input("x", ["b", 3])
    y = net.layers(x, [3, 16, 4])
    chosen = net.op("Where", net.op("Greater", y, net.weight(0.1)), net.op("Mul", y, net.weight(2.0)), net.op("Sub", y, net.weight(0.3)))
    least = net.op("Min", chosen, net.op("Max", net.op("Neg", y), net.weight(-0.5)))
    bent = net.op("Add", net.op("HardSwish", y), net.op("Atan", least))
    signs = net.op("Mul", net.op("Sign", y), net.weight(0.25))
    total = net.op("Sum", chosen, least, bent, signs, net.op("ThresholdedRelu", y, alpha=0.3))
    net.output(net.op("Exp", net.op("Mul", total, net.weight(0.3))), ["b", 4])
    box = boxed(*[(-0.4, 0.4)] * 3)
    it.add("choices", net, thresholds(net, box, 0, [0.5, 0.1, -0.05]) + thresholds(net, box, 2, [0.5, -0.05], most=False))
    return it


@family
def elementary() -> Family:
    """Logarithms, roots, powers, quotients with positive denominators."""
    it = Family("elementary")
    net = Net(26, opset=13)
    x = net.input("x", ["b", 4])
    y = net.gemm(net.op("Relu", net.gemm(x, 4, 12)), 12, 6)
    positive = net.op("Softplus", y)
    share = net.op("Div", positive, net.op("Add", net.op("ReduceSum", positive, net.whole([1]), keepdims=1), net.weight(0.1)))
    root = net.op("Sqrt", net.op("Add", net.op("Pow", y, net.weight(2.0)), net.weight(0.01)))
    cubed = net.op("Mul", net.op("Pow", y, net.weight(3.0)), net.weight(0.1))
    logs = net.op("Log", net.op("Add", share, net.weight(0.01)))
    powered = net.op("Pow", positive, net.weight(1.5))
    net.output(net.op("Sum", share, root, cubed, logs, powered), ["b", 6])
    box = boxed(*[(-0.3, 0.3)] * 4)
    it.add("elementary", net, thresholds(net, box, 0, [0.5, 0.1, -0.05]) + thresholds(net, box, 3, [0.5, -0.05], most=False))
    return it


@family
def cora() -> Family:
    it = Family("cora")
    net = Net(27, opset=13)
    x = net.op("Reshape", net.input("input", [1, 1, 28, 28]), net.whole([-1, 784]))
    net.output(net.layers(x, [784] + [100] * 6 + [10]), [1, 10])
    centre = net.random.random(784)
    it.add("mnist-point", net, [overtaken(net, centre, r, (0, 1)) for r in (0.001, 0.005, 0.05)])
    return it


@family
def sat_relu() -> Family:
    """A formula in conjunctive form as a ReLU network: an assignment that satisfies it gives the number of clauses."""
    it = Family("sat_relu")
    for name, count, clauses in (("sat", 8, 20), ("unsat", 6, 60)):
        net = Net(28 + count, opset=13)
        x = net.input("X", [1, count])
        drawn = [(net.random.choice(count, 3, replace=False), net.random.choice([-1, 1], 3)) for _ in range(clauses)]
        into, shift = np.zeros((count, clauses), np.float32), np.zeros(clauses, np.float32)
        for at, (variables, signs) in enumerate(drawn):
            for v, s in zip(variables, signs):
                into[v, at] = -s
                shift[at] += -1.0 if s > 0 else 0.0
            shift[at] += 3.0 - 2.0
        # relu(1 − Σ literals) is 1 where no literal is true, and 0 where one is.
        missed = net.op("Relu", net.op("Add", net.op("MatMul", x, net.weight(into)), net.weight(1.0 + 0 * shift - np.array([sum(1 for s in signs if s < 0) for _, signs in drawn], np.float32))))
        half = net.op("Relu", net.op("Sub", net.weight(0.5), net.op("Abs", net.op("Sub", x, net.weight(0.5)))))
        total = net.op("Add", net.op("ReduceSum", missed, net.whole([1]), keepdims=1), net.op("ReduceSum", half, net.whole([1]), keepdims=1))
        net.output(total, [1, 1])
        it.add(name, net, [Property("satisfied", [Case(boxed(*[(0.0, 1.0)] * count), [[([("Y", 0, 1.0)], -0.001)]])])])
    return it


@family
def pensieve() -> Family:
    """Windows of measurements, each through its own 1-d convolution or product, and the difference of two copies."""
    it = Family("nn4sys_pensieve")
    net = Net(29, opset=11)
    x = net.input("input", [1, 6, 8])
    rows = net.op("Split", x, outputs=6, axis=1)
    hidden = []
    for row in rows[:3]:
        flat = net.op("Reshape", net.op("Conv", row, net.weight(net.draw(4, 1, 4)), net.weight(net.draw(4, scale=0.1)), kernel_shape=[4]), net.whole([1, 20]))
        hidden.append(net.op("Relu", flat))
    for row in rows[3:]:
        last = net.op("Gather", net.op("Squeeze", row, axes=[1]), net.whole([7]), axis=1)
        hidden.append(net.op("Relu", net.gemm(last, 1, 8)))
    x = net.layers(net.op("Concat", *hidden, axis=1), [84, 32, 6])
    net.output(net.op("ArgMax", x, axis=1, keepdims=0) if False else net.op("Sub", net.op("ReduceMax", x, axes=[1]), net.op("ReduceMin", x, axes=[1])), [1, 1])
    centre = net.random.random(48)
    box = np.stack([centre - 0.05, centre + 0.05], 1)
    it.add("pensieve_small_simple", net, thresholds(net, box, 0, [0.5, 0.1, -0.05]))
    return it


@family
def metaroom() -> Family:
    it = Family("metaroom")
    net = Net(30, opset=10, ir=5)
    x = net.input("input", ["batch", 3, 8, 14])
    for before, after in ((3, 6), (6, 8)):
        x = net.op("Conv", x, net.weight(net.draw(after, before, 3, 3)), net.weight(net.draw(after, scale=0.1)), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        x = net.op("Relu", x)
    x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1])
    net.output(net.gemm(net.op("Flatten", x, axis=1), 24, 8), ["batch", 8])
    centre = net.random.random(336)
    it.add("4cnn_ry_3_3", net, [overtaken(net, centre, r, (0, 1)) for r in (0.001, 0.01, 0.1)])
    return it


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


def check(folder: Path, results: Path, count: int = 100_000) -> int:
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
    print(f"{folder.name}: {told}, {wrong} contradictions")
    return wrong


def main() -> None:
    match sys.argv[1:]:
        case ["make", folder, *names]:
            for name, make in FAMILIES.items():
                if not names or name in names:
                    it = make()
                    write(Path(folder) / it.name, it)
                    print(it.name, sum(map(len, it.properties.values())))
        case ["check", folder, results]:
            sys.exit(1 if check(Path(folder), Path(results)) else 0)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
