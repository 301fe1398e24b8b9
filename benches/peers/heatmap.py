"""The map as a picture: a coloured cell per width and batch size."""

from __future__ import annotations

from math import log10
from pathlib import Path

from widthmap import Spot

_CELL_HEIGHT = 26
_LEFT, _TOP, _BOTTOM = 64, 60, 84
_LOSS = (196, 64, 56)
_EVEN = (245, 240, 226)
_WIN = (22, 92, 122)
_FULL = 2.5
"""The logarithm (base 10) of the ratio that has the full colour."""


def _colour(ratio: float) -> str:
    share = max(-1.0, min(1.0, log10(ratio) / (_FULL if ratio >= 1.0 else 0.3)))
    end = _WIN if share >= 0 else _LOSS
    mixed = (round(a + (b - a) * abs(share)) for a, b in zip(_EVEN, end))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _number(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def _text(x: float, y: float, words: str, rest: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {rest}>{words}</text>'


def draw(spots: list[Spot], path: Path) -> None:
    """Writes the picture."""
    widths = sorted({spot.width for spot in spots})
    batches = sorted({spot.batch for spot in spots})
    wide = 34 if len(widths) <= 40 else 9
    right = _LEFT + wide * len(widths)
    bottom = _TOP + _CELL_HEIGHT * len(batches)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + 20} {bottom + _BOTTOM}" '
        f'width="{right + 20}" height="{bottom + _BOTTOM}" font-family="sans-serif" font-size="11" '
        'text-anchor="middle" role="img">',
        "<title>How many times as fast as PyTorch glassnet trains, by width and batch size</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(_LEFT, 22, "PyTorch's time for a training step ÷ glassnet's", 'text-anchor="start" font-size="14"'),
        _text(
            _LEFT,
            40,
            "10→w→w→10, Adam, cross-entropy; the best of all thread counts each",
            'text-anchor="start"',
        ),
    ]
    for spot in spots:
        x = _LEFT + wide * widths.index(spot.width)
        y = bottom - _CELL_HEIGHT * (batches.index(spot.batch) + 1)
        words = f"w = {spot.width}, batch {spot.batch}: {spot.torch:.1f} µs ÷ {spot.ours:.1f} µs = {spot.ratio:.2f}"
        parts.append(
            f'<rect x="{x}" y="{y}" width="{wide - 1}" height="{_CELL_HEIGHT - 1}" fill="{_colour(spot.ratio)}">'
            f"<title>{words}</title></rect>"
        )
        if wide > 20:
            ink = "#ffffff" if log10(spot.ratio) > 0.55 * _FULL or spot.ratio < 0.7 else "#222222"
            middle = y + _CELL_HEIGHT / 2 + 3.5
            parts.append(_text(x + wide / 2, middle, _number(spot.ratio), f'fill="{ink}" pointer-events="none"'))
    for index, batch in enumerate(batches):
        line = bottom - _CELL_HEIGHT * (index + 0.5) + 3.5
        parts.append(_text(_LEFT - 8, line, str(batch), 'text-anchor="end"'))
    for index, width in enumerate(widths):
        if wide > 20 or width % 64 == 0 or index == 0:
            parts.append(_text(_LEFT + wide * (index + 0.5), bottom + 16, str(width)))
    parts.append(_text((_LEFT + right) / 2, bottom + 36, "width w"))
    middle = (_TOP + bottom) / 2
    parts.append(_text(16, middle, "batch", f'transform="rotate(-90 16 {middle:.1f})"'))
    for index, ratio in enumerate((0.5, 0.7, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0)):
        x = _LEFT + 48 * index
        edge = f'<rect x="{x}" y="{bottom + 48}" width="47" height="12" fill="{_colour(ratio)}" stroke="#bbbbbb"/>'
        parts += [edge, _text(x + 23, bottom + 74, f"{ratio:g} ×")]
    parts.append("</svg>\n")
    path.write_text("\n".join(parts), encoding="utf-8")
