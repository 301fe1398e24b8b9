"""How many threads compute: one setting for calls, gradients, training and estimators."""

from __future__ import annotations

import os
import sys
import threading

from . import _glassnet

__all__ = ["get_num_threads", "set_num_threads", "threads_of_process", "threads_to_use"]


def set_num_threads(threads: int | None) -> None:
    """Chooses how many threads compute: calls of networks, gradients, ``fit``, estimators.

    The number changes the speed, never a bit of a result; what gains nothing from a second thread uses one.

    Parameters
    ----------
    threads : int or None
        From 1 to 1024; ``None`` leaves the choice to `get_num_threads` again.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.set_num_threads(2)
    >>> gn.get_num_threads()
    2
    >>> gn.set_num_threads(None)
    """
    if threads is not None and threads < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _glassnet.choose_threads(None if threads is None else _checked(threads))


def get_num_threads() -> int:
    """How many threads compute where a call doesn't say it by ``threads=``.

    In this order: what `set_num_threads` was given; the environment's ``GLASSNET_NUM_THREADS``; 1 in a worker process (of
    ``joblib``, of ``multiprocessing``), and for trainings and estimators in a thread that is not the main one, so that those
    side by side don't fight for the cores; the environment's ``OMP_NUM_THREADS``; every core that the process may use.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.get_num_threads() >= 1
    True
    """
    chosen = _glassnet.chosen_threads()
    if chosen is not None:
        return chosen
    named = _from_environment("GLASSNET_NUM_THREADS")
    if named is None and threading.current_thread() is not threading.main_thread():
        return 1
    return threads_of_process()


def threads_of_process() -> int:
    """As `get_num_threads` where nobody chose, whichever thread asks."""
    wanted = _from_environment("GLASSNET_NUM_THREADS")
    if wanted is not None:
        return wanted
    if _is_worker():
        return 1
    wanted = _from_environment("OMP_NUM_THREADS")
    return _cores() if wanted is None else min(wanted, _cores())


def threads_to_use(threads: int | None) -> int:
    """``threads``, or the setting for ``None``; an error for what is no number of threads."""
    return get_num_threads() if threads is None else _checked(threads)


def _checked(threads: int) -> int:
    if isinstance(threads, bool) or int(threads) != threads or not 1 <= threads <= 1024:
        raise ValueError(f"threads is {threads!r}; give a number from 1 to 1024, or None for the default")
    return int(threads)


def _cores() -> int:
    """The cores that this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not every system knows affinities
        return max(1, os.cpu_count() or 1)


def _is_worker() -> bool:
    """Whether this is a process that somebody started to share work with others."""
    # Where it was never imported, this process was not started by it.
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.current_process().name != "MainProcess"


def _from_environment(name: str) -> int | None:
    # OMP_NUM_THREADS may hold a list, one number for each level of nesting.
    text = os.environ.get(name, "").split(",")[0].strip()
    return int(text) if text.isdigit() and 1 <= int(text) <= 1024 else None
