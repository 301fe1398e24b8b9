"""The layers, with PyTorch's arguments, defaults and text.

Each has a notation of the library, from which its arguments are checked, its initial weights drawn and its graph made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import _glassnet, _ops
from .._convert import to_features
from .._glassnet import Tensor
from . import _module
from ._module import Module
from .parameter import Parameter

__all__ = ["BatchNorm1d", "Dropout", "Embedding", "Flatten", "Identity", "LayerNorm", "Linear"]

#: The modules whose classes the library knows.
_OURS = "glassnet.nn._"


def written(value: object) -> str:
    """An argument in the notation."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(str, value)) + "]"
    return repr(value)


class Known(Module):
    """A module that the library knows: it is computed as one graph."""

    _is_known = True

    def __call__(self, *args: object, **kwargs: object) -> object:
        quick = self._forward_pass
        if quick is not None and len(args) == 1 and not kwargs:
            result = quick(args[0])
            if result is not None:
                return result
        return super().__call__(*args, **kwargs)

    def _refresh(self) -> tuple:
        """Finds the notation and the tensors of the module anew, where the structure of some module changed."""
        changes = _glassnet.changes()
        notation = self._own_notation()
        modes = {module.training for module in self.modules() if isinstance(module, (Dropout, BatchNorm1d))}
        if len(modes) > 1:
            notation = None
        training = True in modes
        norms = [module for module in self.modules() if isinstance(module, BatchNorm1d)] if training else []
        state = {} if notation is None else self.state_dict(keep_vars=True)
        title = _title(self)
        types = {tensor._array.dtype for tensor in state.values() if tensor._array.dtype.kind == "f"}
        element = types.pop() if len(types) == 1 else np.dtype(np.float32)
        compiled = (changes, notation, state, training, norms, title, element)
        quick = None
        if notation is not None and not training and element.itemsize == 4 and not types and self._notation() is not None:
            quick = _glassnet.Forward(changes, title, notation, list(state), list(state.values()))
        set_ = object.__setattr__
        set_(self, "_compiled", compiled)
        set_(self, "_forward_pass", quick)
        return compiled

    def _own_notation(self) -> str | None:
        """The notation of what the class computes, whatever hooks and subclasses add; ``None`` where a part isn't known."""
        raise NotImplementedError

    def _run(self, x: object) -> Tensor | None:
        """The output, or ``None`` where a module within is none of the library's."""
        compiled = self._compiled
        is_new = compiled is None or compiled[0] != _glassnet.changes()
        if is_new:
            compiled = self._refresh()
        _, notation, state, training, norms, title, element = compiled
        if notation is None:
            return None
        if not isinstance(x, Tensor):
            x, is_new = to_features(x, element), True
            if x._array.dtype.kind == "i" and not _takes_indices(self):
                x = _ops.cast(x, element)
        # `__call__` has asked before, unless it had another module or input.
        if is_new and self._forward_pass is not None:
            result = self._forward_pass(x)
            if result is not None:
                return result
        shape = x._array.shape
        key = ("layer", title, notation, shape, training)
        layer = _ops._pieces.get(key)
        if layer is None:
            layer = _ops.piece(key, lambda: _glassnet.layer_piece(title, notation, list(shape), training))
        self._check_dtype(x, state, element)
        if x._array.dtype.kind == "i":
            x = _ops.cast(x, np.dtype(np.int64))
        if norms and len(shape) == 2 and shape[0] == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size torch.Size({list(shape)})")
        for norm in norms:
            norm._count_batch()
        return layer(x, *[state[name] for name in layer.operands[1:]])

    def _check_dtype(self, x: Tensor, state: dict, element: np.dtype) -> None:
        wanted = "i" if _takes_indices(self) else "f"
        kind = x._array.dtype.kind
        if kind == wanted and (kind == "i" or x._array.dtype == element or not state):
            return
        if wanted == "i":
            raise RuntimeError(
                "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
                f"{x.type()} instead (while checking arguments for embedding)"
            )
        if state:
            names = ("Float", ".float()") if element.itemsize == 4 else ("Double", ".double()")
            raise RuntimeError(
                f"mat1 and mat2 must have the same dtype, but got {_scalar(x)} and {names[0]}; convert the input with {names[1]}"
            )

    def forward(self, input: Tensor) -> Tensor:
        """The module's output for a batch or a single row."""
        return self._run(input)


