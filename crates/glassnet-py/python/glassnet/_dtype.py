"""Element types by PyTorch's names."""

from __future__ import annotations

import numpy as np


class dtype:
    """The type of a tensor's elements; prints as PyTorch's.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.ones(2).dtype
    torch.float32
    >>> gn.float32 is gn.float
    True
    """

    __slots__ = ("_name", "numpy", "is_floating_point", "itemsize")

    def __init__(self, name: str, numpy: type) -> None:
        self._name = name
        self.numpy = np.dtype(numpy)
        self.is_floating_point = self.numpy.kind == "f"
        self.itemsize = self.numpy.itemsize

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, np.dtype) and self.numpy == other)

    def __hash__(self) -> int:
        return hash(self._name)


float16 = half = dtype("float16", np.float16)
float32 = float_ = dtype("float32", np.float32)
float64 = double = dtype("float64", np.float64)
int8 = dtype("int8", np.int8)
int16 = short = dtype("int16", np.int16)
int32 = int_ = dtype("int32", np.int32)
int64 = long = dtype("int64", np.int64)
uint8 = dtype("uint8", np.uint8)
bool_ = dtype("bool", np.bool_)

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool_)
_BY_NUMPY = {each.numpy: each for each in ALL}

_default = float32


def of(array: np.ndarray) -> dtype:
    """The element type of a NumPy array.

    Raises
    ------
    TypeError
        When no tensor can have such elements.
    """
    try:
        return _BY_NUMPY[array.dtype]
    except KeyError:
        names = ", ".join(each._name for each in ALL)
        raise TypeError(
            f"can't convert np.ndarray of type {array.dtype}. The only supported types are: {names}."
        ) from None


def given(wanted: object) -> dtype:
    """The element type that a user named: one of ours, NumPy's, torch's, or Python's ``float``, ``int``, ``bool``."""
    if isinstance(wanted, dtype):
        return wanted
    if wanted is float:
        return get_default_dtype()
    if wanted is int:
        return int64
    text = str(wanted)
    if text.startswith("torch."):
        for each in ALL:
            if repr(each) == text:
                return each
    try:
        return _BY_NUMPY[np.dtype(wanted)]
    except (TypeError, KeyError):
        raise TypeError(f"there is no element type {wanted!r}") from None


def get_default_dtype() -> dtype:
    """The element type that Python's floats become: ``float32`` unless set otherwise."""
    return _default


def set_default_dtype(wanted: dtype) -> None:
    """Sets the element type that Python's floats become, ``float32`` or ``float64``."""
    global _default
    wanted = given(wanted)
    if not wanted.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = wanted
