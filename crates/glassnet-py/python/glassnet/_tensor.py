"""The methods of `Tensor`, by PyTorch's names; they are put onto the compiled class."""

from __future__ import annotations

import math
import operator
from collections import namedtuple
from collections.abc import Iterator

import numpy as np

from . import _dtype, _errors, _glassnet, _ops, _print
from ._convert import as_array, to_tensor
from ._glassnet import Tensor, is_grad_enabled


class Size(tuple):
    """The lengths of a tensor's axes: a tuple that prints as PyTorch's."""

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def numel(self) -> int:
        return math.prod(self)


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




def _sizes(given: tuple) -> tuple:
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


class Methods:
    """What `Tensor` has besides what is compiled."""

    # --- what it is ---

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Size | int:
        shape = Size(self._array.shape)
        return shape if dim is None else shape[_ops.axis(dim, len(shape))]

    @property
    def dtype(self) -> _dtype.dtype:
        return _dtype.of(self._array)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def dim(self) -> int:
        return self._array.ndim

    def numel(self) -> int:
        return self._array.size

    nelement = numel

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def is_cuda(self) -> bool:
        return False

    @property
    def grad_fn(self) -> object:
        name = self._computed_by
        return None if name is None else _GradFn(name)

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self._see(to_tensor(value).detach())

    def is_floating_point(self) -> bool:
        return self._array.dtype.kind == "f"

    def is_contiguous(self) -> bool:
        return self._array.flags.c_contiguous

    def element_size(self) -> int:
        return self._array.itemsize

    def data_ptr(self) -> int:
        return self._array.ctypes.data

    def stride(self, dim: int | None = None) -> tuple | int:
        strides = tuple(step // self._array.itemsize for step in self._array.strides)
        return strides if dim is None else strides[_ops.axis(dim, len(strides))]

    # --- as something else ---

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The elements as a NumPy array of the same memory; read-only where they belong to a parameter."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if not self._sealed:
            return self._array
        view = self._array.view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError("a copy is needed for another element type")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: np.ndarray, context: object = None, return_scalar: bool = False) -> object:
        return array[()] if return_scalar else Tensor._around(array)

    __array_priority__ = 1000

    def __dlpack__(self, **options: object) -> object:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple:
        return self._array.__dlpack_device__()

    def item(self) -> float | int | bool:
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()

    def tolist(self) -> object:
        return self._array.tolist()

    def _scalar(self) -> object:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array.item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __bool__(self) -> bool:
        if self._array.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self._array.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        return bool(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[at] for at in range(self._array.shape[0]))

    def __contains__(self, value: object) -> bool:
        return bool(np.any(self._array == (value._array if isinstance(value, Tensor) else value)))

    def __repr__(self) -> str:
        return _print.text(self)

    def __format__(self, spec: str) -> str:
        return self.item().__format__(spec) if self._array.ndim == 0 else object.__format__(self, spec)

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> tuple:
        return _rebuilt, (np.ascontiguousarray(self._array).reshape(self._array.shape), self.requires_grad)

    def __copy__(self) -> Tensor:
        return self.view_as(self) if not self.is_leaf else _with_grad(self.detach(), self.requires_grad)

    def __deepcopy__(self, memo: dict) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
            )
        new = Tensor._around(self._array.copy())
        if self.grad is not None:
            new.grad = self.grad.clone()
        memo[id(self)] = new
        return _with_grad(new, self.requires_grad)

    # --- history ---

    def detach(self) -> Tensor:
        """The same memory without history."""
        return self._view(self._array)

    def detach_(self) -> Tensor:
        return self._become_and_return(self.detach())

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self.requires_grad = requires_grad
        return self

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: object = None,
    ) -> None:
        """Computes the gradient towards all leaves that require one, and adds it to their ``grad``.

        Parameters
        ----------
        gradient : Tensor, optional
            What comes from above, of this tensor's shape; 1 for a scalar.
        retain_graph : bool, optional
            Whether a second call may follow.
        create_graph : bool
            Gradients of gradients are not available.
        inputs : sequence of Tensor, optional
            Only these get a gradient.

        Examples
        --------
        >>> import glassnet as gn
        >>> w = gn.tensor([1.0, 2.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> w.grad
        tensor([2., 4.])
        """
        if create_graph:
            raise NotImplementedError("create_graph=True: a gradient is not differentiated again")
        if gradient is not None and not isinstance(gradient, Tensor):
            gradient = to_tensor(gradient)
        if gradient is not None and gradient._array.dtype != self._array.dtype:
            gradient = _ops.cast(gradient.detach(), self._array.dtype)
        if inputs is None:
            _glassnet.backward(self, gradient, bool(retain_graph))
            return
        inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        found = _glassnet.backward(self, gradient, bool(retain_graph), inputs)
        for each, more in zip(inputs, found):
            if more is not None:
                before = each.grad
                each.grad = more if before is None else (before + more).detach()

    # --- copies and element types ---

    def clone(self) -> Tensor:
        copied = Tensor._around(self._array.copy())
        shape = self._array.shape
        if not (self.requires_grad and is_grad_enabled()):
            return copied
        same = f'%0 = input {{name="x", dtype=f32, shape={_ops.shape_text(shape)}}}\noutput "y" = %0'
        return _ops.piece(("clone", shape), lambda: _glassnet.Piece.parse("Clone", same)).record(copied, self)

    def contiguous(self) -> Tensor:
        return self if self._array.flags.c_contiguous else self.clone()

    def to(self, *args: object, dtype: object = None, device: object = None, copy: bool = False, **_: object) -> Tensor:
        for each in args:
            if isinstance(each, str) or type(each).__name__ == "device":
                device = each
            elif isinstance(each, Tensor):
                dtype = each.dtype
            else:
                dtype = each
        if device is not None and str(device).split(":")[0] != "cpu":
            raise RuntimeError(f"there is no device {str(device)!r}; glassnet computes on the CPU")
        if dtype is None:
            return self.clone() if copy else self
        wanted = _dtype.given(dtype).numpy
        return self.clone() if copy and self._array.dtype == wanted else _ops.cast(self, wanted)

    def type(self, dtype: object = None) -> object:
        if dtype is None:
            names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool"}
            return f"torch.{names.get(self._array.dtype.name, self._array.dtype.name.capitalize())}Tensor"
        return self.to(dtype)

    def type_as(self, other: Tensor) -> Tensor:
        return self.to(other.dtype)

    def float(self) -> Tensor:
        return _ops.cast(self, np.dtype(np.float32))

    def double(self) -> Tensor:
        return _ops.cast(self, np.dtype(np.float64))

    def half(self) -> Tensor:
        return _ops.cast(self, np.dtype(np.float16))

    def long(self) -> Tensor:
        return _ops.cast(self, np.dtype(np.int64))

    def int(self) -> Tensor:
        return _ops.cast(self, np.dtype(np.int32))

    def bool(self) -> Tensor:
        return _ops.cast(self, np.dtype(np.bool_))

    def cpu(self) -> Tensor:
        return self

    def new_zeros(self, *size: int) -> Tensor:
        return Tensor._around(np.zeros(_sizes(size), self._array.dtype))

    def new_ones(self, *size: int) -> Tensor:
        return Tensor._around(np.ones(_sizes(size), self._array.dtype))

    def new_tensor(self, data: object) -> Tensor:
        return Tensor._around(np.array(as_array(data), self._array.dtype))

    # --- layout ---

    def view(self, *shape: object) -> Tensor:
        if len(shape) == 1 and isinstance(shape[0], _dtype.dtype):
            return self._view(self._array.view(shape[0].numpy))
        return _ops.reshape(self, _sizes(shape))

    def reshape(self, *shape: object) -> Tensor:
        return _ops.reshape(self, _sizes(shape))

    def view_as(self, other: Tensor) -> Tensor:
        return _ops.reshape(self, other._array.shape)

    def reshape_as(self, other: Tensor) -> Tensor:
        return _ops.reshape(self, other._array.shape, "Reshape")

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        shape = self._array.shape
        if not shape:
            return _ops.reshape(self, (1,))
        start, end = _ops.axis(start_dim, len(shape)), _ops.axis(end_dim, len(shape))
        if start > end:
            raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
        joined = math.prod(shape[start : end + 1])
        return _ops.reshape(self, (*shape[:start], joined, *shape[end + 1 :]))

    def unflatten(self, dim: int, sizes: tuple) -> Tensor:
        at = _ops.axis(dim, self._array.ndim)
        shape = self._array.shape
        return _ops.reshape(self, (*shape[:at], *sizes, *shape[at + 1 :]))

    def ravel(self) -> Tensor:
        return _ops.reshape(self, (-1,) if self._array.size else (0,))

    def squeeze(self, dim: object = None) -> Tensor:
        shape = self._array.shape
        over = _ops.axes(dim, len(shape)) if dim is not None else range(len(shape))
        kept = [length for at, length in enumerate(shape) if not (at in over and length == 1)]
        return _ops.reshape(self, kept, "Squeeze")

    def unsqueeze(self, dim: int) -> Tensor:
        shape = list(self._array.shape)
        shape.insert(_ops.axis(dim, len(shape) + 1), 1)
        return _ops.reshape(self, shape, "Unsqueeze")

    def permute(self, *order: object) -> Tensor:
        return _ops.permute(self, _sizes(order))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        rank = self._array.ndim
        order = list(range(rank))
        a, b = _ops.axis(dim0, rank), _ops.axis(dim1, rank)
        if rank:
            order[a], order[b] = order[b], order[a]
        return _ops.permute(self, order, "Transpose")

    swapaxes = transpose

    def t(self) -> Tensor:
        if self._array.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self._array.ndim}D")
        return _ops.permute(self, range(self._array.ndim)[::-1], "T")

    @property
    def T(self) -> Tensor:
        return _ops.permute(self, range(self._array.ndim)[::-1])

    @property
    def mT(self) -> Tensor:
        return self.transpose(-2, -1)

    def expand(self, *shape: object) -> Tensor:
        return _ops.expand(self, _sizes(shape))

    def expand_as(self, other: Tensor) -> Tensor:
        return _ops.expand(self, other._array.shape)

    def broadcast_to(self, shape: tuple) -> Tensor:
        return _ops.expand(self, shape)

    def repeat(self, *sizes: object) -> Tensor:
        sizes = _sizes(sizes)
        places = np.tile(_ops.places(self), sizes)
        return _ops.pick(self, places, np.tile(self._array, sizes), "Repeat")

    def flip(self, *dims: object) -> Tensor:
        over = _ops.axes(_sizes(dims), self._array.ndim)
        return _ops.pick(self, np.flip(_ops.places(self), over), np.flip(self._array, over).copy(), "Flip")

    def roll(self, shifts: object, dims: object = None) -> Tensor:
        places = np.roll(_ops.places(self), shifts, dims)
        return _ops.pick(self, places, np.roll(self._array, shifts, dims), "Roll")

    def split(self, split_size: object, dim: int = 0) -> tuple:
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

    def chunk(self, chunks: int, dim: int = 0) -> tuple:
        length = self._array.shape[_ops.axis(dim, self._array.ndim)]
        return self.split(max(1, -(-length // chunks)), dim)

    def unbind(self, dim: int = 0) -> tuple:
        at = _ops.axis(dim, self._array.ndim)
        lead = (slice(None),) * at
        return tuple(self[(*lead, place)] for place in range(self._array.shape[at]))

    def narrow(self, dim: int, start: int, length: int) -> Tensor:
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

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        lead = (slice(None),) * _ops.axis(dim, self._array.ndim)
        return self[(*lead, index)]

    def gather(self, dim: int, index: Tensor) -> Tensor:
        at = _ops.axis(dim, self._array.ndim)
        places = to_tensor(index)._array
        trimmed = tuple(slice(None) if d == at else slice(n) for d, n in enumerate(places.shape))
        try:
            flat = np.take_along_axis(_ops.places(self)[trimmed], places, at)
        except IndexError:
            raise RuntimeError(f"index is out of bounds for dimension {at} with size {self._array.shape[at]}") from None
        return _ops.pick(self, flat, np.take_along_axis(self._array[trimmed], places, at), "Gather")

    def take(self, index: Tensor) -> Tensor:
        return self.ravel()[index]

    def masked_fill(self, mask: Tensor, value: float) -> Tensor:
        return _ops.select(mask, value if not isinstance(value, Tensor) else value, self)

    def masked_select(self, mask: Tensor) -> Tensor:
        return self[to_tensor(mask).expand(*self._array.shape)]

    def where(self, condition: Tensor, other: object) -> Tensor:
        return _ops.select(condition, self, other)

    def nonzero(self, as_tuple: bool = False) -> object:
        found = np.nonzero(self._array)
        if as_tuple:
            return tuple(Tensor._around(each) for each in found)
        return Tensor._around(np.stack(found, 1) if found else np.zeros((int(bool(self._array)), 0), np.int64))

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

    def add(self, other: object, *, alpha: float = 1) -> Tensor:
        return self + (other if alpha == 1 else other * alpha)

    def sub(self, other: object, *, alpha: float = 1) -> Tensor:
        return self - (other if alpha == 1 else other * alpha)

    subtract = sub

    def mul(self, other: object) -> Tensor:
        return self * other

    multiply = mul

    def div(self, other: object, *, rounding_mode: str | None = None) -> Tensor:
        if rounding_mode == "floor":
            return self // other
        if rounding_mode == "trunc":
            return (self / other).trunc().to(_dtype._BY_NUMPY[_ops.result_type(self, other)])
        return self / other

    divide = true_divide = div

    def pow(self, exponent: object) -> Tensor:
        return _ops.power(self, exponent)

    def neg(self) -> Tensor:
        return -self

    negative = neg

    def matmul(self, other: Tensor) -> Tensor:
        return _ops.matmul(self, other)

    def mm(self, other: Tensor) -> Tensor:
        if self._array.ndim != 2 or to_tensor(other)._array.ndim != 2:
            which, found = ("self", self) if self._array.ndim != 2 else ("mat2", to_tensor(other))
            raise RuntimeError(f"mm: {which} must be a matrix, got {found._array.ndim}-D tensor")
        return _ops.matmul(self, other)

    def bmm(self, other: Tensor) -> Tensor:
        return _ops.matmul(self, other)

    def mv(self, other: Tensor) -> Tensor:
        return _ops.matmul(self, other)

    def dot(self, other: Tensor) -> Tensor:
        if self._array.ndim != 1 or to_tensor(other)._array.ndim != 1:
            raise RuntimeError(
                f"1D tensors expected, but got {self._array.ndim}D and {to_tensor(other)._array.ndim}D tensors"
            )
        return _ops.matmul(self, other)

    def maximum(self, other: object) -> Tensor:
        return _ops.binary("maximum", self, other)

    def minimum(self, other: object) -> Tensor:
        return _ops.binary("minimum", self, other)

    def eq(self, other: object) -> Tensor:
        return self == other

    def ne(self, other: object) -> Tensor:
        return self != other

    def lt(self, other: object) -> Tensor:
        return self < other

    def le(self, other: object) -> Tensor:
        return self <= other

    def gt(self, other: object) -> Tensor:
        return self > other

    def ge(self, other: object) -> Tensor:
        return self >= other

    def logical_not(self) -> Tensor:
        return Tensor._around(np.logical_not(self._array))

    def logical_and(self, other: Tensor) -> Tensor:
        return _ops.compare(np.logical_and, self, other)

    def logical_or(self, other: Tensor) -> Tensor:
        return _ops.compare(np.logical_or, self, other)

    def equal(self, other: Tensor) -> bool:
        return self._array.shape == other._array.shape and bool(np.array_equal(self._array, other._array))

    def isnan(self) -> Tensor:
        return Tensor._around(np.isnan(self._array))

    def isinf(self) -> Tensor:
        return Tensor._around(np.isinf(self._array))

    def isfinite(self) -> Tensor:
        return Tensor._around(np.isfinite(self._array))

    def allclose(self, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
        return bool(np.allclose(self._array, other._array, rtol, atol, equal_nan))

    def isclose(self, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
        return Tensor._around(np.isclose(self._array, other._array, rtol, atol, equal_nan))

    # --- functions of one element ---

    def abs(self) -> Tensor:
        return abs(self)

    absolute = abs

    def sign(self) -> Tensor:
        return Tensor._around(np.sign(self._array)) if self._array.dtype.kind != "f" else _ops.unary("sign", self)

    def square(self) -> Tensor:
        return self * self if self._array.dtype.kind != "f" else _ops.unary("square", self, "Pow")

    def rsqrt(self) -> Tensor:
        return _ops.unary("reciprocal", _ops.unary("sqrt", self))

    def floor(self) -> Tensor:
        return self._step(np.floor, "Floor")

    def ceil(self) -> Tensor:
        return self._step(np.ceil, "Ceil")

    def trunc(self) -> Tensor:
        return self._step(np.trunc, "Trunc")

    def round(self, *, decimals: int = 0) -> Tensor:
        return self._step(lambda array: np.round(array, decimals), "Round")

    def _step(self, function: object, title: str) -> Tensor:
        """A step function: its gradient is 0 wherever it has one."""
        value = Tensor._around(np.asarray(function(self._array), self._array.dtype))
        if not (self.requires_grad and is_grad_enabled()):
            return value
        shape = self._array.shape
        lines = "constant {value=0.0}\nmul(%0, %1)"
        return _ops.piece((title, shape), lambda: _ops.operation(title, lines, [shape])).record(value, self)

    def clamp(self, min: object = None, max: object = None) -> Tensor:
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
        return self.clamp(min=min)

    def clamp_max(self, max: object) -> Tensor:
        return self.clamp(max=max)

    def softmax(self, dim: int, dtype: object = None) -> Tensor:
        return _ops.softmax("softmax", self if dtype is None else self.to(dtype), dim)

    def log_softmax(self, dim: int, dtype: object = None) -> Tensor:
        return _ops.softmax("log_softmax", self if dtype is None else self.to(dtype), dim)

    def relu(self) -> Tensor:
        return _ops.unary("relu", self)

    # --- over axes ---

    def sum(self, dim: object = None, keepdim: bool = False, *, dtype: object = None, axis: object = None) -> Tensor:
        self = self if dtype is None else self.to(dtype)
        dim = axis if dim is None else dim
        if self._array.dtype.kind == "f":
            return _ops.reduce("sum", self, dim, keepdim)
        over = _ops.axes(dim, self._array.ndim)
        return Tensor._around(np.asarray(self._array.sum(over, np.int64, keepdims=keepdim)))

    def mean(self, dim: object = None, keepdim: bool = False, *, dtype: object = None, axis: object = None) -> Tensor:
        self = self if dtype is None else self.to(dtype)
        if self._array.dtype.kind != "f":
            names = {"int64": "Long", "int32": "Int", "bool": "Bool"}
            raise _errors.NotForElements(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {names.get(self._array.dtype.name, self._array.dtype.name)}"
            )
        return _ops.reduce("mean", self, axis if dim is None else dim, keepdim)

    def var(self, dim: object = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None) -> Tensor:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        correction = int(unbiased) if correction is None else correction
        if correction not in (0, 1):
            raise NotImplementedError(f"correction={correction}; give 0 or 1")
        return _ops.reduce("variance", self, dim, keepdim, f", correction={correction}")

    def std(self, dim: object = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None) -> Tensor:
        return _ops.unary("sqrt", self.var(dim, unbiased, keepdim, correction=correction))

    def norm(self, p: object = 2, dim: object = None, keepdim: bool = False) -> Tensor:
        if p in (2, "fro", None):
            return _ops.unary("sqrt", _ops.unary("square", self).sum(dim, keepdim))
        if p == 1:
            return abs(self).sum(dim, keepdim)
        if p in (math.inf, "inf"):
            return abs(self).amax(dim, keepdim)
        return (abs(self) ** p).sum(dim, keepdim) ** (1.0 / p)

    def prod(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        if self.requires_grad and is_grad_enabled():
            parts = (self.ravel() if dim is None else self).unbind(0 if dim is None else dim)
            result = parts[0]
            for each in parts[1:]:
                result = result * each
            return result.unsqueeze(dim) if keepdim and dim is not None else result
        array = self._array
        return Tensor._around(np.asarray(array.prod(dim, np.int64 if array.dtype.kind != "f" else None, keepdims=keepdim)))

    def _extreme(self, name: str, dim: object, keepdim: bool, result: type) -> object:
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

    def max(self, dim: object = None, keepdim: bool = False) -> object:
        return self._extreme("max", dim, keepdim, MaxResult)

    def min(self, dim: object = None, keepdim: bool = False) -> object:
        return self._extreme("min", dim, keepdim, MinResult)

    def amax(self, dim: object = None, keepdim: bool = False) -> Tensor:
        if self._array.dtype.kind != "f":
            return Tensor._around(np.asarray(self._array.max(_ops.axes(dim, self._array.ndim), keepdims=keepdim)))
        return _ops.reduce("max", self, dim, keepdim)

    def amin(self, dim: object = None, keepdim: bool = False) -> Tensor:
        if self._array.dtype.kind != "f":
            return Tensor._around(np.asarray(self._array.min(_ops.axes(dim, self._array.ndim), keepdims=keepdim)))
        return _ops.reduce("min", self, dim, keepdim)

    def _arg(self, name: str, dim: int | None, keepdim: bool) -> Tensor:
        array = self._array
        if array.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        at = None if dim is None else _ops.axis(dim, array.ndim)
        if not array.ndim:
            return Tensor._around(np.asarray(0))
        return Tensor._around(np.asarray(getattr(array, name)(at, keepdims=keepdim)))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return self._arg("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return self._arg("argmin", dim, keepdim)

    def _ordered(self, order: np.ndarray, dim: int, result: type) -> object:
        order = Tensor._around(np.ascontiguousarray(order))
        return result(self.gather(dim, order), order)

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = False) -> object:
        at = _ops.axis(dim, self._array.ndim)
        array = -self._array if descending and self._array.dtype.kind == "f" else self._array
        order = np.argsort(array, at, kind="stable")
        if descending and self._array.dtype.kind != "f":
            order = self._array.shape[at] - 1 - np.flip(np.argsort(np.flip(self._array, at), at, kind="stable"), at)
        return self._ordered(order, at, SortResult)

    def argsort(self, dim: int = -1, descending: bool = False) -> Tensor:
        return self.sort(dim, descending).indices

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> object:
        at = _ops.axis(dim, self._array.ndim)
        if not 0 <= k <= self._array.shape[at]:
            raise RuntimeError("selected index k out of range")
        order = self.sort(at, largest).indices._array.take(range(k), at)
        return self._ordered(order, at, TopkResult)

    def cumsum(self, dim: int) -> Tensor:
        at = _ops.axis(dim, self._array.ndim)
        array = self._array
        if not (self.requires_grad and is_grad_enabled()):
            return Tensor._around(np.cumsum(array, at, None if array.dtype.kind == "f" else np.int64))
        length = array.shape[at]
        lower = Tensor._around(np.tri(length, dtype=array.dtype))
        return (self.transpose(at, -1) @ lower.T).transpose(at, -1)

    def all(self, dim: object = None, keepdim: bool = False) -> Tensor:
        return Tensor._around(np.asarray(self._array.all(None if dim is None else dim, keepdims=keepdim)))

    def any(self, dim: object = None, keepdim: bool = False) -> Tensor:
        return Tensor._around(np.asarray(self._array.any(None if dim is None else dim, keepdims=keepdim)))

    def count_nonzero(self, dim: int | None = None) -> Tensor:
        return Tensor._around(np.asarray(np.count_nonzero(self._array, dim)))

    def unique(self, return_inverse: bool = False, return_counts: bool = False) -> object:
        found = np.unique(self._array, return_inverse=return_inverse, return_counts=return_counts)
        return tuple(map(Tensor._around, found)) if isinstance(found, tuple) else Tensor._around(found)

    def bincount(self, minlength: int = 0) -> Tensor:
        return Tensor._around(np.bincount(self._array, minlength=minlength).astype(np.int64))

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
        self._check_in_place()
        self._array[...] = value.item() if isinstance(value, Tensor) else value
        self._changed()
        return self

    def zero_(self) -> Tensor:
        return self.fill_(0)

    def add_(self, other: object, *, alpha: float = 1) -> Tensor:
        return self._assign(self.add(other, alpha=alpha))

    def sub_(self, other: object, *, alpha: float = 1) -> Tensor:
        return self._assign(self.sub(other, alpha=alpha))

    def mul_(self, other: object) -> Tensor:
        return self._assign(self * other)

    def div_(self, other: object) -> Tensor:
        return self._assign(self / other)

    def pow_(self, other: object) -> Tensor:
        return self._assign(self**other)

    def clamp_(self, min: object = None, max: object = None) -> Tensor:
        return self._assign(self.clamp(min, max))

    def masked_fill_(self, mask: Tensor, value: float) -> Tensor:
        return self._assign(self.masked_fill(mask, value))

    def uniform_(self, from_: float = 0.0, to: float = 1.0, *, generator: object = None) -> Tensor:
        return self._assign(Tensor._around(_glassnet.uniform(np.empty(self._array.shape, np.float32), from_, to)))

    def normal_(self, mean: float = 0.0, std: float = 1.0) -> Tensor:
        return self._assign(Tensor._around(_glassnet.normal(np.empty(self._array.shape, np.float32), mean, std)))

    def random_(self, low: int = 0, high: int | None = None) -> Tensor:
        if high is None:
            low, high = (0, low) if low else (0, 2**24)
        drawn = Tensor._around(_glassnet.integers(np.empty(self._array.shape, np.int64), low, high))
        return self._assign(_ops.cast(drawn, self._array.dtype))

    def unsqueeze_(self, dim: int) -> Tensor:
        return self._become_and_return(self.unsqueeze(dim))

    def squeeze_(self, dim: object = None) -> Tensor:
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


class _GradFn:
    """What computed a tensor, by name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        return full_name(self._name)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


def full_name(name: str) -> str:
    """The name that PyTorch gives the backward function of a call."""
    return name if "Backward" in name else f"{name}Backward0"


def _ctype(array: np.ndarray) -> str:
    return {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool"}.get(
        array.dtype.name, array.dtype.name
    )


def _with_grad(tensor: Tensor, requires_grad: bool) -> Tensor:
    if requires_grad:
        tensor.requires_grad = True
    return tensor


def _rebuilt(array: np.ndarray, requires_grad: bool) -> Tensor:
    return _with_grad(Tensor._around(array), requires_grad)


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


_UNARY = {
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
    "asin": "asin", "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "erf": "erf",
    "sigmoid": "sigmoid", "sqrt": "sqrt", "reciprocal": "reciprocal",
}


def _unary_method(name: str, operation: str) -> object:
    def method(self: Tensor) -> Tensor:
        return _ops.unary(operation, self)

    method.__name__ = name
    method.__qualname__ = f"Tensor.{name}"
    method.__doc__ = f"``{name}`` of every element."
    return method


def _in_place_method(name: str) -> object:
    def method(self: Tensor) -> Tensor:
        return self._assign(getattr(self, name)())

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}` in place."
    return method


def install() -> None:
    """Puts the methods onto the compiled class."""
    for name, method in vars(Methods).items():
        if name not in ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__firstlineno__", "__static_attributes__"):
            setattr(Tensor, name, method)
    for name, each in _UNARY.items():
        setattr(Tensor, name, _unary_method(name, each))
    for name in (*_UNARY, "relu", "abs", "neg", "square", "floor", "ceil", "round", "trunc"):
        setattr(Tensor, f"{name}_", _in_place_method(name))
    Tensor.__module__ = "glassnet"


install()
