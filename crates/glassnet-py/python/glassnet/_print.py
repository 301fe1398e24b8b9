"""Tensors as text, laid out as PyTorch lays them out."""

from __future__ import annotations

import math

import numpy as np

from ._glassnet import Tensor

_options = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed; arguments and profiles are PyTorch's."""
    profiles = {
        "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
        "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
        "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
    }
    if profile is not None:
        _options.update(profiles[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None})
    _options["sci_mode"] = sci_mode


class _Numbers:
    """How the numbers of one tensor are written: all in the same manner and width."""

    def __init__(self, shown: np.ndarray) -> None:
        self.is_float = shown.dtype.kind == "f"
        self.whole = True
        self.scientific = False
        self.width = 1
        flat = shown.reshape(-1)
        if not self.is_float:
            self.width = max([self.width, *(len(str(each)) for each in flat.tolist())])
            return
        telling = np.abs(flat[np.isfinite(flat) & (flat != 0)].astype(np.float64))
        if telling.size == 0:
            # Zeros, infinities and NaNs say nothing of a width.
            return
        least, most = float(telling.min()), float(telling.max())
        self.whole = bool(np.all(telling == np.ceil(telling)))
        if self.whole:
            self.scientific = most / least > 1000.0 or most > 1.0e8
        else:
            self.scientific = most / least > 1000.0 or most > 1.0e8 or least < 1.0e-4
        if _options["sci_mode"] is not None:
            self.scientific = _options["sci_mode"]
        measured = flat[np.isfinite(flat) & (flat != 0)].tolist()
        self.width = max([self.width, *(len(self._write(each)) for each in measured)])
        if self.whole and not self.scientific:
            self.width = max([1, *(len(f"{each:.0f}.") for each in measured)])

    def _write(self, value: float) -> str:
        if not self.is_float:
            return str(value)
        precision = _options["precision"]
        if self.scientific:
            return f"{value:.{precision}e}"
        if self.whole:
            text = f"{value:.0f}"
            return text + "." if math.isfinite(value) else text
        return f"{value:.{precision}f}"

    def write(self, value: float) -> str:
        return self._write(value).rjust(self.width)


def _summarised(array: np.ndarray) -> np.ndarray:
    """Of each long axis its ends: the numbers that are shown."""
    edge = _options["edgeitems"]
    for at in range(array.ndim):
        if array.shape[at] > 2 * edge:
            keep = [*range(edge), *range(array.shape[at] - edge, array.shape[at])]
            array = array.take(keep, at)
    return array


def _vector(array: np.ndarray, indent: int, summarise: bool, numbers: _Numbers) -> str:
    width = numbers.width + 2
    in_line = max(1, int(math.floor((_options["linewidth"] - indent) / width)))
    edge = _options["edgeitems"]
    if summarise and not edge:
        words = ["..."]
    elif summarise and array.shape[0] > 2 * edge:
        words = [numbers.write(each) for each in array[:edge].tolist()] + [" ..."]
        words += [numbers.write(each) for each in array[-edge:].tolist()]
    else:
        words = [numbers.write(each) for each in array.tolist()]
    lines = [words[at : at + in_line] for at in range(0, len(words), in_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(", ".join(line) for line in lines) + "]"


def _block(array: np.ndarray, indent: int, summarise: bool, numbers: _Numbers) -> str:
    if array.ndim == 0:
        return numbers.write(array.item())
    if array.ndim == 1:
        return _vector(array, indent, summarise, numbers)
    edge = _options["edgeitems"]
    if summarise and array.shape[0] > 2 * edge:
        ends = [*range(edge), None, *range(array.shape[0] - edge, array.shape[0])]
    else:
        ends = list(range(array.shape[0]))
    parts = ["..." if at is None else _block(array[at], indent + 1, summarise, numbers) for at in ends]
    between = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(parts) + "]"


def text(tensor: Tensor) -> str:
    """The text of ``repr(tensor)``."""
    array = tensor._array
    head = "tensor("
    more = []
    is_default = array.dtype in (np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.bool_))
    if array.size == 0:
        body = "[]"
        if array.ndim != 1:
            more.append(f"size={tuple(array.shape)}")
        is_default = array.dtype == np.float32
    else:
        summarise = array.size > _options["threshold"]
        shown = _summarised(array) if summarise else array
        body = _block(array, len(head), summarise, _Numbers(shown))
    if not is_default:
        more.append(f"dtype={tensor.dtype}")
    if tensor._computed_by is not None:
        more.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        more.append("requires_grad=True")
    last = len(body) - body.rfind("\n") if "\n" in body else len(head) + len(body) + 1
    parts = [head + body]
    for each in more:
        if last + len(each) + 2 > _options["linewidth"]:
            parts.append(",\n" + " " * len(head) + each)
            last = len(head) + len(each)
        else:
            parts.append(", " + each)
            last += len(each) + 2
    return "".join(parts) + ")"
