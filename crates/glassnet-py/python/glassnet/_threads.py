"""How many threads compute where nobody says it."""

from __future__ import annotations

import os
import sys
import threading

from ._glassnet import get_num_threads

__all__ = ["default_threads", "threads_to_use"]


def _cores() -> int:
    """The cores that this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not every system knows affinities
        return max(1, os.cpu_count() or 1)


def _is_worker() -> bool:
    """Whether this is a process or a thread that somebody started to share work with others."""
    if threading.current_thread() is not threading.main_thread():
        return True
    # Where it was never imported, this process was not started by it.
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.current_process().name != "MainProcess"


def default_threads() -> int:
    """The number of threads that training and predicting use by themselves.

    In this order: what ``glassnet.set_num_threads`` was given, unless it is 1; the environment's
    ``GLASSNET_NUM_THREADS``; 1 in a worker process (of ``joblib``, of
    ``multiprocessing``) and in a thread that is not the main one, so that trainings side by side don't fight for the
    cores; the environment's ``OMP_NUM_THREADS``; every core that the process may use.

    Examples
    --------
    >>> from glassnet import default_threads
    >>> default_threads() >= 1
    True
    """
    given = get_num_threads()
    if given > 1:
        return given
    wanted = _from_environment("GLASSNET_NUM_THREADS")
    if wanted is not None:
        return wanted
    if _is_worker():
        return 1
    wanted = _from_environment("OMP_NUM_THREADS")
    return _cores() if wanted is None else min(wanted, _cores())


def _from_environment(name: str) -> int | None:
    # OMP_NUM_THREADS may hold a list, one number for each level of nesting.
    text = os.environ.get(name, "").split(",")[0].strip()
    return int(text) if text.isdigit() and 1 <= int(text) <= 1024 else None


def threads_to_use(threads: int | None) -> int:
    """``threads``, or the default for ``None``; an error for what is no number of threads."""
    if threads is None:
        return default_threads()
    if isinstance(threads, bool) or int(threads) != threads or not 1 <= threads <= 1024:
        raise ValueError(f"threads is {threads!r}; give a number from 1 to 1024, or None for the default")
    return int(threads)
