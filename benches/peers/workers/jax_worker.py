"""JAX as a contestant: a jitted step, epochs of `lax.scan` in one call, and the same for many networks by `vmap`."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

from serve import Case, Loaded, Sampler, measure_passes, measure_steps, serve, threads

# XLA starts as many threads as it sees processors.
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: threads()]))

import jax  # noqa: E402 (the affinity must be set first)
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

LEAST_PER_CALL = 10e-3
"""A call runs so many epochs that it takes at least so many seconds: what a call costs vanishes."""

tree = jax.tree_util.tree_map


def parameters(case: Case) -> list[tuple[jax.Array, jax.Array]]:
    """Weights as [in, out], the habit of JAX's libraries."""
    return [(jnp.asarray(w.swapaxes(-1, -2)), jnp.asarray(b)) for w, b in zip(case.weights, case.biases)]


def forward(layers: list, x: jax.Array) -> jax.Array:
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def step(case: Case, state: tuple, batch: tuple) -> tuple[tuple, jax.Array]:
    """A training step: state → state, loss."""
    layers, first, second, count = state
    x, y = batch

    def loss(layers: list) -> jax.Array:
        output = forward(layers, x)
        if case.loss == "cross_entropy":
            chosen = jnp.take_along_axis(jax.nn.log_softmax(output), y[:, None], axis=1)
            return -chosen.mean()
        return jnp.square(output - y).mean()

    value, slopes = jax.value_and_grad(loss)(layers)
    count = count + 1
    lr = case.lr
    if case.optimizer["name"] == "adam":
        first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        rate = lr / (1 - 0.9**count)
        root = jnp.sqrt(1 - 0.999**count)
        layers = tree(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8), layers, first, second)
    elif case.momentum:
        first = tree(lambda m, g: case.momentum * m + g, first, slopes)
        layers = tree(lambda p, m: p - lr * m, layers, first)
    else:
        layers = tree(lambda p, g: p - lr * g, layers, slopes)
    return (layers, first, second, count), value


class Training(Loaded):
    """What the forms have in common: data on the device, and a state to begin with."""

    def __init__(self, case: Case) -> None:
        assert case.y is not None
        self.case = case
        self.x, self.y = jnp.asarray(case.x), jnp.asarray(case.y)
        layers = parameters(case)
        moments = case.optimizer["name"] == "adam"
        zeros = tree(jnp.zeros_like, layers)
        first = zeros if moments or case.momentum else None
        self.initial = (layers, first, zeros if moments else None, jnp.float32(0))

    def fresh(self) -> Any:
        """A copy of the initial state, which the steps may take over."""
        return jax.block_until_ready(tree(jnp.copy, self.initial))


class Steps(Training):
    """One jitted step per call; the state's buffers are given away."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.batches = [(self.x[number], self.y[number]) for number in range(case.batches)]
        self.step = jax.jit(partial(step, case), donate_argnums=0)
        self.start()
        self.run(0, 2)

    def start(self) -> None:
        self.state = self.fresh()

    def run(self, begin: int, count: int) -> None:
        batches, state, do = self.batches, self.state, self.step
        for number in range(begin, begin + count):
            state, _ = do(state, batches[number % len(batches)])
        self.state = jax.block_until_ready(state)

    def measure(self, seconds: float) -> dict:
        return measure_steps(seconds, self.start, self.run)

    def losses(self, steps: int) -> list[float]:
        self.start()
        found = []
        for number in range(steps):
            self.state, loss = self.step(self.state, self.batches[number % len(self.batches)])
            found.append(float(loss))
        return found


class Scan(Training):
    """Whole epochs in one call: a scan over the batches within a loop over epochs."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        one = partial(step, case)
        if case.task == "ensemble":
            # Every network sees the same rows; its state has a leading axis.
            one = jax.vmap(one, in_axes=((0, 0, 0, None), None), out_axes=((0, 0, 0, None), 0))

        @partial(jax.jit, donate_argnums=0)
        def epochs(state: tuple, x: jax.Array, y: jax.Array, count: int) -> tuple[tuple, jax.Array]:
            def epoch(_: Any, carried: tuple) -> tuple:
                return lax.scan(one, carried[0], (x, y))

            first = lax.scan(one, state, (x, y))
            return lax.fori_loop(1, count, epoch, first)

        self.epochs = epochs
        self.per_call = 1
        self.call(self.per_call)
        while self.call(self.per_call) < LEAST_PER_CALL:
            self.per_call *= 2

    def call(self, epochs: int) -> float:
        """Runs from the initial state on; returns the seconds it took."""
        state = self.fresh()
        begun = time.perf_counter()
        jax.block_until_ready(self.epochs(state, self.x, self.y, epochs))
        return time.perf_counter() - begun

    def measure(self, seconds: float) -> dict:
        sampler = Sampler(seconds)
        while not sampler.over:
            sampler.add(self.call(self.per_call), self.per_call * self.case.batches, fixed=True)
        return sampler.times()

    def losses(self, steps: int) -> list[float]:
        state, found = self.fresh(), []
        while len(found) < steps:
            state, losses = self.epochs(state, self.x, self.y, 1)
            # Of many networks: the mean over them.
            found += losses.reshape(self.case.batches, -1).mean(axis=1).tolist()
        return found[:steps]


class Inference(Loaded):
    """Forward passes of a jitted function."""

    def __init__(self, case: Case) -> None:
        self.layers = parameters(case)
        self.x = [jnp.asarray(x) for x in case.x]
        self.forward = jax.jit(forward)
        self.run(0, 2)

    def run(self, begin: int, count: int) -> None:
        layers, x, do, batches = self.layers, self.x, self.forward, len(self.x)
        for number in range(begin, begin + count):
            do(layers, x[number % batches]).block_until_ready()

    def measure(self, seconds: float) -> dict:
        return measure_passes(seconds, self.run)

    def outputs(self, rows: int) -> list[float]:
        batches = -(-rows // len(self.x[0]))
        found = jnp.concatenate([self.forward(self.layers, x) for x in self.x[:batches]])
        return found[:rows].flatten().tolist()


def load(case: Case, form: str) -> Loaded:
    if case.task == "infer":
        return Inference(case)
    return Steps(case) if form == "step" else Scan(case)


if __name__ == "__main__":
    serve({"name": "JAX", "versions": {"jax": jax.__version__}}, load, jax.clear_caches)
