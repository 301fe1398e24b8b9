"""What a tensor is and what it becomes: shape, element type, arrays, numbers, text, history."""

from __future__ import annotations

import math

# Methods named after them hide these types within the classes.
from builtins import bool as _bool
from builtins import float as _float
from builtins import int as _int
from collections.abc import Iterator

import numpy as np

from . import _device, _dtype, _glassnet, _ops, _print
from ._convert import as_array, to_tensor
from ._glassnet import Tensor, is_grad_enabled


class Size(tuple):
    """The lengths of a tensor's axes: a tuple that prints as PyTorch's."""

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)


def _sizes(given: tuple) -> tuple:
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


class Kind:
    """What a tensor is, and what it becomes."""

    # --- what it is ---

    @property
    def shape(self) -> Size:
        """The lengths of the axes."""
        return Size(self._array.shape)

    def size(self, dim: _int | None = None) -> Size | _int:
        """The lengths of the axes, or that of one."""
        shape = Size(self._array.shape)
        return shape if dim is None else shape[_ops.axis(dim, len(shape))]

    @property
    def dtype(self) -> _dtype.dtype:
        """The type of the elements."""
        return _dtype.of(self._array)

    @property
    def ndim(self) -> _int:
        """The number of axes."""
        return self._array.ndim

    def dim(self) -> _int:
        """The number of axes."""
        return self._array.ndim

    def numel(self) -> _int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    @property
    def device(self) -> _device.device:
        """Where the elements are: ``cpu``."""
        return _device.device("cpu")

    def get_device(self) -> _int:
        """−1: the CPU."""
        return -1

    @property
    def is_cuda(self) -> _bool:
        """``False``."""
        return False

    @property
    def grad_fn(self) -> object:
        """What computed this tensor, or ``None`` for a leaf."""
        name = self._computed_by
        return None if name is None else _GradFn(name)

    @property
    def data(self) -> Tensor:
        """The same memory without history; may be set to another tensor's."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        value = to_tensor(value).detach()
        if value._array.dtype != self._array.dtype:
            # What was compiled for a module reads elements of the old type.
            _glassnet.count_a_change()
        self._see(value)

    def is_floating_point(self) -> _bool:
        """Whether the elements are floats."""
        return self._array.dtype.kind == "f"

    def is_contiguous(self) -> _bool:
        """Whether the elements lie in row-major order."""
        return self._array.flags.c_contiguous

    def element_size(self) -> _int:
        """The bytes of an element."""
        return self._array.itemsize

    def data_ptr(self) -> _int:
        """The address of the first element."""
        return self._array.ctypes.data

    def stride(self, dim: _int | None = None) -> tuple | _int:
        """How many elements lie between neighbours along each axis."""
        strides = tuple(step // self._array.itemsize for step in self._array.strides)
        return strides if dim is None else strides[_ops.axis(dim, len(strides))]

    # --- as something else ---

    def numpy(self, *, force: _bool = False) -> np.ndarray:
        """The elements as a NumPy array of the same memory; read-only where they belong to a parameter."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if not self._sealed:
            return self._array
        view = self._array.view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: object = None, copy: _bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError("a copy is needed for another element type")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: np.ndarray, context: object = None, return_scalar: _bool = False) -> object:
        return array[()] if return_scalar else Tensor._around(array)

    __array_priority__ = 1000

    def __dlpack__(self, **options: object) -> object:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        # A parameter's memory is given read-only, which older versions of DLPack can't say.
        version = options.get("max_version")
        if self._sealed and not options.get("copy") and (version is None or version[0] < 1):
            raise BufferError("a parameter's memory is given read-only, which the receiver doesn't know of; give it tensor.clone()")
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple:
        return self._array.__dlpack_device__()

    def item(self) -> _float | _int | _bool:
        """The only element as a number of Python's."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()

    def tolist(self) -> object:
        """The elements as nested lists."""
        return self._array.tolist()

    def _scalar(self) -> object:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array.item()

    def __float__(self) -> _float:
        return float(self._scalar())

    def __int__(self) -> _int:
        return int(self._scalar())

    def __index__(self) -> _int:
        if self._array.dtype.kind not in "iu" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __bool__(self) -> _bool:
        if self._array.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self._array.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        return bool(self._array.item())

    def __len__(self) -> _int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[at] for at in range(self._array.shape[0]))

    def __contains__(self, value: object) -> _bool:
        return bool(np.any(self._array == (value._array if isinstance(value, Tensor) else value)))

    def __repr__(self) -> str:
        return _print.text(self)

    def __format__(self, spec: str) -> str:
        return self.item().__format__(spec) if self._array.ndim == 0 else object.__format__(self, spec)

    def __hash__(self) -> _int:
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
        """Forgets the history."""
        return self._become_and_return(self.detach())

    def requires_grad_(self, requires_grad: _bool = True) -> Tensor:
        """Sets whether gradients towards this tensor are wanted."""
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
            Whether the gradients can be differentiated again; it takes more time.
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
        if gradient is not None and not isinstance(gradient, Tensor):
            gradient = to_tensor(gradient)
        if gradient is not None and gradient._array.dtype != self._array.dtype:
            gradient = _ops.cast(gradient.detach(), self._array.dtype)
        retain_graph = create_graph if retain_graph is None else bool(retain_graph)
        if inputs is None:
            _glassnet.backward(self, gradient, retain_graph, None, create_graph)
            return
        inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        found = _glassnet.backward(self, gradient, retain_graph, inputs, create_graph)
        for each, more in zip(inputs, found):
            if more is not None:
                before = each.grad
                total = more if before is None else before + more
                each.grad = total if create_graph else total.detach()

    # --- copies and element types ---

    def clone(self) -> Tensor:
        """A copy, through which gradients pass."""
        copied = Tensor._around(self._array.copy())
        shape = self._array.shape
        if not (self.requires_grad and is_grad_enabled()):
            return copied
        same = f'%0 = input {{name="x", dtype=f32, shape={_ops.shape_text(shape)}}}\noutput "y" = %0'
        return _ops.piece(("clone", shape), lambda: _glassnet.Piece.parse("Clone", same)).record(copied, self)

    def contiguous(self) -> Tensor:
        """The tensor itself, or a copy in row-major order."""
        return self if self._array.flags.c_contiguous else self.clone()

    def to(self, *args: object, dtype: object = None, device: object = None, copy: _bool = False, **_: object) -> Tensor:
        """The tensor with another element type; the device is always the CPU."""
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
        """The name of the type, or the tensor with another element type."""
        if dtype is None:
            names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool"}
            return f"torch.{names.get(self._array.dtype.name, self._array.dtype.name.capitalize())}Tensor"
        return self.to(dtype)

    def type_as(self, other: Tensor) -> Tensor:
        """The tensor with another's element type."""
        return self.to(other.dtype)

    def float(self) -> Tensor:
        """The tensor as ``float32``."""
        return _ops.cast(self, np.dtype(np.float32))

    def double(self) -> Tensor:
        """The tensor as ``float64``."""
        return _ops.cast(self, np.dtype(np.float64))

    def half(self) -> Tensor:
        """The tensor as ``float16``, which is stored and not computed with."""
        return _ops.cast(self, np.dtype(np.float16))

    def long(self) -> Tensor:
        """The tensor as ``int64``."""
        return _ops.cast(self, np.dtype(np.int64))

    def int(self) -> Tensor:
        """The tensor as ``int32``."""
        return _ops.cast(self, np.dtype(np.int32))

    def bool(self) -> Tensor:
        """The tensor as truth values."""
        return _ops.cast(self, np.dtype(np.bool_))

    def cpu(self) -> Tensor:
        """The tensor itself."""
        return self

    def new_zeros(self, *size: _int) -> Tensor:
        """Zeros of this element type."""
        return Tensor._around(np.zeros(_sizes(size), self._array.dtype))

    def new_ones(self, *size: _int) -> Tensor:
        """Ones of this element type."""
        return Tensor._around(np.ones(_sizes(size), self._array.dtype))

    def new_tensor(self, data: object) -> Tensor:
        """A copy of `data` in this element type."""
        return Tensor._around(np.array(as_array(data), self._array.dtype))


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


def _with_grad(tensor: Tensor, requires_grad: bool) -> Tensor:
    if requires_grad:
        tensor.requires_grad = True
    return tensor


def _rebuilt(array: np.ndarray, requires_grad: bool) -> Tensor:
    return _with_grad(Tensor._around(array), requires_grad)
