"""What glassnet costs beside time: memory while it trains, and the start of the binary.

`python3 benches/peers/footprint.py BINARY` measures the memory of `BINARY train` alone, in half a minute.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

import arrays
from cases import MEMORY_LIMIT_MB, TRAINING, Case
from contestants import Seat
from measure import LOAD_SECONDS, Bank
from process import Failure

STARTS = 50

# The tables on which memory is measured: the rows of case3, more of them, and as many as MNIST has.
TABLES = ((1024, "decimals"), (4096, "decimals"), (4096, "pixels"), (60000, "decimals"), (60000, "pixels"))
TABLES_QUICK = TABLES[:3]
# Rows that are written out once each; longer tables repeat them.
DISTINCT = 1024


@dataclass(frozen=True)
class Memory:
    """The peak of resident memory in a training, and the size of its rows as f32, in 10⁶ bytes."""

    who: str
    peak_mb: float
    data_mb: float
    note: str = ""

    @property
    def above(self) -> float:
        return self.peak_mb - self.data_mb


def starts(binary: Path) -> tuple[float, float]:
    """Minimum and median time from starting the binary to its end, in milliseconds."""
    found = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        subprocess.run([str(binary), "--version"], stdout=subprocess.DEVNULL, check=True)
        found.append((time.perf_counter() - begun) * 1e3)
    return min(found), median(found)


def of_command(binary: Path, case: Case, rows: int, kind: str) -> Memory:
    """`glassnet train` on so many rows of the case's width as a CSV file. The numbers are decimals, six behind the point,
    or pixels as MNIST has them: four of five are 0, the others below 256."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = folder / "rows.csv"
        with table.open("w") as file:
            _write(file, case, rows, kind)
        size = table.stat().st_size / 1e6
        command = [str(binary), "train", str(table), "--target", "y", "--net", case.network]
        command += ["--batch-size", str(case.batch), "--epochs", "1", "--validation", "0", "--quiet"]
        command += ["--output", str(folder / "model.safetensors")]
        peak_mb = _peak_mb(command)
    note = f"reads a CSV file of {size:.1f} MB"
    return Memory(f"`glassnet train`, {rows:,} rows of {kind}", peak_mb, rows * case.sizes[0] * 4 / 1e6, note)


def _write(file: IO[str], case: Case, rows: int, kind: str) -> None:
    width, classes = case.sizes[0], case.sizes[-1]
    file.write(",".join(f"x{column}" for column in range(width)) + ",y\n")
    stream = random.Random(f"glassnet {kind}")

    def cell() -> str:
        if kind == "decimals":
            return f"{stream.gauss(0.0, 1.0):.6f}"
        return "0" if stream.random() < 0.8 else str(stream.randrange(256))

    lines = [
        ",".join(cell() for _ in range(width)) + f",c{row % classes}\n" for row in range(min(rows, DISTINCT))
    ]
    for row in range(rows):
        file.write(lines[row % DISTINCT])


_LAUNCHER = """
import os, sys
with open(os.devnull, "w") as nothing:
    silent = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)]
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def _peak_mb(command: list[str]) -> float:
    """The peak of a command's resident memory. What a process had before it became the command counts as its own, so
    a small one starts it, not this one."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER]
    done = subprocess.run([*launcher, *command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"`{' '.join(command[1:])}` ended with status {done.returncode}")
    return int(done.stdout) * 1024 / 1e6


def of_worker(case: Case, seat: Seat, bank: Bank, folder: Path) -> Memory:
    """A contestant that has just been started and trains the case alone."""
    form = next(form for form in seat.framework.forms if "train" in form.tasks)
    tensors = str(arrays.write(case, folder).resolve())
    process = bank.get(seat)
    process.ask({**case.request(tensors), "form": form.form}, LOAD_SECONDS)
    process.ask({"do": "measure", "form": form.form, "seconds": 0.3}, LOAD_SECONDS)
    peak = process.ask({"do": "memory"}, LOAD_SECONDS)["peak_mb"]
    arrays.remove(case, folder)
    who = "the library (our contestant)" if seat.framework.key == "glassnet" else form.label
    return Memory(who, peak, _data_mb(case))


def _data_mb(case: Case) -> float:
    return case.batch * case.batches * case.sizes[0] * 4 / 1e6


def bench(binary: Path, case: Case, seconds: float) -> dict[str, float]:
    """What `glassnet bench` says of a case's step: `min` and `median` in microseconds."""
    command = [str(binary), "bench", case.network, "--batch-size", str(case.batch), "--loss", case.loss]
    command += ["--optimizer", case.optimizer["name"], "--seconds", str(seconds), "--threads", "1", "--json"]
    momentum = case.optimizer.get("momentum", 0.0)
    command += ["--momentum", str(momentum)] if momentum else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failure(f"`glassnet {' '.join(command[1:])}` ended with status {done.returncode}")
    return json.loads(done.stdout)["train_step_us"]


def main() -> int:
    binary = Path(sys.argv[1]) if len(sys.argv) == 2 else None
    if binary is None or not binary.is_file():
        print("usage: footprint.py BINARY, where BINARY is a glassnet built with --release", file=sys.stderr)
        return 2
    case = next(case for case in TRAINING if case.name == "case3")
    print(f"Peak resident memory of {case.title}, in MB; the aim is at most {MEMORY_LIMIT_MB:g} above the rows as f32.")
    for rows, kind in TABLES:
        found = of_command(binary, case, rows, kind)
        told = f"peak {found.peak_mb:6.1f}  data {found.data_mb:6.1f}  above {found.above:5.1f}"
        print(f"{rows:6,} rows of {kind:8}  {told}  ({found.note})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
