"""Functions of the top level, by PyTorch's names: making tensors, joining them, and methods as functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np

from . import _convert, _dtype, _glassnet, _ops
from ._convert import as_array, tensor_array, to_tensor
from ._glassnet import Tensor

__all__ = [
    "addmm", "arange", "as_tensor", "bernoulli", "cat", "concat", "concatenate", "default_generator", "diag", "empty",
    "empty_like", "eye", "from_dlpack", "from_numpy", "full", "full_like", "hstack", "initial_seed",
    "is_floating_point", "is_tensor", "linspace", "logspace", "manual_seed", "meshgrid", "normal", "numel", "ones",
    "ones_like", "outer", "rand", "rand_like", "randint", "randn", "randn_like", "randperm", "save", "seed", "stack",
    "tensor", "tril", "triu", "vstack", "where", "zeros", "zeros_like",
]


def _made(array: np.ndarray, requires_grad: bool = False) -> Tensor:
    made = Tensor._around(np.asarray(array))
    if requires_grad:
        if made._array.dtype.kind != "f":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made.requires_grad = True
    return made


def _type(dtype: object, standard: _dtype.dtype | None = None) -> np.dtype:
    if dtype is None:
        return (standard or _dtype.get_default_dtype()).numpy
    return _dtype.given(dtype).numpy


def _size(size: tuple) -> tuple:
    size = size[0] if len(size) == 1 and not isinstance(size[0], (int, np.integer)) else size
    size = tuple(operator.index(each) for each in size)
    for each in size:
        if each < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {each}: {list(size)}")
    return size


def tensor(data: object, *, dtype: object = None, device: object = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with the numbers of `data`.

    Python's floats become ``float32``, whole numbers ``int64``; arrays keep their element type.

    Parameters
    ----------
    data : array_like
        Numbers, nested lists, arrays, tensors. They are copied.
    dtype : dtype, optional
        Another element type.
    device : str, optional
        Only ``"cpu"``.
    requires_grad : bool
        Whether gradients towards it are wanted.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.tensor([[1.0, 2.5], [3.0, 4.0]])
    tensor([[1.0000, 2.5000],
            [3.0000, 4.0000]])
    >>> gn.tensor([1, 2]).dtype
    torch.int64
    """
    _check_device(device)
    wanted = None if dtype is None else _dtype.given(dtype)
    return _made(tensor_array(data, wanted), requires_grad)


def _check_device(device: object) -> None:
    if device is not None and str(device).split(":")[0] != "cpu":
        raise RuntimeError(f"there is no device {str(device)!r}; glassnet computes on the CPU")


def as_tensor(data: object, dtype: object = None, device: object = None) -> Tensor:
    """A tensor of the memory of `data` where it can be seen, else of a copy."""
    _check_device(device)
    return to_tensor(data, None if dtype is None else _dtype.given(dtype))


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that sees the memory of a NumPy array: a change of one is a change of the other.

    Examples
    --------
    >>> import glassnet as gn, numpy as np
    >>> x = np.zeros(2, np.float32)
    >>> t = gn.from_numpy(x)
    >>> x[0] = 5
    >>> t
    tensor([5., 0.])
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    _dtype.of(array)
    return Tensor._around(array)


def from_dlpack(data: object) -> Tensor:
    """A tensor that sees the memory of another library's, by DLPack.

    Floats of 16, 32 and 64 bits, whole numbers and truth values, with any strides; on the CPU. Memory that its library
    gives read-only stays so.

    Examples
    --------
    >>> import glassnet as gn
    >>> import numpy as np
    >>> gn.from_dlpack(np.eye(2, dtype=np.float32).T).stride()
    (1, 2)
    """
    if isinstance(data, Tensor):
        return data.detach()
    return from_numpy(_convert.from_dlpack(data))


def zeros(*size: object, dtype: object = None, device: object = None, requires_grad: bool = False) -> Tensor:
    """Zeros of a shape."""
    _check_device(device)
    return _made(np.zeros(_size(size), _type(dtype)), requires_grad)


def ones(*size: object, dtype: object = None, device: object = None, requires_grad: bool = False) -> Tensor:
    """Ones of a shape."""
    _check_device(device)
    return _made(np.ones(_size(size), _type(dtype)), requires_grad)


def empty(*size: object, dtype: object = None, device: object = None, requires_grad: bool = False) -> Tensor:
    """Numbers that are to be filled; here they are zeros, so that nothing depends on chance."""
    return zeros(*size, dtype=dtype, device=device, requires_grad=requires_grad)


