"""`Module`: what every layer and network is."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from .. import _dtype, _glassnet
from .._convert import as_array
from .._glassnet import Tensor
from .parameter import Parameter

#: Whatever changes the structure of a module says so: what was compiled for modules asks.
_count_a_change = _glassnet.count_a_change


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class Module:
    """The base of layers and networks: subclass it, call ``super().__init__()``, define ``forward``.

    Parameters and modules that are assigned as attributes are registered: `parameters`, `state_dict`, `train` and
    the others find them.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(2, 3)
    ...         self.out = nn.Linear(3, 1)
    ...     def forward(self, x):
    ...         return self.out(nn.functional.relu(self.hidden(x)))
    >>> net = Net()
    >>> net(gn.zeros(4, 2)).shape
    torch.Size([4, 1])
    >>> [name for name, _ in net.named_parameters()]
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    training: bool
    _is_known = False

    def __init__(self) -> None:
        set_ = super().__setattr__
        set_("training", True)
        set_("_parameters", {})
        set_("_buffers", {})
        set_("_non_persistent", set())
        set_("_modules", {})
        set_("_forward_hooks", {})
        set_("_forward_pre_hooks", {})
        set_("_compiled", None)
        set_("_forward_pass", None)

    # --- attributes ---

    def __setattr__(self, name: str, value: object) -> None:
        known = self.__dict__
        parameters = known.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            parameters[name] = value
        elif isinstance(value, Module):
            if parameters is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            known["_modules"][name] = value
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_kind(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            parameters[name] = None
        elif parameters is not None and name in known["_modules"]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_kind(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            known["_modules"][name] = None
        elif parameters is not None and name in known["_buffers"]:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{_kind(value)}' object to buffer '{name}' "
                    "(torch.Tensor or None required)"
                )
            if value is not None:
                value._seal()
            known["_buffers"][name] = value
        else:
            super().__setattr__(name, value)
            if not self._is_known:
                # What the library doesn't look at.
                return
        _count_a_change()

    def __getattr__(self, name: str) -> object:
        for group in ("_parameters", "_buffers", "_modules"):
            members = self.__dict__.get(group)
            if members is not None and name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for group in (self._parameters, self._buffers, self._modules):
            if name in group:
                del group[name]
                _count_a_change()
                return
        super().__delattr__(name)
        _count_a_change()

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def _forget(self, name: str, keep: str) -> None:
        """Takes a name from whatever had it, but for the group in which it keeps its place."""
        for group in ("_parameters", "_buffers", "_modules"):
            if group != keep:
                self.__dict__[group].pop(name, None)
        self.__dict__.pop(name, None)

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name not in ("_compiled", "_forward_pass")}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state, _compiled=None, _forward_pass=None)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Registers a parameter, or ``None`` in its place."""
        _check_name(self, name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param
        _count_a_change()

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Registers a tensor that belongs to the state but is not trained."""
        _check_name(self, name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if tensor is not None:
            tensor._seal()
        if not persistent:
            self._non_persistent.add(name)
        _count_a_change()

    def register_module(self, name: str, module: Module | None) -> None:
        """Registers a child."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Registers a child."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        _check_name(self, name, "module name", self._modules)
        self._modules[name] = module
        _count_a_change()

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name."""
        found = self
        for part in target.split(".") if target else []:
            if part not in found._modules:
                raise AttributeError(f"{type(found).__name__} has no attribute `{part}`")
            found = found._modules[part]
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return module._parameters[name]

    # --- calls ---

    def forward(self, *args: object, **kwargs: object) -> object:
        """What the module computes; to be defined."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: object, **kwargs: object) -> object:
        if self._forward_hooks or self._forward_pre_hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple, kwargs: dict) -> object:
        for hook in tuple(self._forward_pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in tuple(self._forward_hooks.values()):
            changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_hook(self, hook: Callable) -> _Handle:
        """Calls ``hook(module, args, output)`` after each forward."""
        _count_a_change()
        return _Handle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable) -> _Handle:
        """Calls ``hook(module, args)`` before each forward."""
        _count_a_change()
        return _Handle(self._forward_pre_hooks, hook)

    # --- walks ---

    def _named(self, group: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Tensor]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in getattr(module, group).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their names."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their names."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly within this one, with their names."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly within this one."""
        return (module for _, module in self.named_children())

    def named_modules(self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all within it, with their names."""
        memo = set() if memo is None else memo
        if remove_duplicate and id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all within it."""
        return (module for _, module in self.named_modules())

    def apply(self, fn: Callable[[Module], object]) -> Module:
        """Calls ``fn`` with every module within this one, and then with this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- modes ---

    def train(self, mode: bool = True) -> Module:
        """Training: dropout draws masks, batch normalisation takes the batch's statistics."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Module:
        """Evaluation: the opposite of `train`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Sets whether gradients towards the parameters are wanted."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets all gradients."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                if set_to_none:
                    parameter.grad = None
                else:
                    parameter.grad.zero_()

    def to(self, *args: object, **kwargs: object) -> Module:
        """Gives parameters and buffers the element type ``float32`` or ``float64``; the device is always the CPU."""
        for each in (*args, *kwargs.values()):
            if isinstance(each, (bool, type(None))):
                continue
            if isinstance(each, Tensor):
                each = each.dtype
            if isinstance(each, (_dtype.dtype, np.dtype, type)) or str(each).startswith("torch."):
                self._cast(_dtype.given(each))
            else:
                Tensor(1).to(each)
        return self

    def _cast(self, wanted: _dtype.dtype) -> None:
        if not wanted.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={wanted}")
        if wanted is _dtype.float16:
            raise NotImplementedError("modules compute in float32 and float64, not in torch.float16; leave it in float32")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor._array.dtype.kind != "f" or tensor._array.dtype == wanted.numpy:
                continue
            grad, tensor.grad = tensor.grad, None
            tensor.data = tensor.detach().to(wanted)
            if grad is not None:
                tensor.grad = grad.detach().to(wanted)

    def cpu(self) -> Module:
        """The module itself."""
        return self

    def float(self) -> Module:
        """Parameters and buffers become ``float32``, in which the engine computes."""
        return self.to(_dtype.float32)

    def double(self) -> Module:
        """Parameters and buffers become ``float64``: outputs and gradients are the f64 reference's, exact to its rounding and slow.

        For checking and for derivatives of high order; optimisers, ``fit``, and batch normalisation and dropout in training
        need ``float32``.

        Examples
        --------
        >>> import glassnet as gn
        >>> from glassnet import nn
        >>> nn.Linear(2, 1).double()(gn.ones(1, 2, dtype=gn.float64)).dtype
        torch.float64
        """
        return self.to(_dtype.float64)

    def half(self) -> Module:
        """Not available: modules compute in ``float32`` and ``float64``."""
        return self.to(_dtype.float16)

    # --- state ---

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False, destination: dict | None = None) -> OrderedDict:
        """The parameters and buffers by name; they see the module's memory.

        Examples
        --------
        >>> from glassnet import nn
        >>> {key: tuple(value.shape) for key, value in nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        state = OrderedDict() if destination is None else destination
        members = [*self._parameters.items()]
        members += [each for each in self._buffers.items() if each[0] not in self._non_persistent]
        for name, member in members:
            if member is not None:
                state[prefix + name] = member if keep_vars else member.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(prefix=f"{prefix}{name}.", keep_vars=keep_vars, destination=state)
        return state

    def load_state_dict(self, state_dict: Mapping[str, object], strict: bool = True, assign: bool = False) -> _IncompatibleKeys:
        """Copies parameters and buffers from a state dict.

        Parameters
        ----------
        state_dict : mapping
            Tensors or arrays (of this or another library) by name.
        strict : bool
            Whether missing and unexpected names are an error.
        assign : bool
            Accepted as PyTorch has it; the numbers are copied.

        Raises
        ------
        RuntimeError
            With all names that are missing, unexpected or of another shape.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = self.state_dict(keep_vars=True)
        missing = [key for key in own if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        errors, found = [], {}
        for key, member in own.items():
            if key not in state_dict:
                continue
            array = as_array(state_dict[key])
            if array.dtype.kind not in "biuf":
                errors.append(f"{key} holds no numbers but elements of {array.dtype}.")
                continue
            if array.ndim == 1 and array.size == 1 and member._array.ndim == 0:
                array = array.reshape(())
            if array.shape != member._array.shape:
                errors.append(
                    f"size mismatch for {key}: copying a param with shape torch.Size({list(array.shape)}) from checkpoint, "
                    f"the shape in current model is torch.Size({list(member._array.shape)})."
                )
            else:
                found[key] = array
        if strict and unexpected:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
        if strict and missing:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        # As in PyTorch, what fits is copied though the rest does not.
        for key, array in found.items():
            own[key]._array[...] = array
            own[key]._changed()
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors)
            )
        return _IncompatibleKeys(missing, unexpected)

    # --- text ---

    def extra_repr(self) -> str:
        """The arguments as ``repr`` shows them."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = []
        for name, module in self._modules.items():
            children.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        if not lines and not children:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"

    # --- what the library knows ---

    def _is_changed(self) -> bool:
        """Whether hooks, or a ``forward`` of the object's own, make it something else than its class."""
        return bool(self._forward_hooks or self._forward_pre_hooks or "forward" in self.__dict__)

    def _notation(self) -> str | None:
        """The library's notation of the module, or ``None`` where it is no layer of the library."""
        return None


def _kind(value: object) -> str:
    return value.type() if isinstance(value, Tensor) else f"{type(value).__module__}.{type(value).__name__}"


class _Handle:
    """Removes what was registered."""

    _next = 0

    def __init__(self, hooks: dict, hook: Callable) -> None:
        _Handle._next += 1
        self._hooks, self._id = hooks, _Handle._next
        hooks[self._id] = hook

    def remove(self) -> None:
        self._hooks.pop(self._id, None)
        _count_a_change()

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def _check_name(module: Module, name: str, kind: str, group: dict) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{kind} should be a string. Got {type(name).__name__}")
    if "." in name:
        raise KeyError(f'{kind} can\'t contain "."' if kind != "module name" else f'module name can\'t contain ".", got: {name}')
    if not name:
        raise KeyError(f'{kind} can\'t be empty string ""')
    if hasattr(module, name) and name not in group:
        raise KeyError(f"attribute '{name}' already exists")


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
