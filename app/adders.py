"""Who adds documents to a home: one at a time, for any user, all encoded by the encoder of now."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from app.adding import Adder
from app.backends import Backends
from app.errors import BusyError
from app.events import Event, Progress, silent
from app.home_encoder import HomeEncoder
from memory.documents import DocumentStore
from memory.embeddings import delete_other_encoders
from memory.units import UnitStore
from reader.chat import Cancellation
from reader.errors import StoppedError

__all__ = ["Adders"]

LOCK: Final = "adding.lock"
STOP_NOTICED: Final = 0.25
"""Seconds within which somebody who waits for others notices that it was stopped."""


class Adders:
    """Makes the adders of one home; safe to use from several threads and processes.

    Args:
        home: The folder.
        documents: Those of all users.
        units: Their units of work.
        backends: Of the library.
        encoder: Of the home.
        recipe: See `Adder`.
    """

    def __init__(
        self,
        home: Path,
        documents: DocumentStore,
        units: UnitStore,
        backends: Backends,
        encoder: HomeEncoder,
        recipe: str,
    ) -> None:
        self._home, self._documents, self._units = home, documents, units
        self._backends, self._encoder, self._recipe = backends, encoder, recipe

    @contextmanager
    def held(
        self, owner: str, progress: Progress = silent, cancellation: Cancellation | None = None
    ) -> Iterator[Adder]:
        """The adder of a user, while nobody else adds or removes; waits for that until it is cancelled.

        Raises:
            StoppedError: If it is cancelled while it waits.
        """
        with self.alone(progress, cancellation):
            yield self._adder(owner, progress, cancellation)

    @contextmanager
    def alone(
        self,
        progress: Progress = silent,
        cancellation: Cancellation | None = None,
        patience: float = math.inf,
    ) -> Iterator[None]:
        """Held while documents are added or removed: two processes would encode the same units twice.

        Args:
            progress: Told if it has to wait.
            cancellation: Ends the waiting.
            patience: Seconds that it waits at most.

        Raises:
            StoppedError: If it is cancelled while it waits.
            BusyError: If it has waited so long.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._home / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(Event("wait", "other documents are being added or removed"))
            until = time.monotonic() + patience
            while not _acquired(lock):
                if cancellation is not None and cancellation.by_hand:
                    raise StoppedError("Adding was stopped while it waited for other documents.") from None
                if time.monotonic() > until:
                    raise BusyError(
                        "Other documents are being added just now; try again when that is done."
                    ) from None
        try:
            yield
        finally:
            lock.release()

    def bring_up_to_date(self, progress: Progress = silent) -> None:
        """Cut and encode again what was stored for another encoder, then drop that encoder's embeddings.

        It does so for all users at once: there is one encoder for all.
        """
        if not self._documents.outdated(self._recipe):
            return
        with self.alone(progress):
            outdated = self._documents.outdated(self._recipe)  # another process may have done it meanwhile
            for record in outdated:
                self._adder(record.owner, progress, None).redo(record)
            if outdated:
                self._documents.drop_interrupted(self._recipe)
                delete_other_encoders(self._documents.engine, self._encoder.stored()[0])

    def _adder(self, owner: str, progress: Progress, cancellation: Cancellation | None) -> Adder:
        return Adder(
            store=DocumentStore(self._documents.engine, owner),
            units=self._units,
            recipe=self._recipe,
            encoder=lambda: self._encoder.load(progress),
            encoder_key=lambda: self._encoder.stored()[0],
            load=self._backends.load,
            prepare=lambda: self._encoder.load_ahead(progress),
            progress=progress,
            stopped=lambda: cancellation is not None and cancellation.by_hand,
        )


def _acquired(lock: FileLock) -> bool:
    """Whether it could be had within the time in which a stop is noticed."""
    try:
        lock.acquire(timeout=STOP_NOTICED)
    except Timeout:
        return False
    return True
