"""Targets as the network takes them: classes as indices, labels as zeros and ones, numbers as float32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._estimators_base import HAS_SKLEARN, plain, single_column

__all__ = ["Labels", "class_factors", "numbers"]


class Labels:
    """The classes that were fitted, and their order."""

    def __init__(self, classes: np.ndarray, kind: str) -> None:
        self.classes = classes
        #: ``'binary'``, ``'multiclass'`` or ``'multilabel'``.
        self.kind = kind

    @classmethod
    def fit(cls, y: Any, kept: np.ndarray | None = None, declared: np.ndarray | None = None) -> "Labels":
        """Learns the classes of the rows ``kept`` (all without them) of ``y``; those of ``declared`` if they are given."""
        y = as_labels(y)
        if kept is not None and len(y) > kept.max(initial=-1):
            y = y[kept]
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), "multilabel")
        classes = np.unique(y) if declared is None else declared
        if len(classes) < 2:
            raise ValueError(
                f"y holds one class only, {classes[0] if len(classes) else None!r}; a classifier needs rows of at least two "
                "classes"
            )
        return cls(classes, "binary" if len(classes) == 2 else "multiclass")

    def encode(self, y: Any, rows: int, kept: np.ndarray | None = None, *, warm: bool = False) -> np.ndarray:
        """Class indices (int64), or zeros and ones of several labels (int64, a matrix)."""
        y = as_labels(y)
        if len(y) != rows:
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[rows, len(y)]}")
        if kept is not None:
            y = y[kept]
        if (y.ndim == 2) != (self.kind == "multilabel") or (y.ndim == 2 and y.shape[1] != len(self.classes)):
            raise ValueError("y has another form than the y that was fitted")
        if y.ndim == 2:
            return y.astype(np.int64)
        seen = np.unique(y)
        unknown = np.setdiff1d(seen, self.classes)
        if warm and (len(unknown) or len(seen) != len(self.classes)):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously got "
                f"{self.classes}, `y` has {seen}"
            )
        if len(unknown):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. 'y' has {seen}.")
        return np.searchsorted(self.classes, y)

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """Classes of indices."""
        return indices if self.kind == "multilabel" else self.classes[indices]


def as_labels(y: Any) -> np.ndarray:
    """``y`` as one axis of labels or as a matrix of zeros and ones, once it is such."""
    y = plain(y)
    if hasattr(y, "toarray"):
        y = y.toarray()
    if HAS_SKLEARN:
        from sklearn.utils.multiclass import check_classification_targets, type_of_target
        from sklearn.utils.validation import _assert_all_finite

        if hasattr(y, "to_numpy"):
            y = y.to_numpy()
        array = np.asarray(y)
        if array.dtype.kind == "f":
            _assert_all_finite(array, input_name="y")
        if array.dtype.kind == "O" and array.ndim and any(value is None or value != value for value in array.ravel()):
            raise ValueError("Input y contains NaN.")
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multilabel-indicator":
            return array
        if kind == "multiclass-multioutput":
            raise ValueError(
                "Multioutput target data is not supported with label binarization: give one class for each row, or zeros "
                "and ones for several labels"
            )
        return _column(array)
    array = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ValueError("Input y contains NaN or infinity.")
        if (array != np.floor(array)).any():
            raise ValueError("Unknown label type: continuous. Maybe you are trying to fit a classifier on a regression target.")
    if array.ndim == 2 and array.shape[1] > 1:
        if not np.isin(array, (0, 1)).all():
            raise ValueError("a matrix of targets holds zeros and ones, one column for each label")
        return array
    return _column(array)


def _column(y: np.ndarray) -> np.ndarray:
    y = single_column(y)
    if y.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    return y


def numbers(y: Any, rows: int, kept: np.ndarray | None = None) -> tuple[np.ndarray, bool]:
    """The numbers of the rows ``kept`` (all without them) as float32 of shape (rows, outputs), and whether they had one axis."""
    y = plain(y)
    if HAS_SKLEARN:
        from sklearn.utils.validation import check_array

        array = check_array(y, ensure_2d=False, dtype=None, input_name="y", allow_nd=True)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    else:
        array = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    values = array.astype(np.float64)
    if values.ndim not in (1, 2):
        raise ValueError(f"y should be a 1d array or a matrix, got an array of shape {values.shape} instead.")
    if len(values) != rows:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[rows, len(values)]}")
    if kept is not None:
        values = values[kept]
    rows = len(values)
    with np.errstate(over="ignore"):
        values32 = values.reshape(rows, -1).astype(np.float32)
    if not np.isfinite(values32).all():
        what = "NaN or infinity" if not np.isfinite(values).all() else "a value too large for dtype('float32')"
        raise ValueError(f"Input y contains {what}.")
    return values32, values.ndim == 1


def class_factors(class_weight: Any, labels: Labels, y: np.ndarray) -> np.ndarray | None:
    """The factor of each row's weight for its class ``y``."""
    if class_weight is None:
        return None
    if labels.kind == "multilabel":
        raise ValueError("class_weight is for one class in each row; weigh several labels by the loss's pos_weight")
    factors = np.ones(len(labels.classes))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight must be a dict, 'balanced', or None. Got {class_weight!r} instead.")
        counts = np.bincount(y, minlength=len(factors))
        factors = len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(class_weight, Mapping):
        for label, weight in class_weight.items():
            place = np.flatnonzero(labels.classes == label)
            if len(place) == 0:
                raise ValueError(f"class_weight has the class {label!r}, y has not; it has {list(labels.classes)}")
            if not np.isfinite(weight) or weight < 0:
                raise ValueError(f"the weight of class {label!r} is {weight!r}; give a number of at least 0")
            factors[place[0]] = weight
    else:
        raise ValueError(f"class_weight must be a dict, 'balanced', or None. Got {class_weight!r} instead.")
    return factors[y]
