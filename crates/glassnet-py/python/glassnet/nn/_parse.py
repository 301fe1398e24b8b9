"""Networks from their notation."""

from __future__ import annotations

import ast
from collections import OrderedDict
from typing import Any

from .. import _glassnet
from .._notation import printed_notation
from ._module import Module

__all__ = ["parse"]


def parse(notation: str) -> Module:
    """The network that a notation describes, with initial weights as its constructors draw them.

    Parameters
    ----------
    notation
        PyTorch's expression (``"Sequential(Linear(6, 32), ReLU(), Linear(32, 4))"``), what ``print(net)`` shows, or the short form
        (``"6-32-4"``: ReLU between the layers).

    Raises
    ------
    ValueError
        When it is no network: the place is marked, and the layer or argument that was meant is suggested.

    Examples
    --------
    >>> from glassnet import nn
    >>> nn.parse("2-3t-1")
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    # The library reads what people write, and answers in one form.
    expression = ast.parse(_glassnet.expression(printed_notation(notation)), mode="eval")
    return _value(expression.body)


def _value(node: ast.expr) -> Any:
    """Calls of layers by their names, and literals: nothing else is executed."""
    from .. import nn

    match node:
        case ast.Call(func=ast.Name(id="OrderedDict"), args=[pairs]):
            return OrderedDict(_value(pairs))
        case ast.Call(func=ast.Name(id=name)):
            layer = getattr(nn, name, None)
            if not (isinstance(layer, type) and issubclass(layer, Module)):
                raise ValueError(f"glassnet.nn has no layer {name}")
            keywords = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
            return layer(*map(_value, node.args), **keywords)
        case ast.Dict(keys=keys, values=values):
            return {ast.literal_eval(key): _value(value) for key, value in zip(keys, values) if key is not None}
        case ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(_value(part) for part in parts)
        case ast.Name(id="inf"):
            return float("inf")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case _:
            return ast.literal_eval(node)
