"""Sums, extremes, orders: what is computed over axes."""

from __future__ import annotations

import math

# Methods named after them hide these types within the classes.
from builtins import bool as _bool
from builtins import int as _int
from builtins import type as _type
from collections import namedtuple

import numpy as np

from . import _errors, _ops
from ._glassnet import Tensor, is_grad_enabled


class _Result(namedtuple("Result", ["values", "indices"])):
    """Values with the places where they were found."""

    __slots__ = ()
    _name = ""

    def __repr__(self) -> str:
        return f"torch.return_types.{self._name}(\nvalues={self.values!r},\nindices={self.indices!r})"


class MaxResult(_Result):
    """What `max` along an axis gives."""

    _name = "max"


class MinResult(_Result):
    """What `min` along an axis gives."""

    _name = "min"


class SortResult(_Result):
    """What `sort` along an axis gives."""

    _name = "sort"


class TopkResult(_Result):
    """What `topk` along an axis gives."""

    _name = "topk"




class Axes:
    """What is computed over axes."""

    # --- over axes ---

    def sum(self, dim: object = None, keepdim: _bool = False, *, dtype: object = None, axis: object = None) -> Tensor:
        """The sum over all elements, or over axes."""
        self = self if dtype is None else self.to(dtype)
        dim = axis if dim is None else dim
        if self._array.dtype.kind == "f":
            return _ops.reduce("sum", self, dim, keepdim)
        over = _ops.axes(dim, self._array.ndim)
        return Tensor._around(np.asarray(self._array.sum(over, np.int64, keepdims=keepdim)))

    def mean(self, dim: object = None, keepdim: _bool = False, *, dtype: object = None, axis: object = None) -> Tensor:
        """The mean over all elements, or over axes."""
        self = self if dtype is None else self.to(dtype)
        if self._array.dtype.kind != "f":
            names = {"int64": "Long", "int32": "Int", "bool": "Bool"}
            raise _errors.NotForElements(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {names.get(self._array.dtype.name, self._array.dtype.name)}"
            )
        return _ops.reduce("mean", self, axis if dim is None else dim, keepdim)

    def var(self, dim: object = None, unbiased: _bool = True, keepdim: _bool = False, *, correction: _int | None = None) -> Tensor:
        """The variance, divided by n − 1, or by n with ``unbiased=False``."""
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        correction = int(unbiased) if correction is None else correction
        if correction not in (0, 1):
            raise NotImplementedError(f"correction={correction}; give 0 or 1")
        return _ops.reduce("variance", self, dim, keepdim, f", correction={correction}")

    def std(self, dim: object = None, unbiased: _bool = True, keepdim: _bool = False, *, correction: _int | None = None) -> Tensor:
        """The root of `var`."""
        return _root(self.var(dim, unbiased, keepdim, correction=correction))

    def norm(self, p: object = 2, dim: object = None, keepdim: _bool = False) -> Tensor:
        """The norm of order `p`; 2 is Euclid's."""
        if p in (2, "fro", None):
            return _root(_ops.unary("square", self).sum(dim, keepdim))
        if p == 1:
            return abs(self).sum(dim, keepdim)
        if p in (math.inf, "inf"):
            return abs(self).amax(dim, keepdim)
        return (abs(self) ** p).sum(dim, keepdim) ** (1.0 / p)

    def prod(self, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """The product of all elements, or along an axis."""
        if self.requires_grad and is_grad_enabled():
            parts = (self.ravel() if dim is None else self).unbind(0 if dim is None else dim)
            result = parts[0]
            for each in parts[1:]:
                result = result * each
            return result.unsqueeze(dim) if keepdim and dim is not None else result
        array = self._array
        return Tensor._around(np.asarray(array.prod(dim, np.int64 if array.dtype.kind != "f" else None, keepdims=keepdim)))

    def _extreme(self, name: str, dim: object, keepdim: _bool, result: _type) -> object:
        array = self._array
        if isinstance(dim, Tensor):
            return _ops.binary("maximum" if name == "max" else "minimum", self, dim)
        if array.size == 0:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with "
                "the 'dim' argument."
            )
        if dim is None:
            if array.dtype.kind != "f":
                return Tensor._around(np.asarray(getattr(array, name)()))
            return _ops.reduce(name, self, None, False)
        at = _ops.axis(dim, array.ndim)
        if not array.ndim:
            return result(self, Tensor._around(np.asarray(0)))
        where = np.expand_dims(getattr(array, "arg" + name)(at), at)
        values = self.gather(at, Tensor._around(where))
        indices = Tensor._around(where)
        return result(values, indices) if keepdim else result(values.squeeze(at), indices.squeeze(at))

    def max(self, dim: object = None, keepdim: _bool = False) -> object:
        """The greatest element; along an axis, values and indices; of two tensors, the larger of both."""
        return self._extreme("max", dim, keepdim, MaxResult)

    def min(self, dim: object = None, keepdim: _bool = False) -> object:
        """The least element; along an axis, values and indices; of two tensors, the smaller of both."""
        return self._extreme("min", dim, keepdim, MinResult)

    def amax(self, dim: object = None, keepdim: _bool = False) -> Tensor:
        """The greatest elements over axes; equal ones share the gradient."""
        if self._array.dtype.kind != "f":
            return Tensor._around(np.asarray(self._array.max(_ops.axes(dim, self._array.ndim), keepdims=keepdim)))
        return _ops.reduce("max", self, dim, keepdim)

    def amin(self, dim: object = None, keepdim: _bool = False) -> Tensor:
        """The least elements over axes; equal ones share the gradient."""
        if self._array.dtype.kind != "f":
            return Tensor._around(np.asarray(self._array.min(_ops.axes(dim, self._array.ndim), keepdims=keepdim)))
        return _ops.reduce("min", self, dim, keepdim)

    def _arg(self, name: str, dim: _int | None, keepdim: _bool) -> Tensor:
        array = self._array
        if array.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        at = None if dim is None else _ops.axis(dim, array.ndim)
        if not array.ndim:
            return Tensor._around(np.asarray(0))
        return Tensor._around(np.asarray(getattr(array, name)(at, keepdims=keepdim)))

    def argmax(self, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """Where the greatest element is: its place in the flat order, or along an axis."""
        return self._arg("argmax", dim, keepdim)

    def argmin(self, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """Where the least element is: its place in the flat order, or along an axis."""
        return self._arg("argmin", dim, keepdim)

    def _ordered(self, order: np.ndarray, dim: _int, result: _type) -> object:
        order = Tensor._around(np.ascontiguousarray(order))
        return result(self.gather(dim, order), order)

    def sort(self, dim: _int = -1, descending: _bool = False, stable: _bool = False) -> object:
        """The elements in order along an axis, with their places."""
        at = _ops.axis(dim, self._array.ndim)
        array = -self._array if descending and self._array.dtype.kind == "f" else self._array
        order = np.argsort(array, at, kind="stable")
        if descending and self._array.dtype.kind != "f":
            order = self._array.shape[at] - 1 - np.flip(np.argsort(np.flip(self._array, at), at, kind="stable"), at)
        return self._ordered(order, at, SortResult)

    def argsort(self, dim: _int = -1, descending: _bool = False) -> Tensor:
        """The places of the elements in order along an axis."""
        return self.sort(dim, descending).indices

    def topk(self, k: _int, dim: _int = -1, largest: _bool = True, sorted: _bool = True) -> object:
        """The `k` greatest (or least) elements along an axis in order, with their places."""
        at = _ops.axis(dim, self._array.ndim)
        if not 0 <= k <= self._array.shape[at]:
            raise RuntimeError("selected index k out of range")
        order = self.sort(at, largest).indices._array.take(range(k), at)
        return self._ordered(order, at, TopkResult)

    def cumsum(self, dim: _int) -> Tensor:
        """Sums of all elements up to each along an axis."""
        at = _ops.axis(dim, self._array.ndim)
        array = self._array
        if not (self.requires_grad and is_grad_enabled()):
            return Tensor._around(np.cumsum(array, at, None if array.dtype.kind == "f" else np.int64))
        length = array.shape[at]
        lower = Tensor._around(np.tri(length, dtype=array.dtype))
        return (self.transpose(at, -1) @ lower.T).transpose(at, -1)

    def all(self, dim: object = None, keepdim: _bool = False) -> Tensor:
        """Whether all elements are true."""
        return Tensor._around(np.asarray(self._array.all(None if dim is None else dim, keepdims=keepdim)))

    def any(self, dim: object = None, keepdim: _bool = False) -> Tensor:
        """Whether an element is true."""
        return Tensor._around(np.asarray(self._array.any(None if dim is None else dim, keepdims=keepdim)))

    def count_nonzero(self, dim: _int | None = None) -> Tensor:
        """How many elements are not 0."""
        return Tensor._around(np.asarray(np.count_nonzero(self._array, dim)))

    def unique(self, return_inverse: _bool = False, return_counts: _bool = False) -> object:
        """The different elements in order."""
        found = np.unique(self._array, return_inverse=return_inverse, return_counts=return_counts)
        return tuple(map(Tensor._around, found)) if isinstance(found, tuple) else Tensor._around(found)

    def bincount(self, minlength: _int = 0) -> Tensor:
        """How often each whole number occurs."""
        return Tensor._around(np.bincount(self._array, minlength=minlength).astype(np.int64))


def _root(x: Tensor) -> Tensor:
    """The square root, whose derivative at 0 is taken as 0: there norms and deviations have a kink."""
    zero = x._array == 0
    if not (x.requires_grad and zero.any()):
        return _ops.unary("sqrt", x)
    mask = Tensor._around(np.asarray(zero))
    return _ops.select(mask, 0.0, _ops.unary("sqrt", _ops.select(mask, 1.0, x)))
