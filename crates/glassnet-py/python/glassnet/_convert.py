"""What users have, as arrays and tensors: lists, NumPy arrays, frames, tensors of other libraries."""

from __future__ import annotations

import numpy as np

from . import _dtype
from ._glassnet import Tensor


def from_arrow(data: object) -> object:
    """What speaks Arrow (a table or an array of pyarrow, a result of duckdb, …) as a frame or a column of NumPy's arrays.

    Everything else as it is, also the frames of pandas and polars, which are read as they are.
    """
    speaks = hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")
    if not speaks or hasattr(data, "dtype") or hasattr(data, "dtypes"):
        return data
    from ._arrow import read

    return read(data)


def as_array(data: object) -> np.ndarray:
    """The elements of `data` as a NumPy array, without copying them where that is possible.

    Takes arrays, nested lists, tensors of this and other libraries (by ``__array__`` or DLPack), frames, whatever speaks
    Arrow (by PyCapsule).
    """
    if isinstance(data, np.ndarray):
        return data
    if isinstance(data, Tensor):
        return data._array
    # A torch tensor that requires a gradient refuses to become an array; its values are wanted here.
    if hasattr(data, "detach") and hasattr(data, "__dlpack__"):
        return from_dlpack(data.detach())
    data = from_arrow(data)
    if hasattr(data, "__array__"):
        return np.asarray(data)
    if hasattr(data, "__dlpack__"):
        return from_dlpack(data)
    if isinstance(data, (list, tuple)):
        return np.array(_plain(data))
    return np.asarray(data)


#: DLPack's numbers of devices whose memory the CPU reads: its own, and what drivers share with it.
_READABLE = (1, 3, 11, 13)


def from_dlpack(data: object) -> np.ndarray:
    """The memory of another library's array, by DLPack.

    Raises
    ------
    TypeError
        When it doesn't speak DLPack, or NumPy has no such elements (``bfloat16``).
    RuntimeError
        When the memory is another device's.
    BufferError
        When its library does not give it away.
    """
    if isinstance(data, np.ndarray):
        return data
    if not hasattr(data, "__dlpack__"):
        raise TypeError(f"from_dlpack takes what has __dlpack__, as tensors of other libraries; {type(data).__name__} has not")
    kind = data.__dlpack_device__()[0] if hasattr(data, "__dlpack_device__") else 1
    if kind not in _READABLE:
        raise RuntimeError(
            f"the data are on another device ({getattr(data, 'device', f'DLPack number {int(kind)}')}); glassnet computes on the "
            "CPU: move them there first, with .cpu()"
        )
    try:
        return np.from_dlpack(data)
    except (BufferError, RuntimeError):
        elements = str(getattr(data, "dtype", ""))
        if "bfloat16" not in elements and "float8" not in elements and "complex" not in elements:
            raise
        raise TypeError(f"NumPy has no elements of {elements}; convert them first, with .float()") from None


def _plain(data: object) -> object:
    """Nested lists with their tensors replaced by arrays."""
    if isinstance(data, (list, tuple)):
        return [_plain(each) for each in data]
    if isinstance(data, Tensor):
        return data._array
    return data


def _checked(array: np.ndarray, data: object) -> np.ndarray:
    if array.dtype == object:
        raise ValueError(
            f"can't convert {type(data).__name__} to a tensor: its elements are no numbers, or its rows differ in length"
        )
    return array


def tensor_arguments(data: tuple) -> np.ndarray:
    """The array of ``Tensor(*data)``: sizes, or something that becomes ``float32``."""
    if not data:
        return np.zeros(0, np.float32)
    if all(isinstance(each, (int, np.integer)) and not isinstance(each, bool) for each in data):
        return np.zeros(data, np.float32)
    if len(data) > 1:
        kinds = ", ".join(type(each).__name__ for each in data)
        raise TypeError(f"Tensor() takes data or sizes, not ({kinds})")
    array = _checked(as_array(data[0]), data[0])
    if array.dtype.kind not in "biuf":
        raise TypeError(f"can't convert an array of {array.dtype} to float32")
    if array.dtype != np.float32 or isinstance(data[0], (list, tuple)):
        return np.ascontiguousarray(array, np.float32).reshape(array.shape)
    return array


def tensor_array(data: object, dtype: _dtype.dtype | None) -> np.ndarray:
    """A new array of `data` with the element type that ``torch.tensor`` gives it."""
    is_own = isinstance(data, (np.ndarray, np.generic, Tensor)) or hasattr(data, "__array__")
    array = _checked(as_array(data), data)
    if dtype is not None:
        return np.array(array, dtype.numpy)
    if array.dtype.kind == "f" and not is_own:
        # Python's floats have the default type, unless an array among them has another.
        return np.array(array, _dtype.get_default_dtype().numpy)
    if array.size == 0 and not is_own:
        return np.array(array, _dtype.get_default_dtype().numpy)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"can't convert an array of {array.dtype} to a tensor")
    return np.array(array)


def to_tensor(data: object, dtype: _dtype.dtype | None = None) -> Tensor:
    """A tensor that sees the memory of `data` where it can; a tensor as it is."""
    if isinstance(data, Tensor):
        return data if dtype is None or data._array.dtype == dtype.numpy else data.to(dtype)
    array = _checked(as_array(data), data)
    if dtype is not None:
        array = array.astype(dtype.numpy, copy=False)
    elif isinstance(data, (bool, int, float, list, tuple)):
        array = tensor_array(data, None)
    _dtype.of(array)
    return Tensor._around(array)


def to_features(data: object, element: np.dtype = np.dtype(np.float32)) -> Tensor:
    """The input of a layer: whatever comes from outside as floats becomes ``float32``, or another element type."""
    if isinstance(data, Tensor):
        return data
    array = _checked(as_array(data), data)
    if array.dtype.kind == "f":
        array = array.astype(element, copy=False)
    elif array.dtype.kind in "iu":
        array = array.astype(np.int64, copy=False)
    _dtype.of(array)
    return Tensor._around(array)
