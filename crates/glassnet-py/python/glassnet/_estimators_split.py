"""Rows set aside to judge a training."""

from __future__ import annotations

import numpy as np

from ._estimators_base import HAS_SKLEARN

__all__ = ["split"]


def split(
    rows: int, fraction: float, classes: np.ndarray | None, random: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that train and those that judge, ``fraction`` of them; with ``classes`` in their proportions.

    Where scikit-learn is installed, this is its ``train_test_split``.
    """
    if HAS_SKLEARN:
        from sklearn.model_selection import train_test_split

        parts = train_test_split(np.arange(rows), random_state=random, test_size=fraction, stratify=classes)
        return parts[0], parts[1]
    judges = int(np.ceil(fraction * rows))
    if judges < 1 or judges >= rows:
        raise ValueError(f"validation_fraction={fraction} of {rows} rows leaves none to judge or none to train")
    if classes is None:
        order = random.permutation(rows)
        return order[judges:], order[:judges]
    # Each class gives its share; what rounding leaves over comes from those that lost most by it.
    labels, of_row, counts = np.unique(classes, return_inverse=True, return_counts=True)
    if (counts < 2).any():
        lonely = labels[counts < 2][0]
        raise ValueError(
            f"The least populated class in y, {lonely!r}, has only 1 member, which is too few to judge and to train"
        )
    share = counts * (judges / rows)
    taken = np.floor(share).astype(int)
    for place in np.argsort(taken - share, kind="stable")[: judges - taken.sum()]:
        taken[place] += 1
    judging = [random.permutation(np.flatnonzero(of_row == place))[: taken[place]] for place in range(len(labels))]
    chosen = random.permutation(np.concatenate(judging))
    rest = random.permutation(np.setdiff1d(np.arange(rows), chosen))
    return rest, chosen
