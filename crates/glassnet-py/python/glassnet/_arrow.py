"""Tables and columns of any library that speaks Arrow: read by the C data interface (PyCapsule), without pyarrow."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["Column", "Frame", "read"]

_POINTER = ctypes.c_void_p


class _Schema(ctypes.Structure):
    """``ArrowSchema``."""


class _Array(ctypes.Structure):
    """``ArrowArray``."""


class _Stream(ctypes.Structure):
    """``ArrowArrayStream``."""


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", _POINTER),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", _POINTER),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(_POINTER)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", _POINTER),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", _POINTER),
]

#: Arrow's letters for numbers.
_NUMBERS = dict(zip("cCsSiIlLefg", "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8".split()))


class Column:
    """A column in NumPy's memory: numbers (a gap is NaN), or categories and text (a gap is ``None``)."""

    def __init__(self, values: np.ndarray, dtype: str) -> None:
        self.values = values
        self.dtype = dtype

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values if dtype is None else self.values.astype(dtype)

    def to_list(self) -> list[Any]:
        """The values as Python's."""
        return self.values.tolist()


class Frame:
    """Columns by name, as an estimator takes them."""

    def __init__(self, columns: dict[str, Column], rows: int) -> None:
        self._columns = columns
        self.columns = list(columns)
        self.dtypes = [column.dtype for column in columns.values()]
        self.shape = (rows, len(columns))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        for name, column in self._columns.items():
            if column.values.dtype == object:
                raise ValueError(f"column {name!r} holds {column.dtype}, not numbers")
        if not self._columns:
            return np.zeros(self.shape, dtype or np.float64)
        return np.column_stack([column.values if dtype is None else column.values.astype(dtype) for column in self._columns.values()])


def read(data: Any) -> Frame | Column:
    """A table as a frame, an array or a chunked array as a column. The numbers are copied.

    Raises
    ------
    TypeError
        When a column is of a type that is no number, truth value, text or category of these.
    ValueError
        When the producer fails.
    """
    if hasattr(data, "__arrow_c_stream__"):
        capsule = data.__arrow_c_stream__()
        chunks = _chunks(ctypes.cast(_pointer(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream)))
        with chunks as (schema, arrays):
            return _joined(schema, arrays)
    # Read while the capsules live, which free what they hold.
    schema_capsule, array_capsule = data.__arrow_c_array__()
    schema = ctypes.cast(_pointer(schema_capsule, b"arrow_schema"), ctypes.POINTER(_Schema)).contents
    array = ctypes.cast(_pointer(array_capsule, b"arrow_array"), ctypes.POINTER(_Array)).contents
    return _joined(schema, [array])


def _pointer(capsule: Any, name: bytes) -> int:
    take = ctypes.pythonapi.PyCapsule_GetPointer
    take.restype, take.argtypes = _POINTER, [ctypes.py_object, ctypes.c_char_p]
    return take(capsule, name)


@contextmanager
def _chunks(stream: Any) -> Iterator[tuple[_Schema, list[_Array]]]:
    """The schema and all arrays of a stream, freed at the end."""

    def ask(question: Callable[..., int], answer: ctypes.Structure) -> None:
        if question(stream, ctypes.byref(answer)) != 0:
            said = stream.contents.get_last_error(stream)
            raise ValueError(f"the Arrow stream ended with an error: {(said or b'without a message').decode(errors='replace')}")

    schema, arrays = _Schema(), []
    try:
        ask(stream.contents.get_schema, schema)
        while True:
            array = _Array()
            ask(stream.contents.get_next, array)
            if not array.release:
                break
            arrays.append(array)
        yield schema, arrays
    finally:
        for each in (*arrays, schema):
            if each.release:
                each.release(ctypes.byref(each))


