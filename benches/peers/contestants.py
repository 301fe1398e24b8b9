"""Who takes part: the programs, the forms in which each is measured, and how it is told its threads."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Form:
    """A way to use a framework: what `run.py` names, and what a worker is asked for."""

    label: str
    form: str
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Framework:
    """A program that speaks the protocol of `workers/serve.py`."""

    key: str
    forms: tuple[Form, ...]
    script: str | None = None  # of `workers/`; else a binary of that name
    native: bool = False  # whether the binary is of the Rust peers


OURS = Framework("glassnet", (Form("glassnet", "", ("train", "infer", "ensemble")),))

PEERS = (
    Framework(
        "pytorch",
        (
            Form("PyTorch eager", "eager", ("train", "infer")),
            Form("PyTorch fused", "fused", ("train",)),
            Form("PyTorch compile", "compile", ("train", "infer")),
        ),
        "torch_worker.py",
    ),
    Framework(
        "jax",
        (
            Form("JAX step", "step", ("train", "infer")),
            Form("JAX scan", "scan", ("train",)),
            Form("JAX vmap + scan", "vmap", ("ensemble",)),
        ),
        "jax_worker.py",
    ),
    Framework("sklearn", (Form("scikit-learn", "", ("train",)),), "sklearn_worker.py"),
    Framework(
        "onnxruntime",
        (Form("ONNX Runtime run", "run", ("infer",)), Form("ONNX Runtime bound", "bound", ("infer",))),
        "onnx_worker.py",
    ),
    Framework("burn", (Form("burn", "", ("train", "infer")),), native=True),
    Framework("candle", (Form("candle", "", ("train", "infer")),), native=True),
)


@dataclass(frozen=True)
class Seat:
    """A framework at a number of threads: one process."""

    framework: Framework
    threads: int

    @property
    def name(self) -> str:
        return f"{self.framework.key}-{self.threads}"


def command(seat: Seat, python: Path, binaries: dict[str, Path]) -> list[str]:
    """What is started for a seat."""
    framework = seat.framework
    if framework.script is None:
        return [str(binaries[framework.key]), str(seat.threads)]
    return [str(python), "-u", str(HERE / "workers" / framework.script), str(seat.threads)]


def environment(seat: Seat, cache: Path) -> dict[str, str]:
    """The variables by which libraries are told their threads before they start any."""
    count = str(seat.threads)
    return {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "RAYON_NUM_THREADS": count,
        # What torch.compile makes is kept between runs and compiled in the worker itself.
        "TORCHINDUCTOR_CACHE_DIR": str(cache / f"inductor-{count}"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "JAX_PLATFORMS": "cpu",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def default_threads() -> list[int]:
    """1 and all processors that this process may use."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return [1] if usable == 1 else [1, usable]
