"""Tells those of this process who watch a job that there is something new to read of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = ["Bell"]


class Bell:
    """Rung for jobs, by their ids; safe to use from several threads.

    It spares looks, and carries nothing: what is new stands in the database, and what another process does
    rings no bell here, so whoever waits looks after a while in any case.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[str, list[threading.Event]] = {}

    @contextmanager
    def watching(self, job: str) -> Iterator[threading.Event]:
        """Inside, the event is set whenever there is something new; clear it before looking."""
        rung = threading.Event()
        with self._lock:
            self._watchers.setdefault(job, []).append(rung)
        try:
            yield rung
        finally:
            with self._lock:
                self._watchers[job].remove(rung)
                if not self._watchers[job]:
                    del self._watchers[job]

    def ring(self, jobs: Iterable[str]) -> None:
        """There is something new to read of these."""
        with self._lock:
            for job in jobs:
                for rung in self._watchers.get(job, ()):
                    rung.set()
