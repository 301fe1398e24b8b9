"""Trains feed-forward networks on the CPU and opens every number to the computation that made it.

Names, arguments, defaults and printed text are PyTorch's where PyTorch has them::

    import glassnet as torch
    from glassnet import nn

    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    loss = nn.CrossEntropyLoss()(net(x), y)
    loss.backward()
"""

from __future__ import annotations

import importlib as _importlib

from . import _functions, _tensor, autograd
from ._dtype import bool_ as bool
from ._dtype import (
    double,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    short,
    uint8,
)
from ._dtype import float_ as float
from ._dtype import int_ as int
from ._functions import *  # noqa: F403
from ._method_functions import *  # noqa: F403
from ._glassnet import Generator, Tensor, __version__
from ._print import set_printoptions
from ._tensor import Size
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

inf, nan, pi, e = (float_number for float_number in map(__import__("builtins").float, ("inf", "nan", "3.141592653589793", "2.718281828459045")))

#: What is imported when it is first used.
_LAZY = {"nn": ".nn", "optim": ".optim", "utils": ".utils"}

#: Names that are imported when they are first used: the estimators would import scikit-learn.
_LAZY_NAMES = {
    "FitResult": "._fit",
    "MLPClassifier": "._estimators",
    "MLPRegressor": "._estimators",
    "default_threads": "._threads",
    "fit": "._fit",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return _importlib.import_module(_LAZY[name], __name__)
    if name in _LAZY_NAMES:
        value = getattr(_importlib.import_module(_LAZY_NAMES[name], __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_LAZY_NAMES})
