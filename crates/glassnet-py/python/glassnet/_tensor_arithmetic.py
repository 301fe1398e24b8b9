"""Arithmetic, comparisons, and functions of one element."""

from __future__ import annotations

# Methods named after them hide these types within the classes.
from builtins import bool as _bool
from builtins import float as _float
from builtins import int as _int

import numpy as np

from . import _dtype, _ops
from ._convert import to_tensor
from ._glassnet import Tensor, is_grad_enabled


class Arithmetic:
    """What is computed element by element."""

    # --- arithmetic ---

    def __add__(self, other: object) -> Tensor:
        return _ops.binary("add", self, other)

    def __radd__(self, other: object) -> Tensor:
        return _ops.binary("add", other, self)

    def __sub__(self, other: object) -> Tensor:
        return _ops.binary("sub", self, other)

    def __rsub__(self, other: object) -> Tensor:
        return _ops.binary("sub", other, self)

    def __mul__(self, other: object) -> Tensor:
        return _ops.binary("mul", self, other)

    def __rmul__(self, other: object) -> Tensor:
        return _ops.binary("mul", other, self)

    def __truediv__(self, other: object) -> Tensor:
        return _ops.binary("div", self, other)

    def __rtruediv__(self, other: object) -> Tensor:
        return _ops.binary("div", other, self)

    def __floordiv__(self, other: object) -> Tensor:
        return _ops.integer_binary(np.floor_divide, self, other)

    def __rfloordiv__(self, other: object) -> Tensor:
        return _ops.integer_binary(np.floor_divide, other, self)

    def __mod__(self, other: object) -> Tensor:
        return _ops.integer_binary(np.remainder, self, other)

    def __rmod__(self, other: object) -> Tensor:
        return _ops.integer_binary(np.remainder, other, self)

    def __pow__(self, other: object) -> Tensor:
        return _ops.power(self, other)

    def __rpow__(self, other: object) -> Tensor:
        return _ops.power(other, self)

    def __matmul__(self, other: object) -> Tensor:
        return _ops.matmul(self, other)

    def __rmatmul__(self, other: object) -> Tensor:
        return _ops.matmul(other, self)

    def __neg__(self) -> Tensor:
        if self._array.dtype.kind == "b":
            raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported.")
        return Tensor._around(-self._array) if self._array.dtype.kind != "f" else _ops.unary("negate", self, "Neg")

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return Tensor._around(np.abs(self._array)) if self._array.dtype.kind != "f" else _ops.unary("abs", self)

    def __invert__(self) -> Tensor:
        if self._array.dtype.kind == "f":
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return Tensor._around(np.invert(self._array))

    def __and__(self, other: object) -> Tensor:
        return _ops.compare_like(np.bitwise_and, self, other)

    def __or__(self, other: object) -> Tensor:
        return _ops.compare_like(np.bitwise_or, self, other)

    def __xor__(self, other: object) -> Tensor:
        return _ops.compare_like(np.bitwise_xor, self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __eq__(self, other: object) -> object:
        if not (isinstance(other, (Tensor, np.ndarray)) or _ops._is_scalar(other)):
            return NotImplemented
        return _ops.compare(np.equal, self, other)

    def __ne__(self, other: object) -> object:
        if not (isinstance(other, (Tensor, np.ndarray)) or _ops._is_scalar(other)):
            return NotImplemented
        return _ops.compare(np.not_equal, self, other)

    def __lt__(self, other: object) -> Tensor:
        return _ops.compare(np.less, self, other)

    def __le__(self, other: object) -> Tensor:
        return _ops.compare(np.less_equal, self, other)

    def __gt__(self, other: object) -> Tensor:
        return _ops.compare(np.greater, self, other)

    def __ge__(self, other: object) -> Tensor:
        return _ops.compare(np.greater_equal, self, other)

    def add(self, other: object, *, alpha: _float = 1) -> Tensor:
        """``self + alpha·other``."""
        return self + (other if alpha == 1 else other * alpha)

    def sub(self, other: object, *, alpha: _float = 1) -> Tensor:
        """``self − alpha·other``."""
        return self - (other if alpha == 1 else other * alpha)

    subtract = sub

    def mul(self, other: object) -> Tensor:
        """The product, element by element."""
        return self * other

    multiply = mul

    def div(self, other: object, *, rounding_mode: str | None = None) -> Tensor:
        """The quotient; `rounding_mode` may be ``'floor'`` or ``'trunc'``."""
        if rounding_mode == "floor":
            return self // other
        if rounding_mode == "trunc":
            return (self / other).trunc().to(_dtype._BY_NUMPY[_ops.result_type(self, other)])
        return self / other

    divide = true_divide = div

    def pow(self, exponent: object) -> Tensor:
        """The power, element by element."""
        return _ops.power(self, exponent)

    def neg(self) -> Tensor:
        """The negative."""
        return -self

    negative = neg

    def matmul(self, other: Tensor) -> Tensor:
        """The matrix product ``self @ other``."""
        return _ops.matmul(self, other)

    def mm(self, other: Tensor) -> Tensor:
        """The product of two matrices."""
        if self._array.ndim != 2 or to_tensor(other)._array.ndim != 2:
            which, found = ("self", self) if self._array.ndim != 2 else ("mat2", to_tensor(other))
            raise RuntimeError(f"mm: {which} must be a matrix, got {found._array.ndim}-D tensor")
        return _ops.matmul(self, other)

    def bmm(self, other: Tensor) -> Tensor:
        """Products of matrices, one for each leading index."""
        return _ops.matmul(self, other)

    def mv(self, other: Tensor) -> Tensor:
        """The product of a matrix and a vector."""
        return _ops.matmul(self, other)

    def dot(self, other: Tensor) -> Tensor:
        """The sum of products of two vectors' elements."""
        if self._array.ndim != 1 or to_tensor(other)._array.ndim != 1:
            raise RuntimeError(
                f"1D tensors expected, but got {self._array.ndim}D and {to_tensor(other)._array.ndim}D tensors"
            )
        return _ops.matmul(self, other)

    def maximum(self, other: object) -> Tensor:
        """The larger of both, element by element."""
        return _ops.binary("maximum", self, other)

    def minimum(self, other: object) -> Tensor:
        """The smaller of both, element by element."""
        return _ops.binary("minimum", self, other)

    def eq(self, other: object) -> Tensor:
        """Where elements are equal."""
        return self == other

    def ne(self, other: object) -> Tensor:
        """Where elements differ."""
        return self != other

    def lt(self, other: object) -> Tensor:
        """Where elements are less."""
        return self < other

    def le(self, other: object) -> Tensor:
        """Where elements are at most."""
        return self <= other

    def gt(self, other: object) -> Tensor:
        """Where elements are greater."""
        return self > other

    def ge(self, other: object) -> Tensor:
        """Where elements are at least."""
        return self >= other

    def logical_not(self) -> Tensor:
        """Where elements are 0 or false."""
        return Tensor._around(np.logical_not(self._array))

    def logical_and(self, other: Tensor) -> Tensor:
        """Where both are true."""
        return _ops.compare(np.logical_and, self, other)

    def logical_or(self, other: Tensor) -> Tensor:
        """Where one is true."""
        return _ops.compare(np.logical_or, self, other)

    def equal(self, other: Tensor) -> _bool:
        """Whether shape and all elements are equal."""
        return self._array.shape == other._array.shape and bool(np.array_equal(self._array, other._array))

    def isnan(self) -> Tensor:
        """Where elements are no numbers."""
        return Tensor._around(np.isnan(self._array))

    def isinf(self) -> Tensor:
        """Where elements are infinite."""
        return Tensor._around(np.isinf(self._array))

    def isfinite(self) -> Tensor:
        """Where elements are finite."""
        return Tensor._around(np.isfinite(self._array))

    def allclose(self, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False) -> _bool:
        """Whether all elements are close: ``|a − b| ≤ atol + rtol·|b|``."""
        return bool(np.allclose(self._array, other._array, rtol, atol, equal_nan))

    def isclose(self, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False) -> Tensor:
        """Where elements are close: ``|a − b| ≤ atol + rtol·|b|``."""
        return Tensor._around(np.isclose(self._array, other._array, rtol, atol, equal_nan))

    # --- functions of one element ---

    def abs(self) -> Tensor:
        """The size of every element."""
        return abs(self)

    absolute = abs

    def sign(self) -> Tensor:
        """−1, 0 or 1 for every element."""
        return Tensor._around(np.sign(self._array)) if self._array.dtype.kind != "f" else _ops.unary("sign", self)

    def square(self) -> Tensor:
        """The square of every element."""
        return self * self if self._array.dtype.kind != "f" else _ops.unary("square", self, "Pow")

    def rsqrt(self) -> Tensor:
        """``1/√x`` of every element."""
        return _ops.unary("reciprocal", _ops.unary("sqrt", self))

    def floor(self) -> Tensor:
        """Rounded down; its gradient is 0."""
        return self._step(np.floor, "Floor")

    def ceil(self) -> Tensor:
        """Rounded up; its gradient is 0."""
        return self._step(np.ceil, "Ceil")

    def trunc(self) -> Tensor:
        """Rounded towards 0; its gradient is 0."""
        return self._step(np.trunc, "Trunc")

    def round(self, *, decimals: _int = 0) -> Tensor:
        """Rounded to the nearest, ties to the even one; its gradient is 0."""
        return self._step(lambda array: np.round(array, decimals), "Round")

    def _step(self, function: object, title: str) -> Tensor:
        """A step function: its gradient is 0 wherever it has one."""
        value = Tensor._around(np.asarray(function(self._array), self._array.dtype))
        if not (self.requires_grad and is_grad_enabled()):
            return value
        # What is computed later from the graph sees the value, and the derivative towards what it came from is 0.
        shape = self._array.shape
        lines = "constant {value=0.0}\nselect(%2, %0, %1)"
        return _ops.piece((title, shape), lambda: _ops.operation(title, lines, [shape, shape])).record(value, self, value)

    def clamp(self, min: object = None, max: object = None) -> Tensor:
        """Cut to ``[min, max]``; the gradient is 0 where it is cut and at the bounds."""
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        result = self
        with np.errstate(invalid="ignore"):
            if min is not None:
                least = min._array if isinstance(min, Tensor) else min
                result = _ops.select(Tensor._around(np.asarray(self._array <= least)), min, result)
            if max is not None:
                most = max._array if isinstance(max, Tensor) else max
                result = _ops.select(Tensor._around(np.asarray(self._array >= most)), max, result)
        return result

    clip = clamp

    def clamp_min(self, min: object) -> Tensor:
        """Cut from below."""
        return self.clamp(min=min)

    def clamp_max(self, max: object) -> Tensor:
        """Cut from above."""
        return self.clamp(max=max)

    def softmax(self, dim: _int, dtype: object = None) -> Tensor:
        """Probabilities along an axis that sum to 1."""
        return _ops.softmax("softmax", self if dtype is None else self.to(dtype), dim)

    def log_softmax(self, dim: _int, dtype: object = None) -> Tensor:
        """The logarithm of `softmax`, computed without it."""
        return _ops.softmax("log_softmax", self if dtype is None else self.to(dtype), dim)

    def logsumexp(self, dim: _int, keepdim: _bool = False) -> Tensor:
        """The logarithm of the sum of exponentials along an axis, by way of its largest element."""
        largest = self.argmax(dim, keepdim=True)
        result = self.gather(dim, largest) - self.log_softmax(dim).gather(dim, largest)
        return result if keepdim else result.squeeze(dim)

    def relu(self) -> Tensor:
        """``max(x, 0)`` of every element."""
        return _ops.unary("relu", self)
