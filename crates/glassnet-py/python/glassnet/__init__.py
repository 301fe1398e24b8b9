"""Trains feed-forward networks on the CPU and opens every number to the computation that made it."""

from ._documents import Document, derive, exercise, explain, lesson, summary, worked
from ._files import read, read_state_dict, write
from ._glassnet import __version__

__all__ = [
    "Document",
    "__version__",
    "derive",
    "exercise",
    "explain",
    "lesson",
    "read",
    "read_state_dict",
    "summary",
    "worked",
    "write",
]
