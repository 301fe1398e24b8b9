"""Task 2.5: the programs for PyTorch print the sheet's text, to the last digit, when the imports are changed."""

import pathlib
import runpy
import sys

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"

SHEET = """\
Raw prediction logits:
[[ 6.7775993 -3.6295996]
 [-4.08       4.42     ]
 [-4.08       4.42     ]
 [ 6.1599007 -4.1828003]]
Prediction after softmax:
[[9.9996984e-01 3.0213278e-05]
 [2.0342699e-04 9.9979657e-01]
 [2.0342699e-04 9.9979657e-01]
 [9.9996781e-01 3.2226122e-05]]
True labels, one-hot encoded:
[[1. 0.]
 [0. 1.]
 [0. 1.]
 [1. 0.]]
Loss: 0.00011732114
"""


@pytest.mark.parametrize("program", ["run_2unit_model.py", "run_3unit_model.py"])
def test_the_program_prints_the_sheets_text(program, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(PROGRAMS))
    monkeypatch.delitem(sys.modules, "run_model", raising=False)
    runpy.run_path(str(PROGRAMS / program), run_name="__main__")
    assert capsys.readouterr().out == SHEET
