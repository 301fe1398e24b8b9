"""Numbers and tables in Markdown."""

from __future__ import annotations


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
