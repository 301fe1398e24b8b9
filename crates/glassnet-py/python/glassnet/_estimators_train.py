"""One training of an estimator: scikit-learn's loop, its stopping rules, its reports."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _glassnet
from ._estimators_base import ConvergenceWarning
from ._notation import optimizer_notation, schedule_notation

if TYPE_CHECKING:
    from ._settings import Settings

__all__ = ["Judges", "Progress", "Rows", "merge_equal_rows", "train"]


@dataclass
class Rows:
    """Rows to learn from."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None

    def part(self, rows: np.ndarray) -> "Rows":
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Rows(self.x[rows], self.y[rows], weights)

    def table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """As the compiled loop takes them."""
        weights = None if self.weights is None else np.ascontiguousarray(self.weights, dtype=np.float32)
        return self.x, self.y, weights

    def __len__(self) -> int:
        return len(self.x)


@dataclass
class Judges:
    """Rows that judge the epochs, and how: ``score`` takes the network's outputs, the higher the better."""

    rows: Rows
    score: Callable[[np.ndarray], float]


@dataclass
class Progress:
    """What a training has come to; a warm start goes on with it."""

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_score: float = -np.inf
    without_improvement: int = 0
    samples: int = 0
    epochs: int = 0
    optimizer_state: dict[str, Any] | None = None
    message: str = ""


@dataclass
class Objective:
    """What is minimised: ``scale`` times the loss in notation, plus ``offset``, plus the penalty of ``alpha``.

    scikit-learn's losses add up over outputs, and its squared error is halved; PyTorch's are means over all elements.
    """

    notation: str
    scale: float = 1.0
    offset: float = 0.0


def merge_equal_rows(rows: Rows) -> Rows:
    """The rows in an order that depends on nothing but themselves, equal ones merged into one with the sum of their weights.

    Where a step takes all rows, this changes no step but for rounding, and it makes a row with weight 2 and the row twice
    the same training, bit for bit.
    """
    x = rows.x.reshape(len(rows), -1)
    y = np.asarray(rows.y, dtype=np.float64).reshape(len(rows), -1)
    keys = np.ascontiguousarray(np.hstack([x.astype(np.float64), y]) + 0.0)  # no negative zeros
    view = keys.view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1]))).ravel()
    _, first, group = np.unique(view, return_index=True, return_inverse=True)
    weights = np.bincount(group, weights=rows.weights, minlength=len(first))
    return Rows(rows.x[first], rows.y[first], None if (weights == 1.0).all() else weights)


def train(
    estimator: Any,
    notation: str,
    state: dict[str, np.ndarray],
    objective: Objective,
    training: Rows,
    judges: Judges | None,
    progress: Progress,
    random: np.random.RandomState,
    *,
    incremental: bool,
    threads: int,
) -> dict[str, np.ndarray]:
    """Trains with the estimator's parameters, writes down how it went, and gives the weights."""
    e = estimator
    rows = len(training)
    batch = min(200, rows)
    if not isinstance(e.batch_size, str):
        if e.batch_size > rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=4
            )
        batch = int(np.clip(e.batch_size, 1, rows))
    if batch == rows and mergeable(notation):
        training = merge_equal_rows(training)
        batch = len(training)
    loop = _Loop(e, objective, progress, judges is not None, rows, incremental)
    order = _Order(rows, random) if e.shuffle and batch < len(training) else None
    settings: Settings = {
        "loss": objective.notation,
        "optimizer": loop.optimizer(),
        "schedule": None if e.schedule is None else schedule_notation(e.schedule),
        "epochs": 1 if incremental else int(e.max_iter),
        "batch_size": batch,
        "shuffle": "none",
        "seed": _seed(random, notation),
        "threads": threads,
        "patience": None,
        "min_delta": 0.0,
        "l1": 0.0,
        "l2": 0.0,
        "alpha": float(e.alpha) / objective.scale,
        "epsilon_hat": e.optimizer is None,
        "velocity": e.optimizer is None,
        "clip_norm": None,
        "clip_value": None,
        "rows": None,
        "order": order,
        "on_epoch": loop.on_epoch,
        "judge": None if judges is None else judges.score,
    }
    remembered = progress.optimizer_state if incremental else None
    judging = None if judges is None else judges.rows.table()
    try:
        found = _glassnet.fit(notation, state, training.table(), judging, settings, remembered)
    except FloatingPointError as error:
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            f"preprocessed. {error}"
        ) from error
    progress.optimizer_state = {**found["optimizer_state"], "learning_rate": loop.lr}
    if found["stopped"] == "interrupted":
        loop.agree_with(found["history"])
        warnings.warn("Training interrupted by user.", stacklevel=4)
    elif found["stopped"] == "finished" and not incremental:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({e.max_iter}) reached and the optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return found["state"]


def mergeable(notation: str) -> bool:
    """Whether a row's output depends on that row alone, so that one row of weight 2 is two rows."""
    return "BatchNorm" not in notation and "Dropout" not in notation


def _seed(random: np.random.RandomState, notation: str) -> int:
    """The seed of dropout. It takes no number from the generator, so that the others are scikit-learn's."""
    if "Dropout" not in notation:
        return 0
    ahead = np.random.RandomState()
    ahead.set_state(random.get_state())
    return int(ahead.randint(np.iinfo(np.int32).max))


