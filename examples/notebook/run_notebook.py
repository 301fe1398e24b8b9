"""Runs checkpoint.ipynb from top to bottom in a fresh namespace; `--write` keeps the outputs in the file.

A cell's outputs are what it prints and, if its last line is an expression, that value as a notebook shows it: its text, and
its HTML where it has one. Needs glassnet and NumPy alone, no Jupyter.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOTEBOOK = HERE / "checkpoint.ipynb"


def run(notebook: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The outputs of each code cell."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [run_cell("".join(cell["source"]), number, namespace) for number, cell in enumerate(cells, 1)]


def run_cell(source: str, number: int, namespace: dict[str, Any]) -> list[dict[str, Any]]:
    """Executes a cell, and gives its outputs in the notebook's format."""
    tree = ast.parse(source)
    shown = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), namespace)
        if shown is not None:
            value = eval(compile(ast.Expression(shown.value), f"cell {number}", "eval"), namespace)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())})
    if value is not None:
        data = {"text/plain": lines(repr(value))}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = lines(value._repr_html_())
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


def lines(text: str) -> list[str]:
    """A text as notebooks keep it."""
    return text.splitlines(keepends=True)


def main() -> None:
    os.chdir(HERE)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    outputs = run(notebook)
    if "--write" not in sys.argv[1:]:
        return
    codes = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    for number, (cell, found) in enumerate(zip(codes, outputs, strict=True), 1):
        cell["outputs"], cell["execution_count"] = found, number
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
