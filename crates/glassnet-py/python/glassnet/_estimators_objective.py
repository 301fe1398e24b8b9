"""What is minimised, and what the network's outputs then mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._estimators_labels import Labels
from ._estimators_mlp import Task
from ._estimators_network import output_width
from ._estimators_train import Objective
from ._notation import loss_notation, network_notation

__all__ = ["classification", "regression"]

_CROSS_ENTROPY = ("cross_entropy", "CrossEntropyLoss")
_BINARY = ("bce_with_logits", "BCEWithLogitsLoss")
_POISSON = ("poisson_nll", "PoissonNLLLoss")


def _name(loss: str) -> str:
    """The name of a loss in notation, without its module and its arguments."""
    return loss.split("(")[0].strip().removeprefix("torch.").removeprefix("nn.")


def classification(estimator: Any, labels: Labels, y: np.ndarray) -> Task:
    """For classes ``y``: as numbers from 0 for several, as 0.0 and 1.0 where each output is a yes or no."""
    loss = loss_notation(estimator.loss)
    name = _name(loss)
    if name != "log_loss" and name not in _CROSS_ENTROPY + _BINARY:
        raise ValueError(
            f"The 'loss' parameter of {type(estimator).__name__} must be 'log_loss', 'cross_entropy' or 'bce_with_logits', "
            f"the last two with arguments if need be. Got {estimator.loss!r} instead."
        )
    if labels.kind == "multilabel":
        if name in _CROSS_ENTROPY:
            raise ValueError("cross_entropy is for one class of several; for several labels use 'bce_with_logits'")
        outputs = len(labels.classes)
        notation = "bce_with_logits" if name == "log_loss" else loss
        # scikit-learn adds up over the labels.
        scale = float(outputs) if name == "log_loss" else 1.0
        return Task(outputs, Objective(notation, scale), "logistic")
    single = labels.kind == "binary" and name not in _CROSS_ENTROPY
    if single and estimator.network is not None and name == "log_loss":
        # A network of the user's may have one output for two classes or one for each.
        single = _width_of(estimator) == 1
    if name in _BINARY and not single:
        raise ValueError(f"bce_with_logits is for two classes or several labels; y has {len(labels.classes)} classes")
    if single:
        return Task(1, Objective("bce_with_logits" if name == "log_loss" else loss), "logistic")
    notation = "cross_entropy" if name == "log_loss" else loss
    return Task(len(labels.classes), Objective(notation), "softmax")


def _width_of(estimator: Any) -> int:
    from . import _glassnet

    notation = network_notation(estimator.network)
    columns = getattr(estimator, "_columns", None)
    inputs = estimator.n_features_in_ if columns is None else len(columns.encoded)
    printed, state = _glassnet.network_state(notation, 0)
    return output_width(printed, state, inputs)


def regression(estimator: Any, y: np.ndarray, weights: np.ndarray | None) -> Task:
    """For numbers ``y`` of shape (rows, outputs)."""
    loss = loss_notation(estimator.loss)
    outputs = y.shape[1]
    if loss == "squared_error":
        return Task(outputs, Objective("mse", 0.5 * outputs), "identity")
    if loss == "absolute_error":
        return Task(outputs, Objective("l1"), "identity")
    if loss == "poisson" or _name(loss) in _POISSON:
        if (y < 0).any():
            raise ValueError("Some value(s) of y are out of the valid range of the loss 'poisson': give y >= 0")
        if loss != "poisson":
            return Task(outputs, Objective(loss), "exp" if "log_input=False" not in loss else "identity")
        # Half the deviance: what scikit-learn's loss has beside e^p − y·p, which no weight changes.
        values = y.astype(np.float64)
        rest = np.where(values > 0, values * np.log(np.where(values > 0, values, 1.0)), 0.0) - values
        offset = float(np.average(rest.sum(axis=1), weights=weights))
        return Task(outputs, Objective("poisson_nll", float(outputs), offset), "exp")
    return Task(outputs, Objective(loss), "identity")
