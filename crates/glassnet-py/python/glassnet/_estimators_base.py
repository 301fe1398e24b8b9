"""What estimators are made of: scikit-learn's base and checks where it is installed, our own where it is not."""

from __future__ import annotations

import inspect
import warnings
from typing import Any, Sequence

import numpy as np

from ._convert import from_arrow
from ._estimators_columns import is_frame

try:
    import sklearn  # noqa: F401
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError

    HAS_SKLEARN = True
except ImportError:
    HAS_SKLEARN = False

    class ConvergenceWarning(UserWarning):  # type: ignore[no-redef]
        """The training ended before it converged."""

    class DataConversionWarning(UserWarning):  # type: ignore[no-redef]
        """Data were given in another form than the one that is expected."""

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """An estimator was used before it was fitted."""

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by name, as scikit-learn's estimators have them."""

        @classmethod
        def _get_param_names(cls) -> list[str]:
            parameters = inspect.signature(cls.__init__).parameters
            return sorted(name for name in parameters if name != "self")

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """The parameters by name."""
            return {name: getattr(self, name) for name in self._get_param_names()}

        def set_params(self, **params: Any) -> Any:
            """Sets parameters by name."""
            names = self._get_param_names()
            for name, value in params.items():
                if name not in names:
                    raise ValueError(
                        f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {names!r}."
                    )
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            defaults = inspect.signature(type(self).__init__).parameters
            given = self.get_params().items()
            changed = [f"{name}={value!r}" for name, value in given if not _same(value, defaults[name].default)]
            return f"{type(self).__name__}({', '.join(changed)})"

        def __sklearn_clone__(self) -> Any:
            from copy import deepcopy

            return type(self)(**{name: deepcopy(value) for name, value in self.get_params().items()})

    class ClassifierMixin:  # type: ignore[no-redef]
        """The accuracy as score."""

        _estimator_type = "classifier"

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """The part of the rows whose class is predicted."""
            right = np.asarray(plain(y)) == self.predict(X)  # type: ignore[attr-defined]
            right = right.all(axis=1) if right.ndim == 2 else right
            return float(np.average(right, weights=sample_weight))

    class RegressorMixin:  # type: ignore[no-redef]
        """R² as score."""

        _estimator_type = "regressor"

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """R², the mean of all outputs."""
            return r2(np.asarray(plain(y), dtype=np.float64), self.predict(X), sample_weight)  # type: ignore[attr-defined]


def _same(value: Any, default: Any) -> bool:
    try:
        return bool(value is default or value == default)
    except ValueError:  # arrays
        return False


def r2(y: np.ndarray, predicted: np.ndarray, weights: Any = None) -> float:
    """R², the mean of all outputs; a constant output that is predicted rightly has 1, otherwise 0."""
    y, predicted = (np.asarray(a, dtype=np.float64).reshape(len(y), -1) for a in (y, predicted))
    mean = np.average(y, axis=0, weights=weights)
    rest = np.average((y - predicted) ** 2, axis=0, weights=weights)
    spread = np.average((y - mean) ** 2, axis=0, weights=weights)
    constant = np.where(rest == 0, 1.0, 0.0)
    return float(np.mean(np.where(spread == 0, constant, 1 - rest / np.where(spread == 0, 1, spread))))


def check_is_fitted(estimator: Any) -> None:
    """Raises ``NotFittedError`` where ``fit`` was not called."""
    if not hasattr(estimator, "_state"):
        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
            "using this estimator."
        )


def plain(y: Any) -> Any:
    """Targets or weights that speak Arrow as an array; others as they are."""
    read = from_arrow(y)
    return y if read is y else np.asarray(read)


def random_state(seed: Any) -> np.random.RandomState:
    """NumPy's generator from what scikit-learn's ``random_state`` may be."""
    if seed is None or seed is np.random:
        return np.random.mtrand._rand  # the global one, as in scikit-learn
    if isinstance(seed, np.random.RandomState):
        return seed
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return np.random.RandomState(int(seed))
    raise ValueError(f"{seed!r} cannot be used to seed a numpy.random.RandomState instance")


def check_rows(estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
    """``X`` as a matrix of float32 or float64, once its rows and columns are those that are expected."""
    if not HAS_SKLEARN:
        return _own_check(estimator, X, reset)
    from sklearn.utils import validation

    options: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "dtype": (np.float64, np.float32)}
    # Not every version of scikit-learn sees the columns of every frame.
    other = is_frame(X) and not hasattr(X, "iloc")
    if other and not reset and hasattr(estimator, "feature_names_in_"):
        check_names(estimator, X, reset=False)
        return validation.check_array(X, **options)
    if hasattr(validation, "validate_data"):
        rows = validation.validate_data(estimator, X, reset=reset, **options)
    else:  # before 1.6
        rows = estimator._validate_data(X, reset=reset, **options)
    if other and reset and all(isinstance(name, str) for name in X.columns):
        check_names(estimator, X, reset=True)
    return rows.toarray() if hasattr(rows, "toarray") else rows


def check_names(estimator: Any, X: Any, *, reset: bool) -> None:
    """Remembers the columns of a frame, or checks that they are those that were fitted."""
    names = np.asarray([str(name) for name in X.columns], dtype=object)
    if reset:
        estimator.feature_names_in_ = names
        estimator.n_features_in_ = len(names)
        return
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is None:
        raise ValueError(f"X has feature names, but {type(estimator).__name__} was fitted without feature names")
    if list(fitted) != list(names):
        missing = [name for name in fitted if name not in set(names)]
        unseen = [name for name in names if name not in set(fitted)]
        lines = ["The feature names should match those that were passed during fit."]
        if unseen:
            lines.append("Feature names unseen at fit time: " + ", ".join(unseen))
        if missing:
            lines.append("Feature names seen at fit time, yet now missing: " + ", ".join(missing))
        if not unseen and not missing:
            lines.append("Feature names must be in the same order as they were in fit.")
        raise ValueError("\n".join(lines))


def _own_check(estimator: Any, X: Any, reset: bool) -> np.ndarray:
    names = getattr(X, "columns", None)
    if hasattr(X, "toarray"):
        X = X.toarray()
    given = np.asarray(X)
    if given.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    X = given if given.dtype == np.float32 else np.asarray(given, dtype=np.float64)
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead; reshape it to rows and columns")
    rows, columns = X.shape
    if rows == 0 or columns == 0:
        raise ValueError(f"Found array with {rows} sample(s) and {columns} feature(s) while a minimum of 1 is required.")
    if not np.isfinite(X).all():
        raise ValueError("Input X contains NaN or infinity.")
    if names is not None:
        if reset or hasattr(estimator, "feature_names_in_"):
            check_names(estimator, _Columns(names), reset=reset)
    elif reset:
        estimator.__dict__.pop("feature_names_in_", None)
        estimator.n_features_in_ = columns
    if columns != estimator.n_features_in_:
        raise ValueError(
            f"X has {columns} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} features "
            "as input."
        )
    return X


class _Columns:
    def __init__(self, columns: Sequence[Any]) -> None:
        self.columns = columns


def check_weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """The rows' weights in float64, one finite number of at least 0 for each."""
    if sample_weight is None:
        return None
    weights = np.asarray(plain(sample_weight), dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(weights) != rows:
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(rows,)}!")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("Sample weights must be finite numbers of at least 0.")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def single_column(y: np.ndarray) -> np.ndarray:
    """``y`` as one axis; a matrix of one column is warned of, as in scikit-learn."""
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples, ), "
            "for example using ravel().",
            DataConversionWarning,
            stacklevel=4,
        )
        return y.ravel()
    return y
