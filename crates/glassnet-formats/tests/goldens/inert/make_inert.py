#!/usr/bin/env python3
"""Makes checkpoints as Lightning writes them whose hyper-parameters are objects.

    python make_inert.py FOLDER

`settings.ckpt` holds classes of settings that are known to be nothing else (argparse, pathlib, datetime, OmegaConf, Lightning's
own dict), `own_class.ckpt` a class of somebody's own. Made with torch 2.15, omegaconf 2.3; Lightning's class is one of its name here.
"""

import argparse
import collections
import datetime
import pathlib
import sys
import types

import torch
from omegaconf import OmegaConf
from torch import nn

FOLDER = pathlib.Path(sys.argv[1])


class AttributeDict(dict):
    """As Lightning has one."""


AttributeDict.__module__ = "lightning.fabric.utilities.data"
for name in ["lightning", "lightning.fabric", "lightning.fabric.utilities", "lightning.fabric.utilities.data"]:
    sys.modules[name] = types.ModuleType(name)
sys.modules["lightning.fabric.utilities.data"].AttributeDict = AttributeDict


class Settings:
    def __init__(self):
        self.width = 3


def checkpoint(parameters):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    state = collections.OrderedDict(("model." + key, value) for key, value in net.state_dict().items())
    return {
        "epoch": 1,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": state,
        "callbacks": {"ModelCheckpoint": {"dirpath": pathlib.PurePosixPath("runs/1"), "best_model_score": torch.tensor(0.5)}},
        "hparams_name": "kwargs",
        "hyper_parameters": parameters,
    }


known = AttributeDict(
    arguments=argparse.Namespace(lr=0.1, layers=[1, 2], folder=pathlib.PurePosixPath("data")),
    config=OmegaConf.create({"optim": {"lr": 0.1, "betas": [0.9, 0.99]}, "name": "run", "seed": None}),
    began=datetime.datetime(2026, 11, 26, tzinfo=datetime.timezone.utc),
    counts=collections.defaultdict(int, a=1),
)
torch.save(checkpoint(known), FOLDER / "settings.ckpt")
torch.save(checkpoint({"settings": Settings()}), FOLDER / "own_class.ckpt")
