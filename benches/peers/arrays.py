"""The weights and rows that all contestants get: a JSON head beside a file of little-endian numbers."""

from __future__ import annotations

import json
import random
import sys
from array import array
from pathlib import Path

from cases import Case

_CHUNK = 1 << 20


def _uniform(stream: random.Random, count: int, bound: float) -> array[float]:
    """Numbers in ±bound with 23 random bits, made from bit patterns because that is quick without NumPy."""
    values: array[float] = array("f")
    for begin in range(0, count, _CHUNK):
        length = min(_CHUNK, count - begin)
        mask = int.from_bytes(b"\xff\xff\x7f\x00" * length, "little")
        one = int.from_bytes(b"\x00\x00\x80\x3f" * length, "little")
        bits = stream.getrandbits(32 * length) & mask | one
        ones_to_twos = array("f")
        ones_to_twos.frombytes(bits.to_bytes(4 * length, "little"))
        if sys.byteorder == "big":
            ones_to_twos.byteswap()
        scale = 2.0 * bound
        values.extend([(value - 1.5) * scale for value in ones_to_twos])
    return values


def generate(case: Case) -> dict[str, tuple[str, list[int], array]]:
    """Name → (type, shape, numbers), the same in every run: a function of the case alone."""
    stream = random.Random(f"glassnet {case.sizes} {case.batch} {case.batches} {case.members}")
    many = [case.members] if case.members > 1 else []
    arrays: dict[str, tuple[str, list[int], array]] = {}
    for layer, (inputs, outputs) in enumerate(zip(case.sizes, case.sizes[1:])):
        bound = inputs**-0.5
        weights = _uniform(stream, case.members * outputs * inputs, bound)
        arrays[f"{2 * layer}.weight"] = ("f32", [*many, outputs, inputs], weights)
        biases = _uniform(stream, case.members * outputs, bound)
        arrays[f"{2 * layer}.bias"] = ("f32", [*many, outputs], biases)
    rows = case.batch * case.batches
    arrays["x"] = ("f32", [rows, case.sizes[0]], _uniform(stream, rows * case.sizes[0], 1.0))
    if case.task != "infer":
        classes = case.sizes[-1]
        if case.loss == "cross_entropy":
            arrays["y"] = ("i32", [rows], array("i", [stream.randrange(classes) for _ in range(rows)]))
        else:
            arrays["y"] = ("f32", [rows, classes], _uniform(stream, rows * classes, 1.0))
    return arrays


def write(case: Case, folder: Path) -> Path:
    """Writes a case's arrays, unless they are there; returns the head's path."""
    head_path = folder / f"{case.name}.json"
    if head_path.exists():
        return head_path
    folder.mkdir(parents=True, exist_ok=True)
    body_path = folder / f"{case.name}.bin"
    head: dict[str, dict[str, object]] = {}
    offset = 0
    with body_path.open("wb") as body:
        for name, (dtype, shape, values) in generate(case).items():
            if sys.byteorder == "big":
                values.byteswap()
            head[name] = {"dtype": dtype, "shape": shape, "offset": offset}
            offset += body.write(values.tobytes())
    # The head last: where it is, the numbers are complete.
    head_path.write_text(json.dumps({"file": body_path.name, "tensors": head}))
    return head_path


def remove(case: Case, folder: Path) -> None:
    """Removes what `write` wrote."""
    for suffix in (".json", ".bin"):
        (folder / f"{case.name}{suffix}").unlink(missing_ok=True)
