"""Exceptions of the library that are of two of Python's kinds."""


class NetworkError(RuntimeError, ValueError):
    """Parts that do not fit together: PyTorch raises ``RuntimeError`` there, NumPy and scikit-learn ``ValueError``."""


class DimensionError(NetworkError, IndexError):
    """An axis that isn't there."""


class NotForElements(NotImplementedError):
    """An operation that some element types lack, as PyTorch raises it."""


class OutOfRange(IndexError, ValueError):
    """An index outside its table or its classes."""
