"""Layers, losses and networks, by `torch.nn`'s names, arguments, defaults and text."""

from . import functional, parameter
from ._containers import *  # noqa: F403
from ._layers import *  # noqa: F403
from ._losses import *  # noqa: F403
from ._module import Module
from .parameter import Parameter


def __getattr__(name: str) -> object:
    if name in ("init", "utils"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
