"""The Python blocks of README.md and of the book print what stands below them."""

import contextlib
import io
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[3]
BLOCKS = re.compile(r"```python\n((?:(?!```).)*)```\n\n```text\n(.*?)```", re.DOTALL)


def blocks():
    for path in [ROOT / "README.md", *sorted((ROOT / "book").glob("python*.md"))]:
        for number, (code, text) in enumerate(BLOCKS.findall(path.read_text(encoding="utf-8"))):
            yield pytest.param(code, text, id=f"{path.name}-{number}")


@pytest.mark.parametrize("code, text", list(blocks()))
def test_a_block_prints_its_text(code, text, monkeypatch):
    # The paths in them begin at the repository's root.
    monkeypatch.chdir(ROOT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "block", "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == text


def test_there_are_blocks():
    assert len(list(blocks())) >= 5
