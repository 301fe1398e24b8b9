"""What is recorded for gradients, and gradients without ``backward()``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from . import _glassnet
from ._glassnet import Tensor, is_grad_enabled

__all__ = ["enable_grad", "grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]


class _Mode:
    """Sets whether calls are recorded, as a context or a decorator."""

    _enabled = False

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_glassnet.set_grad_enabled(self._enabled))

    def __exit__(self, *error: object) -> None:
        _glassnet.set_grad_enabled(self._before.pop())

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def within(*args: object, **kwargs: object) -> object:
            with type(self)():
                return function(*args, **kwargs)

        return within


class no_grad(_Mode):
    """Nothing is recorded within it: a context, or a decorator.

    Examples
    --------
    >>> import glassnet as gn
    >>> x = gn.ones(2, requires_grad=True)
    >>> with gn.no_grad():
    ...     y = 2 * x
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable | None = None) -> object:
        if function is not None:
            return cls()(function)
        return super().__new__(cls)

    def __init__(self, function: Callable | None = None) -> None:
        super().__init__()


class inference_mode(no_grad):
    """The same as `no_grad`."""


class enable_grad(_Mode):
    """Calls are recorded within it, also inside `no_grad`."""

    _enabled = True


class set_grad_enabled(_Mode):
    """Sets whether calls are recorded, at once; as a context, until its end."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._enabled = bool(mode)
        self._before.append(_glassnet.set_grad_enabled(self._enabled))

    def __enter__(self) -> None:
        pass


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradient of `outputs` towards `inputs`; no ``grad`` is changed.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated; several are added up.
    inputs : Tensor or sequence of Tensor
        Towards what: leaves, or values computed on the way.
    grad_outputs : Tensor or sequence, optional
        What comes from above; 1 for scalars.
    retain_graph : bool, optional
        Whether a second call may follow.
    create_graph : bool
        Whether the gradients can be differentiated again; it takes more time.
    allow_unused : bool
        Whether an input may have no influence; its gradient is then ``None``.

    Examples
    --------
    >>> import glassnet as gn
    >>> x = gn.tensor(3.0, requires_grad=True)
    >>> gn.autograd.grad(x * x, x)
    (tensor(6.),)

    A second derivative:

    >>> (slope,) = gn.autograd.grad(x**3, x, create_graph=True)
    >>> gn.autograd.grad(slope, x)
    (tensor(18.),)
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor):
        grad_outputs = [grad_outputs]
    if len(grad_outputs) != len(outputs):
        grad_outputs = list(grad_outputs) + [None] * (len(outputs) - len(grad_outputs))
    totals: list[Tensor | None] = [None] * len(inputs)
    for number, (output, above) in enumerate(zip(outputs, grad_outputs)):
        retain = (create_graph if retain_graph is None else bool(retain_graph)) or number + 1 < len(outputs)
        found = _glassnet.backward(output, above, retain, inputs, create_graph)
        with set_grad_enabled(create_graph):
            for place, gradient in enumerate(found):
                if gradient is not None:
                    before = totals[place]
                    totals[place] = gradient if before is None else before + gradient
    if not allow_unused and any(total is None for total in totals):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    return tuple(totals)
