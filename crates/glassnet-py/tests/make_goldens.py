"""Writes goldens.json: the outcomes of cases.py with PyTorch. Run it where torch is installed: python make_goldens.py."""

import json
import pathlib

import cases

if __name__ == "__main__":
    import torch

    found = {each.__name__: each(torch) for each in [*cases.EXACT, *(each for each, _ in cases.CLOSE)]}
    found["training"] = cases.training(torch)
    found["training_double"] = cases.training(torch, double=True)
    text = json.dumps({"torch": torch.__version__, **found}, indent=None, separators=(",", ":"))
    pathlib.Path(__file__).with_name("goldens.json").write_text(text.replace("]],[", "]],\n[") + "\n")
