"""Locks of questions that leave no file behind: they are held within this process alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.agent.locks import LOOK
from app.events import Event, Progress
from reader.chat import Cancellation
from reader.errors import StoppedError

__all__ = ["ProcessLocks"]


class ProcessLocks:
    """To be used as `RunLocks` are; what is asked incognito is known to no other process."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def waiting(self, name: str, progress: Progress, cancellation: Cancellation) -> Iterator[None]:
        """Held inside; waited for as long as it takes.

        Raises:
            StoppedError: If it is stopped while it waits.
        """
        with self._changed:
            if name in self._held:
                progress(Event("wait", "another question of this thread is being answered"))
            while name in self._held:
                self._changed.wait(LOOK)
                if cancellation.by_hand:
                    raise StoppedError("The question was stopped.")
            self._held.add(name)
        try:
            yield
        finally:
            self._release(name)

    @contextmanager
    def trying(self, name: str) -> Iterator[bool]:
        """Held inside if it is free; gives whether it was."""
        with self._changed:
            free = name not in self._held
            self._held.add(name)
        try:
            yield free
        finally:
            if free:
                self._release(name)

    def _release(self, name: str) -> None:
        with self._changed:
            self._held.discard(name)
            self._changed.notify_all()
