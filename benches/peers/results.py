"""What a run found out, and how it stands to the aims."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases import TARGETS, Case, Target
from footprint import Memory
from measure import Cell, Pace
from widthmap import Spot


@dataclass
class Found:
    """All that a run found out."""

    command: str
    begun: str
    quick: bool
    pace: Pace
    threads: list[int]
    revision: str
    load: float
    cells: list[Cell] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    bench: list[tuple[Case, float, float]] = field(default_factory=list)  # case, worker's minimum, bench's
    memory: list[Memory] = field(default_factory=list)
    starts: tuple[float, float] | None = None
    hello: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    minutes: float = 0.0


@dataclass(frozen=True)
class Best:
    """A contestant's better figure over its thread counts."""

    label: str
    cell: Cell

    @property
    def min(self) -> float:
        return self.cell.min


def bests(cells: list[Cell], case: str) -> list[Best]:
    """Each contestant's best cell that counts, the fastest first."""
    found: dict[str, Cell] = {}
    for cell in cells:
        if cell.case == case and cell.counts:
            if cell.label not in found or cell.min < found[cell.label].min:
                found[cell.label] = cell
    return sorted((Best(label, cell) for label, cell in found.items()), key=lambda best: best.min)


@dataclass(frozen=True)
class Verdict:
    """An aim and what came of it; `ratio` is None where either side has no figure."""

    target: Target
    against: str
    ratio: float | None

    @property
    def met(self) -> bool | None:
        return None if self.ratio is None else self.ratio >= self.target.ratio


def verdicts(cells: list[Cell]) -> list[Verdict]:
    """Every aim whose case was measured."""
    found = []
    measured = {cell.case for cell in cells}
    for target in TARGETS:
        if target.case not in measured:
            continue
        all_bests = bests(cells, target.case)
        ours = next((best for best in all_bests if best.label == "glassnet"), None)
        rivals = [best for best in all_bests if best.label != "glassnet"]
        if target.peer != "best":
            rivals = [best for best in rivals if best.label.startswith(target.peer)]
        if ours is None or not rivals:
            found.append(Verdict(target, target.peer, None))
        else:
            found.append(Verdict(target, rivals[0].label, rivals[0].min / ours.min))
    return found


def write_csv(cells: list[Cell], path: Path) -> None:
    """All figures, also those that don't count."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["case", "contestant", "threads", "min_us", "median_us", "samples", "deviation", "remark"])
        for cell in cells:
            figures = [f"{cell.min:.4f}", f"{cell.median:.4f}"] if cell.mins else ["", ""]
            deviation = "" if cell.deviation is None else f"{cell.deviation:.2g}"
            remark = cell.void or cell.error or ""
            rows.writerow([cell.case, cell.label, cell.threads, *figures, cell.samples, deviation, remark])
