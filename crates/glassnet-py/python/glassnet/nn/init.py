"""Initialisers by `torch.nn.init`'s names; from the same seed they give PyTorch's numbers."""

from __future__ import annotations

import math

from .. import _glassnet
from .._glassnet import Tensor

__all__ = [
    "calculate_gain", "constant_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "orthogonal_",
    "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]


def _fill(tensor: Tensor, call: str) -> Tensor:
    _glassnet.initialize(tensor._array, call)
    tensor._changed()
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: object = None) -> Tensor:
    """Uniform over ``[a, b)``."""
    return _fill(tensor, f"uniform_(a={float(a)!r}, b={float(b)!r})")


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: object = None) -> Tensor:
    """Normal."""
    return _fill(tensor, f"normal_(mean={float(mean)!r}, std={float(std)!r})")


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: object = None
) -> Tensor:
    """Normal, values outside ``[a, b]`` drawn again."""
    return _fill(tensor, f"trunc_normal_(mean={float(mean)!r}, std={float(std)!r}, a={float(a)!r}, b={float(b)!r})")


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere."""
    return _fill(tensor, f"constant_({float(val)!r})")


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return _fill(tensor, "zeros_()")


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return _fill(tensor, "ones_()")


def eye_(tensor: Tensor) -> Tensor:
    """Ones on a matrix's diagonal."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _fill(tensor, "eye_()")


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: object = None
) -> Tensor:
    """He's initialisation, uniform.

    Examples
    --------
    >>> import glassnet as gn
    >>> _ = gn.manual_seed(0)
    >>> gn.nn.init.kaiming_uniform_(gn.empty(1, 3), nonlinearity="relu")
    tensor([[-0.0106,  0.7586, -1.1640]])
    """
    return _fill(tensor, f"kaiming_uniform_(a={float(a)!r}, mode='{mode}', nonlinearity='{nonlinearity}')")


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: object = None
) -> Tensor:
    """He's initialisation, normal."""
    return _fill(tensor, f"kaiming_normal_(a={float(a)!r}, mode='{mode}', nonlinearity='{nonlinearity}')")


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: object = None) -> Tensor:
    """Glorot's initialisation, uniform."""
    return _fill(tensor, f"xavier_uniform_(gain={float(gain)!r})")


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: object = None) -> Tensor:
    """Glorot's initialisation, normal."""
    return _fill(tensor, f"xavier_normal_(gain={float(gain)!r})")


def orthogonal_(tensor: Tensor, gain: float = 1, generator: object = None) -> Tensor:
    """Orthogonal rows or columns."""
    return _fill(tensor, f"orthogonal_(gain={float(gain)!r})")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which an activation wants initial weights larger."""
    if nonlinearity in ("linear", "sigmoid"):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
