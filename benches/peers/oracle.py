"""Training in double precision with plain loops: what the first losses of a small case must be."""

from __future__ import annotations

from math import exp, log, sqrt

import arrays
from cases import Case


def losses(case: Case, steps: int) -> list[float]:
    """The losses of the first steps, from the case's weights and rows."""
    data = arrays.generate(case)
    layers = range(len(case.sizes) - 1)
    parameters = []
    for layer in layers:
        parameters.append(list(map(float, data[f"{2 * layer}.weight"][2])))
        parameters.append(list(map(float, data[f"{2 * layer}.bias"][2])))
    first = [[0.0] * len(values) for values in parameters]
    second = [[0.0] * len(values) for values in parameters]
    found = []
    for step in range(steps):
        begin = step % case.batches * case.batch
        gradients = [[0.0] * len(values) for values in parameters]
        total = 0.0
        for row in range(begin, begin + case.batch):
            total += _row(case, parameters, gradients, data, row)
        found.append(total / case.batch)
        _update(case, parameters, gradients, first, second, step + 1)
    return found


def _row(case: Case, parameters: list, gradients: list, data: dict, row: int) -> float:
    """Adds a row's gradient (of the mean over the batch); returns its loss."""
    width = case.sizes[0]
    values = [list(map(float, data["x"][2][row * width : (row + 1) * width]))]
    last = len(case.sizes) - 2
    for layer in range(last + 1):
        weight, bias, x = parameters[2 * layer], parameters[2 * layer + 1], values[-1]
        n = len(x)
        z = [sum(w * v for w, v in zip(weight[o * n : (o + 1) * n], x)) + b for o, b in enumerate(bias)]
        values.append(z if layer == last else [max(v, 0.0) for v in z])
    loss, delta = _loss(case, values[-1], data["y"][2], row)
    for layer in range(last, -1, -1):
        x, weight = values[layer], parameters[2 * layer]
        n = len(x)
        for o, d in enumerate(delta):
            gradients[2 * layer + 1][o] += d
            for i, v in enumerate(x):
                gradients[2 * layer][o * n + i] += d * v
        if layer > 0:
            delta = [
                sum(d * weight[o * n + i] for o, d in enumerate(delta)) if v > 0.0 else 0.0 for i, v in enumerate(x)
            ]
    return loss


def _loss(case: Case, output: list[float], y, row: int) -> tuple[float, list[float]]:
    """A row's loss, and its share of the gradient of the batch's mean."""
    if case.loss == "cross_entropy":
        top = max(output)
        powers = [exp(v - top) for v in output]
        total = sum(powers)
        label = y[row]
        delta = [(p / total - (o == label)) / case.batch for o, p in enumerate(powers)]
        return log(total) + top - output[label], delta
    width = len(output)
    differences = [v - y[row * width + o] for o, v in enumerate(output)]
    return sum(d * d for d in differences) / width, [2 * d / (width * case.batch) for d in differences]


def _update(case: Case, parameters: list, gradients: list, first: list, second: list, step: int) -> None:
    rule = case.optimizer
    for values, slopes, m, v in zip(parameters, gradients, first, second):
        for i, g in enumerate(slopes):
            if rule["name"] == "adam":
                m[i] += 0.1 * (g - m[i])
                v[i] = 0.999 * v[i] + 0.001 * g * g
                root = sqrt(v[i]) / sqrt(1 - 0.999**step) + 1e-8
                values[i] -= rule["lr"] / (1 - 0.9**step) * m[i] / root
            else:
                m[i] = rule["momentum"] * m[i] + g
                values[i] -= rule["lr"] * m[i]
