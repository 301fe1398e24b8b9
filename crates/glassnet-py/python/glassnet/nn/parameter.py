"""Tensors that a module trains."""

from __future__ import annotations

from .._convert import to_tensor
from .._glassnet import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that belongs to a module's parameters as soon as it is an attribute of the module.

    Parameters
    ----------
    data : Tensor, optional
        Its elements; they are not copied.
    requires_grad : bool
        Whether gradients towards it are wanted.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.nn.Parameter(gn.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: object = None, requires_grad: bool = True) -> Parameter:
        self = Tensor.__new__(cls, *(() if data is None else (0,)))
        if data is not None:
            given = to_tensor(data)
            self._see(given.detach())
        self._seal()
        self.requires_grad = requires_grad
        return self

    def __init__(self, data: object = None, requires_grad: bool = True) -> None:
        pass

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict) -> Parameter:
        new = Parameter(Tensor._around(self._array.copy()), self.requires_grad)
        if self.grad is not None:
            new.grad = self.grad.clone()
        memo[id(self)] = new
        return new

    def __reduce__(self) -> tuple:
        return _rebuilt, (self._array.copy(), self.requires_grad)


def _rebuilt(array: object, requires_grad: bool) -> Parameter:
    return Parameter(Tensor._around(array), requires_grad)
