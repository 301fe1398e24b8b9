"""Schedules of the learning rate by `torch.optim.lr_scheduler`'s names, arguments and defaults.

The rates are the library's closed forms: from PyTorch's, which updates the last rate again and again, they differ by
at most 1e-12 of the rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import _glassnet
from ._optimizers import Optimizer

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LambdaLR", "LinearLR", "LRScheduler",
    "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]


class LRScheduler:
    """The base of all schedules: one state for each of the optimiser's groups.

    Call `step` after each epoch (`OneCycleLR`: after each step of the optimiser).
    """

    def __init__(self, optimizer: Optimizer, notation: str | list[str], last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self._notation = notation
        groups = optimizer.param_groups
        for number, group in enumerate(groups):
            if last_epoch == -1:
                group["initial_lr"] = float(group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler with last_epoch >= 0"
                )
        self.base_lrs = [group["initial_lr"] for group in groups]
        notations = [notation] * len(groups) if isinstance(notation, str) else notation
        self._states = [_glassnet.Scheduled(each, lr) for each, lr in zip(notations, self.base_lrs)]
        for state in self._states:
            for _ in range(last_epoch + 1):
                state.advance()
        self.last_epoch = max(last_epoch, -1) + 1
        self._apply()

    def _apply(self) -> None:
        for group, state in zip(self.optimizer.param_groups, self._states):
            group["lr"] = state.lr
            if state.momentum is not None:
                if "betas" in group:
                    group["betas"] = (state.momentum, *group["betas"][1:])
                else:
                    group["momentum"] = state.momentum
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Goes on by one epoch."""
        for state in self._states:
            state.advance()
        self.last_epoch += 1
        self._apply()

    def get_last_lr(self) -> list[float]:
        """The rates in force, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict:
        """All that continuing needs."""
        return {
            "last_epoch": self.last_epoch, "base_lrs": self.base_lrs, "_last_lr": self._last_lr,
            "states": [state.save() for state in self._states],
        }

    def load_state_dict(self, state_dict: dict) -> None:
        """Continues from a `state_dict`."""
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        self._last_lr = list(state_dict["_last_lr"])
        for state, saved in zip(self._states, state_dict["states"]):
            state.load(tuple(saved))


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` epochs.

    Examples
    --------
    >>> import glassnet as gn
    >>> w = gn.tensor([1.0], requires_grad=True)
    >>> optimizer = gn.optim.SGD([w], lr=0.5)
    >>> scheduler = gn.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.5, 0.05, 0.05]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        super().__init__(optimizer, f"StepLR(step_size={step_size}, gamma={float(gamma)!r})", last_epoch)


class MultiStepLR(LRScheduler):
    """The rate times `gamma` at each milestone."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        super().__init__(optimizer, f"MultiStepLR(milestones={list(milestones)}, gamma={float(gamma)!r})", last_epoch)


class ConstantLR(LRScheduler):
    """The rate times `factor` before epoch `total_iters`."""

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        super().__init__(optimizer, f"ConstantLR(factor={float(factor)!r}, total_iters={total_iters})", last_epoch)


