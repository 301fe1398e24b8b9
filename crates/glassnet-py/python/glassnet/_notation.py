"""Networks, losses, optimisers and schedules as the library writes them, from the objects that people have."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

__all__ = ["loss_notation", "network_notation", "optimizer_notation", "printed_notation", "schedule_notation"]

#: A line of a printed container: its child's name, and what the child prints first.
_CHILD = re.compile(r"\((?P<name>[^()]*)\): (?P<body>.*)")

#: The arguments of each loss that are attributes of its module.
_LOSSES = {
    "BCELoss": ("weight", "reduction"),
    "BCEWithLogitsLoss": ("weight", "reduction", "pos_weight"),
    "CrossEntropyLoss": ("weight", "ignore_index", "reduction", "label_smoothing"),
    "HuberLoss": ("reduction", "delta"),
    "KLDivLoss": ("reduction", "log_target"),
    "L1Loss": ("reduction",),
    "MSELoss": ("reduction",),
    "NLLLoss": ("weight", "ignore_index", "reduction"),
    "PoissonNLLLoss": ("log_input", "full", "eps", "reduction"),
    "SmoothL1Loss": ("reduction", "beta"),
}

#: The options of each optimiser that change what it computes.
_OPTIMIZERS = {
    "SGD": ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"),
    "Adam": ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "decoupled_weight_decay"),
    "AdamW": ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize"),
    "NAdam": ("lr", "betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize"),
    "RAdam": ("lr", "betas", "eps", "weight_decay", "decoupled_weight_decay", "maximize"),
    "RMSprop": ("lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize"),
    "Adagrad": ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps", "maximize"),
    "Adadelta": ("lr", "rho", "eps", "weight_decay", "maximize"),
}


def network_notation(net: Any) -> str:
    """A network in notation, from a text, a module of ``glassnet.nn``, or one of ``torch.nn`` that prints alike.

    Examples
    --------
    >>> from glassnet._notation import network_notation
    >>> class Printed:
    ...     def __repr__(self):
    ...         return "Sequential(\\n  (0): Linear(in_features=2, out_features=1, bias=True)\\n  (last): Tanh()\\n)"
    >>> network_notation(Printed())
    "Sequential(OrderedDict([('0', Linear(in_features=2, out_features=1, bias=True)), ('last', Tanh())]))"
    """
    if isinstance(net, str):
        return net
    if hasattr(net, "_notation"):
        text = net._notation()
        if text is None:
            raise TypeError(
                f"the library doesn't know what this {type(net).__name__} computes: it knows networks of its own layers, without "
                "hooks and without a forward of their own; such a network is trained step by step with loss.backward()"
            )
        return text
    return printed_notation(repr(net))


def printed_notation(text: str) -> str:
    """What ``print(net)`` shows as notation; notation itself stays as it is.

    Examples
    --------
    >>> from glassnet._notation import printed_notation
    >>> printed_notation("Sequential(\\n  (0): Tanh()\\n)")
    "Sequential(OrderedDict([('0', Tanh())]))"
    """
    if not any(_CHILD.fullmatch(line.strip()) for line in text.splitlines()):
        return text
    pieces: list[str] = []
    for line in (line.strip() for line in text.splitlines()):
        child = _CHILD.match(line)
        body = child["body"] if child else line
        if child:
            pieces.append(f"('{child['name']}', ")
        if body.endswith("("):
            pieces.append(body + "OrderedDict([")
        elif body == ")":
            pieces.append("]))), ")
        else:
            pieces.append(body + "), ")
    return "".join(pieces).replace(", ]", "]").removesuffix("), ")


def loss_notation(loss: Any) -> str:
    """A loss in notation, from a text or a module of ``glassnet.nn`` or ``torch.nn``.

    Examples
    --------
    >>> from glassnet import nn
    >>> from glassnet._notation import loss_notation
    >>> loss_notation(nn.HuberLoss(delta=2.0))
    "HuberLoss(reduction='mean', delta=2.0)"
    """
    if isinstance(loss, str):
        return loss
    name = type(loss).__name__
    if name not in _LOSSES:
        known = ", ".join(_LOSSES)
        raise TypeError(f"the compiled loop has no loss {name}; it has {known}, and takes them by name too: 'cross_entropy'")
    arguments = ((argument, getattr(loss, argument)) for argument in _LOSSES[name])
    return _call(name, [(argument, value) for argument, value in arguments if value is not None])


def optimizer_notation(optimizer: Any) -> str:
    """An optimiser in notation, from a text or an optimiser of ``glassnet.optim`` or ``torch.optim`` with one group.

    Where a schedule has changed its learning rate, this is the one it began with.
    """
    if isinstance(optimizer, str):
        return optimizer
    name = type(optimizer).__name__
    if name not in _OPTIMIZERS:
        raise TypeError(f"the compiled loop has no optimiser {name}; it has {', '.join(_OPTIMIZERS)}")
    groups = optimizer.param_groups
    if len(groups) != 1:
        raise ValueError(f"this {name} has {len(groups)} groups of parameters; the compiled loop has one")
    group = {**groups[0], "lr": groups[0].get("initial_lr", groups[0]["lr"])}
    return _call(name, [(option, group[option]) for option in _OPTIMIZERS[name] if option in group])


def schedule_notation(schedule: Any) -> str:
    """A schedule in notation, from a text or a schedule of ``glassnet.optim.lr_scheduler``."""
    if isinstance(schedule, str):
        return schedule
    notation = getattr(schedule, "_notation", None)
    if not isinstance(notation, str):
        raise TypeError(
            f"the compiled loop can't read this {type(schedule).__name__}; give it by name: 'StepLR(step_size=10, gamma=0.5)'"
        )
    return notation


def _call(name: str, arguments: list[tuple[str, Any]]) -> str:
    return f"{name}({', '.join(f'{argument}={_value(value)}' for argument, value in arguments)})"


def _value(value: Any) -> str:
    """A value as Python's literals have it: tensors and arrays become lists of numbers."""
    if value is None or isinstance(value, (bool, str)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_value(each) for each in value)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if hasattr(value, "detach"):
        value = value.detach()
    value = np.asarray(value)
    return repr(value.tolist())
