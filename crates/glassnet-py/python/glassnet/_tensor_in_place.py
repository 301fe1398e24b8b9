"""Changes in place, each of which is counted."""

from __future__ import annotations

# Methods named after them hide these types within the classes.
from builtins import float as _float
from builtins import int as _int

import numpy as np

from . import _glassnet, _ops
from ._convert import to_tensor
from ._glassnet import Tensor, is_grad_enabled


class InPlace:
    """Changes in place."""

    # --- in place ---

    def _check_in_place(self) -> None:
        if self.requires_grad and self.is_leaf and is_grad_enabled():
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")

    def _become_and_return(self, value: Tensor) -> Tensor:
        """Takes a value and its history, keeping the memory where nobody records it."""
        self._become(value)
        return self

    def _assign(self, value: Tensor) -> Tensor:
        """Takes the value of an operation in place."""
        self._check_in_place()
        if value._array.shape != self._array.shape:
            raise RuntimeError(
                f"output with shape {list(self._array.shape)} doesn't match the broadcast shape {list(value._array.shape)}"
            )
        if value._array.dtype.kind == "f" and self._array.dtype.kind != "f":
            raise RuntimeError(
                f"result type {_ctype(value._array)} can't be cast to the desired output type {_ctype(self._array)}"
            )
        if value.requires_grad:
            return self._become_and_return(_ops.cast(value, self._array.dtype))
        self._array[...] = value._array
        self._changed()
        return self

    def copy_(self, source: object) -> Tensor:
        """Copies another tensor's elements into this one's memory."""
        given = to_tensor(source)
        self._check_in_place()
        try:
            np.broadcast_to(given._array, self._array.shape)
        except ValueError:
            raise RuntimeError(
                f"The size of tensor a {list(self._array.shape)} must match the size of tensor b {list(given._array.shape)}"
            ) from None
        if given.requires_grad and is_grad_enabled():
            return self._become_and_return(_ops.cast(given, self._array.dtype).expand(*self._array.shape).clone())
        self._array[...] = given._array
        self._changed()
        return self

    def fill_(self, value: object) -> Tensor:
        """One number everywhere."""
        self._check_in_place()
        self._array[...] = value.item() if isinstance(value, Tensor) else value
        self._changed()
        return self

    def zero_(self) -> Tensor:
        """Zeros."""
        return self.fill_(0)

    def add_(self, other: object, *, alpha: _float = 1) -> Tensor:
        """`add` in place."""
        return self._assign(self.add(other, alpha=alpha))

    def sub_(self, other: object, *, alpha: _float = 1) -> Tensor:
        """`sub` in place."""
        return self._assign(self.sub(other, alpha=alpha))

    def mul_(self, other: object) -> Tensor:
        """`mul` in place."""
        return self._assign(self * other)

    def div_(self, other: object) -> Tensor:
        """`div` in place."""
        return self._assign(self / other)

    def pow_(self, other: object) -> Tensor:
        """`pow` in place."""
        return self._assign(self**other)

    def clamp_(self, min: object = None, max: object = None) -> Tensor:
        """`clamp` in place."""
        return self._assign(self.clamp(min, max))

    def masked_fill_(self, mask: Tensor, value: _float) -> Tensor:
        """`masked_fill` in place."""
        return self._assign(self.masked_fill(mask, value))

    def uniform_(self, from_: _float = 0.0, to: _float = 1.0, *, generator: object = None) -> Tensor:
        """Fills with numbers uniform over ``[from_, to)``."""
        return self._assign(Tensor._around(_glassnet.uniform(np.empty(self._array.shape, np.float32), from_, to)))

    def normal_(self, mean: _float = 0.0, std: _float = 1.0) -> Tensor:
        """Fills with normal numbers."""
        return self._assign(Tensor._around(_glassnet.normal(np.empty(self._array.shape, np.float32), mean, std)))

    def random_(self, low: _int = 0, high: _int | None = None) -> Tensor:
        """Fills with whole numbers of ``low, …, high − 1``."""
        if high is None:
            low, high = (0, low) if low else (0, 2**24)
        drawn = Tensor._around(_glassnet.integers(np.empty(self._array.shape, np.int64), low, high))
        return self._assign(_ops.cast(drawn, self._array.dtype))

    def unsqueeze_(self, dim: _int) -> Tensor:
        """`unsqueeze` in place."""
        return self._become_and_return(self.unsqueeze(dim))

    def squeeze_(self, dim: object = None) -> Tensor:
        """`squeeze` in place."""
        return self._become_and_return(self.squeeze(dim))

    def __iadd__(self, other: object) -> Tensor:
        return self._assign(self + other)

    def __isub__(self, other: object) -> Tensor:
        return self._assign(self - other)

    def __imul__(self, other: object) -> Tensor:
        return self._assign(self * other)

    def __itruediv__(self, other: object) -> Tensor:
        return self._assign(self / other)

    def __ipow__(self, other: object) -> Tensor:
        return self._assign(self**other)


def _ctype(array: np.ndarray) -> str:
    return {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool"}.get(
        array.dtype.name, array.dtype.name
    )
