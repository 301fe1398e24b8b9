"""What the library explains, as documents that a notebook displays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _glassnet
from ._glassnet import Document
from ._notation import loss_notation, network_notation, optimizer_notation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Document", "derive", "exercise", "explain", "lesson", "summary", "worked"]


def derive(
    formula: str, *, order: int = 1, variable: str | None = None, properties: bool = False
) -> Document:
    """Derive a formula step by step, each step with the name of its rule.

    Parameters
    ----------
    formula
        A formula (``"z*sigmoid(z)"``), a function's name (``"tanh"``) or an activation layer (``"LeakyReLU(0.1)"``).
    order
        1, or 2 for the second derivative.
    variable
        What to derive by; ``z``, ``x``, or the only variable if not given.
    properties
        Only the function's properties: range, monotony, kinks, limits, each with how it is known.

    Returns
    -------
    Document

    Examples
    --------
    >>> import glassnet as gn
    >>> import json
    >>> json.loads(gn.derive("tanh(z)").json())["derivative"]
    '1 - tanh(z)^2'
    """
    words = ["derive", formula, "--order", str(order)]
    if variable is not None:
        words += ["--variable", variable]
    if properties:
        words.append("--properties")
    return _glassnet.answer(words)


def worked(topic: str, *values: object, **flags: object) -> Document:
    """Work a topic out with your own numbers: what ``glassnet worked TOPIC`` shows.

    Parameters
    ----------
    topic
        ``"softmax"``, ``"collapse"``, ``"activations"``, ``"basis"``, ``"logistic"`` or ``"manual"``.
    *values
        What the topic is about, as on the command line: ``"A=7"``, ``"B=1"``; arrays and lists are joined by commas.
    **flags
        The topic's flags, without dashes and with ``_`` for ``-``; a flag that takes no value is ``True``. Python's own
        word ``true`` is free: ``true="A"``.

    Examples
    --------
    >>> import glassnet as gn
    >>> import json
    >>> data = json.loads(gn.worked("softmax", "A=7", "B=1", "C=2.2", true="A").json())
    >>> round(data["p"][0], 4), data["predicted"]
    (0.9894, 'A')
    """
    words = ["worked", topic, *(_word(value) for value in values)]
    for name, value in flags.items():
        words += _flag(name, value)
    return _glassnet.answer(words)


def _word(value: object) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, Iterable):
        return ",".join(_word(part) for part in value)
    return str(value)


def _flag(name: str, value: object) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if value is True:
        return [flag]
    if value is False or value is None:
        return []
    return [f"{flag}={_word(value)}"]


def lesson(name: str | None = None) -> Document:
    """Show a lesson with live results: ``"1.1"`` to ``"2.5"``, ``"all"``, or the list of them.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.lesson().title
    'Lessons'
    """
    return _glassnet.answer(["lesson"] if name is None else ["lesson", str(name)])


def exercise(task: str, *, seed: int = 0, solution: bool = False) -> Document:
    """Make a variant of an exercise's task; the same seed gives the same one for ever.

    Parameters
    ----------
    task
        ``"1.1"``, ``"1.2"``, ``"1.3"``, ``"1.4"``, ``"2.1"``, ``"2.2"``, ``"2.3"`` or ``"2.5"``.
    seed
        Which variant.
    solution
        Also show the worked solution.
    """
    words = ["exercise", str(task), "--seed", str(seed)]
    return _glassnet.answer([*words, "--solution"] if solution else words)


def _network(net: Any) -> tuple[str, dict[str, np.ndarray] | None]:
    """The notation of ``net``, and its state dict as arrays if it has one."""
    if isinstance(net, str):
        return net, None
    notation = network_notation(net)
    # Not by ascontiguousarray, which gives a number without axes one.
    state = {key: np.asarray(_array(value), order="C") for key, value in net.state_dict().items()}
    return notation, state


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def summary(net: Any) -> Document:
    """Count a network's weights layer by layer: how many, and why so many.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, or a network in notation such as ``"6-32-4"``.

    Examples
    --------
    >>> import glassnet as gn
    >>> import json
    >>> json.loads(gn.summary("6-32-32-32-4").json())["parameters"]
    2468
    """
    notation, _ = _network(net)
    return _glassnet.answer(["summary", notation, "--explain"])


def explain(
    net: Any,
    x: ArrayLike,
    target: ArrayLike | None = None,
    *,
    loss: str | Any | None = None,
    backward: bool | None = None,
    weight: str | None = None,
    attribute: int | None = None,
    optimizer: str | Any | None = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> Document:
    """Explain a network's outputs for some rows: every number, and where it comes from.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`.
    x
        One row, or rows, of what the network takes.
    target
        What is true of the rows: class indices, or values. Without it there is no loss and no gradient.
    loss
        ``"cross_entropy"``, ``"mse"``, … or a loss such as ``"HuberLoss(delta=2.0)"`` or ``nn.HuberLoss(delta=2.0)``.
        By default cross-entropy for class indices, the mean squared error for values.
    backward
        Show the gradient of every parameter; by default if there is a target.
    weight
        A weight whose gradient is taken apart along every path: ``"0.weight[0,1]"``.
    attribute
        An output, from 0, of which is shown what each input adds to it.
    optimizer
        Show the first step of an optimiser: ``"Adam(lr=0.01)"``, or one of :mod:`glassnet.optim`.
    feature_names, class_names
        What inputs and outputs are called.

    Returns
    -------
    Document
        Its :meth:`~Document.json` has the numbers.
    """
    notation, state = _network(net)
    if state is None:
        raise TypeError("explain needs a network with weights: a glassnet.nn.Module, not a notation")
    rows = np.asarray(x)
    rows = rows.astype(np.int64 if _glassnet.takes_indices(notation) else np.float32)
    if rows.ndim == 1:
        rows = rows[None]
    classes = values = None
    if target is not None:
        truth = np.atleast_1d(np.asarray(target))
        by_class = truth.dtype.kind in "iub" and (loss is None or _of_classes(loss))
        if by_class:
            classes = np.ascontiguousarray(truth.reshape(-1), np.int64)
        else:
            values = np.asarray(truth, np.float32)
            if values.ndim == 1 or values.shape[0] != rows.shape[0]:
                values = values.reshape(rows.shape[0], -1)
        if loss is None:
            loss = "cross_entropy" if by_class else "mse"
    return _glassnet.explain(
        notation,
        state,
        rows,
        classes=classes,
        values=values,
        criterion=None if loss is None else loss_notation(loss),
        backward=target is not None if backward is None else backward,
        weight=weight,
        attribute=attribute,
        optimizer=None if optimizer is None else optimizer_notation(optimizer),
        feature_names=None if feature_names is None else list(map(str, feature_names)),
        class_names=None if class_names is None else list(map(str, class_names)),
    )


def _of_classes(loss: Any) -> bool:
    name = loss if isinstance(loss, str) else type(loss).__name__
    return name.lower().replace("_", "").removesuffix("()").split("(")[0] in {
        "crossentropy",
        "crossentropyloss",
        "nll",
        "nllloss",
    }
