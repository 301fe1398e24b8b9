"""The map's part of RESULTS.md."""

from __future__ import annotations

import widthmap
from markdown import micro, table
from results import Found


def section(found: Found) -> str:
    """The table of ratios, and the cliffs."""
    if not found.spots:
        return ""
    widths = sorted({spot.width for spot in found.spots})
    batches = sorted({spot.batch for spot in found.spots})
    by_place = {(spot.width, spot.batch): spot for spot in found.spots}
    text = (
        "## The map: 10→w→w→10\n\n![ratios by width and batch size](map.svg)\n\n"
        "PyTorch's time (eager, fused Adam) ÷ glassnet's, each at its better number of threads. "
        "The times stand in `map.csv`.\n\n"
    )
    if len(widths) <= 40:
        rows = []
        for width in widths:
            spots = [by_place.get((width, batch)) for batch in batches]
            cells = [
                "" if spot is None else f"**{spot.ratio:.2f}**" if spot.ratio < 1 else f"{spot.ratio:.1f}"
                for spot in spots
            ]
            rows.append([str(width), *cells])
        text += table(["w ╲ batch", *map(str, batches)], rows) + "\n\n"
    ahead = sum(spot.ratio >= 1 for spot in found.spots)
    lowest = min(found.spots, key=lambda spot: spot.ratio)
    text += (
        f"glassnet is ahead in {ahead} of {len(found.spots)} cells; the lowest ratio is {lowest.ratio:.2f} "
        f"(w = {lowest.width}, batch {lowest.batch}).\n\n"
    )
    text += (
        "### Cliffs\n\n"
        "Between two neighbouring cells of which the second has r ≥ 1 times the arithmetic (products, "
        f"{widthmap.PER_PARAMETER:g} operations per parameter, {widthmap.PER_UNIT:g} per unit and row), a step's time "
        f"may grow at most {widthmap.TOLERANCE:g}·r-fold and may not fall below 1/{widthmap.TOLERANCE:g}: with a constant "
        "overhead it would grow at most r-fold.\n\n"
    )
    ours = widthmap.cliffs(found.spots, "ours")
    text += f"glassnet: {len(ours)} such places; PyTorch: {len(widthmap.cliffs(found.spots, 'torch'))}."
    if ours:
        rows = [_cliff_row(cliff) for cliff in ours]
        text += "\n\nglassnet's:\n\n" + table(["from (w, batch)", "to", "µs", "µs", "growth", "arithmetic"], rows)
    theirs = [
        cliff for cliff in widthmap.cliffs(found.spots, "torch") if cliff.before[0] == 45 and cliff.after[0] == 46
    ]
    if theirs:
        rows = [_cliff_row(cliff) for cliff in theirs]
        text += "\n\nPyTorch's between w = 45 and 46:\n\n" + table(
            ["from (w, batch)", "to", "µs", "µs", "growth", "arithmetic"], rows
        )
    return text


def _ratio(spot: widthmap.Spot | None) -> str:
    if spot is None:
        return ""
    return f"**{spot.ratio:.2f}**" if spot.ratio < 1 else f"{spot.ratio:.1f}"


def _cliff_row(cliff: widthmap.Cliff) -> list[str]:
    places = [f"{width}, {batch}" for width, batch in (cliff.before, cliff.after)]
    return [*places, *map(micro, cliff.times), f"{cliff.growth:.2f}", f"{cliff.allowed:.2f}"]
