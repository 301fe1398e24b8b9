"""The notebook runs from top to bottom and prints what it holds."""

import importlib.util
import json
import pathlib
import shutil

FOLDER = pathlib.Path(__file__).parents[3] / "examples" / "notebook"


def test_the_notebook_runs_and_prints_what_it_holds(tmp_path, monkeypatch):
    # In a copy, as it writes files beside itself.
    folder = tmp_path / "examples" / "notebook"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.onnx", "*.safetensors"))
    shutil.copytree(FOLDER.parents[1] / "data", tmp_path / "data")
    spec = importlib.util.spec_from_file_location("run_notebook", folder / "run_notebook.py")
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    notebook = json.loads(runner.NOTEBOOK.read_text(encoding="utf-8"))
    monkeypatch.chdir(folder)
    outputs = runner.run(notebook)
    kept = [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(outputs) >= 8
    for number, (found, expected) in enumerate(zip(outputs, kept, strict=True), 1):
        assert found == expected, f"cell {number}"
