"""``solver='lbfgs'``: SciPy's minimiser on the compiled loss."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import _glassnet
from ._estimators_base import ConvergenceWarning
from ._estimators_train import Objective, Progress, Rows, merge_equal_rows, mergeable

__all__ = ["minimize"]

#: The least improvement of the loss, where it is about 1. SciPy's own, 2.2e-9, is below what 32-bit floats tell apart.
LOSS_TOLERANCE = 1e-8


def minimize(
    estimator: Any,
    notation: str,
    state: dict[str, np.ndarray],
    objective: Objective,
    training: Rows,
    progress: Progress,
    *,
    threads: int,
) -> dict[str, np.ndarray]:
    """Minimises the loss of all rows with the estimator's parameters, writes down how it went, and gives the weights."""
    try:
        from scipy.optimize import minimize as scipy_minimize
    except ImportError as error:
        raise ImportError("solver='lbfgs' is SciPy's minimiser: install scipy, or use 'adam' or 'sgd'") from error
    if not mergeable(notation):
        raise ValueError("solver='lbfgs' is for networks without dropout and batch_norm; use 'adam' or 'sgd'")
    e, scale = estimator, objective.scale
    table = merge_equal_rows(training).table()
    compiled = _glassnet.Objective(notation, state, table, objective.notation, float(e.alpha) / scale, threads)
    kept: dict[str, Any] = {"x": compiled.parameters(), "loss": np.inf}

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = np.ascontiguousarray(x, dtype=np.float32)
        loss, gradient = compiled(parameters)
        loss = scale * loss + objective.offset
        if loss < kept["loss"]:
            kept.update(x=parameters, loss=loss)
        return loss, scale * gradient.astype(np.float64)

    def show(intermediate_result: Any) -> None:
        progress.epochs += 1
        if e.verbose:
            print(f"Iteration {progress.epochs}, loss = {intermediate_result.fun:.8f}")

    progress.epochs = 0
    options = {"maxfun": int(e.max_fun), "maxiter": int(e.max_iter), "gtol": float(e.tol), "ftol": LOSS_TOLERANCE}
    try:
        found = scipy_minimize(
            evaluate, kept["x"].astype(np.float64), jac=True, method="L-BFGS-B", options=options, callback=show
        )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    else:
        progress.epochs = int(found.nit)
        if found.status == 1:
            warnings.warn(
                f"lbfgs failed to converge after {found.nit} iteration(s) (status={found.status}): {found.message}. You "
                "might also want to scale the data.",
                ConvergenceWarning,
                stacklevel=4,
            )
    if not np.isfinite(kept["loss"]):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            "preprocessed."
        )
    progress.best_loss = kept["loss"]
    places = {key: slice(first, last) for key, first, last in compiled.layout()}
    return {
        key: kept["x"][places[key]].reshape(value.shape).copy() if key in places else value for key, value in state.items()
    }
