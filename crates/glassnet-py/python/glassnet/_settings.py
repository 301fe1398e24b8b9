"""What goes into the compiled loop and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fitted", "Settings"]


class Settings(TypedDict):
    """The settings of ``_glassnet.fit``; all keys must be there."""

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
    #: The rows of the table that train; all by default.
    rows: NDArray[np.int64] | None
    #: Gives the order of the rows in an epoch (from 1).
    order: Callable[[int], NDArray[np.int64]] | None
    #: Is told of every epoch; ``True`` ends the training, a number is the learning rate from then on.
    on_epoch: Callable[[dict[str, Any]], bool | float | None] | None
    #: Says how good the outputs for the validation rows are, the higher the better; without it the loss does.
    judge: Callable[[NDArray[np.float32]], float | None] | None


class Fitted(TypedDict):
    """What ``_glassnet.fit`` gives."""

    state: dict[str, NDArray[Any]]
    history: list[dict[str, Any]]
    best_epoch: int
    stopped: str
    optimizer_state: dict[str, Any]
