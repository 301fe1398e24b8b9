"""What `torch.utils` has for data sets."""

from . import data

__all__ = ["data"]
