"""Optimisers by `torch.optim`'s names, arguments and defaults; `lr_scheduler` has the schedules."""

from . import lr_scheduler
from ._optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "NAdam", "Optimizer", "RAdam", "RMSprop", "lr_scheduler",
]
