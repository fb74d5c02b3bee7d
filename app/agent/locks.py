"""One question at a time: in a conversation, and of two processes that ask the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from app.events import Event, Progress, silent
from reader.chat import Cancellation
from reader.errors import StoppedError

__all__ = ["RunLocks", "digest"]

LOCKS: Final = 4096
"""Files for all names there may be: two names of one file wait for each other, which is rare and harmless."""
LOOK: Final = 0.25


def digest(text: str) -> str:
    """32 hexadecimal digits that name a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class RunLocks:
    """Locks between processes, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def waiting(self, name: str, progress: Progress, cancellation: Cancellation) -> Iterator[None]:
        """Held inside; waited for as long as it takes.

        Raises:
            StoppedError: If it is stopped while it waits.
        """
        lock = self._lock(name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(Event("wait", "another question of this thread is being answered"))
            while not self._acquired(lock, LOOK):
                if cancellation.by_hand:
                    raise StoppedError("The question was stopped.") from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def trying(self, name: str) -> Iterator[bool]:
        """Held inside if it is free; gives whether it was."""
        lock = self._lock(name)
        held = self._acquired(lock, 0)
        try:
            yield held
        finally:
            if held:
                lock.release()

    def ended(self, seconds: float, progress: Progress = silent) -> bool:
        """Wait until all questions have ended that are being answered now, those of all threads and users.

        Args:
            seconds: At most; 0 only looks.
            progress: Told that it is waited.

        Returns:
            Whether they have. New ones may have begun.
        """
        until = time.monotonic() + seconds
        for path in sorted(self._folder.glob("*.lock")):
            lock = FileLock(path)
            if not self._acquired(lock, 0):
                progress(Event("wait", "a question is being answered"))
                if not self._acquired(lock, max(until - time.monotonic(), 0)):
                    return False
            lock.release()
        return True

    def _acquired(self, lock: FileLock, seconds: float) -> bool:
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            return False
        return True

    def _lock(self, name: str) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{int(digest(name), 16) % LOCKS:03x}.lock")