def full(size: Sequence[int], fill_value: float, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """One number everywhere."""
    if dtype is None:
        inferred = tensor_array(fill_value, None).dtype
    else:
        inferred = _type(dtype)
    return _made(np.full(_size((size,)), fill_value, inferred), requires_grad)


def zeros_like(input: Tensor, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """Zeros, with the shape and element type of another tensor."""
    return zeros(input.shape, dtype=input.dtype if dtype is None else dtype, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """Ones, with the shape and element type of another tensor."""
    return ones(input.shape, dtype=input.dtype if dtype is None else dtype, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """As `empty`, with the shape and element type of another tensor."""
    return empty(input.shape, dtype=input.dtype if dtype is None else dtype, requires_grad=requires_grad)


def full_like(input: Tensor, fill_value: float, *, dtype: object = None) -> Tensor:
    """One number everywhere, with the shape and element type of another tensor."""
    return full(input.shape, fill_value, dtype=input.dtype if dtype is None else dtype)


def eye(n: int, m: int | None = None, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal."""
    return _made(np.eye(n, m, dtype=_type(dtype)), requires_grad)


def arange(*bounds: float, dtype: object = None, requires_grad: bool = False, **named: float) -> Tensor:
    """Numbers from `start` (0) up to but without `end`, `step` (1) apart.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.arange(3), gn.arange(1, 2, 0.5)
    (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    bounds = [each.item() if isinstance(each, Tensor) else each for each in bounds]
    start, end, step = (0, bounds[0], 1) if len(bounds) == 1 else (*bounds, 1)[:3] if bounds else (0, None, 1)
    start, end, step = named.get("start", start), named.get("end", end), named.get("step", step)
    if end is None:
        raise TypeError("arange() missing 1 required positional argument: 'end'")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    whole = all(isinstance(each, (int, np.integer)) for each in (start, end, step))
    count = math.ceil((end - start) / step)
    if count < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    values = start + np.arange(count) * step
    return _made(values.astype(_type(dtype, _dtype.int64 if whole else None)), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """`steps` numbers from `start` to `end`, evenly spaced: from both ends towards the middle, as PyTorch counts."""
    wanted = _type(dtype)
    step = wanted.type((end - start) / (steps - 1)) if steps > 1 else wanted.type(0)
    at = np.arange(steps)
    forth = wanted.type(start) + step * at.astype(wanted)
    back = wanted.type(end) - step * (steps - 1 - at).astype(wanted)
    return _made(np.where(at < steps // 2, forth, back).astype(wanted), requires_grad)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: object = None) -> Tensor:
    """`base` to the power of evenly spaced exponents."""
    return _made(np.logspace(start, end, steps, base=base, dtype=_type(dtype)))


def meshgrid(*tensors: object, indexing: str = "ij") -> tuple:
    """The coordinates of a grid."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    return tuple(_made(each) for each in np.meshgrid(*map(as_array, given), indexing=indexing))


# --- random numbers ------------------------------------------------------------------------------------------------


class _GlobalGenerator:
    """The stream that everything draws from where no other is given."""

    def manual_seed(self, seed: int) -> _GlobalGenerator:
        """Starts the stream from `seed`."""
        manual_seed(seed)
        return self

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return _glassnet.initial_seed()


default_generator = _GlobalGenerator()


def manual_seed(seed: int) -> _GlobalGenerator:
    """Starts the random numbers from `seed`: initial weights, `rand`, `randn`, `randperm` are PyTorch's from there on.

    Uniform numbers have PyTorch's bits, normal ones its values to about 1e-6. Dropout masks are the library's own.

    Examples
    --------
    >>> import glassnet as gn
    >>> _ = gn.manual_seed(0)
    >>> gn.rand(2)
    tensor([0.4963, 0.7682])
    """
    _glassnet.manual_seed(int(seed))
    return default_generator


def initial_seed() -> int:
    """The seed that the random numbers started from."""
    return _glassnet.initial_seed()


def seed() -> int:
    """Starts the random numbers from a seed of the system's; returns it."""
    import secrets

    chosen = secrets.randbits(63)
    manual_seed(chosen)
    return chosen


def _drawn(array: np.ndarray, dtype: object, requires_grad: bool) -> Tensor:
    return _made(array if dtype is None else array.astype(_type(dtype)), requires_grad)


def _uniform(shape: tuple, generator: object = None) -> np.ndarray:
    return _glassnet.uniform(np.empty(shape, np.float32), 0.0, 1.0, _stream(generator))


def _stream(generator: object) -> object:
    return None if generator is default_generator else generator


def rand(*size: object, generator: object = None, dtype: object = None, requires_grad: bool = False, **_: object) -> Tensor:
    """Numbers uniform over [0, 1)."""
    return _drawn(_uniform(_size(size), generator), dtype, requires_grad)


def randn(*size: object, generator: object = None, dtype: object = None, requires_grad: bool = False, **_: object) -> Tensor:
    """Standard normal numbers."""
    array = np.empty(_size(size), np.float32)
    return _drawn(_glassnet.normal(array, 0.0, 1.0, _stream(generator)), dtype, requires_grad)


def rand_like(input: Tensor, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """As `rand`, with the shape of another tensor."""
    return rand(input.shape, dtype=input.dtype if dtype is None else dtype, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """As `randn`, with the shape of another tensor."""
    return randn(input.shape, dtype=input.dtype if dtype is None else dtype, requires_grad=requires_grad)


def randint(low: int, high: object = None, size: object = None, *, generator: object = None, dtype: object = None, requires_grad: bool = False) -> Tensor:
    """Whole numbers uniform over ``low, …, high − 1``; ``randint(high, size)`` begins at 0."""
    if size is None:
        low, high, size = 0, low, high
    drawn = _glassnet.integers(np.empty(_size((size,)), np.int64), low, high, _stream(generator))
    return _drawn(drawn, dtype, requires_grad)


def normal(mean: object = 0.0, std: object = 1.0, size: object = None) -> Tensor:
    """Normal numbers with a mean and a standard deviation."""
    if size is not None:
        return _made(_glassnet.normal(np.empty(_size((size,)), np.float32), mean, std))
    shape = np.broadcast_shapes(np.shape(as_array(mean)), np.shape(as_array(std)))
    return randn(shape) * std + mean


def randperm(n: int, *, generator: object = None, dtype: object = None) -> Tensor:
    """A random order of ``0, …, n − 1``."""
    return _drawn(_glassnet.permutation(n, _stream(generator)), dtype, False)


def bernoulli(input: Tensor, p: float | None = None) -> Tensor:
    """Ones with the given probabilities, else zeros. The draws are uniform ones of this stream, not PyTorch's."""
    chance = input._array if p is None else p
    return _made((_uniform(input.shape) < chance).astype(input._array.dtype))


# --- several tensors -----------------------------------------------------------------------------------------------


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one behind the other along an axis."""
    return _ops.concatenate(tensors, dim)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    tensors = [to_tensor(each) for each in tensors]
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for number, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {number}"
            )
    return cat([each.unsqueeze(dim) for each in tensors], dim)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors below each other."""
    return cat([each if each.ndim > 1 else each.reshape(1, -1) for each in tensors], 0)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors beside each other."""
    tensors = [each if each.ndim else each.reshape(1) for each in tensors]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


def where(condition: Tensor, input: object = None, other: object = None) -> object:
    """`input` where `condition` holds, else `other`; alone, the places where it holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return _ops.select(condition, input, other)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta·input + alpha·(mat1 @ mat2)``."""
    product = mat1 @ mat2
    return (input if beta == 1 else input * beta) + (product if alpha == 1 else product * alpha)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors' elements."""
    return input.unsqueeze(1) * vec2.unsqueeze(0)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle, zeros below."""
    return input * _made(np.triu(np.ones(input.shape, input._array.dtype), diagonal))


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle, zeros above."""
    return input * _made(np.tril(np.ones(input.shape, input._array.dtype), diagonal))


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or a matrix with that diagonal."""
    if input.ndim == 2:
        places = np.diagonal(_ops.places(input), diagonal)
        return _ops.pick(input, places, np.diagonal(input._array, diagonal).copy(), "Diag")
    size = input.shape[0] + abs(diagonal)
    spread = np.zeros((size, size), np.int64)
    rows = np.arange(input.shape[0])
    at = (rows - min(diagonal, 0), rows + max(diagonal, 0))
    spread[at] = rows
    mask = np.zeros((size, size), np.bool_)
    mask[at] = True
    return _ops.select(_made(mask), input[_made(spread)], 0.0)


def is_tensor(obj: object) -> bool:
    """Whether it is a tensor of this library."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floats."""
    return input.is_floating_point()


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def save(obj: object, f: object) -> None:
    """Not available: a pickle can run code when it is read. Use `glassnet.write` (safetensors, ONNX, npz)."""
    raise NotImplementedError("save writes a pickle, which runs code when it is read; write the state dict with glassnet.write")
