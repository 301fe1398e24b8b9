"""Operations on tensors as pieces of the library's graph.

What can be differentiated is computed by the library; NumPy compares, counts, and computes with integers. A piece is
made once for each operation and shapes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

import numpy as np

from . import _dtype
from ._convert import to_tensor
from ._errors import NotForElements
from ._glassnet import Piece, Tensor, is_grad_enabled

_FLOAT32 = np.dtype(np.float32)
_MOST_PIECES = 4096
_pieces: dict[tuple, Piece] = {}


def piece(key: tuple, make: Callable[[], Piece]) -> Piece:
    """The piece known by `key`, made at its first use."""
    found = _pieces.get(key)
    if found is None:
        if len(_pieces) >= _MOST_PIECES:
            _pieces.clear()
        found = _pieces[key] = make()
    return found


def shape_text(shape: Sequence[int]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def operation(name: str, lines: str, shapes: Sequence[tuple], integers: Sequence[int] = ()) -> Piece:
    """A piece whose operands ``%0, %1, …`` have `shapes`; `lines` are the nodes behind them, the last one is the result.

    A line is what stands behind ``%n =`` in the library's text form of graphs.
    """
    text = []
    for number, shape in enumerate(shapes):
        kind = "i64" if number in integers else "f32"
        text.append(f'%{number} = input {{name="{number}", dtype={kind}, shape={shape_text(shape)}}}')
    for line in lines.strip().splitlines():
        text.append(f"%{len(text)} = {line.strip()}")
    text.append(f'output "y" = %{len(text) - 1}')
    return Piece.parse(name, "\n".join(text))


def number(value: float) -> str:
    """A number as the text form of graphs writes it."""
    value = float(value)
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return "NaN" if math.isnan(value) else repr(value)


# --- element types -------------------------------------------------------------------------------------------------


def _category(kind: str) -> int:
    return {"b": 0, "i": 1, "u": 1, "f": 2}[kind]


def result_type(*operands: object) -> np.dtype:
    """The element type of a result, by PyTorch's rules: scalars and tensors without axes count less."""
    best = [None, None, None]
    for operand in operands:
        if isinstance(operand, Tensor):
            rank, found = (0 if operand._array.ndim else 1), operand._array.dtype
        elif isinstance(operand, bool):
            rank, found = 2, np.dtype(np.bool_)
        elif isinstance(operand, int):
            rank, found = 2, np.dtype(np.int64)
        else:
            rank, found = 2, _dtype.get_default_dtype().numpy
        best[rank] = found if best[rank] is None else np.promote_types(best[rank], found)
    # `promote_types` would make float64 of float32 and int64, where PyTorch keeps float32.
    for rank, group in enumerate(_floats_by_rank(operands)):
        if group is not None:
            best[rank] = group
    result = None
    for found in best:
        if found is not None and (result is None or _category(found.kind) > _category(result.kind)):
            result = found
    return result


def _floats_by_rank(operands: Sequence[object]) -> list:
    groups = [None, None, None]
    for operand in operands:
        if isinstance(operand, Tensor) and operand._array.dtype.kind == "f":
            rank = 0 if operand._array.ndim else 1
            before, found = groups[rank], operand._array.dtype
            groups[rank] = found if before is None else np.promote_types(before, found)
    return groups


def cast(tensor: Tensor, wanted: np.dtype) -> Tensor:
    """The tensor with another element type; itself if it has that type."""
    array = tensor._array
    if array.dtype == wanted:
        return tensor
    with np.errstate(all="ignore"):
        converted = Tensor._around(np.asarray(array.astype(wanted)))
    if not tensor.requires_grad or wanted.kind != "f":
        return converted
    shape = array.shape
    same = piece(("to", shape), lambda: Piece.parse("ToCopy", f'%0 = input {{name="x", dtype=f32, shape={shape_text(shape)}}}\noutput "y" = %0'))
    return same.record(converted, tensor)


