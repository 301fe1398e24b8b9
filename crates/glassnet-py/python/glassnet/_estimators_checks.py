"""Checks of the estimators' parameters, in scikit-learn's words."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Callable

import numpy as np

__all__ = ["check_parameters"]


def _real(low: float, high: float = np.inf, *, without: str = "") -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
            return False
        number = float(value)
        excluded = ("low" in without and number == low) or ("high" in without and number == high)
        return low <= number <= high and not excluded

    return fits


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)) and int(value) >= least


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in names


def _columns(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and (length is None or _whole(1)(length)) for name, length in value.items())
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


def _bool(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


#: Parameter, whether a value fits, what does.
RULES: list[tuple[str, Callable[[Any], bool], str]] = [
    ("solver", _one_of("adam", "sgd", "lbfgs"), "'adam', 'sgd' or 'lbfgs'"),
    ("alpha", _real(0), "a float in the range [0.0, inf)"),
    (
        "batch_size",
        lambda value: _one_of("auto")(value) or _whole(1)(value),
        "'auto' or an int in the range [1, inf)",
    ),
    ("learning_rate", _one_of("constant", "invscaling", "adaptive"), "'constant', 'invscaling' or 'adaptive'"),
    ("learning_rate_init", _real(0, without="low"), "a float in the range (0.0, inf)"),
    ("power_t", _real(0), "a float in the range [0.0, inf)"),
    ("max_iter", _whole(1), "an int in the range [1, inf)"),
    ("shuffle", _bool, "a bool"),
    ("tol", _real(0), "a float in the range [0.0, inf)"),
    ("verbose", lambda value: _bool(value) or _whole(0)(value), "a bool or an int of at least 0"),
    ("warm_start", _bool, "a bool"),
    ("momentum", _real(0, 1), "a float in the range [0.0, 1.0]"),
    ("nesterovs_momentum", _bool, "a bool"),
    ("early_stopping", _bool, "a bool"),
    ("validation_fraction", _real(0, 1, without="high"), "a float in the range [0.0, 1.0)"),
    ("beta_1", _real(0, 1, without="high"), "a float in the range [0.0, 1.0)"),
    ("beta_2", _real(0, 1, without="high"), "a float in the range [0.0, 1.0)"),
    ("epsilon", _real(0, without="low"), "a float in the range (0.0, inf)"),
    (
        "n_iter_no_change",
        lambda value: _whole(1)(value) or (isinstance(value, Real) and value == np.inf),
        "an int in the range [1, inf) or inf",
    ),
    ("max_fun", _whole(1), "an int in the range [1, inf)"),
    ("batch_norm", _bool, "a bool"),
    (
        "embedding",
        lambda value: _one_of("auto", "never", "always")(value) or _columns(value),
        "'auto', 'never', 'always', a list of columns, or a dict from columns to the lengths of their tables' rows",
    ),
    ("handle_unknown", _one_of("error", "ignore"), "'error' or 'ignore'"),
]


def check_parameters(estimator: Any, incremental: bool) -> None:
    """Raises ``ValueError`` for the first parameter that can't be used."""
    for name, fits, wanted in RULES:
        value = getattr(estimator, name)
        if not fits(value):
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} must be {wanted}. Got {value!r} instead."
            )
    if incremental and estimator.solver == "lbfgs" and estimator.optimizer is None:
        raise AttributeError("partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
    if incremental and estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
