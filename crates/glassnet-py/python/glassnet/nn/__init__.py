"""Layers, losses and networks, by `torch.nn`'s names, arguments, defaults and text."""

from typing import TYPE_CHECKING

from . import functional as functional
from . import parameter as parameter
from ._activations import *  # noqa: F403
from ._containers import *  # noqa: F403
from ._layers import *  # noqa: F403
from ._losses import *  # noqa: F403
from ._module import Module as Module
from ._parse import parse as parse
from .parameter import Parameter as Parameter

if TYPE_CHECKING:
    from . import init as init
    from . import utils as utils


def __getattr__(name: str) -> object:
    if name in ("init", "utils"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
