"""What the contestants in Python share: the case, the clock, and the talk with `run.py`.

The requests are those that `rust/worker/src/serve.rs` lists. Where a framework is measured in several forms,
`{"do": "case"}` and what follows also say which `form`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

STEPS_PER_START = 1024
"""After so many steps a training begins anew, as in the compiled contestants."""

LEAST = 25e-6
"""The clock is read once per group of steps that take at least so many seconds."""


@dataclass
class Case:
    """A case with its arrays: weights `[out, in]`, rows `[batches, batch, …]`."""

    task: str
    sizes: list[int]
    batch: int
    batches: int
    members: int
    optimizer: dict[str, Any]
    loss: str
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    x: np.ndarray
    y: np.ndarray | None

    @staticmethod
    def read(request: dict[str, Any]) -> Case:
        path = Path(request["tensors"])
        head = json.loads(path.read_text())
        body = path.with_name(head["file"]).read_bytes()

        def array(name: str) -> np.ndarray:
            place = head["tensors"][name]
            dtype = {"f32": "<f4", "i32": "<i4"}[place["dtype"]]
            count = int(np.prod(place["shape"]))
            return np.frombuffer(body, dtype, count, place["offset"]).reshape(place["shape"]).copy()

        batches, batch = request["batches"], request["batch"]
        keys = [str(2 * layer) for layer in range(len(request["sizes"]) - 1)]
        by_batch = {name: array(name) for name in ("x", "y") if name in head["tensors"]}
        by_batch = {name: a.reshape(batches, batch, *a.shape[1:]) for name, a in by_batch.items()}
        return Case(
            task=request["task"],
            sizes=request["sizes"],
            batch=batch,
            batches=batches,
            members=request["members"],
            optimizer=request["optimizer"],
            loss=request["loss"],
            weights=[array(f"{key}.weight") for key in keys],
            biases=[array(f"{key}.bias") for key in keys],
            x=by_batch["x"],
            y=by_batch.get("y"),
        )

    @property
    def lr(self) -> float:
        return self.optimizer["lr"]

    @property
    def momentum(self) -> float:
        return self.optimizer.get("momentum", 0.0)


class Unable(Exception):
    """What a framework can't express, with the reason."""


@dataclass
class Sampler:
    """Collects seconds per step."""

    seconds: float
    samples: list[float] = field(default_factory=list)
    group: int = 1
    begun: float = field(default_factory=time.perf_counter)

    def add(self, elapsed: float, steps: int, fixed: bool = False) -> None:
        """Takes in a group; while groups are too short they grow, and what was measured is forgotten."""
        if elapsed < LEAST and not fixed and steps == self.group:
            self.group *= 2
            self.samples.clear()
        elif steps >= self.group or fixed:
            self.samples.append(elapsed / steps)

    @property
    def over(self) -> bool:
        return bool(self.samples) and time.perf_counter() - self.begun >= self.seconds

    def times(self) -> dict[str, Any]:
        """Minimum and median, in microseconds."""
        ordered = sorted(self.samples)
        return {
            "min": ordered[0] * 1e6,
            "median": ordered[len(ordered) // 2] * 1e6,
            "samples": len(ordered),
        }


class Loaded:
    """A case in one form, ready to be measured."""

    def measure(self, seconds: float) -> dict[str, Any]:
        raise NotImplementedError

    def losses(self, steps: int) -> list[float]:
        raise Unable("this case predicts")

    def outputs(self, rows: int) -> list[float]:
        raise Unable("this case trains")


def measure_steps(seconds: float, start: Callable[[], None], run: Callable[[int, int], None]) -> dict[str, Any]:
    """Times training steps: `start()` sets the initial state, `run(step, n)` does n steps from number `step` on."""
    sampler = Sampler(seconds)
    clock = time.perf_counter
    while not sampler.over:
        start()
        step = 0
        while step < STEPS_PER_START and not sampler.over:
            count = min(sampler.group, STEPS_PER_START - step)
            begun = clock()
            run(step, count)
            sampler.add(clock() - begun, count)
            step += count
    return sampler.times()


def measure_passes(seconds: float, run: Callable[[int, int], None]) -> dict[str, Any]:
    """Times forward passes: `run(begin, n)` does n passes, from batch number `begin` (modulo their number) on."""
    sampler = Sampler(seconds)
    clock = time.perf_counter
    number = 0
    while not sampler.over:
        count = sampler.group
        begun = clock()
        run(number, count)
        sampler.add(clock() - begun, count)
        number += count
    return sampler.times()


def serve(hello: dict[str, Any], load: Callable[[Case, str], Loaded], drop: Callable[[], None] = lambda: None) -> None:
    """Answers until there are no more requests."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    loaded: dict[str, Loaded] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "quit":
            break
        try:
            answer = _answer(request, hello, load, drop, loaded)
        except Unable as error:
            answer = {"error": str(error)}
        except Exception as error:  # a peer's failure is reported, never the end of the run
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer) + "\n")


def _answer(request: dict, hello: dict, load: Callable, drop: Callable, loaded: dict) -> dict[str, Any]:
    form = request.get("form", "")
    match request["do"]:
        case "hello":
            return hello
        case "case":
            loaded[form] = load(Case.read(request), form)
            return {"ok": True}
        case "measure":
            # A collection is no part of a step.
            gc.collect()
            gc.disable()
            try:
                return loaded[form].measure(request["seconds"])
            finally:
                gc.enable()
        case "losses":
            return {"losses": [float(loss) for loss in loaded[form].losses(request["steps"])]}
        case "outputs":
            return {"outputs": [float(value) for value in loaded[form].outputs(request["rows"])]}
        case "memory":
            return {"peak_mb": _peak_mb()}
        case "drop":
            loaded.clear()
            drop()
            gc.collect()
            return {"ok": True}
        case other:
            raise Unable(f"what is {other!r}?")


def _peak_mb() -> float:
    """The most memory that was resident, in 10⁶ bytes, as Linux tells."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise Unable("the system doesn't tell the peak of memory")


def threads() -> int:
    """The number of threads that the command line names."""
    return int(sys.argv[1])
