"""Methods of `Tensor` as functions of the top level; a module of its own, because some have names of Python's built-ins."""

from __future__ import annotations

from collections.abc import Callable

from ._convert import to_tensor
from ._glassnet import Tensor

_METHODS = (
    "abs", "absolute", "acos", "add", "all", "allclose", "amax", "amin", "any", "argmax", "argmin", "argsort", "asin",
    "atan", "bincount", "bmm", "ceil", "chunk", "clamp", "clip", "clone", "cos", "cosh", "count_nonzero", "cumsum",
    "detach", "div", "divide", "dot", "eq", "equal", "erf", "exp", "expm1", "flatten", "flip", "floor", "gather", "ge",
    "gt", "index_select", "isclose", "isfinite", "isinf", "isnan", "le", "log", "log1p", "log_softmax", "logical_and",
    "logical_not", "logical_or", "logsumexp", "lt", "masked_select", "matmul", "max", "maximum", "mean", "min", "minimum", "mm", "mul",
    "multiply", "mv", "narrow", "ne", "neg", "negative", "nonzero", "norm", "permute", "pow", "prod", "reciprocal", "relu",
    "reshape", "roll", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "softmax", "sort", "split", "sqrt", "square",
    "squeeze", "std", "sub", "subtract", "sum", "t", "take", "tan", "tanh", "topk", "transpose", "true_divide", "trunc",
    "unbind", "unique", "unsqueeze", "var",
)


def _as_function(name: str) -> Callable:
    def function(input: Tensor, *args: object, **kwargs: object) -> object:
        return getattr(to_tensor(input), name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`Tensor.{name}` as a function."
    function.__module__ = __name__
    return function


for _name in _METHODS:
    globals()[_name] = _as_function(_name)

__all__ = list(_METHODS)
