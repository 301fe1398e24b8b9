"""Where things are computed: on the CPU. Programs ask for more, and are told."""

from __future__ import annotations

__all__ = ["backends", "cuda", "device"]


class device:
    """A place to compute, by name.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.device("cuda" if gn.cuda.is_available() else "cpu")
    device(type='cpu')
    """

    def __init__(self, type: object = "cpu", index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class cuda:
    """There are no graphics processors here, and that is what it says."""

    @staticmethod
    def is_available() -> bool:
        """No."""
        return False

    @staticmethod
    def device_count() -> int:
        """None."""
        return 0

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """Nothing to seed."""

    manual_seed = manual_seed_all


class _Backend:
    @staticmethod
    def is_available() -> bool:
        return False


class backends:
    """Other places to compute, none of which is there."""

    mps = _Backend
    cuda = _Backend
    #: Settings that programs make; they change nothing.
    cudnn = type("cudnn", (_Backend,), {"deterministic": True, "benchmark": False})
