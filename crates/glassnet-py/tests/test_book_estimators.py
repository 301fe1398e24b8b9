"""The page of the book about estimators: its examples run and print what they say."""

import doctest
import warnings
from pathlib import Path

import pytest

pytest.importorskip("sklearn", minversion="1.6")

PAGE = Path(__file__).resolve().parents[3] / "book" / "python-estimators.md"


def test_the_page_runs():
    text = PAGE.read_text(encoding="utf-8").replace("\n```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 15
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert found.failed == 0, "".join(said)
