"""What both estimators share: parameters, fitting, predicting."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _glassnet
from ._convert import from_arrow
from ._estimators_base import (
    BaseEstimator,
    check_is_fitted,
    check_names,
    check_rows,
    check_weights,
    random_state,
)
from ._estimators_checks import check_parameters
from ._estimators_columns import Columns, has_categories, is_frame
from ._estimators_lbfgs import minimize
from ._estimators_network import biases, build, dense_weights, initial_weights, with_tables
from ._estimators_train import Judges, Objective, Progress, Rows, train
from ._notation import network_notation
from ._threads import threads_to_use

__all__ = ["BaseMLP", "Task"]


class Compiled:
    """A compiled network, made when it is first needed; copies and pickles leave it out."""

    def __init__(self) -> None:
        self.threads = 0
        self.forward: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Compiled, ()

    def __deepcopy__(self, memo: Any) -> "Compiled":
        return Compiled()

    def of(self, notation: str, state: dict[str, np.ndarray], inputs: int, threads: int) -> Any:
        """The network, ready to predict with so many threads."""
        forward = self.forward
        if forward is None or self.threads != threads:
            forward = _glassnet.Inference(notation, state, [inputs], threads)
            self.forward, self.threads = forward, threads
        return forward


class Task:
    """What a kind of target asks of the network."""

    def __init__(self, outputs: int, objective: Objective, activation: str) -> None:
        self.outputs = outputs
        self.objective = objective
        self.out_activation = activation

    def targets(self, rows: Rows) -> Rows:
        """The rows with their targets as the loss takes them."""
        if self.out_activation == "logistic":
            return Rows(rows.x, np.ascontiguousarray(rows.y.reshape(len(rows), -1), dtype=np.float32), rows.weights)
        return rows


class BaseMLP(BaseEstimator):
    """The part of the estimators that doesn't depend on the target."""

    _state: dict[str, np.ndarray]
    best_loss_: float | None

    # What the two classes have of their own.

    def _targets(self, y: Any, rows: int, kept: np.ndarray | None, *, first: bool, incremental: bool) -> np.ndarray:
        raise NotImplementedError

    def _task(self, y: np.ndarray, weights: np.ndarray | None) -> Task:
        raise NotImplementedError

    def _score_outputs(self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
        raise NotImplementedError

    def _class_weights(self, y: np.ndarray) -> np.ndarray | None:
        return None

    def _stratify(self, y: np.ndarray) -> np.ndarray | None:
        return None

    # Fitting.

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        check_parameters(self, incremental)
        first = not hasattr(self, "_state") or (not self.warm_start and not incremental)
        rows = self._rows_and_targets(X, y, sample_weight, first=first, incremental=incremental)
        random = random_state(self.random_state)
        task = self._task(rows.y, rows.weights)
        state = self._initialize(rows.x.shape[1], task, random) if first else self._state
        threads = threads_to_use(self.threads)
        if self.solver == "lbfgs" and self.optimizer is None:
            rows = task.targets(rows)
            self._state = minimize(self, self.network_, state, task.objective, rows, self._progress, threads=threads)
            return self._finished()
        if self.early_stopping:
            training, judges = self._split(rows, task, random)
        else:
            training, judges = task.targets(rows), None
        self._state = train(
            self,
            self.network_,
            state,
            task.objective,
            training,
            judges,
            self._progress,
            random,
            incremental=incremental,
            threads=threads,
        )
        return self._finished()

    def _finished(self) -> Any:
        self._compiled = Compiled()
        self._report()
        return self

    def _rows_and_targets(self, X: Any, y: Any, sample_weight: Any, *, first: bool, incremental: bool) -> Rows:
        """The rows that have a weight: one without is no row."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        x = self._rows(X, reset=first)
        weights = check_weights(sample_weight, len(x))
        kept = None if weights is None or weights.all() else np.flatnonzero(weights)
        y = self._targets(y, len(x), kept, first=first, incremental=incremental)
        if kept is not None and weights is not None:
            x, weights = x[kept], weights[kept]
        of_classes = self._class_weights(y)
        if of_classes is None:
            return Rows(x, y, weights)
        weights = of_classes if weights is None else weights * of_classes
        if not weights.any():
            raise ValueError("class_weight gives every row the weight zero.")
        rows = Rows(x, y, weights)
        return rows if weights.all() else rows.part(np.flatnonzero(weights))

    def _rows(self, X: Any, *, reset: bool) -> np.ndarray:
        """The rows as the network takes them, in float32."""
        X = from_arrow(X)
        if reset:
            self._columns = Columns.fit(X, self.embedding) if is_frame(X) and has_categories(X) else None
            self.__dict__.pop("categories_", None)
            if self._columns is not None:
                self.categories_ = {name: np.asarray(v, object) for name, v in self._columns.categories.items()}
        columns = self._columns
        if columns is not None:
            if not is_frame(X):
                raise TypeError(
                    f"{type(self).__name__} was fitted on a frame with categories in {', '.join(columns.categories)}; "
                    "give a frame with these columns"
                )
            check_names(self, X, reset=reset)
            given = columns.encode(X, self.handle_unknown)
            if not np.isfinite(given).all():
                where = ", ".join(n for n, bad in zip(columns.encoded, ~np.isfinite(given).all(axis=0)) if bad)
                raise ValueError(f"Input X contains NaN or infinity in {where}; fill the gaps first")
        else:
            given = check_rows(self, X, reset=reset)
        # What doesn't fit becomes infinite, which is refused in the next line.
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(given, dtype=np.float32)
        if rows is not given and not np.isfinite(rows).all():
            raise ValueError("Input X contains a value too large for dtype('float32').")
        return rows

    def _initialize(self, inputs: int, task: Task, random: np.random.RandomState) -> dict[str, np.ndarray]:
        # Until the training is done, nothing is fitted.
        self.__dict__.pop("_state", None)
        own, tables = self.network is not None, self._tables
        if own:
            notation = with_tables(network_notation(self.network), tables)
        else:
            notation = build(
                inputs, task.outputs, self.hidden_layer_sizes, self.activation, self.dropout, self.batch_norm, tables
            )
        self.network_, state = initial_weights(notation, self.activation, random, tables, own=own)
        self._progress = Progress()
        self.n_outputs_ = task.outputs
        self.out_activation_ = task.out_activation
        return state

    @property
    def _tables(self) -> dict[int, tuple[int, int]]:
        columns = getattr(self, "_columns", None)
        return {} if columns is None else columns.tables

    def _split(self, rows: Rows, task: Task, random: np.random.RandomState) -> tuple[Rows, Judges]:
        """The rows that train, and those that say when to stop."""
        from ._estimators_split import split

        train_rows, judge_rows = split(len(rows), self.validation_fraction, self._stratify(rows.y), random)
        if len(judge_rows) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        judging = rows.part(judge_rows)
        score = lambda outputs: self._score_outputs(outputs, judging.y, judging.weights)  # noqa: E731
        return task.targets(rows.part(train_rows)), Judges(task.targets(judging), score)

    def _report(self) -> None:
        """Sets the attributes that say how the training went."""
        progress = self._progress
        self.n_iter_ = progress.epochs
        self.t_ = progress.samples
        self.n_layers_ = len(dense_weights(self._state, self._tables)) + 1
        if self.solver == "lbfgs" and self.optimizer is None:
            self.loss_ = self.best_loss_ = progress.best_loss
            return
        self.loss_curve_ = list(progress.loss_curve)
        if self.loss_curve_:
            self.loss_ = self.loss_curve_[-1]
        judged = self.early_stopping
        self.best_loss_ = None if judged else progress.best_loss
        self.validation_scores_ = list(progress.validation_scores) if judged else None
        self.validation_loss_curve_ = list(progress.validation_losses) if judged else None
        self.best_validation_score_ = progress.best_score if judged else None

    # What was fitted.

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of every layer, of shape (inputs, outputs), float32; tables of codes are in ``state_dict_`` only."""
        check_is_fitted(self)
        return [np.ascontiguousarray(self._state[key].T) for key in dense_weights(self._state, self._tables)]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of every layer, float32."""
        check_is_fitted(self)
        return [bias.copy() for bias in biases(self._state, self._tables)]

    @property
    def state_dict_(self) -> dict[str, np.ndarray]:
        """The weights under PyTorch's keys: what ``network_`` takes in ``load_state_dict``."""
        check_is_fitted(self)
        return {key: value.copy() for key, value in self._state.items()}

    # Predicting.

    def _outputs(self, X: Any) -> np.ndarray:
        """The network's outputs for rows."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        forward = self._compiled.of(self.network_, self._state, rows.shape[1], threads_to_use(self.threads))
        return forward(rows)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
