"""Modules that hold others."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from .._glassnet import Tensor
from . import _module
from ._layers import Known
from ._module import Module
from .parameter import Parameter

__all__ = ["EmbedColumns", "ModuleDict", "ModuleList", "ParameterList", "Residual", "Sequential"]


class Sequential(Known):
    """Modules one after the other.

    Parameters
    ----------
    *args : Module or OrderedDict
        The modules, or one ordered dict of modules by name.

    Examples
    --------
    >>> from glassnet import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    def __init__(self, *args: object) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for at, module in enumerate(args):
                self.add_module(str(at), module)

    def forward(self, input: Tensor) -> Tensor:
        """The last module's output."""
        result = self._run(input)
        if result is not None:
            return result
        for module in self._modules.values():
            input = module(input)
        return input

    def _own_notation(self) -> str | None:
        return _joined("Sequential", self._modules)

    def _notation(self) -> str | None:
        is_ours = type(self).forward in (Sequential.forward, Residual.forward)
        return self._own_notation() if is_ours and not self._is_changed() else None

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return list(self._modules.values())[_place(index, len(self))]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[_place(index, len(self))], module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [names[_place(index, len(self))]]:
            delattr(self, name)
        self._number()

    def _number(self) -> None:
        modules = list(self._modules.values())
        self._modules.clear()
        self._modules.update((str(at), module) for at, module in enumerate(modules))
        _module._count_a_change()

    def append(self, module: Module) -> Sequential:
        """Adds a module behind the last one."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Sequential:
        """Adds a module before position `index`."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self._modules.values())
        modules.insert(index if index >= 0 else index + len(self), module)
        self._modules.clear()
        self._modules.update((str(at), each) for at, each in enumerate(modules))
        _module._count_a_change()
        return self

    def extend(self, sequential: Iterable[Module]) -> Sequential:
        """Adds modules behind the last one."""
        for module in sequential:
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Module:
        """Takes a module out."""
        taken = self[key]
        del self[key]
        return taken


def _joined(kind: str, modules: Mapping[str, Module]) -> str | None:
    """The notation of modules one after the other, if the library knows all of them."""
    parts = []
    positional = all(name == str(at) for at, name in enumerate(modules))
    for name, module in modules.items():
        notation = module._notation() if module is not None else None
        if notation is None:
            return None
        parts.append(notation if positional else f"('{name}', {notation})")
    inside = ", ".join(parts)
    return f"{kind}({inside})" if positional else f"{kind}(OrderedDict([{inside}]))"


def _place(index: int, length: int) -> int:
    index = operator.index(index)
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of range")
    return index % length


class Residual(Sequential):
    """``x + f(x)``, where f is a `Sequential` of the given modules: a skip connection. PyTorch has no such module."""

    def forward(self, input: Tensor) -> Tensor:
        """The input plus what the modules make of it."""
        result = self._run(input)
        if result is not None:
            return result
        inner = input
        for module in self._modules.values():
            inner = module(inner)
        return input + inner

    def _own_notation(self) -> str | None:
        return _joined("Residual", self._modules)


class ModuleList(Module):
    """A list whose modules are registered."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or [])

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return type(self)(list(self._modules.values())[index])
        return self._modules[str(_place(index, len(self)))]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, str(_place(index, len(self))), module)

    def append(self, module: Module) -> ModuleList:
        """Adds a module."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Adds modules."""
        for module in modules:
            self.append(module)
        return self


class ModuleDict(Module):
    """A dict whose modules are registered."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]
        _module._count_a_change()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Names and modules."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module]) -> None:
        """Adds modules by name."""
        for name, module in modules.items():
            self[name] = module


class EmbedColumns(Known, ModuleDict):
    """Columns of codes look up rows of tables, which take the codes' place; the other columns stay as they are.

    PyTorch has no such module; this is a dict of `Embedding`, by the number of the column, counted from 0.

    Parameters
    ----------
    modules : dict of str to Embedding
        The tables.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet import nn
    >>> net = nn.EmbedColumns({"1": nn.Embedding(12, 4, padding_idx=0)})
    >>> net(gn.Tensor([[0.5, 7.0, -1.0], [2.0, 0.0, 3.0]])).shape
    torch.Size([2, 6])
    """

    _takes_rows = True

    def forward(self, input: Tensor) -> Tensor:
        """The rows, longer by what the tables have instead of the codes."""
        result = self._run(input)
        if result is not None:
            return result
        from .. import cat

        columns = range(input.shape[-1])
        parts = [self[str(c)](input[..., c].long()) if str(c) in self else input[..., c : c + 1] for c in columns]
        return cat(parts, -1)

    def _own_notation(self) -> str | None:
        return _joined("EmbedColumns", self._modules)

    def _notation(self) -> str | None:
        is_ours = type(self).forward is EmbedColumns.forward
        return self._own_notation() if is_ours and not self._is_changed() else None


class ParameterList(Module):
    """A list whose parameters are registered."""

    def __init__(self, values: Iterable[Parameter] | None = None) -> None:
        super().__init__()
        for value in values or []:
            self.append(value)

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __getitem__(self, index: int) -> Parameter:
        return self._parameters[str(_place(index, len(self)))]

    def append(self, value: Tensor) -> ParameterList:
        """Adds a parameter."""
        self.register_parameter(str(len(self)), value if isinstance(value, Parameter) else Parameter(value))
        return self
