"""The compiled training loop: ``glassnet.fit``."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

import numpy as np

from . import _glassnet
from ._convert import as_array
from ._notation import loss_notation, network_notation, optimizer_notation, schedule_notation
from ._threads import threads_to_use

if TYPE_CHECKING:
    from ._settings import Settings

__all__ = ["FitResult", "fit"]


@dataclass
class FitResult:
    """What a training leaves behind; plain data, so it can be copied and pickled.

    Attributes
    ----------
    network : str
        The network in notation.
    state_dict : dict of str to ndarray
        The best weights: those of the lowest validation loss, or the last ones without validation.
    history : list of dict
        For every epoch ``epoch`` (from 1), ``train_loss``, ``lr``, ``improved``, and with validation rows ``validation``,
        the metrics that apply by their names.
    best_epoch : int
        The epoch of those weights; 0 for the initial ones.
    stopped : {'finished', 'patience', 'callback', 'interrupted'}
        Why it ended.
    seconds : float
        How long it took, compiling included.
    optimizer_state : dict
        What the optimiser remembers: give it to the next ``fit`` to go on.
    """

    network: str
    state_dict: dict[str, np.ndarray] = field(repr=False)
    history: list[dict[str, Any]] = field(repr=False)
    best_epoch: int
    stopped: str
    seconds: float
    optimizer_state: dict[str, Any] = field(repr=False)

    @property
    def train_loss(self) -> list[float]:
        """The training loss of every epoch."""
        return [epoch["train_loss"] for epoch in self.history]

    @property
    def validation_loss(self) -> list[float]:
        """The validation loss of every epoch; empty without validation rows."""
        return [epoch["validation"]["loss"] for epoch in self.history if "validation" in epoch]


def fit(
    net: Any,
    x: Any,
    y: Any,
    *,
    loss: Any = None,
    optimizer: Any = "Adam",
    schedule: Any = None,
    epochs: int = 100,
    batch_size: int = 32,
    validation: float | tuple[Any, ...] | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | Sequence[float] | str | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    shuffle: bool | str = True,
    seed: int = 0,
    threads: int | None = None,
    callback: Callable[[dict[str, Any]], Any] | None = None,
    optimizer_state: dict[str, Any] | None = None,
) -> FitResult:
    """Trains a network with the compiled loop.

    Parameters
    ----------
    net : Module or str
        A ``glassnet.nn`` module, which gets the trained weights, or a network in notation, whose initial weights are
        those of ``seed``.
    x : array-like of shape (rows, ...)
        Features: numbers, or integers for a network that begins with an embedding. An array of ``float32`` in row-major
        order is read where it lies, also a ``numpy.memmap``; anything else is copied first. It must not be changed while
        the training runs, as by another thread or the callback: the training would see some of it.
    y : array-like
        Class indices of shape (rows,), or numbers of shape (rows, ...); read where they lie like ``x`` if they are
        ``float32``.
    loss : str or loss module, optional
        ``'cross_entropy'``, ``'mse'`` or any other, with arguments as in ``torch.nn``. By default cross-entropy for
        integers and the mean squared error for numbers.
    optimizer, schedule : str or object
        As in ``torch.optim``: ``'Adam(lr=0.01)'``, ``'StepLR(step_size=10)'``.
    epochs : int
        How often every row is visited.
    batch_size : int
        Rows per step.
    validation : float or tuple, optional
        The part of the rows, chosen by ``seed``, that judges instead of training, or ``(x, y)`` or
        ``(x, y, sample_weight)``. With it, the weights of the lowest validation loss win.
    patience : int, optional
        Stop when the validation loss has not improved for so many epochs.
    min_delta : float
        What counts as an improvement.
    sample_weight : array-like of shape (rows,), optional
        The loss of a batch becomes ``sum(w * loss) / sum(w)``.
    class_weight : dict, sequence or 'balanced', optional
        A factor of the rows' weights for each class.
    l1, l2 : float
        Penalties: ``l1 * sum(abs(w))`` and ``l2 / 2 * sum(w ** 2)`` of all parameters.
    clip_norm, clip_value : float, optional
        The largest norm of the whole gradient; the largest size of each of its elements.
    shuffle : bool or 'torch'
        A new order for every epoch; ``'torch'`` is the order of ``torch.randperm`` after ``torch.manual_seed(seed)`` and
        the network's initialisation.
    seed : int
        Of order, dropout, split, and of the weights of a network in notation.
    threads : int, optional
        See ``glassnet.set_num_threads``. It changes the speed, never a bit of the result.
    callback : callable, optional
        Called after every epoch with its entry of the history; ``True`` stops the training.
    optimizer_state : dict, optional
        That of an earlier result, to go on with its moments.

    Returns
    -------
    FitResult

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C stops the training within 0.1 s (or one step, if that takes longer). The best weights so far are stored in
        a module first; ``error.result`` is the result so far.
    FloatingPointError
        The training diverged; the message names step, layer and rows.

    Examples
    --------
    >>> import numpy as np
    >>> import glassnet as gn
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> result = gn.fit("2-8t-2", x, np.array([0, 1, 1, 0]), optimizer="Adam(lr=0.05)", epochs=300)
    >>> result.history[-1]["train_loss"] < 0.05
    True
    """
    begun = time.perf_counter()
    notation, state = _network(net, seed)
    x = features(x, notation)
    y, default = _target(y)
    weights = _weights(sample_weight, class_weight, y)
    training = (x, y, weights)
    rows, judging = _split(training, validation, seed, notation)
    settings: Settings = {
        "loss": default if loss is None else loss_notation(loss),
        "optimizer": optimizer_notation(optimizer),
        "schedule": None if schedule is None else schedule_notation(schedule),
        "epochs": _count(epochs, "epochs", least=0),
        "batch_size": _count(batch_size, "batch_size"),
        "shuffle": "torch" if shuffle == "torch" else "own" if shuffle else "none",
        "seed": _count(seed, "seed", least=0),
        "threads": threads_to_use(threads),
        "patience": None if patience is None else _count(patience, "patience"),
        "min_delta": float(min_delta),
        "l1": float(l1),
        "l2": float(l2),
        "alpha": 0.0,
        "epsilon_hat": False,
        "velocity": False,
        "clip_norm": None if clip_norm is None else float(clip_norm),
        "clip_value": None if clip_value is None else float(clip_value),
        "rows": rows,
        "order": None,
        "on_epoch": None if callback is None else lambda epoch: callback(epoch) is True,
        "judge": None,
    }
    found = _glassnet.fit(notation, state, training, judging, settings, optimizer_state)
    result = FitResult(
        network=notation,
        state_dict=found["state"],
        history=found["history"],
        best_epoch=found["best_epoch"],
        stopped=found["stopped"],
        seconds=time.perf_counter() - begun,
        optimizer_state=found["optimizer_state"],
    )
    if not isinstance(net, str):
        net.load_state_dict(result.state_dict)
    if result.stopped == "interrupted":
        interrupt = KeyboardInterrupt("the training was interrupted; the best weights so far are kept")
        interrupt.result = result  # type: ignore[attr-defined]
        raise interrupt
    return result


def _network(net: Any, seed: int) -> tuple[str, dict[str, np.ndarray]]:
    """The network in notation and its weights."""
    if isinstance(net, str):
        return _glassnet.network_state(net, _count(seed, "seed", least=0))
    state = {key: np.asarray(value) for key, value in net.state_dict().items()}
    return network_notation(net), state


def features(x: Any, notation: str = "") -> np.ndarray:
    """``x`` as float32, or as int64 for a network that begins with an embedding."""
    x = as_array(x)
    if x.dtype.kind in "iu" and "Embedding(" in notation and _glassnet.takes_indices(notation):
        return np.ascontiguousarray(x, dtype=np.int64)
    if x.ndim < 1:
        raise ValueError("the features are one number; give rows of features")
    return np.ascontiguousarray(x, dtype=np.float32)


def _target(y: Any) -> tuple[np.ndarray, str]:
    """The targets, and the loss that belongs to them."""
    y = as_array(y)
    if y.dtype.kind in "iub" and y.ndim == 1:
        return np.ascontiguousarray(y, dtype=np.int64), "cross_entropy"
    if y.dtype.kind not in "fiub":
        raise TypeError(f"the targets are of type {y.dtype}; give class indices or numbers")
    return np.ascontiguousarray(y, dtype=np.float32), "mse"


def _weights(sample_weight: Any, class_weight: Any, y: np.ndarray) -> np.ndarray | None:
    """The rows' weights, the classes' weights among them."""
    weights = None
    if sample_weight is not None:
        weights = np.ascontiguousarray(as_array(sample_weight), dtype=np.float32)
        if weights.ndim != 1:
            raise ValueError("sample_weight has more than one axis; give one weight for each row")
    if class_weight is None:
        return weights
    if y.dtype != np.int64:
        raise ValueError("class_weight is for class indices; these targets are numbers")
    of_rows = class_factors(class_weight, y).astype(np.float32)
    return of_rows if weights is None else weights * of_rows


def class_factors(class_weight: Any, y: np.ndarray) -> np.ndarray:
    """The weight of each row's class, for class indices ``y``."""
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight is {class_weight!r}; give 'balanced', a dict or a sequence")
        counts = np.bincount(y)
        factors = len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(class_weight, Mapping):
        factors = np.ones(max(int(y.max(initial=0)), *class_weight) + 1 if class_weight else int(y.max(initial=0)) + 1)
        for label, weight in class_weight.items():
            factors[label] = weight
    else:
        factors = np.asarray(class_weight, dtype=np.float64)
        if factors.ndim != 1 or len(factors) <= y.max(initial=0):
            raise ValueError("class_weight has no weight for some class")
    return factors[y]


def _split(table: tuple[Any, ...], validation: Any, seed: int, notation: str) -> tuple[np.ndarray | None, tuple[Any, ...] | None]:
    """The numbers of the rows that train (``None``: all of them), and the table that judges."""
    if validation is None or (isinstance(validation, (int, float)) and validation == 0):
        return None, None
    if isinstance(validation, tuple):
        x, y, *weights = validation
        weight = None if not weights or weights[0] is None else np.ascontiguousarray(as_array(weights[0]), np.float32)
        return None, (features(x, notation), _target(y)[0], weight)
    share = float(validation)
    rows = len(table[0])
    judges = int(round(share * rows))
    if not 0 < share < 1 or not 0 < judges < rows:
        raise ValueError(f"validation is {validation!r} of {rows} rows; give a part between 0 and 1, or (x, y)")
    order = np.random.default_rng(seed).permutation(rows)
    judging = np.sort(order[:judges])
    return np.sort(order[judges:]), tuple(None if each is None else each[judging] for each in table)


def _count(value: Any, name: str, least: int = 1) -> int:
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ValueError(f"{name} is {value!r}; give a whole number of at least {least}")
    return int(value)
