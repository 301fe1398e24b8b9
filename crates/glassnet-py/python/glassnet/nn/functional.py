"""Layers and losses as functions, by PyTorch's names."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np

from .. import _glassnet, _ops
from .._convert import to_features, to_tensor
from .._glassnet import Tensor

__all__ = [
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cross_entropy", "dropout", "elu",
    "embedding", "gaussian_nll_loss", "gelu", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div", "l1_loss",
    "layer_norm", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mish", "mse_loss", "nll_loss", "normalize", "one_hot",
    "poisson_nll_loss", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softmin",
    "softplus", "softsign", "tanh",
]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input·weightᵀ + bias``."""
    input = to_features(input)
    shapes = input._array.shape, weight._array.shape, None if bias is None else bias._array.shape
    key = ("linear", shapes)
    operands = (input, weight) if bias is None else (input, weight, bias)
    if input._array.dtype != weight._array.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {input.type()} and {weight.type()}")
    line = "affine(%0, %1)" if bias is None else "affine(%0, %1, %2)"
    if len(shapes[1]) == 2 and shapes[0] and shapes[0][-1] != shapes[1][1]:
        rows = math.prod(shapes[0][:-1])
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{shapes[0][-1]} and {shapes[1][1]}x{shapes[1][0]})"
        )
    return _ops.piece(key, lambda: _ops.operation("Addmm", line, shapes[: len(operands)]))(*operands)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(z, 0)``."""
    return _elementwise("relu", "Relu", input, inplace)


def _elementwise(name: str, title: str, input: Tensor, inplace: bool = False, **parameters: float) -> Tensor:
    input = to_features(input)
    result = _ops.unary(name, input, title, **parameters)
    return input._assign(result) if inplace else result


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``z`` where ``z > 0``, else ``negative_slope·z``."""
    return _elementwise("leaky_relu", "LeakyRelu", input, inplace, negative_slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``z`` where ``z > 0``, else ``alpha·(e^z − 1)``."""
    return _elementwise("elu", "Elu", input, inplace, alpha=alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(0, z) + min(0, alpha·(e^(z/alpha) − 1))``."""
    if alpha == 0:
        raise ZeroDivisionError("celu: alpha must not be 0")
    return _elementwise("celu", "Celu", input, inplace, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The self-normalising ELU."""
    return _elementwise("selu", "Selu", input, inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``z·Φ(z)``, or its approximation by tanh."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _elementwise("gelu" if approximate == "none" else "gelu_tanh", "Gelu", input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·σ(z)``."""
    return _elementwise("silu", "Silu", input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·tanh(softplus(z))``."""
    return _elementwise("mish", "Mish", input, inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``ln(1 + e^(beta·z))/beta``, z itself where ``beta·z > threshold``."""
    return _elementwise("softplus", "Softplus", input, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """``z/(1 + |z|)``."""
    return _elementwise("softsign", "Softsign", input)


def sigmoid(input: Tensor) -> Tensor:
    """``1/(1 + e^−z)``."""
    return _elementwise("sigmoid", "Sigmoid", input)


def logsigmoid(input: Tensor) -> Tensor:
    """``ln σ(z)``."""
    return _elementwise("log_sigmoid", "LogSigmoid", input)


def tanh(input: Tensor) -> Tensor:
    """``tanh z``."""
    return _elementwise("tanh", "Tanh", input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """z cut to ``[min_val, max_val]``."""
    return _elementwise("hardtanh", "Hardtanh", input, inplace, min=min_val, max=max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """z cut to [0, 6]."""
    return _elementwise("relu6", "Hardtanh", input, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``relu6(z + 3)/6``."""
    return _elementwise("hardsigmoid", "Hardsigmoid", input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·hardsigmoid(z)``."""
    return _elementwise("hardswish", "Hardswish", input, inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``max(z, 0) + w·min(z, 0)``, with one slope or one per channel (axis 1)."""
    input = to_features(input)
    count = weight._array.size
    if count != 1 and (input.ndim < 2 or input.shape[1] != count):
        channels = input.shape[1] if input.ndim > 1 else 1
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel size = "
            f"{channels}."
        )
    slope = weight.reshape(()) if count == 1 else weight.reshape(count, *[1] * (input.ndim - 2))
    return relu(input) + slope * _ops.unary("negative_part", input)


def _softmax_dim(name: str, dim: int | None, rank: int) -> int:
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
            stacklevel=3,
        )
        return 0 if rank in (0, 1, 3) else 1
    return dim


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: object = None) -> Tensor:
    """Probabilities along an axis that sum to 1.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.nn.functional.softmax(gn.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    input = to_features(input)
    return input.softmax(_softmax_dim("softmax", dim, input.ndim), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: object = None) -> Tensor:
    """`softmax` of the negated input."""
    return softmax(-to_features(input), dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: object = None) -> Tensor:
    """The logarithm of `softmax`, computed without it."""
    input = to_features(input)
    return input.log_softmax(_softmax_dim("log_softmax", dim, input.ndim), dtype)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeros with probability `p`, the others multiplied by ``1/(1 − p)``; nothing unless `training`."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    input = to_features(input)
    if not training or p == 0:
        return input
    shape = input._array.shape
    lines = f"dropout_mask {{p={_ops.number(p)}, stream=0, shape={_ops.shape_text(shape)}}}\nmul(%0, %1)"
    result = _ops.piece(("dropout", shape, p), lambda: _ops.operation("Mul", lines, [shape]))(input)
    return input._assign(result) if inplace else result


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of `weight` by index."""
    if max_norm is not None or scale_grad_by_freq:
        raise NotImplementedError("embedding with max_norm or scale_grad_by_freq; leave them out")
    index = _ops.cast(to_tensor(input), np.dtype(np.int64))
    if padding_idx is not None:
        padding_idx %= weight.shape[0]
    more = "" if padding_idx is None else f" {{padding_idx={padding_idx}}}"
    shapes = weight._array.shape, index._array.shape
    make = lambda: _ops.operation("Embedding", f"embedding(%0, %1){more}", shapes, integers=[1])
    return _ops.piece(("embedding", shapes, padding_idx), make)(weight, index)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A row of zeros with a one at each class."""
    classes = to_tensor(tensor)._array
    if classes.dtype.kind not in "iu":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if classes.size and classes.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(classes.max()) + 1
    if classes.size and classes.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return Tensor._around((classes[..., None] == np.arange(num_classes)).astype(np.int64))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Rows divided by their norm, which is at least `eps`."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Standardisation over the last axes."""
    input = to_features(input)
    shape, own = input._array.shape, tuple(normalized_shape)
    if shape[len(shape) - len(own) :] != own:
        raise RuntimeError(
            f"Given normalized_shape={list(own)}, expected input with shape [*, {', '.join(map(str, own))}], but got input of "
            f"size{list(shape)}"
        )
    axes = tuple(range(len(shape) - len(own), len(shape)))
    line = f"normalize(%0) {{axes={_ops.shape_text(axes)}, eps={_ops.number(eps)}}}"
    result = _ops.piece(("normalize", shape, axes, eps), lambda: _ops.operation("NativeLayerNorm", line, [shape]))(input)
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Standardisation per channel: by the batch in training, which moves the running statistics, else by these."""
    input = to_features(input)
    shape = input._array.shape
    per_channel = (shape[1], *[1] * (len(shape) - 2))
    if training:
        axes = tuple(at for at in range(len(shape)) if at != 1)
        line = f"normalize(%0) {{axes={_ops.shape_text(axes)}, eps={_ops.number(eps)}}}"
        make = lambda: _ops.operation("NativeBatchNorm", line, [shape])
        result = _ops.piece(("normalize", shape, axes, eps), make)(input)
        if running_mean is not None and running_var is not None:
            still = input.detach()
            running_mean.copy_(running_mean.detach() * (1 - momentum) + still.mean(axes) * momentum)
            running_var.copy_(running_var.detach() * (1 - momentum) + still.var(axes) * momentum)
    else:
        deviation = (running_var + eps).sqrt()
        result = (input - running_mean.reshape(per_channel)) / deviation.reshape(per_channel)
    result = result if weight is None else result * weight.reshape(per_channel)
    return result if bias is None else result + bias.reshape(per_channel)


# --- losses --------------------------------------------------------------------------------------------------------


_TITLES = {
    "CrossEntropyLoss": "NllLoss", "NLLLoss": "NllLoss", "MSELoss": "MseLoss", "L1Loss": "Mean", "KLDivLoss": "Mean",
    "PoissonNLLLoss": "Mean", "GaussianNLLLoss": "Mean", "BCELoss": "BinaryCrossEntropy",
    "BCEWithLogitsLoss": "BinaryCrossEntropyWithLogits",
}


def criterion(
    notation: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    variance: Tensor | None = None,
) -> Tensor:
    """A loss of the library, written in its notation."""
    input = to_features(input)
    target = to_features(target)
    name = notation.split("(")[0]
    integers = target._array.dtype.kind in "iu"
    if integers and target._array.dtype != np.int64:
        target = _ops.cast(target, np.dtype(np.int64))
    if integers and name not in ("CrossEntropyLoss", "NLLLoss"):
        if name in ("BCELoss", "BCEWithLogitsLoss"):
            raise RuntimeError(
                f"result type Float can't be cast to the desired output type Long: {name} wants a float target; convert it "
                "with .float()"
            )
        target, integers = _ops.cast(target, input._array.dtype), False
    elif target._array.dtype.kind == "b":
        target = _ops.cast(target, input._array.dtype)
    if input._array.dtype.kind != "f":
        input = _ops.as_float(input)
    extra = {"variance": variance, "loss.weight": weight, "loss.pos_weight": pos_weight}
    extra = {key: to_tensor(each) for key, each in extra.items() if each is not None}
    if name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "KLDivLoss", "PoissonNLLLoss"):
        input, target = _same_shape(name, input, target)
    if not integers and target._array.dtype != input._array.dtype:
        wanted = _ops.result_type(input, target)
        input, target = _ops.cast(input, wanted), _ops.cast(target, wanted)
    shapes = {key: each._array.shape for key, each in extra.items()}
    key = ("loss", notation, input._array.shape, target._array.shape, integers, *shapes.items())
    found = _ops._pieces.get(key)
    if found is None:
        sizes = [None if shapes.get(each) is None else list(shapes[each]) for each in ("variance", "loss.weight", "loss.pos_weight")]
        title = _TITLES.get(name, name.removesuffix("Loss") + "Loss")
        make = lambda: _glassnet.criterion_piece(
            title, notation, list(input._array.shape), list(target._array.shape), integers, *sizes
        )
        found = _ops.piece(key, make)
    if integers:
        _check_classes(notation, input, target)
    operands = {"input": input, "target": target, **extra}
    return found(*[operands[each] for each in found.operands])


def _same_shape(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both broadcast to one shape, with PyTorch's warning where that is hardly what was meant."""
    if input._array.shape == target._array.shape:
        return input, target
    if name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"):
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely lead "
            "to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=4,
        )
    _ops._check_broadcast(input._array.shape, target._array.shape)
    shape = np.broadcast_shapes(input._array.shape, target._array.shape)
    return input.expand(*shape), target.expand(*shape)


def _check_classes(notation: str, input: Tensor, target: Tensor) -> None:
    classes = input._array.shape[1] if input._array.ndim > 1 else (input._array.shape or (1,))[0]
    labels = target._array
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        _, _, ignored = notation.partition("ignore_index=")
        ignored = int(ignored.split(",")[0].rstrip(")")) if ignored else -100
        wrong = labels[(labels != ignored) & ((labels < 0) | (labels >= classes))]
        if wrong.size:
            raise IndexError(f"Target {wrong.reshape(-1)[0]} is out of bounds.")


def _reduction(reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none", "batchmean"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross-entropy of logits against class indices or probabilities.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.nn.functional.cross_entropy(gn.tensor([[0.0, 0.0]]), gn.tensor([1]))
    tensor(0.6931)
    """
    reduction = _reduction(reduction, size_average, reduce)
    notation = f"CrossEntropyLoss(reduction='{reduction}', label_smoothing={float(label_smoothing)!r}, ignore_index={ignore_index})"
    return criterion(notation, input, target, weight)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of log-probabilities against class indices."""
    reduction = _reduction(reduction, size_average, reduce)
    return criterion(f"NLLLoss(reduction='{reduction}', ignore_index={ignore_index})", input, target, weight)


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """``(p − t)²``."""
    return criterion(f"MSELoss(reduction='{_reduction(reduction, size_average, reduce)}')", input, target)


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """``|p − t|``."""
    return criterion(f"L1Loss(reduction='{_reduction(reduction, size_average, reduce)}')", input, target)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """``½d²/β`` where ``|d| < β``, else ``|d| − ½β``."""
    reduction = _reduction(reduction, size_average, reduce)
    return criterion(f"SmoothL1Loss(reduction='{reduction}', beta={float(beta)!r})", input, target)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """``½d²`` where ``|d| ≤ δ``, else ``δ(|d| − ½δ)``."""
    return criterion(f"HuberLoss(reduction='{_reduction(reduction)}', delta={float(delta)!r})", input, target)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``−t·ln p − (1 − t)·ln(1 − p)`` of probabilities."""
    reduction = _reduction(reduction, size_average, reduce)
    if to_features(input).shape != to_features(target).shape:
        raise ValueError(
            f"Using a target size ({to_features(target).shape}) that is different to the input size "
            f"({to_features(input).shape}) is deprecated. Please ensure they have the same size."
        )
    probabilities = to_features(input)._array
    if probabilities.size and not (probabilities.min() >= 0 and probabilities.max() <= 1):
        raise RuntimeError("all elements of input should be between 0 and 1")
    return criterion(f"BCELoss(reduction='{reduction}')", input, target, weight)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of logits, stable, with a factor for the positive part."""
    reduction = _reduction(reduction, size_average, reduce)
    if to_features(input).shape != to_features(target).shape:
        raise ValueError(
            f"Target size ({to_features(target).shape}) must be the same as input size ({to_features(input).shape})"
        )
    return criterion(f"BCEWithLogitsLoss(reduction='{reduction}')", input, target, weight, pos_weight)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """``t·(ln t − p)`` of log-probabilities p."""
    reduction = _reduction(reduction, size_average, reduce)
    return criterion(f"KLDivLoss(reduction='{reduction}', log_target={bool(log_target)})", input, target)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``e^p − t·p``, or ``p − t·ln(p + eps)`` without `log_input`."""
    reduction = _reduction(reduction, size_average, reduce)
    notation = f"PoissonNLLLoss(log_input={bool(log_input)}, full={bool(full)}, eps={float(eps)!r}, reduction='{reduction}')"
    return criterion(notation, input, target)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-06, reduction: str = "mean"
) -> Tensor:
    """``½(ln v + (p − t)²/v)`` with the variance v."""
    input = to_features(input)
    var = to_features(var) if not isinstance(var, float) else Tensor._around(np.full(input.shape, var, input._array.dtype))
    if (var._array < 0).any():
        raise ValueError("var has negative entry/entries")
    notation = f"GaussianNLLLoss(full={bool(full)}, eps={float(eps)!r}, reduction='{_reduction(reduction)}')"
    return criterion(notation, input, target, variance=var)
