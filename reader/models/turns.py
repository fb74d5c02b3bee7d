"""Whose turn it is to use a model: one thread's at a time, and nobody's once it is closing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from reader.chat import Cancellation

__all__ = ["Turns"]

_PATIENCE: Final = 0.05
# What a reply may still take when the program ends.
_LAST_SECONDS: Final = 10.0


class Turns:
    """The lock of one model, and the calls that are within it.

    Attributes:
        closing: Set once calls must come to their end and no more may begin.
        depth: How often the thread whose turn it is has taken it: a function of the caller may ask again.
    """

    def __init__(self) -> None:
        self.closing, self.depth = threading.Event(), 0
        self._lock = threading.RLock()
        self._calls, self._changed = 0, threading.Condition()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around a call, whether it is its turn or not."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def take(self, cancellation: Cancellation | None = None) -> Iterator[bool]:
        """Wait until it is nobody else's turn; False if it was cancelled meanwhile."""
        while not self._lock.acquire(timeout=_PATIENCE):
            if cancellation is not None and cancellation.cancelled:
                yield False
                return
        self.depth += 1
        try:
            yield True
        finally:
            self.depth -= 1
            self._lock.release()

    def end(self, then: Callable[[], None] | None = None) -> None:
        """Let no more begin, wait for those that run, some seconds at most, and do what is left to do."""
        self.closing.set()
        with self._changed:
            self._changed.wait_for(lambda: self._calls == 0, _LAST_SECONDS)
        with self.take(Cancellation(seconds=1)) as mine:
            if mine and then is not None:
                then()

    def _count(self, more: int) -> None:
        with self._changed:
            self._calls += more
            self._changed.notify_all()
