"""RESULTS.md: what was measured, the aims, and plainly what we lose."""

from __future__ import annotations

import csv
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import widthmap
from cases import CASES, MEMORY_LIMIT_MB, START_LIMIT_MS, TARGETS, Case, Target
from footprint import STARTS, Memory
from measure import FIRST_LOSS, LATER_LOSS, OUTPUT, Cell, Pace, agreement_steps
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


def write(found: Found, folder: Path) -> Path:
    """Writes RESULTS.md and, beside it, the numbers as CSV."""
    parts = [_head(found), _aims(found), _losses(found)]
    parts += [_case(case, found) for case in CASES if any(cell.case == case.name for cell in found.cells)]
    parts += [_map(found), _bench(found), _footprint(found), _failures(found), _method(found)]
    path = folder / "RESULTS.md"
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    if found.cells:
        _write_csv(found.cells, folder / "results.csv")
    return path


def _write_csv(cells: list[Cell], path: Path) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["case", "contestant", "threads", "min_us", "median_us", "samples", "deviation", "remark"])
        for cell in cells:
            figures = [f"{cell.min:.4f}", f"{cell.median:.4f}"] if cell.mins else ["", ""]
            deviation = "" if cell.deviation is None else f"{cell.deviation:.2g}"
            remark = cell.void or cell.error or ""
            rows.writerow([cell.case, cell.label, cell.threads, *figures, cell.samples, deviation, remark])


