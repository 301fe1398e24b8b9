"""The optimisers: which parameters, with which options; the steps are the library's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy

import numpy as np

from .. import _glassnet
from .._glassnet import Tensor
from ..autograd import enable_grad

_IGNORED = ("foreach", "fused", "capturable", "differentiable")


class Optimizer:
    """The base of all optimisers: parameter groups with their options, and the state of each parameter.

    Parameters
    ----------
    params : iterable
        Parameters, pairs of a name and a parameter, or dicts with ``"params"`` and options of their own.
    defaults : dict
        The options of groups that don't say otherwise.
    """

    _name = ""

    def __init__(self, params: Iterable, defaults: dict) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.FloatTensor"
            )
        self.defaults = defaults
        self.param_groups: list[dict] = []
        self.state: dict[Tensor, _glassnet.Remembered] = {}
        self._rules: dict[tuple, _glassnet.Rule] = {}
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(dict(group))

    def add_param_group(self, param_group: dict) -> None:
        """Adds parameters with options of their own."""
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        if params and isinstance(params[0], tuple):
            param_group["param_names"] = [name for name, _ in params]
            params = [each for _, each in params]
        for each in params:
            if not isinstance(each, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(each).__name__}")
            if not each.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        known = {id(each) for group in self.param_groups for each in group["params"]}
        if known & {id(each) for each in params}:
            raise ValueError("some parameters appear in more than one parameter group")
        group = {"params": params, **{name: value for name, value in param_group.items() if name != "params"}}
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        # Options that cannot be used are refused here rather than in the first step.
        self._rule(group)
        self.param_groups.append(group)

    def _options(self, group: dict) -> tuple:
        return tuple((name, group[name]) for name in self.defaults if name not in _IGNORED)

    def _rule(self, group: dict) -> _glassnet.Rule:
        options = self._options(group)
        # Nobody looks at the rate that a rule was made with.
        key = tuple(pair for pair in options if pair[0] != "lr")
        key = (*key, _number(group["lr"]) >= 0)
        found = self._rules.get(key)
        if found is None:
            written = ", ".join(f"{name}={_written(value)}" for name, value in options)
            found = self._rules[key] = _glassnet.Rule(f"{self._name}({written})")
        return found

    def step(self, closure: Callable[[], object] | None = None) -> object:
        """Changes the parameters by one step along their gradients; parameters without a gradient stay.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients anew; its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            rule = self._rule(group)
            active = [each for each in group["params"] if each.grad is not None]
            states = []
            for each in active:
                state = self.state.get(each)
                if state is None:
                    state = self.state[each] = rule.start(each._array.size)
                states.append(state)
            rule.step(_number(group["lr"]), active, states)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters."""
        for group in self.param_groups:
            for each in group["params"]:
                if each.grad is not None:
                    if set_to_none:
                        each.grad = None
                    else:
                        each.grad.zero_()

    def state_dict(self) -> dict:
        """The options and what is remembered, by the parameters' numbers: PyTorch's layout."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = []
            for each in group["params"]:
                packed["params"].append(numbers.setdefault(id(each), len(numbers)))
            groups.append(packed)
        state = {}
        for each, remembered in self.state.items():
            saved = remembered.save()
            entry: dict[str, object] = {"step": Tensor._around(np.asarray(saved["step"], np.float32))}
            if saved["mu_product"] is not None:
                entry["mu_product"] = Tensor._around(np.asarray(saved["mu_product"], np.float32))
            for name, values in saved["slots"].items():
                entry[name] = Tensor._around(values.reshape(each._array.shape))
            state[numbers[id(each)]] = entry
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Takes the options and what is remembered from a `state_dict`, also one of PyTorch's."""
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, self.param_groups)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        by_number = {}
        for saved, group in zip(groups, self.param_groups):
            by_number.update(zip(saved["params"], group["params"]))
            group.update({name: deepcopy(value) for name, value in saved.items() if name != "params"})
        self.state.clear()
        for number, entry in state_dict["state"].items():
            parameter = by_number[number]
            group = next(each for each in self.param_groups if any(p is parameter for p in each["params"]))
            values = {name: np.asarray(value) for name, value in entry.items() if value is not None}
            step = int(values.pop("step", np.asarray(0 if not values else 1)))
            product = values.pop("mu_product", None)
            slots = [(name, value.astype(np.float32).reshape(-1).tolist()) for name, value in values.items()]
            self.state[parameter] = self._rule(group).restore(
                parameter._array.size, step, None if product is None else float(product), slots
            )

    def __getstate__(self) -> dict:
        return {"defaults": self.defaults, "param_groups": self.param_groups, "saved": self.state_dict()}

    def __setstate__(self, state: dict) -> None:
        self.defaults, self.param_groups = state["defaults"], state["param_groups"]
        self.state, self._rules = {}, {}
        self.load_state_dict(state["saved"])

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for number, group in enumerate(self.param_groups):
            text += f"\nParameter Group {number}\n"
            for name in sorted(group):
                if name != "params":
                    text += f"    {name}: {group[name]}\n"
        return text + ")"


def _number(value: object) -> float:
    return float(value.item()) if isinstance(value, Tensor) else float(value)


def _written(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(_written(each) for each in value) + ")"
    if isinstance(value, Tensor):
        value = value.item()
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, float, np.number)):
        return repr(float(value))
    return repr(value)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum on request.

    Examples
    --------
    >>> import glassnet as gn
    >>> w = gn.tensor([1.0], requires_grad=True)
    >>> optimizer = gn.optim.SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.], requires_grad=True)
    """

    _name = "SGD"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov, maximize=maximize,
                foreach=foreach, differentiable=differentiable, fused=fused,
            ),
        )


class Adam(Optimizer):
    """Adam: steps by running means of the gradient and of its square."""

    _name = "Adam"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize, foreach=foreach,
                capturable=capturable, differentiable=differentiable, fused=fused, decoupled_weight_decay=decoupled_weight_decay,
            ),
        )


class AdamW(Optimizer):
    """Adam with decoupled weight decay."""

    _name = "AdamW"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize, foreach=foreach,
                capturable=capturable, differentiable=differentiable, fused=fused,
            ),
        )


class NAdam(Optimizer):
    """Adam with Nesterov's momentum."""

    _name = "NAdam"

    def __init__(
        self,
        params: Iterable,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
                decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
                differentiable=differentiable,
            ),
        )


class RAdam(Optimizer):
    """Adam whose step is rectified while its second moment is uncertain."""

    _name = "RAdam"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay,
                maximize=maximize, foreach=foreach, capturable=capturable, differentiable=differentiable,
            ),
        )


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient."""

    _name = "RMSprop"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered, maximize=maximize,
                foreach=foreach, capturable=capturable, differentiable=differentiable,
            ),
        )


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients."""

    _name = "Adagrad"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value, eps=eps,
                maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused,
            ),
        )


class Adadelta(Optimizer):
    """Steps scaled by the ratio of two running root mean squares."""

    _name = "Adadelta"

    def __init__(
        self,
        params: Iterable,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
                differentiable=differentiable,
            ),
        )
