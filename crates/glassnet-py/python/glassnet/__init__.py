"""Trains feed-forward networks on the CPU and opens every number to the computation that made it."""

from __future__ import annotations

import importlib
from typing import Any

from ._fit import FitResult, fit
from ._glassnet import __version__
from ._threads import default_threads

__all__ = ["FitResult", "MLPClassifier", "MLPRegressor", "__version__", "default_threads", "fit"]

#: What is imported when it is first asked for: it would make `import glassnet` import scikit-learn.
_LAZY = {"MLPClassifier": "._estimators", "MLPRegressor": "._estimators"}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY))
