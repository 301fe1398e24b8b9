"""The class `Tensor` as people know it: PyTorch's methods, put onto the compiled class."""

from __future__ import annotations

from collections.abc import Callable

from . import _ops
from ._glassnet import Tensor
from ._tensor_arithmetic import Arithmetic
from ._tensor_axes import Axes
from ._tensor_in_place import InPlace
from ._tensor_kind import Kind, Size
from ._tensor_layout import Layout

__all__ = ["Methods", "Size"]


class Methods(Kind, Layout, Arithmetic, Axes, InPlace):
    """What `Tensor` has besides what is compiled."""


_UNARY = {
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
    "asin": "asin", "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "erf": "erf",
    "sigmoid": "sigmoid", "sqrt": "sqrt", "reciprocal": "reciprocal",
}


def _unary_method(name: str, operation: str) -> Callable:
    def method(self: Tensor) -> Tensor:
        return _ops.unary(operation, self)

    method.__name__ = name
    method.__qualname__ = f"Tensor.{name}"
    method.__doc__ = f"``{name}`` of every element."
    return method


def _in_place_method(name: str) -> Callable:
    def method(self: Tensor) -> Tensor:
        return self._assign(getattr(self, name)())

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}` in place."
    return method


#: What a class has by itself.
_OF_CLASSES = {
    "__dict__", "__doc__", "__firstlineno__", "__module__", "__qualname__", "__static_attributes__", "__weakref__",
}


def install() -> None:
    """Puts the methods onto the compiled class."""
    for group in reversed(Methods.__mro__[:-1]):
        for name, method in vars(group).items():
            if name not in _OF_CLASSES:
                setattr(Tensor, name, method)
    for name, each in _UNARY.items():
        setattr(Tensor, name, _unary_method(name, each))
    for name in (*_UNARY, "relu", "abs", "neg", "square", "floor", "ceil", "round", "trunc"):
        setattr(Tensor, f"{name}_", _in_place_method(name))
    Tensor.__module__ = "glassnet"


install()