class _Order:
    """The order of the rows in every epoch: scikit-learn's, from the same generator."""

    def __init__(self, rows: int, random: np.random.RandomState) -> None:
        self.order = np.arange(rows, dtype=np.int64)
        self.random = random

    def __call__(self, epoch: int) -> np.ndarray:
        shuffled = np.arange(len(self.order))
        self.random.shuffle(shuffled)
        self.order = self.order[shuffled]
        return self.order


class _Loop:
    """What scikit-learn's loop does after every epoch."""

    def __init__(
        self, estimator: Any, objective: Objective, progress: Progress, judged: bool, rows: int, incremental: bool
    ) -> None:
        self.estimator = estimator
        self.objective = objective
        self.progress = progress
        self.judged = judged
        self.rows = rows
        self.incremental = incremental
        self.lr = float(estimator.learning_rate_init)
        if incremental and progress.optimizer_state is not None:
            self.lr = progress.optimizer_state.get("learning_rate", self.lr)
        progress.epochs = 0
        self.before = (progress.samples, len(progress.loss_curve), progress.best_score)

    def agree_with(self, history: list[dict[str, Any]]) -> None:
        """Makes what was written down agree with the epochs that were done: an interrupt may come at any line of `on_epoch`."""
        progress, (samples, known, best) = self.progress, self.before
        # An epoch whose judging was interrupted is not among those that the best weights come from.
        done = [epoch for epoch in history if not self.judged or epoch.get("score") is not None]
        progress.epochs = len(done)
        progress.samples = samples + self.rows * len(done)
        scale, offset = self.objective.scale, self.objective.offset
        progress.loss_curve[known:] = [scale * epoch["train_loss"] + offset for epoch in done]
        if self.judged:
            progress.validation_scores[known:] = [epoch["score"] for epoch in done]
            progress.validation_losses[known:] = [epoch["validation"]["loss"] for epoch in done]
            progress.best_score = max([best, *progress.validation_scores[known:]])

    def optimizer(self) -> str:
        """The optimiser in notation."""
        e, scale = self.estimator, self.objective.scale
        if e.optimizer is not None:
            return optimizer_notation(e.optimizer)
        if e.solver == "sgd":
            nesterov = bool(e.nesterovs_momentum) and e.momentum > 0
            return f"SGD(lr={self.lr * scale!r}, momentum={float(e.momentum)!r}, nesterov={nesterov})"
        betas = f"({float(e.beta_1)!r}, {float(e.beta_2)!r})"
        return f"Adam(lr={self.lr!r}, betas={betas}, eps={float(e.epsilon) / scale!r})"

    def on_epoch(self, epoch: dict[str, Any]) -> bool | float | None:
        """Writes the epoch down; gives True to stop, or the next learning rate."""
        e, progress = self.estimator, self.progress
        progress.epochs += 1
        progress.samples += self.rows
        loss = self.objective.scale * epoch["train_loss"] + self.objective.offset
        progress.loss_curve.append(loss)
        if e.verbose:
            print(f"Iteration {progress.epochs}, loss = {loss:.8f}")
        if self.judged:
            self._judge(epoch)
        else:
            improved = loss <= progress.best_loss - e.tol
            progress.without_improvement = 0 if improved else progress.without_improvement + 1
            progress.best_loss = min(progress.best_loss, loss)
        before = self.lr
        sgd = e.optimizer is None and e.solver == "sgd"
        if sgd and e.learning_rate == "invscaling":
            self.lr = float(e.learning_rate_init) / (progress.samples + 1) ** float(e.power_t)
        if progress.without_improvement > e.n_iter_no_change:
            if self._ends(sgd):
                return True
            progress.without_improvement = 0
        return None if self.lr == before else self.lr * self.objective.scale

    def _judge(self, epoch: dict[str, Any]) -> None:
        e, progress = self.estimator, self.progress
        score = epoch.get("score", np.nan)
        progress.validation_scores.append(score)
        progress.validation_losses.append(epoch["validation"]["loss"])
        if e.verbose:
            print(f"Validation score: {score:f}")
        worse = score < progress.best_score + e.tol
        progress.without_improvement = progress.without_improvement + 1 if worse else 0
        progress.best_score = max(progress.best_score, score)

    def _ends(self, sgd: bool) -> bool:
        """Whether training stops now that it doesn't improve; otherwise the learning rate falls."""
        e = self.estimator
        what = (
            f"Validation score did not improve more than tol={e.tol:f} for {e.n_iter_no_change} consecutive epochs."
            if self.judged
            else f"Training loss did not improve more than tol={e.tol:f} for {e.n_iter_no_change} consecutive epochs."
        )
        if not (sgd and e.learning_rate == "adaptive"):
            if e.verbose:
                print(what + " Stopping.")
            return True
        if self.lr <= 1e-6:
            if e.verbose:
                print(what + " Learning rate too small. Stopping.")
            return True
        self.lr /= 5.0
        if e.verbose:
            print(what + f" Setting learning rate to {self.lr:f}")
        return False
