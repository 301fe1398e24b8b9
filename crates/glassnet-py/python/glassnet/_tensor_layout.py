"""Layout and selection: views of the same memory, and some of its elements."""

from __future__ import annotations

import math

# Methods named after them hide these types within the classes.
from builtins import bool as _bool
from builtins import float as _float
from builtins import int as _int

import numpy as np

from . import _dtype, _ops
from ._convert import as_array, to_tensor
from ._glassnet import Tensor, is_grad_enabled
from ._tensor_kind import _sizes


class Layout:
    """Changes of layout, and selections."""

    # --- layout ---

    def view(self, *shape: object) -> Tensor:
        """The same elements under another shape; one length may be −1."""
        if len(shape) == 1 and isinstance(shape[0], _dtype.dtype):
            return self._view(self._array.view(shape[0].numpy))
        return _ops.reshape(self, _sizes(shape))

    def reshape(self, *shape: object) -> Tensor:
        """The same elements under another shape; one length may be −1."""
        return _ops.reshape(self, _sizes(shape))

    def view_as(self, other: Tensor) -> Tensor:
        """The same elements under another tensor's shape."""
        return _ops.reshape(self, other._array.shape)

    def reshape_as(self, other: Tensor) -> Tensor:
        """The same elements under another tensor's shape."""
        return _ops.reshape(self, other._array.shape, "Reshape")

    def flatten(self, start_dim: _int = 0, end_dim: _int = -1) -> Tensor:
        """The axes ``start_dim … end_dim`` joined into one."""
        shape = self._array.shape
        if not shape:
            return _ops.reshape(self, (1,))
        start, end = _ops.axis(start_dim, len(shape)), _ops.axis(end_dim, len(shape))
        if start > end:
            raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
        joined = math.prod(shape[start : end + 1])
        return _ops.reshape(self, (*shape[:start], joined, *shape[end + 1 :]))

    def unflatten(self, dim: _int, sizes: tuple) -> Tensor:
        """One axis divided into several."""
        at = _ops.axis(dim, self._array.ndim)
        shape = self._array.shape
        return _ops.reshape(self, (*shape[:at], *sizes, *shape[at + 1 :]))

    def ravel(self) -> Tensor:
        """All elements along one axis."""
        return _ops.reshape(self, (-1,) if self._array.size else (0,))

    def squeeze(self, dim: object = None) -> Tensor:
        """Without axes of length 1."""
        shape = self._array.shape
        over = _ops.axes(dim, len(shape)) if dim is not None else range(len(shape))
        kept = [length for at, length in enumerate(shape) if not (at in over and length == 1)]
        return _ops.reshape(self, kept, "Squeeze")

    def unsqueeze(self, dim: _int) -> Tensor:
        """With one more axis of length 1."""
        shape = list(self._array.shape)
        shape.insert(_ops.axis(dim, len(shape) + 1), 1)
        return _ops.reshape(self, shape, "Unsqueeze")

    def permute(self, *order: object) -> Tensor:
        """The axes in another order."""
        return _ops.permute(self, _sizes(order))

    def transpose(self, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged."""
        rank = self._array.ndim
        order = list(range(rank))
        a, b = _ops.axis(dim0, rank), _ops.axis(dim1, rank)
        if rank:
            order[a], order[b] = order[b], order[a]
        return _ops.permute(self, order, "Transpose")

    swapaxes = transpose

    def t(self) -> Tensor:
        """A matrix with its axes exchanged."""
        if self._array.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self._array.ndim}D")
        return _ops.permute(self, range(self._array.ndim)[::-1], "T")

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return _ops.permute(self, range(self._array.ndim)[::-1])

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return self.transpose(-2, -1)

    def expand(self, *shape: object) -> Tensor:
        """Axes of length 1 repeated without a copy; −1 keeps a length."""
        return _ops.expand(self, _sizes(shape))

    def expand_as(self, other: Tensor) -> Tensor:
        """Expanded to another tensor's shape."""
        return _ops.expand(self, other._array.shape)

    def broadcast_to(self, shape: tuple) -> Tensor:
        """Expanded to a shape."""
        return _ops.expand(self, shape)

    def repeat(self, *sizes: object) -> Tensor:
        """Copies beside each other."""
        sizes = _sizes(sizes)
        places = np.tile(_ops.places(self), sizes)
        return _ops.pick(self, places, np.tile(self._array, sizes), "Repeat")

    def flip(self, *dims: object) -> Tensor:
        """Axes in reverse order."""
        over = _ops.axes(_sizes(dims), self._array.ndim)
        return _ops.pick(self, np.flip(_ops.places(self), over), np.flip(self._array, over).copy(), "Flip")

    def roll(self, shifts: object, dims: object = None) -> Tensor:
        """Elements moved along axes, those at the end to the beginning."""
        places = np.roll(_ops.places(self), shifts, dims)
        return _ops.pick(self, places, np.roll(self._array, shifts, dims), "Roll")

    def split(self, split_size: object, dim: _int = 0) -> tuple:
        """Parts of a length (or of given lengths) along an axis."""
        at = _ops.axis(dim, self._array.ndim)
        length = self._array.shape[at]
        if isinstance(split_size, (list, tuple)):
            if sum(split_size) != length:
                raise RuntimeError(
                    f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
                    f"{at}), but got split_sizes={list(split_size)}"
                )
            ends = np.cumsum(split_size).tolist()
        else:
            ends = [min(end, length) for end in range(split_size, length + split_size, split_size)] or [0]
        starts = [0, *ends[:-1]]
        lead = (slice(None),) * at
        return tuple(self[(*lead, slice(start, end))] for start, end in zip(starts, ends))

    def chunk(self, chunks: _int, dim: _int = 0) -> tuple:
        """So many parts along an axis."""
        length = self._array.shape[_ops.axis(dim, self._array.ndim)]
        return self.split(max(1, -(-length // chunks)), dim)

    def unbind(self, dim: _int = 0) -> tuple:
        """The tensors along an axis."""
        at = _ops.axis(dim, self._array.ndim)
        lead = (slice(None),) * at
        return tuple(self[(*lead, place)] for place in range(self._array.shape[at]))

    def narrow(self, dim: _int, start: _int, length: _int) -> Tensor:
        """A part of an axis."""
        lead = (slice(None),) * _ops.axis(dim, self._array.ndim)
        return self[(*lead, slice(start, start + length))]

    # --- selections ---

    def __getitem__(self, index: object) -> Tensor:
        index = _index(index)
        array = self._array
        try:
            value = array[index]
        except IndexError as error:
            raise IndexError(_index_error(error, array, index)) from None
        value = np.asarray(value)
        if not (self.requires_grad and is_grad_enabled()):
            shares = array.size and np.may_share_memory(value, array)
            if not shares and value.ndim == 0 and array.size:
                # NumPy gives a scalar where a tensor stays a view: it sees later changes.
                value = array[(*index, ...)] if isinstance(index, tuple) else array[index, ...]
                shares = np.may_share_memory(value, array)
            return self._view(value) if shares else Tensor._around(value)
        parts = index if isinstance(index, tuple) else (index,)
        if all(isinstance(each, (int, np.integer)) and not isinstance(each, bool) for each in parts):
            title = "Select"
        else:
            title = "Slice" if all(isinstance(each, slice) for each in parts) else "Index"
        return _ops.pick(self, _ops.places(self)[index], value, title)

    def __setitem__(self, index: object, value: object) -> None:
        index = _index(index)
        self._check_in_place()
        if isinstance(value, Tensor) and value.requires_grad and is_grad_enabled() or (self.requires_grad and is_grad_enabled()):
            given = to_tensor(value)
            places = _ops.places(self)[index]
            filled = _ops.cast(given, self._array.dtype).expand(*np.shape(places)) if np.shape(places) else given
            mask = np.zeros(self._array.size, np.bool_)
            mask[np.reshape(places, -1)] = True
            order = np.zeros(self._array.size, np.int64)
            order[np.reshape(places, -1)] = np.arange(np.size(places))
            spread = filled.reshape(-1)[Tensor._around(order)].reshape(self._array.shape)
            self._become_and_return(_ops.select(Tensor._around(mask.reshape(self._array.shape)), spread, self))
            return
        self._array[index] = value._array if isinstance(value, Tensor) else value
        self._changed()

    def index_select(self, dim: _int, index: Tensor) -> Tensor:
        """Chosen indices along an axis."""
        lead = (slice(None),) * _ops.axis(dim, self._array.ndim)
        return self[(*lead, index)]

    def gather(self, dim: _int, index: Tensor) -> Tensor:
        """One element for each index along an axis."""
        at = _ops.axis(dim, self._array.ndim)
        places = to_tensor(index)._array
        trimmed = tuple(slice(None) if d == at else slice(n) for d, n in enumerate(places.shape))
        try:
            flat = np.take_along_axis(_ops.places(self)[trimmed], places, at)
        except IndexError:
            raise RuntimeError(f"index is out of bounds for dimension {at} with size {self._array.shape[at]}") from None
        return _ops.pick(self, flat, np.take_along_axis(self._array[trimmed], places, at), "Gather")

    def take(self, index: Tensor) -> Tensor:
        """Elements by their places in the flat order."""
        return self.ravel()[index]

    def masked_fill(self, mask: Tensor, value: _float) -> Tensor:
        """`value` where `mask` holds."""
        return _ops.select(mask, value if not isinstance(value, Tensor) else value, self)

    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements where `mask` holds."""
        return self[to_tensor(mask).expand(*self._array.shape)]

    def where(self, condition: Tensor, other: object) -> Tensor:
        """The tensor where `condition` holds, else `other`."""
        return _ops.select(condition, self, other)

    def nonzero(self, as_tuple: _bool = False) -> object:
        """The places of elements that are not 0."""
        found = np.nonzero(self._array)
        if as_tuple:
            return tuple(Tensor._around(each) for each in found)
        return Tensor._around(np.stack(found, 1) if found else np.zeros((int(bool(self._array)), 0), np.int64))


def _index(index: object) -> object:
    """An index as NumPy takes it: tensors and lists among it as arrays."""
    if isinstance(index, tuple):
        return tuple(_index_part(each) for each in index)
    return _index_part(index)


def _index_part(part: object) -> object:
    if isinstance(part, Tensor):
        if part._array.dtype.kind not in "biu":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return part._array
    if isinstance(part, list):
        return np.asarray(as_array(part)) if part else np.zeros(0, np.int64)
    if hasattr(part, "__array__") and not isinstance(part, (np.ndarray, np.generic)):
        return as_array(part)
    return part


def _index_error(error: Exception, array: np.ndarray, index: object) -> str:
    first = index[0] if isinstance(index, tuple) and index else index
    if not isinstance(index, tuple) and array.ndim == 0:
        return (
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    if isinstance(first, (int, np.integer)) and not isinstance(first, bool) and array.ndim:
        if not -array.shape[0] <= first < array.shape[0]:
            return f"index {first} is out of bounds for dimension 0 with size {array.shape[0]}"
    if isinstance(index, tuple) and "too many indices" in str(error):
        return f"too many indices for tensor of dimension {array.ndim}"
    return str(error)
