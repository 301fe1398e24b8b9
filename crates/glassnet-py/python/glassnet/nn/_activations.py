"""The activations, with PyTorch's arguments, defaults and text."""

from __future__ import annotations

from .. import _glassnet
from ._layers import Layer, written

__all__ = [
    "CELU", "ELU", "Formula", "GELU", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softplus",
    "Softsign", "Tanh",
]


class _Activation(Layer):
    """A layer that has options and nothing else."""

    #: The options in PyTorch's order, and those that ``repr`` shows.
    _options: tuple[str, ...] = ()
    _shown: tuple[str, ...] = ()

    def _arguments(self) -> str:
        return ", ".join(f"{name}={written(getattr(self, name))}" for name in self._options if name != "inplace")

    def extra_repr(self) -> str:
        """The options as ``repr`` shows them."""
        parts = [f"{name}={self._written(getattr(self, name))}" for name in self._shown if name != "inplace"]
        if "inplace" in self._shown and self.inplace:
            parts.append("inplace=True")
        return ", ".join(parts)

    @staticmethod
    def _written(value: object) -> str:
        return f"'{value}'" if isinstance(value, str) else f"{value}"


class ReLU(_Activation):
    """``max(z, 0)``."""

    _options = ("inplace",)
    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class LeakyReLU(_Activation):
    """``z`` where ``z > 0``, else ``negative_slope·z``."""

    _options = ("negative_slope", "inplace")
    _shown = ("negative_slope", "inplace")

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class ELU(_Activation):
    """``z`` where ``z > 0``, else ``alpha·(e^z − 1)``."""

    _options = ("alpha", "inplace")
    _shown = ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(_Activation):
    """``max(0, z) + min(0, alpha·(e^(z/alpha) − 1))``."""

    _options = ("alpha", "inplace")
    _shown = ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class SELU(_Activation):
    """The self-normalising ELU."""

    _options = ("inplace",)
    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class GELU(_Activation):
    """``z·Φ(z)``, or with ``approximate='tanh'`` its approximation by tanh."""

    _options = ("approximate",)
    _shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class SiLU(_Activation):
    """``z·σ(z)``."""

    _options = ("inplace",)
    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Mish(_Activation):
    """``z·tanh(softplus(z))``."""

    _options = ("inplace",)
    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Softplus(_Activation):
    """``ln(1 + e^(beta·z))/beta``, z itself where ``beta·z > threshold``."""

    _options = ("beta", "threshold")
    _shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold


class Softsign(_Activation):
    """``z/(1 + |z|)``."""


class Sigmoid(_Activation):
    """``1/(1 + e^−z)``."""


class LogSigmoid(_Activation):
    """``ln σ(z)``."""


class Tanh(_Activation):
    """``tanh z``."""


class Hardtanh(_Activation):
    """z cut to ``[min_val, max_val]``."""

    _options = ("min_val", "max_val", "inplace")
    _shown = ("min_val", "max_val", "inplace")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class ReLU6(_Activation):
    """z cut to [0, 6]."""

    _options = ("inplace",)
    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Hardsigmoid(_Activation):
    """``relu6(z + 3)/6``."""

    _options = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Hardswish(_Activation):
    """``z·hardsigmoid(z)``."""

    _options = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Softmax(_Activation):
    """Softmax along the axis `dim`; without it, PyTorch's old rule: 0 for one and three axes, else 1."""

    _options = ("dim",)
    _shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class LogSoftmax(_Activation):
    """The logarithm of softmax along the axis `dim`."""

    _options = ("dim",)
    _shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class PReLU(Layer):
    """A ReLU whose slope below 0 is trained."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: object = None, dtype: object = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self._take_initial()

    def _arguments(self) -> str:
        return f"num_parameters={self.num_parameters}, init={written(self.init)}"

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return f"num_parameters={self.num_parameters}"


class Formula(Layer):
    """An activation given by a formula in one variable, applied to every element.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.nn.Formula("z*sigmoid(z)")(gn.ones(2))
    tensor([0.7311, 0.7311])
    """

    def __init__(self, formula: str) -> None:
        super().__init__()
        self.formula = formula
        _glassnet.initial_state(f"Formula({self._arguments()})")

    def _arguments(self) -> str:
        text = self.formula.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return f"'{self.formula}'"
