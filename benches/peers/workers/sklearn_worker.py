"""scikit-learn as a contestant: `partial_fit` of its multi-layer perceptrons with the case's batches and weights."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
import threadpoolctl
from serve import Case, Loaded, Unable, measure_steps, serve, threads
from sklearn.neural_network import MLPClassifier, MLPRegressor


class Training(Loaded):
    """A call of `partial_fit` is a step."""

    def __init__(self, case: Case) -> None:
        assert case.y is not None
        if case.loss == "cross_entropy" and case.sizes[-1] == 2:
            raise Unable("for two classes its classifier has one logistic output, not two")
        self.case = case
        self.x, self.y = list(case.x), list(case.y)
        self.classes = np.arange(case.sizes[-1])
        adam = case.optimizer["name"] == "adam"
        lr = case.lr
        if case.loss == "mse":
            # Its loss is half the sum over the outputs, the case's is their mean.
            lr *= 2.0 / case.sizes[-1]
        options = {
            "hidden_layer_sizes": tuple(case.sizes[1:-1]),
            "activation": "relu",
            "solver": "adam" if adam else "sgd",
            "alpha": 0.0,
            "batch_size": case.batch,
            "learning_rate_init": lr,
            "momentum": case.momentum,
            "nesterovs_momentum": False,
            "shuffle": False,
        }
        kind = MLPClassifier if case.loss == "cross_entropy" else MLPRegressor
        self.model = kind(**options)
        self.fit(0)
        self.start()

    def fit(self, batch: int) -> None:
        if self.case.loss == "cross_entropy":
            self.model.partial_fit(self.x[batch], self.y[batch], classes=self.classes)
        else:
            self.model.partial_fit(self.x[batch], self.y[batch])

    def start(self) -> None:
        """Sets the weights; the optimiser is made anew at the next call."""
        for layer, (weight, bias) in enumerate(zip(self.case.weights, self.case.biases)):
            self.model.coefs_[layer] = np.ascontiguousarray(weight.T)
            self.model.intercepts_[layer] = bias.copy()
        self.model.__dict__.pop("_optimizer", None)
        self.model.loss_curve_.clear()

    def run(self, step: int, count: int) -> None:
        for number in range(step, step + count):
            self.fit(number % len(self.x))

    def measure(self, seconds: float) -> dict:
        return measure_steps(seconds, self.start, self.run)

    def losses(self, steps: int) -> list[float]:
        self.start()
        self.run(0, steps)
        found = list(self.model.loss_curve_)[:steps]
        scale = 1.0 if self.case.loss == "cross_entropy" else 2.0
        return [scale * loss for loss in found]


if __name__ == "__main__":
    # Of the number of iterations, which partial_fit is not concerned with.
    warnings.simplefilter("ignore")
    with threadpoolctl.threadpool_limits(threads()):
        serve(
            {"name": "scikit-learn", "versions": {"scikit-learn": sklearn.__version__}},
            lambda case, _: Training(case),
        )
