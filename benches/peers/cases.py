"""What is measured, and what glassnet aims at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ADAM: dict[str, Any] = {"name": "adam", "lr": 1e-3}
SGD: dict[str, Any] = {"name": "sgd", "lr": 0.01, "momentum": 0.0}
MOMENTUM: dict[str, Any] = {"name": "sgd", "lr": 0.01, "momentum": 0.9}


@dataclass(frozen=True)
class Case:
    """A network (linear layers with ReLU between) and what is timed: a step, or a forward pass."""

    name: str
    task: str  # "train", "infer" or "ensemble"
    sizes: tuple[int, ...]
    batch: int
    batches: int
    optimizer: dict[str, Any] = field(default_factory=lambda: ADAM)
    loss: str = "cross_entropy"
    members: int = 1
    # Long steps need more time than short ones to be measured at all.
    stretch: float = 1.0

    @property
    def network(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def title(self) -> str:
        """The case in words."""
        if self.task == "infer":
            samples = "one sample" if self.batch == 1 else f"{self.batch} samples"
            return f"{self.network}, inference, {samples}"
        momentum = self.optimizer.get("momentum", 0.0)
        rule = "Adam" if self.optimizer["name"] == "adam" else "SGD"
        rule += f" (momentum {momentum})" if momentum else ""
        loss = "cross-entropy" if self.loss == "cross_entropy" else "mean squared error"
        many = f"{self.members} networks at once, " if self.members > 1 else ""
        return f"{many}{self.network}, batch {self.batch}, {rule}, {loss}"

    @property
    def macs(self) -> int:
        """Multiplications of one row's forward pass."""
        return sum(a * b for a, b in zip(self.sizes, self.sizes[1:]))

    @property
    def parameters(self) -> int:
        return self.macs + sum(self.sizes[1:])

    @property
    def operations(self) -> float:
        """Additions and multiplications of the products of what is timed: without the gradient towards the data."""
        if self.task == "infer":
            return 2.0 * self.batch * self.macs
        return 2.0 * self.members * self.batch * (3 * self.macs - self.sizes[0] * self.sizes[1])

    def request(self, tensors: str) -> dict[str, Any]:
        """What a contestant is told; `tensors` is the file of weights and data."""
        return {
            "do": "case",
            "task": self.task,
            "sizes": list(self.sizes),
            "batch": self.batch,
            "batches": self.batches,
            "members": self.members,
            "optimizer": self.optimizer,
            "loss": self.loss,
            "tensors": tensors,
        }


NET_2 = (6, 32, 32, 32, 4)
NET_3 = (784, 128, 64, 10)
NET_4 = (784, 512, 512, 10)

TRAINING = (
    Case("case1", "train", (2, 2, 2), 4, 16, MOMENTUM),
    Case("case2a", "train", NET_2, 80, 16),
    Case("case2b", "train", NET_2, 16, 16),
    Case("case3", "train", NET_3, 64, 16),
    Case("case4", "train", NET_4, 128, 16, stretch=1.5),
    Case("case5", "train", (1024, 4096, 4096, 1024), 512, 4, SGD, "mse", stretch=3.0),
)

INFERENCE = tuple(
    Case(f"{name}-{batch}", "infer", sizes, batch, batches, stretch=0.5)
    for batch, batches in ((1, 1024), (1024, 1))
    for name, sizes in (("infer2", NET_2), ("infer3", NET_3), ("infer4", NET_4))
)

ENSEMBLE = (Case("ensemble64", "ensemble", NET_2, 80, 16, members=64, stretch=2.0),)

CASES = TRAINING + INFERENCE + ENSEMBLE


@dataclass(frozen=True)
class Target:
    """At least so many times as fast as a peer: the best of all, or one framework (its best form)."""

    case: str
    peer: str  # "best", or a framework's or form's label as in `contestants.py`
    ratio: float


TARGETS: tuple[Target, ...] = (
    Target("case1", "JAX scan", 5.0),
    Target("case1", "PyTorch eager", 1000.0),
    Target("case2a", "JAX scan", 2.0),
    Target("case2a", "PyTorch eager", 30.0),
    Target("case2b", "JAX scan", 2.2),
    Target("case2b", "PyTorch eager", 80.0),
    Target("case3", "JAX scan", 1.6),
    Target("case3", "PyTorch eager", 4.5),
    Target("case4", "JAX scan", 1.15),
    Target("case4", "PyTorch eager", 2.1),
    Target("case5", "JAX scan", 1.0),
    Target("case5", "PyTorch eager", 1.2),
    Target("infer2-1", "ONNX Runtime run", 13.0),
    Target("infer3-1", "ONNX Runtime run", 1.75),
    Target("infer4-1", "ONNX Runtime run", 1.0),
    Target("infer2-1024", "ONNX Runtime run", 1.4),
    Target("infer3-1024", "ONNX Runtime run", 1.0),
    Target("infer4-1024", "ONNX Runtime run", 1.05),
    Target("ensemble64", "JAX vmap + scan", 2.0),
)

# The aims over ONNX Runtime were set against `run`; its quicker form is held against the same numbers.
TARGETS += tuple(
    Target(target.case, "ONNX Runtime bound", target.ratio) for target in TARGETS if target.peer == "ONNX Runtime run"
)

# The best peer of all must not be ahead in any case, whichever it is.
TARGETS += tuple(Target(case.name, "best", 1.0) for case in CASES)

MAP_WIDTHS = (8, 16, 24, 32, 40, 45, 46, 47, 48, 56, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024)
MAP_WIDTHS_FULL = tuple(sorted({*range(8, 1025, 8), 45, 46, 47}))
MAP_WIDTHS_QUICK = (8, 16, 32, 45, 46, 64, 128, 256, 1024)
MAP_BATCHES = tuple(2**power for power in range(10))

# Peak resident memory of training case 3 above its data, and the time that the binary takes to say its version.
MEMORY_LIMIT_MB = 30.0
START_LIMIT_MS = 5.0


def map_case(width: int, batch: int) -> Case:
    """A cell of the map."""
    return Case(f"map-{width}-{batch}", "train", (10, width, width, 10), batch, 4)