def _joined(schema: _Schema, arrays: list[_Array]) -> Frame | Column:
    if schema.format != b"+s":
        parts = [_values(schema, array, array.offset, array.length, "the array") for array in arrays]
        return _column(schema, parts)
    columns = {}
    for place in range(schema.n_children):
        child = schema.children[place].contents
        name = (child.name or b"").decode()
        parts = []
        for array in arrays:
            of_child = array.children[place].contents
            values = _values(child, of_child, array.offset + of_child.offset, array.length, f"column {name!r}")
            parts.append(values)
        columns[name] = _column(child, parts)
    return Frame(columns, sum(array.length for array in arrays))


def _column(schema: _Schema, parts: list[np.ndarray]) -> Column:
    # A chunk without gaps is of whole numbers, another with gaps of floats; gaps alone are of no type.
    values = np.concatenate(parts) if parts else np.zeros(0)
    if schema.dictionary:
        return Column(values.astype(object), "category")
    return Column(values, "string" if values.dtype == object else values.dtype.name)


def _values(schema: _Schema, array: _Array, start: int, length: int, where: str) -> np.ndarray:
    """The elements from `start` on: numbers as they are (floats where there are gaps), text and categories as objects."""
    letter = schema.format.decode()
    if letter == "n" or not length:
        return np.full(length, np.nan)
    valid = _bits(array, 0, start, length) if array.null_count and array.buffers[0] else None
    if valid is not None and valid.all():
        valid = None
    if letter == "b":
        values = _bits(array, 1, start, length)
    elif letter in _NUMBERS:
        values = _numbers(array.buffers[1], np.dtype(_NUMBERS[letter]), start, length)
    elif letter in ("u", "U"):
        values = _text(array, np.dtype(np.int32 if letter == "u" else np.int64), start, length)
    elif letter == "vu":
        values = _views(array, start, length, valid)
    else:
        raise TypeError(f"{where} is of Arrow's type {letter!r}; give numbers, truth values, text or categories made of it")
    if schema.dictionary:
        known = schema.dictionary.contents, array.dictionary.contents
        entries = _values(*known, known[1].offset, known[1].length, where)
        # A gap has some index, which may be none of the dictionary's.
        places = values if valid is None else np.where(valid, values, 0)
        values = entries.astype(object)[places] if len(entries) else np.full(length, None, object)
    if valid is None:
        return values
    if values.dtype == object:
        values[~valid] = None
        return values
    values = values.astype(np.float64 if values.dtype != np.float32 else np.float32)
    values[~valid] = np.nan
    return values


def _numbers(address: int, dtype: np.dtype, start: int, length: int) -> np.ndarray:
    raw = ctypes.string_at(address + start * dtype.itemsize, length * dtype.itemsize)
    return np.frombuffer(bytearray(raw), dtype)


def _bits(array: _Array, buffer: int, start: int, length: int) -> np.ndarray:
    first = start // 8
    raw = ctypes.string_at(array.buffers[buffer] + first, math.ceil((start + length) / 8) - first)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    return bits[start - 8 * first :][:length].astype(np.bool_)


def _text(array: _Array, dtype: np.dtype, start: int, length: int) -> np.ndarray:
    bounds = _numbers(array.buffers[1], dtype, start, length + 1).tolist()
    first, last = bounds[0], bounds[-1]
    raw = ctypes.string_at(array.buffers[2] + first, last - first) if last > first else b""
    return _objects([raw[a - first : b - first].decode() for a, b in zip(bounds, bounds[1:])])


def _views(array: _Array, start: int, length: int, valid: np.ndarray | None) -> np.ndarray:
    raw = ctypes.string_at(array.buffers[1] + 16 * start, 16 * length)
    found: list[str | None] = []
    for row in range(length):
        view = raw[16 * row : 16 * row + 16]
        size, _, buffer, offset = struct.unpack("=iiii", view)
        if valid is not None and not valid[row]:
            found.append(None)
        elif size <= 12:
            found.append(view[4 : 4 + size].decode())
        else:
            found.append(ctypes.string_at(array.buffers[2 + buffer] + offset, size).decode())
    return _objects(found)


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array
