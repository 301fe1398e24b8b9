"""Model files of every format that glassnet reads and writes."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from . import _glassnet
from ._documents import _network
from ._notation import network_notation

__all__ = ["read", "read_state_dict", "write"]


def _bytes(file: Any) -> tuple[bytes, str]:
    """The bytes of a path or of an open file, and what to call it."""
    if hasattr(file, "read"):
        return file.read(), str(getattr(file, "name", "the file"))
    return Path(file).read_bytes(), os.fspath(file)


def read_state_dict(file: Any, *, allow_non_finite: bool = False) -> dict[str, np.ndarray]:
    """Read the arrays of a model file by their keys; nothing in the file is executed.

    Parameters
    ----------
    file
        A path, or a file opened in binary mode: safetensors, PyTorch's ``.pt``, ``.npz``, ONNX; its content tells which.
    allow_non_finite
        Take weights that are NaN or infinite.

    Examples
    --------
    >>> import glassnet as gn, numpy as np, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.npz")
    >>> np.savez(path, weight=np.float32([[0.5, -1.0]]))
    >>> gn.read_state_dict(path)
    {'weight': array([[ 0.5, -1. ]], dtype=float32)}
    """
    data, name = _bytes(file)
    found = _glassnet.read_model(data, name, allow_non_finite=allow_non_finite)
    return found["state"]


def read(
    file: Any,
    *,
    network: Any | None = None,
    activation: str | None = None,
    allow_non_finite: bool = False,
) -> Any:
    """Read a network from a model file; nothing in the file is executed.

    Parameters
    ----------
    file
        A path, or a file opened in binary mode: safetensors, PyTorch's ``.pt``, ``.npz``, ONNX; its content tells which.
    network
        The network that the weights belong to, where the file doesn't say it: a notation such as ``"6-32-4"``, or a
        :class:`glassnet.nn.Module`, which gets the weights and is returned.
    activation
        The activation between the layers, where the network is to be read from keys and shapes: ``"relu"``, ``"Tanh()"``, …
    allow_non_finite
        Take weights that are NaN or infinite.

    Returns
    -------
    glassnet.nn.Module

    Raises
    ------
    ValueError
        When the file holds weights alone and neither ``network`` nor ``activation`` says what they belong to.
    """
    from . import nn

    data, name = _bytes(file)
    notation = None if network is None else network_notation(network)
    found = _glassnet.read_model(
        data, name, network=notation, activation=activation, allow_non_finite=allow_non_finite
    )
    for note in found["notes"]:
        warnings.warn(f"{name}: {note}", stacklevel=2)
    if found["network"] is None:
        raise _glassnet.ask_for_network(found["state"], name)
    net = nn.parse(found["network"]) if network is None or isinstance(network, str) else network
    net.load_state_dict(found["state"])
    return net


def write(net: Any, file: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a network to a model file, whose ending tells the format.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, or a dict of arrays by key.
    file
        ``.safetensors`` keeps network and weights, and PyTorch opens it with ``safetensors.torch.load_file``;
        ``.npz`` keeps the weights.
    overwrite
        Replace a file that exists.

    Raises
    ------
    FileExistsError
        When the file exists and ``overwrite`` is false.
    """
    path = Path(file)
    if isinstance(net, dict):
        notation, state = None, {key: np.asarray(value) for key, value in net.items()}
    else:
        notation, state = _network(net)
    data, _ = _glassnet.write_model(os.fspath(path), state, network=notation)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; write to another name, or give overwrite=True")
    # Staged beside the target, so that what stood there stays whole until the new file is.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as staged:
        try:
            staged.write(data)
            staged.flush()
            os.fsync(staged.fileno())
        except BaseException:
            os.unlink(staged.name)
            raise
    os.replace(staged.name, path)
