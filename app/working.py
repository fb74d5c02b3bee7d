"""The worker of a server: does the jobs of all users on a thread of its process, as soon as there is one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from app.library import Library

__all__ = ["start_work", "working"]

AGAIN: Final = 5.0
"""Seconds after which a worker that could not go on, such as for a full disk, is begun anew."""

LEFT: Final = 20.0
"""Seconds that a worker gets to give back what it was doing."""

_log = logging.getLogger("clew.working")


def start_work(library: Library) -> Callable[[], None]:
    """Do all jobs of a library, of all its users, until the function that comes back is called.

    What is under way then is given back, and gone on with by the next worker of any process.
    """
    stopped = threading.Event()
    thread = threading.Thread(target=_work, args=(library, stopped), name="clew-work", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        library.jobs.wake()
        thread.join(LEFT)

    return stop


@contextmanager
def working(library: Library) -> Iterator[None]:
    """Inside, all jobs of a library are done in this process."""
    stop = start_work(library)
    try:
        yield
    finally:
        stop()


def _work(library: Library, stopped: threading.Event) -> None:
    while not stopped.is_set():
        worker = library.jobs.worker()
        try:
            with library.jobs.awake(worker):
                worker.work_until(stopped)
        except Exception as error:  # the outermost place of this thread: the server outlives its worker
            _log.warning("The worker could not go on, and begins anew: %s: %s", type(error).__name__, error)
            stopped.wait(AGAIN)
        finally:
            worker.close()
