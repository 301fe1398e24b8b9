"""``MLPClassifier`` and ``MLPRegressor``: scikit-learn's estimators on the compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._estimators_base import ClassifierMixin, RegressorMixin, r2
from ._estimators_docs import documented
from ._estimators_labels import Labels, class_factors, numbers
from ._estimators_mlp import BaseMLP, Task
from ._estimators_objective import classification, regression

__all__ = ["MLPClassifier", "MLPRegressor"]

@documented
class MLPClassifier(ClassifierMixin, BaseMLP):
    """A feed-forward network that classifies: scikit-learn's estimator, trained by the compiled loop in float32.

    Parameters, defaults, initial weights, order of rows and stopping rules are those of
    ``sklearn.neural_network.MLPClassifier``; arguments after ``max_fun`` are new.

    Parameters
    ----------
    {shared}
    loss : str, default='log_loss'
        ``'log_loss'``, or cross-entropy with arguments as in ``torch.nn``: ``'cross_entropy(label_smoothing=0.1)'``, and for
        two classes or several labels ``'bce_with_logits'``.
    class_weight : dict, 'balanced' or None, default=None
        A factor of the rows' weights for each class.

    Attributes
    ----------
    classes_ : ndarray
        The classes in the order of ``predict_proba``'s columns.
    {attributes}

    Notes
    -----
    - Integer weights and repeated rows are the same training, bit for bit, where one step takes all rows (``batch_size``
      of at least the number of rows, 200 by default), without ``dropout`` and ``batch_norm``.
    - Ctrl-C ends the training with a warning; the weights so far are kept, the best ones with ``early_stopping``.
    - With ``early_stopping`` both parts have every class in its proportion, for more than two classes too, unless a class
      has one row only.
    - Sparse matrices are accepted and become dense float32.
    - For several labels ``y`` is a matrix of zeros and ones.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet import MLPClassifier
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    >>> y = ["equal", "different", "different", "equal"]
    >>> model = MLPClassifier((16,), "tanh", learning_rate_init=0.05, max_iter=400, random_state=0).fit(X, y)
    >>> model.predict([[0, 1], [1, 1]])
    array(['different', 'equal'], dtype='<U9')
    >>> model.predict_proba(X).shape
    (4, 2)
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        loss: str = "log_loss",
        class_weight: Any = None,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        network: Any = None,
        optimizer: Any = None,
        schedule: Any = None,
        embedding: Any = "auto",
        handle_unknown: str = "error",
        threads: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.network = network
        self.optimizer = optimizer
        self.schedule = schedule
        self.embedding = embedding
        self.handle_unknown = handle_unknown
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPClassifier":
        """Trains the network.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows. Columns of categories or text in a frame of pandas or polars become a column for each value, or a code
            that looks up a row of a trained table (`embedding`).
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The class of each row, or zeros and ones for several labels.
        sample_weight : array-like of shape (n_samples,), optional
            The rows' weights.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> "MLPClassifier":
        """Trains for one epoch, going on with weights and optimiser of the last one.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : array-like, optional
            All classes; needed the first time.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        fitted = getattr(self, "_labels", None)
        if fitted is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            given = np.unique(np.asarray(classes))
            if fitted is None:
                self._declared = given
            elif not np.array_equal(fitted.classes, given):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {fitted.classes!r}"
                )
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row; for several labels a matrix of zeros and ones.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        outputs = self._outputs(X)
        return self._labels.decode(_chosen(outputs, self._labels.kind))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``, float64.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of each class's probability, accurate where the probability is tiny.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        outputs = self._outputs(X).astype(np.float64)
        if self._labels.kind == "multilabel":
            return -np.logaddexp(0.0, -outputs)
        if outputs.shape[1] == 1:
            return np.hstack([-np.logaddexp(0.0, outputs), -np.logaddexp(0.0, -outputs)])
        outputs -= outputs.max(axis=1, keepdims=True)
        return outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))

    @property
    def classes_(self) -> np.ndarray:
        """The classes in the order of ``predict_proba``'s columns."""
        labels = getattr(self, "_labels", None)
        if labels is None:
            raise AttributeError("classes_: the classifier was not fitted")
        return labels.classes

    def _targets(self, y: Any, rows: int, kept: np.ndarray | None, *, first: bool, incremental: bool) -> np.ndarray:
        declared = self.__dict__.pop("_declared", None)
        if first and not (incremental and declared is None and hasattr(self, "_labels")):
            self._labels = Labels.fit(y, kept, declared)
        return self._labels.encode(y, rows, kept, warm=not first and self.warm_start and not incremental)

    def _task(self, y: np.ndarray, weights: np.ndarray | None) -> Task:
        return classification(self, self._labels, y)

    def _class_weights(self, y: np.ndarray) -> np.ndarray | None:
        return class_factors(self.class_weight, self._labels, y)

    def _stratify(self, y: np.ndarray) -> np.ndarray | None:
        if self._labels.kind == "multilabel":
            return None
        # A class of one row can't be on both sides, nor can more classes than rows be on one.
        counts = np.bincount(y)
        judges = int(np.ceil(self.validation_fraction * len(y)))
        possible = counts[counts > 0].min() > 1 and np.count_nonzero(counts) <= min(judges, len(y) - judges)
        return y if possible else None

    def _score_outputs(self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        right = _chosen(outputs, self._labels.kind).reshape(len(y), -1) == y.reshape(len(y), -1)
        return float(np.average(right.all(axis=1), weights=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"multilabel": True}


def _chosen(outputs: np.ndarray, kind: str) -> np.ndarray:
    """The index of the most probable class, or whether each label is more probable than not."""
    if kind == "multilabel":
        return (outputs > 0).astype(np.int64)
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0).astype(np.int64)
    return outputs.argmax(axis=1)


@documented
class MLPRegressor(RegressorMixin, BaseMLP):
    """A feed-forward network that predicts numbers: scikit-learn's estimator, trained by the compiled loop in float32.

    Parameters, defaults, initial weights, order of rows and stopping rules are those of
    ``sklearn.neural_network.MLPRegressor``; arguments after ``max_fun`` are new.

    Parameters
    ----------
    loss : str, default='squared_error'
        ``'squared_error'`` (halved, as in scikit-learn), ``'poisson'`` (the network then predicts the logarithm),
        ``'absolute_error'``, or any loss as in ``torch.nn``: ``'HuberLoss(delta=2.0)'``, ``'smooth_l1'``.
    {shared}

    Attributes
    ----------
    {attributes}

    Notes
    -----
    - Targets are not scaled: give numbers of moderate size, or wrap the estimator in scikit-learn's
      ``TransformedTargetRegressor``.
    - For several outputs, ``loss_curve_`` holds the halved squared error added up over the outputs, which is what is
      minimised; scikit-learn minimises the same and reports the mean over the outputs.
    - Integer weights and repeated rows are the same training, bit for bit, where one step takes all rows (``batch_size``
      of at least the number of rows, 200 by default), without ``dropout`` and ``batch_norm``.
    - Ctrl-C ends the training with a warning; the weights so far are kept, the best ones with ``early_stopping``.

    Examples
    --------
    >>> import numpy as np
    >>> from glassnet import MLPRegressor
    >>> X = np.linspace(-2, 2, 100)[:, None]
    >>> model = MLPRegressor(learning_rate_init=0.02, max_iter=300, random_state=0).fit(X, X[:, 0] ** 2)
    >>> model.score(X, X[:, 0] ** 2) > 0.99
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        network: Any = None,
        optimizer: Any = None,
        schedule: Any = None,
        embedding: Any = "auto",
        handle_unknown: str = "error",
        threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.network = network
        self.optimizer = optimizer
        self.schedule = schedule
        self.embedding = embedding
        self.handle_unknown = handle_unknown
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Trains the network.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows. Columns of categories or text in a frame of pandas or polars become a column for each value, or a code
            that looks up a row of a trained table (`embedding`).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The numbers to be predicted.
        sample_weight : array-like of shape (n_samples,), optional
            The rows' weights.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Trains for one epoch, going on with weights and optimiser of the last one.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The numbers of each row.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            float64.
        """
        outputs = self._values(self._outputs(X))
        return outputs[:, 0] if self._single else outputs

    def _values(self, outputs: np.ndarray) -> np.ndarray:
        outputs = outputs.astype(np.float64)
        return np.exp(outputs) if self.out_activation_ == "exp" else outputs

    def _targets(self, y: Any, rows: int, kept: np.ndarray | None, *, first: bool, incremental: bool) -> np.ndarray:
        values, single = numbers(y, rows, kept)
        if not first and values.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {values.shape[1]} outputs, the estimator was fitted with {self.n_outputs_}")
        self._single = single
        return values

    def _task(self, y: np.ndarray, weights: np.ndarray | None) -> Task:
        return regression(self, y, weights)

    def _score_outputs(self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        return r2(y, self._values(outputs), weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"multioutput": True}
