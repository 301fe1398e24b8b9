"""Stand-ins for the verification competition's families: networks of their structure with properties, as its folders have them.

    python families.py make FOLDER          # writes FOLDER/<family>/{instances.csv, onnx/, vnnlib/, sampled.json}
    python families.py run GLASSNET FOLDER [SECONDS]           # the program on every family, each verdict sampled: a table
    python families.py check FOLDER/<family> RESULTS.json      # of `glassnet prove --benchmark FOLDER/<family> --json`

The networks are small and have random weights, or are trained for a moment on a made-up function; thresholds come from samples, so that
some properties hold with a margin, some nearly, and some are violated. `check` samples every box again with ONNX Runtime: no sample may
violate what is said to hold, and every witness must, up to f32's rounding.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

import numpy as np

from standin import Atom, Case, Family, Net, Property, Running, boxed, check, overtaken, thresholds, write

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
        props += thresholds(net, box.reshape(-1, 2), 0, [4.0, 1.5, -0.05])
        for prop in props[-3:]:
            prop.name += f"_{r}"
    # Masks that vary: a quotient by what depends on the input.
    box = np.stack([centre, centre], axis=2)
    box[:, 13] = [0.8, 1.0]
    masks = thresholds(net, box.reshape(-1, 2), 0, [1.0, -0.05])
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
    it.add("mscn_dual", net, thresholds(net, box, 0, [5.0, 2.0, -0.1]))
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
    props = thresholds(net, box, 0, [0.5, 0.1, -0.05]) + thresholds(net, boxed(*[(-0.3, 0.3)] * 6), 0, [0.6, -0.06])
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
        x = net.op("Relu", net.gemm(x, 16, 16))
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
    net = Net(31, opset=13)
    x = net.op("Relu", net.op("Reshape", net.gemm(net.input("z", [1, 5]), 5, 32), net.whole([1, 8, 2, 2])))
    x = net.op("Resize", x, "", net.weight([1.0, 1.0, 2.0, 2.0]), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    x = net.op("Tanh", net.op("Conv", x, net.weight(net.draw(4, 8, 3, 3)), net.weight(net.draw(4, scale=0.1)), kernel_shape=[3, 3], pads=[1] * 4))
    net.output(net.gemm(net.op("Flatten", x, axis=1), 64, 1), [1, 1])
    it.add("cGAN_imgSz32_nCh_1_upsample", net, thresholds(net, box, 0, [0.5, 0.1, -0.05]))
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
    net.output(net.op("Sub", net.op("ReduceMax", x, axes=[1]), net.op("ReduceMin", x, axes=[1])), [1, 1])
    centre = net.random.random(48)
    box = np.stack([centre - 0.05, centre + 0.05], 1)
    it.add("pensieve_small_simple", net, thresholds(net, box, 0, [1.5, 0.6, -0.05]))
    return it


@family
def large() -> Family:
    """Hundreds of megabytes of weights, of which a small box needs one pass."""
    it = Family("large")
    net = Net(32, opset=13)
    x = net.op("Flatten", net.input("x", [1, 1, 28, 28]), axis=1)
    net.output(net.layers(x, [784, 4096, 4096, 2048, 10]), [1, 10])
    centre = net.random.random(784)
    it.add("wide", net, [overtaken(net, centre, r, (0, 1)) for r in (1e-5, 0.3)])
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


def run(program: str, folder: Path, seconds: str) -> int:
    """Every family's row of a table; the number of contradictions."""
    print("| family | instances | hold | violated | unknown | in error | processor time | contradictions |")
    print("|---|---|---|---|---|---|---|---|")
    wrong = 0
    for place in sorted(it for it in folder.iterdir() if (it / "sampled.json").is_file()):
        told = place / "results.json"
        command = [program, "prove", "--benchmark", str(place), "--timeout", seconds, "--json"]
        with told.open("w") as output:
            subprocess.run(command, stdout=output, stderr=subprocess.DEVNULL, check=False)
        results = json.loads(told.read_text())
        verdicts = [it["verdict"] for it in results["instances"]]
        found = check(place, told, quiet=True)
        wrong += found
        counts = [str(verdicts.count(word)) for word in ("holds", "violated", "unknown", "error")]
        print(f"| {place.name} | {len(verdicts)} | {' | '.join(counts)} | {results['seconds']:.1f} s | {found} |", flush=True)
    return wrong


def main() -> None:
    match sys.argv[1:]:
        case ["make", folder, *names]:
            for name, make in FAMILIES.items():
                if not names or name in names:
                    it = make()
                    write(Path(folder) / it.name, it)
                    print(it.name, sum(map(len, it.properties.values())))
        case ["run", program, folder, *seconds]:
            sys.exit(1 if run(program, Path(folder), seconds[0] if seconds else "20") else 0)
        case ["check", folder, results]:
            sys.exit(1 if check(Path(folder), Path(results)) else 0)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