_TITLES = {
    "BatchNorm1d": "NativeBatchNorm", "CELU": "Celu", "Dropout": "Mul", "ELU": "Elu", "EmbedColumns": "Cat", "Flatten": "View", "Formula": "Mul",
    "GELU": "Gelu", "LayerNorm": "NativeLayerNorm", "LeakyReLU": "LeakyRelu", "Linear": "Addmm", "PReLU": "PreluKernel",
    "ReLU": "Relu", "ReLU6": "Hardtanh", "Residual": "Add", "SELU": "Elu", "SiLU": "Silu", "Softsign": "Div",
}


def _title(module: Module) -> str:
    """PyTorch's name for what computed a module's output: its last layer."""
    name = next(kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("glassnet.nn"))
    if name == "Sequential":
        layers = [each for each in module._modules.values() if each is not None and not isinstance(each, Identity)]
        return _title(layers[-1]) if layers else "Alias"
    if name == "Linear" and module._parameters["bias"] is None:
        return "Mm"
    return _TITLES.get(name, name)


def _takes_indices(module: Module) -> bool:
    """Whether the first layer is an embedding."""
    while not isinstance(module, Embedding):
        if getattr(module, "_takes_rows", False):
            return False
        children = [each for each in module._modules.values() if not isinstance(each, Identity)]
        if not children:
            return False
        module = children[0]
    return True


def _scalar(x: Tensor) -> str:
    return x.type()[len("torch.") : -len("Tensor")]


class Layer(Known):
    """A single layer: the name of its class with `_arguments`."""

    def _arguments(self) -> str:
        return ""

    def _own_notation(self) -> str:
        return f"{self._base_name()}({self._arguments()})"

    def _notation(self) -> str | None:
        return None if self._is_changed() or self._has_own_forward() else self._own_notation()

    def _has_own_forward(self) -> bool:
        """Whether it is of a subclass that computes something else."""
        kinds = (kind for kind in type(self).__mro__ if kind.__module__.startswith(_OURS) or "forward" in vars(kind))
        return not next(kinds).__module__.startswith(_OURS)

    def _take_initial(self) -> None:
        """Draws the initial arrays, which also checks the arguments."""
        for name, array in _glassnet.initial_state(self._own_notation()).items():
            tensor = Tensor._around(array)
            if name.startswith("running_") or name == "num_batches_tracked":
                self.register_buffer(name, tensor)
            elif isinstance(self._parameters.get(name), Parameter):
                self._parameters[name].data.copy_(tensor)
            else:
                self.register_parameter(name, Parameter(tensor))

    @classmethod
    def _base_name(cls) -> str:
        return next(kind.__name__ for kind in cls.__mro__ if kind.__module__.startswith(_OURS))

    def reset_parameters(self) -> None:
        """Draws the initial weights again."""
        for name, array in _glassnet.initial_state(self._own_notation()).items():
            getattr(self, name).detach().copy_(Tensor._around(array))