def table(head: list[str], rows: list[list[str]], right: bool = True) -> str:
    """A table in Markdown; all columns but the first are set to the right."""
    rule = ["---"] + ["---:" if right else "---"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def micro(value: float) -> str:
    """Microseconds with three digits that count."""
    if value < 10:
        return f"{value:.3f}"
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def times(ratio: float) -> str:
    """A ratio."""
    return f"{ratio:.0f} ×" if ratio >= 100 else f"{ratio:.1f} ×" if ratio >= 10 else f"{ratio:.2f} ×"


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    name = facts.get("model name", platform.machine())
    numbers = [facts[key] for key in ("cpu family", "model") if key in facts]
    best = next((flag for flag in ("avx512f", "avx2") if flag in facts.get("flags", "").split()), "neither AVX2 nor AVX-512")
    return f"{name} (family {', model '.join(numbers)}; {best})" if numbers else name


def _head(found: Found) -> str:
    versions = {name: v for hello in found.hello.values() for name, v in hello.get("versions", {}).items()}
    details = [f"{h['name']}: {h['detail']}" for h in found.hello.values() if h.get("detail")]
    quick = ""
    if found.quick:
        quick = "**A quick run:** few rounds, so the figures are rougher than those of a full run.\n\n"
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    counts = " and ".join(map(str, found.threads))
    lines = [
        f"- command: `{found.command}`; {found.begun}; {found.minutes:.0f} minutes; revision {found.revision}",
        f"- processor: {processor()}; {platform.system()} {platform.release()}; Python {platform.python_version()}",
        f"- versions: {listed}",
        *([f"- {'; '.join(details)}"] if details else []),
        f"- threads: every contestant at {counts}; its better minimum counts",
        f"- {found.pace.rounds} rounds of {found.pace.seconds:g} s per contestant (longer for large cases), in turn",
        f"- the machine's load when it began: {found.load:.1f}" + (" (others were at work)" if found.load > 0.7 else ""),
    ]
    intro = "# glassnet beside its peers\n\nMade by `benches/peers/run.py`; see `README.md` for how to read it. Times are microseconds per step or pass."
    return f"{intro}\n\n{quick}" + "\n".join(lines)


def _aims(found: Found) -> str:
    rows = []
    for verdict in verdicts(found.cells):
        if verdict.target.peer == "best":
            continue
        met = {None: "not measured", True: "met", False: "**not met**"}[verdict.met]
        ratio = "" if verdict.ratio is None else times(verdict.ratio)
        case = next(case for case in CASES if case.name == verdict.target.case)
        rows.append([f"{case.name}: {case.title}", verdict.target.peer, f"≥ {times(verdict.target.ratio)}", ratio, met])
    for memory in found.memory:
        if "glassnet" in memory.who or "library" in memory.who:
            met = "met" if memory.above <= MEMORY_LIMIT_MB else "**not met**"
            row = [f"memory of case3 above its data, {memory.who}", "", f"≤ {MEMORY_LIMIT_MB:g} MB"]
            rows.append([*row, f"{memory.above:.1f} MB", met])
    if found.starts:
        met = "met" if found.starts[0] <= START_LIMIT_MS else "**not met**"
        rows.append(["start of the binary", "", f"≤ {START_LIMIT_MS:g} ms", f"{found.starts[0]:.1f} ms", met])
    if not rows:
        return ""
    text = "Ratios of minima: the peer's time ÷ glassnet's.\n\n"
    return "## Aims\n\n" + text + table(["case", "over", "aim", "measured", ""], rows)


def _losses(found: Found) -> str:
    lines = []
    for case in CASES:
        all_bests = bests(found.cells, case.name)
        ours = next((best for best in all_bests if best.label == "glassnet"), None)
        for best in all_bests:
            if ours is not None and best.min < ours.min:
                share = ours.min / best.min
                lines.append(f"- {case.name} ({case.title}): **{best.label}** is ahead, {times(share)}: {micro(best.min)} µs, glassnet {micro(ours.min)} µs")
    for verdict in verdicts(found.cells):
        if verdict.met is False and verdict.target.peer != "best" and verdict.ratio is not None and verdict.ratio >= 1:
            lines.append(f"- {verdict.target.case}: ahead of {verdict.against} by {times(verdict.ratio)}, less than the aim of {times(verdict.target.ratio)}")
    behind = [spot for spot in found.spots if spot.ratio < 1]
    lines += [
        f"- map, w = {spot.width}, batch {spot.batch}: **PyTorch** is ahead, {times(1 / spot.ratio)}: {micro(spot.torch)} µs, glassnet {micro(spot.ours)} µs"
        for spot in sorted(behind, key=lambda spot: spot.ratio)
    ]
    if not found.cells and not found.spots:
        return ""
    return "## What we lose\n\n" + ("\n".join(lines) if lines else "Nothing in this run: no peer is ahead in any case, and every aim that was measured is met.")


def _case(case: Case, found: Found) -> str:
    mine = [cell for cell in found.cells if cell.case == case.name]
    all_bests = bests(mine, case.name)
    ours = next((best for best in all_bests if best.label == "glassnet"), None)
    rows = []
    for best in all_bests:
        cell = best.cell
        rates = f"{case.operations / (cell.min * 1e3):.1f}"
        ratio = times(cell.min / ours.min) if ours else ""
        others = [f"{micro(other.min)} ({other.threads})" for other in mine if other.label == best.label and other is not cell and other.counts]
        name = f"**{best.label}**" if best.label == "glassnet" else best.label
        deviation = "" if cell.deviation is None or best.label == "glassnet" else f"{cell.deviation:.0e}"
        rows.append([name, micro(cell.min), micro(cell.median), str(cell.threads), ratio, rates, ", ".join(others), deviation])
    text = f"### {case.name}: {case.title}\n\n"
    if rows:
        off = "outputs differ by" if case.task == "infer" else f"loss differs at step {agreement_steps(case, found.pace)}"
        text += table(["", "min", "median", "threads", "÷ glassnet", "GFLOP/s", "other threads", off], rows)
    remarks = _remarks(mine)
    return text + ("\n\n" + remarks if remarks else "")


def _remarks(cells: list[Cell]) -> str:
    """Why a figure is missing or doesn't count, once per contestant and reason."""
    reasons: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        if cell.error is not None:
            reasons.setdefault((cell.label, f"no figure: {cell.error}"), []).append(cell.threads)
        elif cell.void is not None:
            reasons.setdefault((cell.label, f"**void**: {cell.void}"), []).append(cell.threads)
    lines = []
    for (label, reason), threads in reasons.items():
        counts = ", ".join(map(str, threads))
        lines.append(f"- {label} (threads: {counts}): {reason}")
    return "\n".join(lines)


def _map(found: Found) -> str:
    if not found.spots:
        return ""
    widths = sorted({spot.width for spot in found.spots})
    batches = sorted({spot.batch for spot in found.spots})
    by_place = {(spot.width, spot.batch): spot for spot in found.spots}
    text = (
        "## The map: 10→w→w→10\n\n![ratios by width and batch size](map.svg)\n\n"
        "PyTorch's time (eager, fused Adam) ÷ glassnet's, each at its better number of threads. The times stand in `map.csv`.\n\n"
    )
    if len(widths) <= 40:
        rows = []
        for width in widths:
            spots = [by_place.get((width, batch)) for batch in batches]
            cells = ["" if spot is None else f"**{spot.ratio:.2f}**" if spot.ratio < 1 else f"{spot.ratio:.1f}" for spot in spots]
            rows.append([str(width), *cells])
        text += table(["w ╲ batch", *map(str, batches)], rows) + "\n\n"
    ahead = sum(spot.ratio >= 1 for spot in found.spots)
    lowest = min(found.spots, key=lambda spot: spot.ratio)
    text += f"glassnet is ahead in {ahead} of {len(found.spots)} cells; the lowest ratio is {lowest.ratio:.2f} (w = {lowest.width}, batch {lowest.batch}).\n\n"
    text += (
        "### Cliffs\n\n"
        "Between two neighbouring cells of which the second has r ≥ 1 times the arithmetic (products, "
        f"{widthmap.PER_PARAMETER:g} operations per parameter, {widthmap.PER_UNIT:g} per unit and row), a step's time may grow at most "
        f"{widthmap.TOLERANCE:g}·r-fold and may not fall below 1/{widthmap.TOLERANCE:g}: with a constant overhead it would grow at most r-fold.\n\n"
    )
    ours = widthmap.cliffs(found.spots, "ours")
    text += f"glassnet: {len(ours)} such places; PyTorch: {len(widthmap.cliffs(found.spots, 'torch'))}."
    if ours:
        rows = [_cliff_row(cliff) for cliff in ours]
        text += "\n\nglassnet's:\n\n" + table(["from (w, batch)", "to", "µs", "µs", "growth", "arithmetic"], rows)
    theirs = [cliff for cliff in widthmap.cliffs(found.spots, "torch") if cliff.before[0] == 45 and cliff.after[0] == 46]
    if theirs:
        rows = [_cliff_row(cliff) for cliff in theirs]
        text += "\n\nPyTorch's between w = 45 and 46:\n\n" + table(["from (w, batch)", "to", "µs", "µs", "growth", "arithmetic"], rows)
    return text


def _cliff_row(cliff: widthmap.Cliff) -> list[str]:
    places = [f"{width}, {batch}" for width, batch in (cliff.before, cliff.after)]
    return [*places, *map(micro, cliff.times), f"{cliff.growth:.2f}", f"{cliff.allowed:.2f}"]


def _bench(found: Found) -> str:
    if not found.bench:
        return ""
    rows = [[case.name, micro(worker), micro(bench), f"{bench / worker:.2f}"] for case, worker, bench in found.bench]
    text = "## `glassnet bench` beside our contestant\n\nMinima of a training step in µs; both run the library's training loop, taken in turn.\n\n"
    return text + table(["case", "contestant", "`glassnet bench`", "÷"], rows)


def _footprint(found: Found) -> str:
    parts = []
    if found.memory:
        rows = [[m.who + (f" ({m.note})" if m.note else ""), f"{m.peak_mb:.1f}", f"{m.data_mb:.1f}", f"{m.above:.1f}"] for m in found.memory]
        parts.append(
            "Peak resident memory while training case3, in MB; its data are the rows as f32.\n\n"
            + table(["", "peak", "data", "above"], rows)
        )
    if found.starts:
        least, middle = found.starts
        parts.append(f"`glassnet --version`, {STARTS} times from start to end: minimum {least:.2f} ms, median {middle:.2f} ms.")
    return "## Memory and start\n\n" + "\n\n".join(parts) if parts else ""


def _failures(found: Found) -> str:
    return "## What could not be measured\n\n" + "\n".join(f"- {failure}" for failure in found.failures) if found.failures else ""


def _method(found: Found) -> str:
    return (
        "## What counts\n\n"
        "All contestants begin with the same weights and see the same rows in the same order. A row is void where the loss differs from "
        f"glassnet's by more than {FIRST_LOSS:g} (relative) at the first step or {LATER_LOSS:g} at the last compared one, or an output by more than "
        f"{OUTPUT:g} of the largest. GFLOP/s count the products' additions and multiplications without the gradient towards the data."
    )
