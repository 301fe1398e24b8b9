"""What `torch.nn.utils` has for gradients and parameters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .. import _glassnet
from .._glassnet import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [each.grad for each in parameters if each.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales the gradients so that their common norm is at most `max_norm`; returns the norm before.

    Examples
    --------
    >>> import glassnet as gn
    >>> w = gn.tensor([3.0, 4.0], requires_grad=True)
    >>> w.sum().backward()
    >>> w.grad.mul_(w.detach())
    tensor([3., 4.])
    >>> gn.nn.utils.clip_grad_norm_([w], 1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    gradients = _gradients(parameters)
    if error_if_nonfinite and not all(np.isfinite(each._array).all() for each in gradients):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    total = _glassnet.clip_norm(gradients, float(max_norm), float(norm_type)) if gradients else 0.0
    return Tensor._around(np.asarray(total, np.float32))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Cuts every gradient to ``[−clip_value, clip_value]``."""
    _glassnet.clip_value(_gradients(parameters), float(clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters one behind the other."""
    from .. import cat

    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """The other way round."""
    start = 0
    for each in parameters:
        end = start + each.numel()
        each.detach().copy_(vec.detach()[start:end].reshape(*each.shape))
        start = end
