"""Cases are measured in rounds: in every round each contestant has its turn, so that noise hits all alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import arrays
from cases import Case
from contestants import Form, Seat
from process import Failure, Process

LOAD_SECONDS = 600.0
"""The longest time that a contestant may take to load a case: compilers are slow on a busy machine."""

FIRST_LOSS = 1e-4
LATER_LOSS = 1e-2
OUTPUT = 1e-4
"""How far, relative to ours, the loss of the first step, of the last step, and an output may be off."""


@dataclass
class Cell:
    """A contestant's figures in one case."""

    case: str
    label: str
    threads: int
    mins: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    samples: int = 0
    values: list[float] = field(default_factory=list)  # losses, or outputs
    deviation: float | None = None  # from ours
    error: str | None = None  # why there is no figure
    void: str | None = None  # why the figures don't count

    @property
    def counts(self) -> bool:
        return bool(self.mins) and self.void is None

    @property
    def min(self) -> float:
        """The fastest step, in microseconds."""
        return min(self.mins)

    @property
    def median(self) -> float:
        """The median over the rounds of each round's median."""
        return median(self.medians)


@dataclass(frozen=True)
class Pace:
    """How long is measured."""

    rounds: int
    seconds: float
    steps: int = 100  # whose losses must agree


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


class Bank:
    """The contestants' processes: started when they are first needed, again when one has ended."""

    def __init__(self, start: Callable[[Seat], Process]) -> None:
        self._start = start
        self._processes: dict[Seat, Process] = {}
        self.hello: dict[str, dict[str, Any]] = {}

    def get(self, seat: Seat) -> Process:
        process = self._processes.get(seat)
        if process is None or not process.alive:
            if process is not None:
                process.end()
            process = self._start(seat)
            self._processes[seat] = process
            self.hello[seat.framework.key] = process.ask({"do": "hello"}, LOAD_SECONDS)
        return process

    def running(self) -> list[Process]:
        return [process for process in self._processes.values() if process.alive]

    def end(self) -> None:
        """Ends them all."""
        for process in self._processes.values():
            process.close()
        for process in self._processes.values():
            process.end()
        self._processes.clear()


def entries(seats: Iterable[Seat], task: str) -> list[tuple[Seat, Form]]:
    """Who is measured in a task, ours first."""
    return [(seat, form) for seat in seats for form in seat.framework.forms if task in form.tasks]


def measure(case: Case, seats: list[Seat], pace: Pace, bank: Bank, folder: Path) -> list[Cell]:
    """All figures of a case. A contestant that fails has its reason instead."""
    tensors = str(arrays.write(case, folder).resolve())
    cells: dict[tuple[Seat, Form], Cell] = {}
    for entry in entries(seats, case.task):
        seat, form = entry
        cell = cells[entry] = Cell(case.name, form.label, seat.threads)
        try:
            _load(case, entry, cell, pace, bank, tensors)
        except Failure as failure:
            cell.error = str(failure)
            say(f"  {form.label}, {_threads(seat.threads)}: {failure}")
    ready = [entry for entry, cell in cells.items() if cell.error is None]
    for number in range(pace.rounds):
        # Nobody always follows the same neighbour.
        for entry in ready[number % max(len(ready), 1) :] + ready[: number % max(len(ready), 1)]:
            if cells[entry].error is None:
                _turn(entry, cells[entry], pace.seconds * case.stretch, bank)
    for process in bank.running():
        try:
            process.ask({"do": "drop"}, 60.0)
        except Failure:
            pass
    arrays.remove(case, folder)
    found = list(cells.values())
    compare(case, found)
    return found


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _load(case: Case, entry: tuple[Seat, Form], cell: Cell, pace: Pace, bank: Bank, tensors: str) -> None:
    seat, form = entry
    begun = time.monotonic()
    process = bank.get(seat)
    process.ask({**case.request(tensors), "form": form.form}, LOAD_SECONDS)
    if case.task == "infer":
        rows = min(4, case.batch * case.batches)
        cell.values = process.ask({"do": "outputs", "form": form.form, "rows": rows}, LOAD_SECONDS)["outputs"]
    else:
        steps = agreement_steps(case, pace)
        cell.values = process.ask({"do": "losses", "form": form.form, "steps": steps}, LOAD_SECONDS)["losses"]
    say(f"  {form.label}, {_threads(seat.threads)}: ready after {time.monotonic() - begun:.1f} s")


def agreement_steps(case: Case, pace: Pace) -> int:
    """So many steps' losses are compared: fewer where a step takes a large part of a second."""
    return min(pace.steps, max(4, int(5e11 / case.operations)))


def _turn(entry: tuple[Seat, Form], cell: Cell, seconds: float, bank: Bank) -> None:
    seat, form = entry
    try:
        process = bank.get(seat)
        times = process.ask({"do": "measure", "form": form.form, "seconds": seconds}, LOAD_SECONDS)
    except Failure as failure:
        cell.error = str(failure)
        say(f"  {form.label}, {_threads(seat.threads)}: {failure}")
        return
    cell.mins.append(times["min"])
    cell.medians.append(times["median"])
    cell.samples += times["samples"]


def compare(case: Case, cells: list[Cell]) -> None:
    """Makes the figures void of whoever computed something else than we did."""
    ours = next((cell for cell in cells if cell.label == "glassnet" and cell.values), None)
    for cell in cells:
        if not cell.values:
            continue
        if ours is None:
            # Not a fault of the others: there is nothing to compare with.
            continue
        if case.task == "infer":
            scale = max(map(abs, ours.values))
            cell.deviation = max(abs(a - b) for a, b in zip(cell.values, ours.values)) / scale
            if not cell.deviation <= OUTPUT:
                cell.void = f"outputs are off by {cell.deviation:.1g} of the largest"
            continue
        first, last = (abs(cell.values[at] / ours.values[at] - 1.0) for at in (0, -1))
        cell.deviation = last
        if not (first <= FIRST_LOSS and last <= LATER_LOSS):
            steps = len(ours.values)
            cell.void = f"the loss differs by {first:.1g} at the first step and {last:.1g} at step {steps}"
