"""The compiled half of the package."""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

__version__: str

class Settings(TypedDict):
    """The settings of :func:`fit`; all keys must be there."""

    loss: str
    optimizer: str
    schedule: str | None
    epochs: int
    batch_size: int
    #: ``'own'``, ``'torch'`` or ``'none'``; with ``order`` only the last.
    shuffle: str
    seed: int
    threads: int
    patience: int | None
    min_delta: float
    l1: float
    l2: float
    #: scikit-learn's penalty: of weights alone, divided by the rows of each batch.
    alpha: float
    #: Whether Adam's ``eps`` stands before the bias correction, as in scikit-learn.
    epsilon_hat: bool
    #: Whether SGD's momentum keeps the length of steps when the learning rate changes, as in scikit-learn.
    velocity: bool
    clip_norm: float | None
    clip_value: float | None
    #: Gives the order of the rows in an epoch (from 1).
    order: Callable[[int], NDArray[np.int64]] | None
    #: Is told of every epoch; ``True`` ends the training, a number is the learning rate from then on.
    on_epoch: Callable[[dict[str, Any]], bool | float | None] | None
    #: Says how good the outputs for the validation rows are, the higher the better; without it the loss does.
    judge: Callable[[NDArray[np.float32]], float | None] | None

class Fitted(TypedDict):
    """What :func:`fit` gives."""

    state: dict[str, NDArray[Any]]
    history: list[dict[str, Any]]
    best_epoch: int
    stopped: str
    optimizer_state: dict[str, Any]

def fit(
    notation: str,
    state: dict[str, NDArray[Any]],
    training: tuple[Any, ...],
    validation: tuple[Any, ...] | None,
    settings: Settings,
    optimizer_state: dict[str, Any] | None = None,
) -> Fitted:
    """Trains a network on ``(x, y)`` or ``(x, y, weights)``."""

def network_state(notation: str, seed: int) -> tuple[str, dict[str, NDArray[Any]]]:
    """A network's notation as an expression, and its weights after ``torch.manual_seed(seed)``."""

class Objective:
    """The loss of all rows of ``(x, y)`` or ``(x, y, weights)`` at once, as a function of the network's parameters."""

    def __init__(
        self,
        notation: str,
        state: dict[str, NDArray[Any]],
        training: tuple[Any, ...],
        loss: str,
        alpha: float,
        threads: int,
    ) -> None: ...
    def parameters(self) -> NDArray[np.float32]:
        """The parameters of ``state``, one after the other."""
    def layout(self) -> list[tuple[str, int, int]]:
        """Key, first and last place of each array among them."""
    def __call__(self, parameters: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """The loss, with the penalty of ``alpha``, and its gradient."""

class Inference:
    """A network in evaluation mode, compiled for rows of shape ``row``."""

    def __init__(self, notation: str, state: dict[str, NDArray[Any]], row: list[int], threads: int) -> None: ...
    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """The outputs for rows of float32 or int64; any number of threads may call it at once."""