class Linear(Layer):
    """``y = x·Wᵀ + b``: every output is a weighted sum of all inputs.

    Parameters
    ----------
    in_features, out_features : int
        The lengths of the input's and the output's last axis.
    bias : bool
        Whether a bias is added.

    Examples
    --------
    >>> import glassnet as gn
    >>> _ = gn.manual_seed(0)
    >>> gn.nn.Linear(2, 2)(gn.ones(1, 2))
    tensor([[ 0.1017, -0.9128]], grad_fn=<AddmmBackward0>)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: object = None, dtype: object = None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self._has_bias = bool(bias)
        if not bias:
            self.register_parameter("weight", None)
        self._take_initial()
        if not bias:
            self.register_parameter("bias", None)

    def _arguments(self) -> str:
        end = "" if self._has_bias else ", bias=False"
        return f"{self.in_features}, {self.out_features}{end}"

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self._parameters['bias'] is not None}"


class Identity(Layer):
    """The input itself. Arguments are accepted and do nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input."""
        return input


class Flatten(Layer):
    """Joins the axes ``start_dim … end_dim`` into one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def _arguments(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"

    def forward(self, input: Tensor) -> Tensor:
        """The input with its axes joined."""
        return to_features(input).flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Layer):
    """In training, every element becomes 0 with probability `p` and is otherwise multiplied by ``1/(1 − p)``.

    The draws follow `manual_seed`, but are the library's own: PyTorch's masks are others.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def _arguments(self) -> str:
        return f"p={written(self.p)}"

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return f"p={self.p}, inplace={self.inplace}"


class BatchNorm1d(Layer):
    """``(x − mean)/√(variance + eps)·w + b`` per channel: by the batch in training, by running statistics in evaluation.

    Parameters
    ----------
    num_features : int
        The number of channels: the length of axis 1.
    eps : float
        Added to the variance.
    momentum : float or None
        How far the running statistics move towards the batch's; ``None`` for the average of all batches.
    affine : bool
        Whether there is a trained weight and bias.
    track_running_stats : bool
        Whether there are running statistics.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: object = None,
        dtype: object = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats, self._has_bias = affine, track_running_stats, bias
        self._take_initial()
        for name in ("weight", "bias"):
            if name not in self._parameters:
                self.register_parameter(name, None)
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            if name not in self._buffers:
                self.register_buffer(name, None)

    def _arguments(self) -> str:
        momentum = self.momentum
        counter = self._buffers.get("num_batches_tracked")
        if momentum is None and self.training and counter is not None:
            # The average of all batches moves by a share that falls with their number.
            momentum = 1.0 / float(counter.item() + 1)
        end = "" if self._has_bias else ", bias=False"
        return (
            f"{self.num_features}, eps={written(self.eps)}, momentum={written(momentum)}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}{end}"
        )

    def _count_batch(self) -> None:
        counter = self._buffers.get("num_batches_tracked")
        if counter is not None:
            counter._array[...] += 1
            counter._changed()
            if self.momentum is None:
                _module._count_a_change()

    def reset_running_stats(self) -> None:
        """Forgets the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self._parameters.get('bias') is not None}, track_running_stats={self.track_running_stats}"
        )


class LayerNorm(Layer):
    """``(x − mean)/√(variance + eps)·w + b`` over the last axes of each row."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-05,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: object = None,
        dtype: object = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine, self._has_bias = eps, elementwise_affine, bias
        self._take_initial()
        for name in ("weight", "bias"):
            if name not in self._parameters:
                self.register_parameter(name, None)

    def _arguments(self) -> str:
        return (
            f"{written(self.normalized_shape)}, eps={written(self.eps)}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self._has_bias}"
        )

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={self._parameters.get('bias') is not None}"


class Embedding(Layer):
    """A trained row per index."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: object = None,
        dtype: object = None,
    ) -> None:
        super().__init__()
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise AssertionError("Padding_idx must be within num_embeddings")
        if padding_idx is not None and padding_idx < 0:
            padding_idx += num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse = max_norm, norm_type, scale_grad_by_freq, sparse
        if _weight is None:
            self._take_initial()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **options: object) -> Embedding:
        """A table of given rows, which are not trained unless ``freeze=False``."""
        rows, columns = embeddings.shape
        return cls(rows, columns, _weight=embeddings, _freeze=freeze, **options)

    def _arguments(self) -> str:
        return (
            f"{self.num_embeddings}, {self.embedding_dim}, padding_idx={self.padding_idx}, max_norm={written(self.max_norm)}, "
            f"norm_type={written(self.norm_type)}, scale_grad_by_freq={self.scale_grad_by_freq}, sparse={self.sparse}"
        )

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, standard in (
            ("padding_idx", None), ("max_norm", None), ("norm_type", 2.0), ("scale_grad_by_freq", False), ("sparse", False),
        ):
            value = getattr(self, name)
            if value != standard:
                text += f", {name}={value if name != 'sparse' else 'True'}"
        return text
