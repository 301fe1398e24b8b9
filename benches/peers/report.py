"""RESULTS.md: what was measured, the aims, and plainly what we lose."""

from __future__ import annotations

import platform
from pathlib import Path

import mapreport
from cases import CASES, MEMORY_LIMIT_MB, START_LIMIT_MS, Case
from footprint import STARTS
from markdown import micro, table, times
from measure import FIRST_LOSS, LATER_LOSS, OUTPUT, Cell, agreement_steps
from results import Found, bests, verdicts, write_csv


def write(found: Found, folder: Path) -> Path:
    """Writes RESULTS.md and, beside it, the numbers as CSV."""
    parts = [_head(found), _aims(found), _losses(found)]
    parts += [_case(case, found) for case in CASES if any(cell.case == case.name for cell in found.cells)]
    parts += [mapreport.section(found), _bench(found), _footprint(found), _failures(found), _method(found)]
    path = folder / "RESULTS.md"
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    if found.cells:
        write_csv(found.cells, folder / "results.csv")
    return path


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
    best = next(
        (flag for flag in ("avx512f", "avx2") if flag in facts.get("flags", "").split()),
        "neither AVX2 nor AVX-512",
    )
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
        f"- the machine's load when it began: {found.load:.1f}"
        + (" (others were at work)" if found.load > 0.7 else ""),
    ]
    intro = (
        "# glassnet beside its peers\n\nMade by `benches/peers/run.py`; see `README.md` for how to read it. "
        "Times are microseconds per step or pass."
    )
    return f"{intro}\n\n{quick}" + "\n".join(lines)


def _aims(found: Found) -> str:
    rows = []
    for verdict in verdicts(found.cells):
        if verdict.target.peer == "best":
            continue
        met = {None: "not measured", True: "met", False: "**not met**"}[verdict.met]
        ratio = "" if verdict.ratio is None else times(verdict.ratio)
        case = next(case for case in CASES if case.name == verdict.target.case)
        rows.append(
            [
                f"{case.name}: {case.title}",
                verdict.target.peer,
                f"≥ {times(verdict.target.ratio)}",
                ratio,
                met,
            ]
        )
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
    """Peers that are ahead, aims that are missed, cells of the map in which PyTorch is ahead."""
    if not found.cells and not found.spots:
        return ""
    lines = []
    for case in CASES:
        all_bests = bests(found.cells, case.name)
        ours = next((best for best in all_bests if best.label == "glassnet"), None)
        for best in all_bests:
            if ours is not None and best.min < ours.min:
                figures = f"{micro(best.min)} µs, glassnet {micro(ours.min)} µs"
                ahead = f"**{best.label}** is ahead, {times(ours.min / best.min)}"
                lines.append(f"- {case.name} ({case.title}): {ahead}: {figures}")
    for verdict in verdicts(found.cells):
        if verdict.met is False and verdict.ratio is not None and verdict.ratio >= 1:
            measured, aim = times(verdict.ratio), times(verdict.target.ratio)
            lines.append(
                f"- {verdict.target.case}: ahead of {verdict.against} by {measured}, less than the aim of {aim}"
            )
    for spot in sorted(found.spots, key=lambda spot: spot.ratio):
        if spot.ratio < 1:
            figures = f"{micro(spot.torch)} µs, glassnet {micro(spot.ours)} µs"
            ahead = f"**PyTorch** is ahead, {times(1 / spot.ratio)}"
            lines.append(f"- map, w = {spot.width}, batch {spot.batch}: {ahead}: {figures}")
    nothing = "Nothing in this run: no peer is ahead in any case, and every aim that was measured is met."
    return "## What we lose\n\n" + ("\n".join(lines) or nothing)


def _case(case: Case, found: Found) -> str:
    mine = [cell for cell in found.cells if cell.case == case.name]
    all_bests = bests(mine, case.name)
    ours = next((best for best in all_bests if best.label == "glassnet"), None)
    rows = []
    for best in all_bests:
        cell = best.cell
        rates = f"{case.operations / (cell.min * 1e3):.1f}"
        ratio = times(cell.min / ours.min) if ours else ""
        others = [
            f"{micro(other.min)} ({other.threads})"
            for other in mine
            if other.label == best.label and other is not cell and other.counts
        ]
        name = f"**{best.label}**" if best.label == "glassnet" else best.label
        deviation = "" if cell.deviation is None or best.label == "glassnet" else f"{cell.deviation:.0e}"
        rows.append(
            [
                name,
                micro(cell.min),
                micro(cell.median),
                str(cell.threads),
                ratio,
                rates,
                ", ".join(others),
                deviation,
            ]
        )
    text = f"### {case.name}: {case.title}\n\n"
    if rows:
        off = (
            "outputs differ by" if case.task == "infer" else f"loss differs at step {agreement_steps(case, found.pace)}"
        )
        text += table(["", "min", "median", "threads", "÷ glassnet", "GFLOP/s", "other threads", off], rows)
    remarks = _remarks(mine)
    return text + ("\n\n" + remarks if remarks else "")


def _remarks(cells: list[Cell]) -> str:
    """Why a figure is missing or doesn't count, once per contestant and reason."""
    reasons: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        if cell.error is not None:
            what = "failed in a later round" if cell.mins else "no figure"
            reasons.setdefault((cell.label, f"{what}: {cell.error}"), []).append(cell.threads)
        elif cell.void is not None:
            reasons.setdefault((cell.label, f"**void**: {cell.void}"), []).append(cell.threads)
    lines = []
    for (label, reason), threads in reasons.items():
        counts = ", ".join(map(str, threads))
        lines.append(f"- {label} (threads: {counts}): {reason}")
    return "\n".join(lines)


def _bench(found: Found) -> str:
    if not found.bench:
        return ""
    rows = [[case.name, micro(worker), micro(bench), f"{bench / worker:.2f}"] for case, worker, bench in found.bench]
    text = (
        "## `glassnet bench` beside our contestant\n\n"
        "Minima of a training step in µs; both run the library's training loop, taken in turn.\n\n"
    )
    return text + table(["case", "contestant", "`glassnet bench`", "÷"], rows)


def _footprint(found: Found) -> str:
    parts = []
    if found.memory:
        rows = [
            [
                m.who + (f" ({m.note})" if m.note else ""),
                f"{m.peak_mb:.1f}",
                f"{m.data_mb:.1f}",
                f"{m.above:.1f}",
            ]
            for m in found.memory
        ]
        parts.append(
            "Peak resident memory while training case3, in MB; its data are the rows as f32.\n\n"
            + table(["", "peak", "data", "above"], rows)
        )
    if found.starts:
        least, middle = found.starts
        parts.append(
            f"`glassnet --version`, {STARTS} times from start to end: minimum {least:.2f} ms, median {middle:.2f} ms."
        )
    return "## Memory and start\n\n" + "\n\n".join(parts) if parts else ""


def _failures(found: Found) -> str:
    return (
        "## What could not be measured\n\n" + "\n".join(f"- {failure}" for failure in found.failures)
        if found.failures
        else ""
    )


def _method(_: Found) -> str:
    return (
        "## What counts\n\n"
        "All contestants begin with the same weights and see the same rows in the same order. A row is void where the "
        f"loss differs from glassnet's by more than {FIRST_LOSS:g} (relative) at the first step or {LATER_LOSS:g} at the "
        f"last compared one, or an output by more than {OUTPUT:g} of the largest. GFLOP/s count the products' additions "
        "and multiplications without the gradient towards the data."
    )