class LinearLR(LRScheduler):
    """The rate from `start_factor` to `end_factor` of itself in `total_iters` epochs."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        notation = f"LinearLR(start_factor={float(start_factor)!r}, end_factor={float(end_factor)!r}, total_iters={total_iters})"
        super().__init__(optimizer, notation, last_epoch)


class ExponentialLR(LRScheduler):
    """The rate times `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        super().__init__(optimizer, f"ExponentialLR(gamma={float(gamma)!r})", last_epoch)


class PolynomialLR(LRScheduler):
    """The rate down to 0 in `total_iters` epochs along a power."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        super().__init__(optimizer, f"PolynomialLR(total_iters={total_iters}, power={float(power)!r})", last_epoch)


class CosineAnnealingLR(LRScheduler):
    """The rate down to `eta_min` in `T_max` epochs along half a cosine."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        super().__init__(optimizer, f"CosineAnnealingLR(T_max={T_max}, eta_min={float(eta_min)!r})", last_epoch)


class CosineAnnealingWarmRestarts(LRScheduler):
    """As `CosineAnnealingLR`, beginning anew after ``T_0``, ``T_0·T_mult``, … epochs."""

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        notation = f"CosineAnnealingWarmRestarts(T_0={T_0}, T_mult={T_mult}, eta_min={float(eta_min)!r})"
        super().__init__(optimizer, notation, last_epoch)


class OneCycleLR(LRScheduler):
    """The rate up to `max_lr` and far down again; counts the optimiser's steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
            total_steps = epochs * steps_per_epoch
        if cycle_momentum and not any(name in optimizer.defaults for name in ("momentum", "betas")):
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.total_steps = total_steps
        rates = list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr] * len(optimizer.param_groups)
        notations = [
            f"OneCycleLR(max_lr={float(rate)!r}, total_steps={total_steps}, pct_start={float(pct_start)!r}, "
            f"anneal_strategy='{anneal_strategy}', cycle_momentum={bool(cycle_momentum)}, base_momentum={float(base_momentum)!r}, "
            f"max_momentum={float(max_momentum)!r}, div_factor={float(div_factor)!r}, final_div_factor={float(final_div_factor)!r}, "
            f"three_phase={bool(three_phase)})"
            for rate in rates
        ]
        super().__init__(optimizer, notations, last_epoch)
        for group, rate in zip(optimizer.param_groups, rates):
            group["initial_lr"] = rate / div_factor
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Goes on by one step of the optimiser."""
        if self.last_epoch >= self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch + 1} times. The specified number of total steps is {self.total_steps}"
            )
        super().step(epoch)


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` when a metric has stopped improving.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rate is changed.
    mode : {'min', 'max'}
        Which metric is better.
    factor : float
        Below 1.
    patience : int
        Epochs without improvement that are let pass.
    threshold, threshold_mode : float, {'rel', 'abs'}
        How much better counts as an improvement.
    cooldown : int
        Epochs after a fall in which nothing is counted.
    min_lr : float or list of float
        The rate never falls below this.
    eps : float
        A smaller fall is left out.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        least = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * len(optimizer.param_groups)
        if len(least) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(least)}")
        notations = [
            f"ReduceLROnPlateau(mode='{mode}', factor={float(factor)!r}, patience={patience}, threshold={float(threshold)!r}, "
            f"threshold_mode='{threshold_mode}', cooldown={cooldown}, min_lr={float(each)!r}, eps={float(eps)!r})"
            for each in least
        ]
        super().__init__(optimizer, notations)

    def step(self, metrics: float, epoch: int | None = None) -> None:
        """Goes on by one epoch, of which `metrics` is the metric."""
        for group, state in zip(self.optimizer.param_groups, self._states):
            state.set_lr(float(group["lr"]))
            state.advance(float(metrics))
        self.last_epoch += 1
        self._apply()


class LambdaLR(LRScheduler):
    """The rate times a function of the epoch."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable | Sequence[Callable], last_epoch: int = -1) -> None:
        count = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(f"Expected {count} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, "ConstantLR(factor=1.0)", last_epoch)

    def _apply(self) -> None:
        for group, base, function in zip(self.optimizer.param_groups, self.base_lrs, self.lr_lambdas):
            group["lr"] = base * function(self.last_epoch)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]


class SequentialLR(LRScheduler):
    """One schedule after the other; each counts from its own start."""

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        for number, each in enumerate(schedulers):
            if each.optimizer is not optimizer:
                raise ValueError(f"SequentialLR expects all schedulers to belong to the same optimizer, but scheduler {number} doesn't")
            if not isinstance(each._notation, str) or isinstance(each, LambdaLR):
                raise ValueError(f"SequentialLR does not support `{type(each).__name__}` scheduler")
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        parts = ", ".join(each._notation for each in schedulers)
        super().__init__(optimizer, f"SequentialLR([{parts}], milestones={list(milestones)})", last_epoch)
