"""Frames with categories as matrices of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Columns", "has_categories", "is_frame"]

#: Columns of more values than this become codes where ``embedding`` is ``'auto'``.
EMBED_ABOVE = 50

#: Of unseen categories, so many are listed for each column.
LISTED = 10


def is_frame(X: Any) -> bool:
    """Whether ``X`` is a frame of pandas or polars (or of a library that names things alike)."""
    return hasattr(X, "columns") and hasattr(X, "dtypes") and hasattr(X, "__getitem__") and hasattr(X, "shape")


def has_categories(X: Any) -> bool:
    """Whether a frame has a column of categories or text."""
    return any(_is_category(X[name]) for name in X.columns)


def _is_category(column: Any) -> bool:
    dtype = str(column.dtype)
    if dtype.startswith(("category", "Categorical", "Enum", "String", "Utf8", "string", "str", "large_string")):
        return True
    if dtype not in ("object", "Object"):
        return False
    return any(isinstance(value, str) for value in _values(column))


def _values(column: Any) -> list[Any]:
    """The column's values; ``None`` where one is missing."""
    values = column.to_list() if hasattr(column, "to_list") else list(column)
    return [None if value is None or value != value or str(value) == "<NA>" else value for value in values]


def _numbers(name: Any, column: Any) -> np.ndarray:
    dtype = str(column.dtype)
    if dtype.lower().startswith(("date", "time", "duration", "period")):
        raise TypeError(f"column {str(name)!r} is of type {dtype}; give numbers or categories made of it")
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"column {str(name)!r} is of type {dtype}, which is no number: {error}") from error


@dataclass
class Columns:
    """How the columns of a frame become numbers: a number stays, a category becomes a column for each of its values, or a code.

    Attributes
    ----------
    names : list of str
        The frame's columns.
    categories : dict of str to list
        For each column of categories the values that were fitted, in order; ``None`` among them where one was missing.
    lengths : dict of str to int
        For each column that becomes a code the length of its table's rows.
    """

    names: list[str]
    categories: dict[str, list[Any]]
    lengths: dict[str, int] = field(default_factory=dict)

    @classmethod
    def fit(cls, X: Any, embedding: Any = "never") -> "Columns":
        """Learns the categories of a frame's rows."""
        categories = {}
        for name in X.columns:
            if _is_category(X[name]):
                seen = set(_values(X[name]))
                missing = [None] if None in seen else []
                categories[str(name)] = sorted(seen - {None}, key=lambda value: (str(type(value)), value)) + missing
        chosen: dict[str, int | None] = {}
        if not isinstance(embedding, str):
            chosen = dict(embedding) if isinstance(embedding, dict) else dict.fromkeys(embedding)
        others = [name for name in chosen if name not in categories]
        if others:
            raise ValueError(
                f"embedding names {', '.join(map(repr, others))}, which is no column of categories; there are "
                f"{', '.join(map(repr, categories)) or 'none'}"
            )
        most = {"never": math.inf, "always": -1}.get(embedding if isinstance(embedding, str) else "auto", EMBED_ABOVE)
        lengths = {
            name: int(chosen.get(name) or embedding_length(len(values) + 1))
            for name, values in categories.items()
            if name in chosen or len(values) > most
        }
        return cls([str(name) for name in X.columns], categories, lengths)

    @property
    def tables(self) -> dict[int, tuple[int, int]]:
        """The columns of codes by their place among the columns of numbers: how many codes, and the length of a table's row."""
        places = {name: at for at, name in enumerate(self.encoded)}
        return {places[name]: (len(self.categories[name]) + 1, length) for name, length in self.lengths.items()}

    @property
    def encoded(self) -> list[str]:
        """The name of each column of numbers: ``age``, ``colour=red``."""
        return [
            encoded
            for name in self.names
            for encoded in (
                [f"{name}={_name(value)}" for value in self.categories[name]]
                if name in self.categories and name not in self.lengths
                else [name]
            )
        ]

    def encode(self, X: Any, unknown: str) -> np.ndarray:
        """The rows of a frame with these columns as a matrix of numbers.

        Parameters
        ----------
        X : frame
            Its columns are those that were fitted.
        unknown : {'error', 'ignore'}
            What a category does that was not fitted: it is an error that lists them, or has no column, or the code 0.
        """
        blocks, unseen = [], []
        for name, column in zip(self.names, (X[name] for name in X.columns)):
            fitted = self.categories.get(name)
            if fitted is None:
                if _is_category(column):
                    raise ValueError(f"column {name!r} held numbers when the estimator was fitted; now it holds text")
                blocks.append(_numbers(name, column)[:, None])
                continue
            values = _values(column)
            places = {value: place for place, value in enumerate(fitted)}
            is_code = name in self.lengths
            block = np.zeros((len(values), 1 if is_code else len(fitted)))
            strangers: dict[Any, None] = {}
            for row, value in enumerate(values):
                place = places.get(value)
                if place is None:
                    strangers[value] = None
                elif is_code:
                    block[row, 0] = place + 1
                else:
                    block[row, place] = 1.0
            if strangers:
                unseen.append(_describe(name, list(strangers), fitted))
            blocks.append(block)
        if unseen and unknown == "error":
            raise ValueError(
                "categories that were not fitted: " + "; ".join(unseen) + "; set handle_unknown='ignore' to predict such "
                "rows without them"
            )
        return np.hstack(blocks)


def embedding_length(codes: int) -> int:
    """How long the rows of a table of so many rows are: fastai's min(600, round(1.6 n^0.56)).

    Examples
    --------
    >>> from glassnet._estimators_columns import embedding_length
    >>> [embedding_length(codes) for codes in (2, 10, 52, 1000, 100000)]
    [2, 6, 15, 77, 600]
    """
    return max(1, min(600, round(1.6 * codes**0.56)))


def _name(value: Any) -> str:
    return "missing" if value is None else str(value)


def _describe(name: str, strangers: list[Any], fitted: list[Any]) -> str:
    def listed(values: list[Any]) -> str:
        more = f" and {len(values) - LISTED} more" if len(values) > LISTED else ""
        return ", ".join("missing" if value is None else repr(value) for value in values[:LISTED]) + more

    return f"column {name!r} has {listed(strangers)} (fitted: {listed(fitted)})"
