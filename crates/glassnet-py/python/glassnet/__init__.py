"""Trains feed-forward networks on the CPU and opens every number to the computation that made it."""

from ._glassnet import __version__

__all__ = ["__version__"]