def as_float(tensor: Tensor) -> Tensor:
    """Integers and truth values as the default float type; floats as they are."""
    if tensor._array.dtype.kind == "f":
        return tensor
    return cast(tensor, _dtype.get_default_dtype().numpy)


def constant(value: object, dtype: np.dtype) -> Tensor:
    return Tensor._around(np.asarray(value, dtype))


# --- arithmetic ----------------------------------------------------------------------------------------------------

_NUMPY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "power": np.power,
}
_GRAD_NAMES = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "maximum": "Maximum", "minimum": "Minimum", "power": "Pow", "select": "Where"}


def binary(name: str, a: object, b: object) -> Tensor:
    """``a name b`` elementwise, with broadcasting."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        left, right = a._array, b._array
        if left.dtype is right.dtype is _FLOAT32:
            found = _pieces.get((name, (left.shape, right.shape)))
            if found is not None:
                return found(a, b)
    a = a if isinstance(a, Tensor) or _is_scalar(a) else to_tensor(a)
    b = b if isinstance(b, Tensor) or _is_scalar(b) else to_tensor(b)
    wanted = result_type(a, b)
    if wanted.kind == "b" and name in ("add", "mul", "maximum", "minimum"):
        pass
    elif wanted.kind == "b" and name == "sub":
        raise NotForElements(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    if name == "div" and wanted.kind != "f":
        wanted = _dtype.get_default_dtype().numpy
    a = cast(a, wanted) if isinstance(a, Tensor) else constant(a, wanted)
    b = cast(b, wanted) if isinstance(b, Tensor) else constant(b, wanted)
    if wanted.kind != "f":
        _check_broadcast(a._array.shape, b._array.shape)
        return Tensor._around(np.asarray(_NUMPY[name](a._array, b._array)))
    if wanted == np.float16:
        raise NotImplementedError(f"{name} of float16 tensors; convert with .float()")
    shapes = a._array.shape, b._array.shape
    key = (name, shapes)
    found = _pieces.get(key)
    if found is None:
        _check_broadcast(*shapes)
        found = piece(key, lambda: operation(_GRAD_NAMES[name], f"{name}(%0, %1)", shapes))
    return found(a, b)


def _is_scalar(value: object) -> bool:
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)) and not isinstance(value, np.ndarray)


def _check_broadcast(a: tuple, b: tuple) -> None:
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            axis = max(len(a), len(b)) - back
            raise RuntimeError(
                f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) "
                f"at non-singleton dimension {axis}"
            )


def power(a: object, exponent: object) -> Tensor:
    """``a`` to the power of ``exponent``; squares and roots as what they are."""
    if isinstance(a, Tensor) and _is_scalar(exponent) and (a._array.dtype.kind == "f" or isinstance(exponent, float)):
        if exponent == 1:
            return cast(a, result_type(a, exponent)) + 0
        special = {2: "square", 0.5: "sqrt", -1: "reciprocal"}.get(exponent)
        if special is not None:
            return unary(special, cast(a, result_type(a, exponent)))
        if exponent == 3:
            return a * a * a
    if isinstance(a, Tensor) and a._array.dtype.kind in "iu" and isinstance(exponent, int) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return binary("power", a, exponent)


def integer_binary(function: np.ufunc, a: object, b: object) -> Tensor:
    """Floor division and remainder: steps, whose gradient is not wanted."""
    wanted = result_type(*(each if _is_scalar(each) else to_tensor(each) for each in (a, b)))
    arrays = [np.asarray(each._array if isinstance(each, Tensor) else each, wanted) for each in (a, b)]
    with np.errstate(all="ignore"):
        if wanted.kind != "f" and not np.all(arrays[1]):
            raise RuntimeError("ZeroDivisionError")
        return Tensor._around(np.asarray(function(*arrays)))


def compare(function: np.ufunc, a: object, b: object) -> Tensor:
    """A comparison: truth values, which have no gradient."""
    arrays = [each._array if isinstance(each, Tensor) else each for each in (a, b)]
    if all(isinstance(each, np.ndarray) for each in arrays):
        _check_broadcast(arrays[0].shape, arrays[1].shape)
    elif isinstance(arrays[1], float) and arrays[0].dtype == np.float32:
        arrays[1] = np.float32(arrays[1])
    return Tensor._around(np.asarray(function(*arrays), np.bool_))


def compare_like(function: np.ufunc, a: Tensor, b: object) -> Tensor:
    """``&``, ``|`` and ``^`` of truth values or integers."""
    arrays = [each._array if isinstance(each, Tensor) else each for each in (a, b)]
    if any(getattr(each, "dtype", None) is not None and each.dtype.kind == "f" for each in arrays):
        raise RuntimeError(f"\"{function.__name__}_cpu\" not implemented for 'Float'")
    return Tensor._around(np.asarray(function(*arrays)))


def select(condition: object, a: object, b: object) -> Tensor:
    """`a` where `condition` holds, else `b`."""
    condition = to_tensor(condition)
    a = a if _is_scalar(a) else to_tensor(a)
    b = b if _is_scalar(b) else to_tensor(b)
    wanted = result_type(a, b)
    a = cast(a, wanted) if isinstance(a, Tensor) else constant(a, wanted)
    b = cast(b, wanted) if isinstance(b, Tensor) else constant(b, wanted)
    if wanted.kind != "f":
        return Tensor._around(np.where(condition._array, a._array, b._array))
    mask = Tensor._around(np.asarray(condition._array.astype(np.bool_), wanted))
    shapes = mask._array.shape, a._array.shape, b._array.shape
    np.broadcast_shapes(*shapes)
    return piece(("select", shapes), lambda: operation("Where", "select(%0, %1, %2)", shapes))(mask, a, b)


def unary(name: str, x: Tensor, title: str | None = None, **parameters: float) -> Tensor:
    """An elementwise function of the library, by its name in the text form."""
    if x._array.dtype is not _FLOAT32:
        x = as_float(x)
    shape = x._array.shape
    key = (name, shape, *parameters.values())
    found = _pieces.get(key)
    if found is None:
        written = ", ".join(f"{each}={number(value)}" for each, value in parameters.items())
        line = f"{name}(%0)" + (f" {{{written}}}" if written else "")
        title = title or "".join(part.capitalize() for part in name.split("_"))
        found = piece(key, lambda: operation(title, line, [shape]))
    return found(x)


# --- axes ----------------------------------------------------------------------------------------------------------


def axis(dim: int, rank: int) -> int:
    """The axis `dim`, counted from the end where negative, in PyTorch's words where there is none."""
    most = max(rank, 1)
    if not -most <= dim < most:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-most}, {most - 1}], but got {dim})"
        )
    return dim % most


