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
import os as _os
from typing import TYPE_CHECKING as _TYPE_CHECKING

from . import _dtype, _functions, _glassnet, _tensor  # noqa: F401
from . import autograd as autograd
from ._device import *  # noqa: F403
from ._dtype import double as double
from ._dtype import dtype as dtype
from ._dtype import float16 as float16
from ._dtype import float32 as float32
from ._dtype import float64 as float64
from ._dtype import get_default_dtype as get_default_dtype
from ._dtype import half as half
from ._dtype import int8 as int8
from ._dtype import int16 as int16
from ._dtype import int32 as int32
from ._dtype import int64 as int64
from ._dtype import long as long
from ._dtype import set_default_dtype as set_default_dtype
from ._dtype import short as short
from ._dtype import uint8 as uint8
from ._einsum import einsum as einsum
from ._functions import *  # noqa: F403
from ._glassnet import Generator as Generator
from ._glassnet import Tensor as Tensor
from ._glassnet import __version__ as __version__
from ._method_functions import *  # noqa: F403
from ._numbers import e as e
from ._numbers import inf as inf
from ._numbers import nan as nan
from ._numbers import pi as pi
from ._print import set_printoptions as set_printoptions
from ._tensor import Size as Size
from ._threads import get_num_threads as get_num_threads
from ._threads import set_num_threads as set_num_threads
from .autograd import enable_grad as enable_grad
from .autograd import inference_mode as inference_mode
from .autograd import is_grad_enabled as is_grad_enabled
from .autograd import no_grad as no_grad
from .autograd import set_grad_enabled as set_grad_enabled

bool = _dtype.bool_
float = _dtype.float_
int = _dtype.int_

if _TYPE_CHECKING:
    from . import nn as nn
    from . import optim as optim
    from . import utils as utils
    from ._documents import Document as Document
    from ._documents import derive as derive
    from ._documents import exercise as exercise
    from ._documents import explain as explain
    from ._documents import lesson as lesson
    from ._documents import summary as summary
    from ._documents import worked as worked
    from ._estimators import MLPClassifier as MLPClassifier
    from ._estimators import MLPRegressor as MLPRegressor
    from ._files import read as read
    from ._files import read_state_dict as read_state_dict
    from ._files import write as write
    from ._fit import FitResult as FitResult
    from ._fit import fit as fit
    from ._proofs import deepen as deepen
    from ._proofs import equal_networks as equal_networks
    from ._proofs import prove as prove
    from ._proofs import simplify as simplify
    from ._proofs import units as units
    from ._proofs import verify_certificate as verify_certificate
    from ._proofs import widen as widen

if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_glassnet.after_fork)

#: What is imported when it is first used: modules, and names with the module that has them.
_LAZY = {"nn": ".nn", "optim": ".optim", "utils": ".utils"}
_LAZY_NAMES = {
    "Document": "._documents",
    "derive": "._documents",
    "exercise": "._documents",
    "explain": "._documents",
    "lesson": "._documents",
    "summary": "._documents",
    "worked": "._documents",
    "read": "._files",
    "read_state_dict": "._files",
    "write": "._files",
    "FitResult": "._fit",
    "MLPClassifier": "._estimators",
    "MLPRegressor": "._estimators",
    "fit": "._fit",
    "deepen": "._proofs",
    "equal_networks": "._proofs",
    "prove": "._proofs",
    "simplify": "._proofs",
    "units": "._proofs",
    "verify_certificate": "._proofs",
    "widen": "._proofs",
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
