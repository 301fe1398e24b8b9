"""The map: a 10→w→w→10 network at every width and batch size, ours against PyTorch, and a search for cliffs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import arrays
from cases import Case, map_case
from contestants import Form, Seat
from measure import LOAD_SECONDS, Bank, say
from process import Failure

TOLERANCE = 1.25
"""A cliff is a growth so many times as large as that of the arithmetic."""

PER_PARAMETER = 12.0
PER_UNIT = 24.0
"""The arithmetic beside the products, in operations: the optimiser's per parameter; bias, activation and their
derivatives per unit and row."""


@dataclass(frozen=True)
class Spot:
    """The fastest step of each at one width and batch size, in microseconds, with the threads that gave it."""

    width: int
    batch: int
    ours: float
    ours_threads: int
    torch: float
    torch_threads: int

    @property
    def ratio(self) -> float:
        return self.torch / self.ours


def measure(
    widths: tuple[int, ...],
    batches: tuple[int, ...],
    seats: list[tuple[Seat, Form]],
    rounds: int,
    seconds: float,
    bank: Bank,
    folder: Path,
) -> list[Spot]:
    """All spots; one at which either side has no figure is left out, and told."""
    spots = []
    for width in widths:
        say(f"map: width {width}")
        for batch in batches:
            case = map_case(width, batch)
            best = _spot(case, seats, rounds, seconds, bank, folder)
            if "glassnet" not in best or "pytorch" not in best:
                continue
            (ours, ours_threads), (torch, torch_threads) = best["glassnet"], best["pytorch"]
            spots.append(Spot(width, batch, ours, ours_threads, torch, torch_threads))
    return spots


def _spot(
    case: Case, seats: list[tuple[Seat, Form]], rounds: int, seconds: float, bank: Bank, folder: Path
) -> dict[str, tuple[float, int]]:
    tensors = str(arrays.write(case, folder).resolve())
    best: dict[str, tuple[float, int]] = {}
    ready = []
    for seat, form in seats:
        try:
            bank.get(seat).ask({**case.request(tensors), "form": form.form}, LOAD_SECONDS)
            ready.append((seat, form))
        except Failure as failure:
            if seat.threads == 1:
                say(f"  {case.name}, {form.label}: {failure}")
    for _ in range(rounds):
        for seat, form in ready:
            request = {"do": "measure", "form": form.form, "seconds": seconds}
            try:
                fastest = bank.get(seat).ask(request, LOAD_SECONDS)["min"]
            except Failure as failure:
                say(f"  {case.name}, {form.label}: {failure}")
                continue
            key = seat.framework.key
            best[key] = min(best.get(key, (fastest, seat.threads)), (fastest, seat.threads))
    arrays.remove(case, folder)
    return best


def work(width: int, batch: int) -> float:
    """The arithmetic of a step, in operations."""
    case = map_case(width, batch)
    units = sum(case.sizes[1:])
    return case.operations + PER_PARAMETER * case.parameters + PER_UNIT * batch * units


@dataclass(frozen=True)
class Cliff:
    """Two neighbouring spots between which the time grows faster than the arithmetic, or falls although it grows."""

    before: tuple[int, int]
    after: tuple[int, int]
    times: tuple[float, float]
    growth: float
    allowed: float


def cliffs(spots: list[Spot], which: str) -> list[Cliff]:
    """The cliffs of `ours` or `torch`, the steepest first.

    With an overhead o ≥ 0 and a rate c, a step takes o + c·work; so from one spot to a neighbour with r ≥ 1 times the
    work its time grows at most r-fold, and never falls. A cliff is a growth above TOLERANCE·r, or below 1/TOLERANCE."""
    times = {(spot.width, spot.batch): getattr(spot, which) for spot in spots}
    widths = sorted({width for width, _ in times})
    batches = sorted({batch for _, batch in times})
    pairs = [((a, batch), (b, batch)) for a, b in zip(widths, widths[1:]) for batch in batches]
    pairs += [((width, a), (width, b)) for width in widths for a, b in zip(batches, batches[1:])]
    found = []
    for before, after in pairs:
        if before not in times or after not in times:
            continue
        growth = times[after] / times[before]
        ratio = work(*after) / work(*before)
        if growth > TOLERANCE * ratio or growth < 1 / TOLERANCE:
            found.append(Cliff(before, after, (times[before], times[after]), growth, ratio))
    return sorted(found, key=lambda cliff: -max(cliff.growth / cliff.allowed, 1 / cliff.growth))


def write_csv(spots: list[Spot], path: Path) -> None:
    """The numbers behind the map."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["width", "batch", "glassnet_us", "glassnet_threads", "pytorch_us", "pytorch_threads", "ratio"])
        for spot in spots:
            figures = [f"{spot.ours:.3f}", spot.ours_threads, f"{spot.torch:.3f}", spot.torch_threads]
            rows.writerow([spot.width, spot.batch, *figures, f"{spot.ratio:.2f}"])
