"""What runs on a node of a Ray cluster: tasks, on threads of one process that has opened the library once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from app.events import Event
from app.jobs.contract import NewTask, Outcome
from app.jobs.endings import Done, Ending, Fault, Faulted, attempt
from app.jobs.executors import work_of
from app.jobs.running import Jobs
from app.jobs.telling import Teller
from memory.job_queue import ClaimedTask
from reader.chat import Cancellation
from retrieval.errors import ClewError

__all__ = ["Place", "ending_of", "jobs_of"]


class Place:
    """A process of a node. What goes in and out is plain data, so that versions of errors do not matter."""

    def __init__(self, open_jobs: Callable[[], Jobs]) -> None:
        self._open, self._lock = open_jobs, threading.Lock()
        self._jobs: Jobs | None = None
        self._running: dict[int, Cancellation] = {}

    def run(self, task: dict[str, Any]) -> dict[str, Any]:
        """Do a task, given as the fields of a ClaimedTask; how it ended, for `ending_of`."""
        claimed, cancellation = ClaimedTask(**task), Cancellation()
        try:
            with self._lock:
                self._jobs = self._jobs or self._open()
            jobs = self._jobs
        except ClewError as error:
            return _plain(Faulted(str(error), Fault.MACHINE, 0.0))
        self._running[claimed.key] = cancellation
        teller = Teller(jobs.events)

        def progress(event: Event) -> None:
            teller.tell_of(claimed, event)
            teller.store(now=False)

        try:
            work = work_of(claimed, jobs.store, progress, cancellation)
            return _plain(attempt(jobs.kinds[claimed.kind].handler, work))
        finally:
            del self._running[claimed.key]
            teller.store()

    def stop(self, key: int) -> None:
        """Ask a task to stop, if it still runs."""
        cancellation = self._running.get(key)
        if cancellation is not None:
            cancellation.cancel()


def jobs_of(settings: dict[str, Any]) -> Jobs:
    """The jobs of the library that these settings name; opened where this is called."""
    from app.bootstrap import open_library  # it imports what imports this
    from app.config import load_settings

    return open_library(load_settings(**settings)).jobs


def ending_of(plain: dict[str, Any]) -> Ending:
    """How a task has ended, from what `Place.run` gives."""
    if plain["fault"] is not None:
        return Faulted(plain["error"], Fault(plain["fault"]), plain["seconds"])
    follow_ups = (
        NewTask(**each | {"needs": tuple(each["needs"]), "waits": tuple(each["waits"])})
        for each in plain["tasks"]
    )
    return Done(Outcome(plain["result"], tuple(follow_ups)), plain["seconds"])


def _plain(ending: Ending) -> dict[str, Any]:
    if isinstance(ending, Faulted):
        return {"fault": ending.fault.value, "error": ending.error, "seconds": ending.seconds}
    tasks = [asdict(task) for task in ending.outcome.tasks]
    return {"fault": None, "result": dict(ending.outcome.result), "tasks": tasks, "seconds": ending.seconds}