def axes(dim: object, rank: int) -> tuple[int, ...]:
    """The axes of a ``dim`` argument: one, several, or ``None`` for all; ascending."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(rank))
    found = [axis(operator.index(each), rank) for each in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(found)) != len(found):
        raise RuntimeError(f"dim {found[0]} appears multiple times in the list of dims")
    return tuple(sorted(found)) if rank else ()


def reduce(name: str, x: Tensor, dim: object, keepdim: bool, more: str = "") -> Tensor:
    """``sum``, ``mean``, ``max``, ``min`` or ``variance`` over axes."""
    shape = x._array.shape
    over = axes(dim, len(shape))
    key = (name, shape, over, keepdim, more)
    found = _pieces.get(key)
    if found is None:
        keep = "true" if keepdim else "false"
        # PyTorch numbers the overloads of its reductions.
        if name in ("sum", "mean"):
            title = f"{name.capitalize()}Backward{int(dim is not None)}"
        elif name == "variance":
            title = "Var"
        else:
            title = f"{name.capitalize()}Backward1" if dim is None else f"A{name}"
        line = f"{name}(%0) {{axes={shape_text(over)}, keep={keep}{more}}}"
        found = piece(key, lambda: operation(title, line, [shape]))
    return found(x)


def softmax(name: str, x: Tensor, dim: int) -> Tensor:
    """``softmax`` or ``log_softmax`` along one axis."""
    x = as_float(x)
    shape = x._array.shape
    at = axis(dim, len(shape))
    if not shape:
        # A scalar is a distribution over one class.
        return softmax(name, x.reshape(1), 0).reshape(())
    title = "Softmax" if name == "softmax" else "LogSoftmax"
    return piece((name, shape, at), lambda: operation(title, f"{name}(%0) {{axis={at}}}", [shape]))(x)


# --- layout --------------------------------------------------------------------------------------------------------


def relaid(title: str, x: Tensor, view: np.ndarray, line: Callable[[], str], key: tuple) -> Tensor:
    """`view` of the memory of `x`, recorded as the layout operation `line`."""
    seen = x._view(view) if np.may_share_memory(view, x._array) else Tensor._around(view)
    if not (x.requires_grad and is_grad_enabled()):
        return seen
    shape = x._array.shape
    return piece((title, shape, *key), lambda: operation(title, line(), [shape])).record(seen, x)


def reshape(x: Tensor, shape: Sequence[int], title: str = "View") -> Tensor:
    array = x._array
    shape = tuple(operator.index(each) for each in shape)
    known = math.prod(each for each in shape if each != -1)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if any(each < -1 for each in shape):
        raise RuntimeError(f"invalid shape dimension {min(shape)}")
    fits = array.size == known if -1 not in shape else known > 0 and array.size % known == 0
    if not fits:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {array.size}")
    view = array.reshape(shape)
    return relaid(title, x, view, lambda: f"reshape(%0) {{shape={shape_text(view.shape)}}}", (view.shape,))


def permute(x: Tensor, order: Sequence[int], title: str = "Permute") -> Tensor:
    rank = x._array.ndim
    order = tuple(axis(each, rank) for each in order) if rank else ()
    if sorted(order) != list(range(rank)):
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(order)}"
        )
    view = np.transpose(x._array, order)
    return relaid(title, x, view, lambda: f"permute(%0) {{axes={shape_text(order)}}}", (order,))


def expand(x: Tensor, shape: Sequence[int]) -> Tensor:
    array = x._array
    added = len(shape) - array.ndim
    wanted = tuple(
        array.shape[at - added] if length == -1 and at >= added else length for at, length in enumerate(shape)
    )
    try:
        view = np.broadcast_to(array, wanted)
    except ValueError:
        raise RuntimeError(
            f"The expanded size of the tensor {list(shape)} doesn't fit the existing size {list(array.shape)}"
        ) from None
    return relaid("Expand", x, view, lambda: f"broadcast(%0) {{shape={shape_text(wanted)}}}", (wanted,))


def concatenate(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    tensors = [to_tensor(each) for each in tensors]
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    # As in PyTorch, an empty tensor of one axis is no obstacle.
    rest = [each for each in tensors if each._array.shape != (0,)] or tensors[:1]
    at = axis(dim, rest[0]._array.ndim)
    for number, each in enumerate(rest):
        a, b = list(rest[0]._array.shape), list(each._array.shape)
        if len(a) != len(b):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(a)} and {len(b)}")
        if not a:
            raise RuntimeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
        if a[:at] + a[at + 1 :] != b[:at] + b[at + 1 :]:
            differs = next(d for d in range(len(a)) if d != at and a[d] != b[d])
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {at}. Expected size {a[differs]} but got size "
                f"{b[differs]} for tensor number {number} in the list."
            )
    wanted = result_type(*rest)
    rest = [cast(each, wanted) for each in rest]
    value = Tensor._around(np.concatenate([each._array for each in rest], at))
    if wanted.kind != "f" or not any(each.requires_grad for each in rest):
        return value
    shapes = tuple(each._array.shape for each in rest)
    names = ", ".join(f"%{number}" for number in range(len(rest)))
    make = lambda: operation("Cat", f"concat({names}) {{axis={at}}}", shapes)
    return piece(("concat", shapes, at), make).record(value, *rest)


def pick(x: Tensor, places: np.ndarray, value: np.ndarray, title: str = "Index") -> Tensor:
    """`value`, which are the elements of `x` at the flat `places`, recorded as a selection."""
    seen = x._view(value) if np.may_share_memory(value, x._array) else Tensor._around(value)
    if not (x.requires_grad and is_grad_enabled()):
        return seen
    shape, out = x._array.shape, value.shape
    size = x._array.size
    lines = f"""
        reshape(%0) {{shape=[{size}, 1]}}
        embedding(%2, %1)
        reshape(%3) {{shape={shape_text(out)}}}
    """
    selection = piece(("pick", shape, out), lambda: operation(title, lines, [shape, out], integers=[1]))
    return selection.record(seen, x, Tensor._around(np.ascontiguousarray(places, np.int64).reshape(out)))


def places(x: Tensor) -> np.ndarray:
    """The flat place of each element."""
    return np.arange(x._array.size, dtype=np.int64).reshape(x._array.shape)


# --- products ------------------------------------------------------------------------------------------------------


def matmul(a: Tensor, b: Tensor) -> Tensor:
    a, b = to_tensor(a), to_tensor(b)
    left, right = a._array, b._array
    if left.dtype != right.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {_c_name(left)} != {_c_name(right)}"
        )
    if not left.ndim or not right.ndim:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {left.ndim}D and {right.ndim}D"
        )
    inner = right.shape[-2] if right.ndim > 1 else right.shape[0]
    if left.shape[-1] != inner:
        if left.ndim == 1 and right.ndim == 1:
            raise RuntimeError(
                f"inconsistent tensor size, expected tensor [{left.shape[0]}] and src [{right.shape[0]}] to have the "
                "same number of elements, but got "
                f"{left.shape[0]} and {right.shape[0]} elements respectively"
            )
        rows = math.prod(left.shape[:-1])
        raise RuntimeError(
            f"mm: mat1 and mat2 shapes cannot be multiplied ({rows}x{left.shape[-1]} and {'x'.join(map(str, right.shape))})"
        )
    if left.dtype.kind != "f":
        return Tensor._around(np.asarray(left @ right))
    if right.ndim > 2:
        return _batched(a, b)
    column = b.reshape(inner, 1) if right.ndim == 1 else b
    row = a.reshape(1, -1) if left.ndim == 1 else a
    shapes = row._array.shape, column._array.shape
    line = "matmul(%0, %1) {transpose_a=false, transpose_b=false}"
    product = piece(("matmul", shapes), lambda: operation("Mm", line, shapes))(row, column)
    if right.ndim == 1:
        product = product.reshape(product._array.shape[:-1])
    if left.ndim == 1:
        product = product.reshape(product._array.shape[1:])
    return product


def _batched(a: Tensor, b: Tensor) -> Tensor:
    """A product for each of leading axes, one after the other."""
    lead = np.broadcast_shapes(a._array.shape[:-2], b._array.shape[:-2])
    left = a if a._array.ndim > 1 else a.reshape(1, -1)
    left = expand(left, (*lead, *left._array.shape[-2:]))
    right = expand(b, (*lead, *b._array.shape[-2:]))
    products = [matmul(left[at], right[at]) for at in np.ndindex(*lead)]
    if not products:
        raise NotImplementedError("a product of no matrices")
    joined = concatenate([each.reshape(1, *each._array.shape) for each in products])
    joined = joined.reshape(*lead, *joined._array.shape[1:])
    return joined if a._array.ndim > 1 else joined.reshape(*lead, joined._array.shape[-1])


def _c_name(array: np.ndarray) -> str:
    names = {"float32": "float", "float64": "double", "int64": "long", "int32": "int", "bool": "bool"}
    return names.get(array.dtype.name, array.dtype.name)
