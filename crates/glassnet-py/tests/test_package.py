"""The package as it is installed: what it is called, what importing it costs."""

import subprocess
import sys

import glassnet


def test_the_version_is_the_crates():
    parts = glassnet.__version__.split(".")
    assert len(parts) == 3 and all(part.isdigit() for part in parts)


def test_importing_it_imports_little():
    program = "import sys, glassnet; print(*sorted(sys.modules))"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    modules = set(output.split())
    for heavy in ("sklearn", "pandas", "polars", "torch", "scipy", "joblib", "pyarrow", "glassnet.nn", "glassnet._estimators"):
        assert heavy not in modules
    assert glassnet.nn.Linear is not None and "nn" in dir(glassnet) and "MLPClassifier" in dir(glassnet)
