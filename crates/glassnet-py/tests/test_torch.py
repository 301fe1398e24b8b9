"""The cases of cases.py give what PyTorch gave when goldens.json was made."""

import json
import math
import pathlib

import cases
import glassnet
import pytest

GOLDENS = json.loads(pathlib.Path(__file__).with_name("goldens.json").read_text())


@pytest.mark.parametrize("case", cases.EXACT, ids=lambda case: case.__name__)
def test_texts_and_bits(case):
    for found, wanted in zip(case(glassnet), GOLDENS[case.__name__], strict=True):
        assert json.loads(json.dumps(found)) == wanted


@pytest.mark.parametrize("case, tolerance", cases.CLOSE, ids=[case.__name__ for case, _ in cases.CLOSE])
def test_numbers(case, tolerance):
    for number, (found, wanted) in enumerate(zip(case(glassnet), GOLDENS[case.__name__], strict=True)):
        assert_close(found, wanted, tolerance, f"{case.__name__} {number}")


def test_training_follows_pytorch_as_closely_as_its_own_rounding_lets_it():
    wanted = zip(GOLDENS["training"], GOLDENS["training_double"], cases.OPTIMIZERS, strict=True)
    for found, (single, double, optimizer) in zip(cases.training(glassnet), wanted, strict=True):
        for step, (a, b, c) in enumerate(zip(found, single, double, strict=True)):
            assert abs(a - b) <= max(1e-5, 10 * abs(b - c)), f"{optimizer}, step {step}: {a}, PyTorch {b}, in float64 {c}"


def assert_close(found, wanted, tolerance, place):
    if isinstance(wanted, list):
        assert isinstance(found, (list, tuple)) and len(found) == len(wanted), f"{place}: {found} is not {wanted}"
        for number, (a, b) in enumerate(zip(found, wanted)):
            assert_close(a, b, tolerance, f"{place}, {number}")
    elif isinstance(wanted, float) and isinstance(found, float) and not math.isnan(wanted):
        assert abs(found - wanted) <= tolerance * max(1.0, abs(wanted)), f"{place}: {found} is not {wanted}"
    else:
        assert found == wanted or (found != found and wanted != wanted), f"{place}: {found} is not {wanted}"
