"""What glassnet costs beside time: memory while it trains, and the start of the binary."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import arrays
from cases import Case
from contestants import Seat
from measure import LOAD_SECONDS, Bank
from process import Failure

STARTS = 50


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


def of_command(binary: Path, case: Case) -> Memory:
    """`glassnet train` on the case's rows as a CSV file."""
    data = arrays.generate(case)
    width = case.sizes[0]
    rows = case.batch * case.batches
    x, y = data["x"][2], data["y"][2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = folder / "rows.csv"
        with table.open("w") as file:
            file.write(",".join(f"x{column}" for column in range(width)) + ",y\n")
            for row in range(rows):
                numbers = ",".join(f"{value:.6f}" for value in x[row * width : (row + 1) * width])
                file.write(f"{numbers},c{y[row]}\n")
        size = table.stat().st_size / 1e6
        command = [str(binary), "train", str(table), "--target", "y", "--net", case.network]
        command += ["--batch-size", str(case.batch), "--epochs", "3", "--validation", "0", "--quiet"]
        command += ["--output", str(folder / "model.safetensors")]
        peak_mb = _peak_mb(command)
    note = f"reads a CSV file of {size:.1f} MB"
    return Memory("`glassnet train`", peak_mb, _data_mb(case), note)


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
