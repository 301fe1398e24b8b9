"""The network of an estimator, in notation, and its initial weights."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from . import _glassnet

__all__ = ["activation_notation", "build", "dense_weights", "initial_weights", "output_width", "with_tables"]

#: scikit-learn's names and PyTorch's functional ones.
ACTIVATIONS = {
    "identity": "Identity()",
    "logistic": "Sigmoid()",
    "tanh": "Tanh()",
    "relu": "ReLU()",
    "sigmoid": "Sigmoid()",
    "gelu": "GELU()",
    "silu": "SiLU()",
    "swish": "SiLU()",
    "elu": "ELU()",
    "selu": "SELU()",
    "celu": "CELU()",
    "leaky_relu": "LeakyReLU()",
    "relu6": "ReLU6()",
    "softplus": "Softplus()",
    "softsign": "Softsign()",
    "mish": "Mish()",
    "hardtanh": "Hardtanh()",
    "hardswish": "Hardswish()",
    "hardsigmoid": "Hardsigmoid()",
    "tanhshrink": "Tanhshrink()",
    "logsigmoid": "LogSigmoid()",
}


def activation_notation(name: Any) -> str:
    """An activation in the network's notation: ``'relu'``, ``'LeakyReLU(0.2)'``, or a module of ``glassnet.nn``."""
    text = name if isinstance(name, str) else repr(name)
    if "(" in text:
        return text
    if text not in ACTIVATIONS:
        known = ", ".join(repr(known) for known in ACTIVATIONS)
        raise ValueError(
            f"activation is {name!r}; give one of {known}, or an activation as in torch.nn, such as 'LeakyReLU(0.2)'"
        )
    return ACTIVATIONS[text]


def hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    """The widths of the hidden layers."""
    if not hasattr(hidden_layer_sizes, "__iter__"):
        hidden_layer_sizes = [hidden_layer_sizes]
    sizes = list(hidden_layer_sizes)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def _for_each_layer(value: Any, layers: int, name: str) -> list[Any]:
    if isinstance(value, (list, tuple)):
        if len(value) != layers:
            raise ValueError(f"{name} has {len(value)} entries for {layers} hidden layers; give one for each")
        return list(value)
    return [value] * layers


#: The codes and the length of a row of each table, by the column that looks it up.
Tables = dict[int, tuple[int, int]]


def _look_up(tables: Tables) -> str:
    parts = (f"'{at}': Embedding({codes}, {length}, padding_idx=0)" for at, (codes, length) in tables.items())
    return f"EmbedColumns({{{', '.join(parts)}}})"


def with_tables(notation: str, tables: Tables) -> str:
    """A user's network behind the look-up of codes, unless it brings one."""
    if not tables or "EmbedColumns(" in notation:
        return notation
    plain = _glassnet.expression(notation)
    start = "Sequential("
    if plain.startswith(start) and not plain.startswith(f"{start}OrderedDict("):
        return f"{start}{_look_up(tables)}, {plain[len(start):]}"
    return f"{start}{_look_up(tables)}, {plain})"


def build(
    inputs: int, outputs: int, hidden_layer_sizes: Any, activation: Any, dropout: Any, batch_norm: bool, tables: Tables
) -> str:
    """The network in notation: each hidden layer is ``Linear``, ``BatchNorm1d``, the activation, ``Dropout``."""
    sizes = hidden_sizes(hidden_layer_sizes)
    activations = _for_each_layer(activation, len(sizes), "activation")
    drops = _for_each_layer(dropout, len(sizes), "dropout")
    layers = [_look_up(tables)] if tables else []
    width = inputs + sum(length - 1 for _, length in tables.values())
    for size, function, drop in zip(sizes, activations, drops):
        layers.append(f"Linear({width}, {size})")
        if batch_norm:
            layers.append(f"BatchNorm1d({size})")
        layers.append(activation_notation(function))
        if not isinstance(drop, (int, float)) or not 0 <= drop < 1:
            raise ValueError(f"dropout is {drop!r}; give a number of at least 0 and below 1")
        if drop:
            layers.append(f"Dropout({float(drop)!r})")
        width = size
    layers.append(f"Linear({width}, {outputs})")
    return f"Sequential({', '.join(layers)})"


def initial_weights(
    notation: str, activation: Any, random: np.random.RandomState, tables: Tables, *, own: bool
) -> tuple[str, dict[str, np.ndarray]]:
    """The network as it prints and its weights before the first step.

    Parameters
    ----------
    notation : str
        The network.
    activation : str or sequence
        The hidden layers' activation: that of ``'logistic'`` makes the bounds smaller, as in scikit-learn.
    random : RandomState
        Where the weights come from.
    own : bool
        Whether the user wrote the network: then its weights are PyTorch's, of a seed from ``random``. Otherwise they are
        scikit-learn's: uniform within Glorot's bounds, biases too, number by number from the same generator. Tables are
        standard normal as PyTorch's are, but for the row of zeros that stands for unknown categories.
    """
    if own:
        return _glassnet.network_state(notation, int(random.randint(np.iinfo(np.int32).max)))
    printed, state = _glassnet.network_state(notation, 0)
    logistic = activation == "logistic"
    for at, (codes, length) in tables.items():
        rows = random.standard_normal((codes, length)).astype(np.float32)
        rows[0] = 0.0
        state[f"0.{at}.weight"] = rows
    for key in dense_weights(state, tables):
        fan_out, fan_in = state[key].shape
        bound = np.sqrt((2.0 if logistic else 6.0) / (fan_in + fan_out))
        state[key] = np.ascontiguousarray(random.uniform(-bound, bound, (fan_in, fan_out)).T, dtype=np.float32)
        state[_bias(key)] = random.uniform(-bound, bound, fan_out).astype(np.float32)
    return printed, state


def dense_weights(state: dict[str, np.ndarray], tables: Tables) -> list[str]:
    """The keys of the layers' weights, in order; tables of codes are none."""
    looked_up = {f"0.{at}.weight" for at in tables}
    return [key for key, value in state.items() if key.endswith("weight") and value.ndim == 2 and key not in looked_up]


def biases(state: dict[str, np.ndarray], tables: Tables) -> Sequence[np.ndarray]:
    """The biases that belong to :func:`dense_weights`; zeros for a layer without."""
    keys = dense_weights(state, tables)
    return [state.get(_bias(key), np.zeros(len(state[key]), dtype=np.float32)) for key in keys]


def _bias(key: str) -> str:
    return key[: -len("weight")] + "bias"


def output_width(notation: str, state: dict[str, np.ndarray], inputs: int) -> int:
    """How many numbers the network gives for a row of ``inputs``."""
    outputs = _glassnet.Inference(notation, state, [inputs], 1)(np.zeros((1, inputs), dtype=np.float32))
    if outputs.ndim != 2:
        raise ValueError(f"the network gives {outputs.shape[1:]} numbers for a row; an estimator needs one axis of them")
    return int(outputs.shape[1])
