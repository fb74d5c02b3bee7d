"""The encoder of a home: loaded once for all who need it, known in the database without being loaded."""

from __future__ import annotations

import threading

from sqlalchemy import Engine

from app.backends import Backends
from app.events import Progress, silent
from memory.embeddings import known_encoder, note_encoder
from retrieval.encoder import Encoder
from retrieval.errors import ClewError

__all__ = ["HomeEncoder"]


class HomeEncoder:
    """Gives the encoder; safe to use from several threads.

    Args:
        engine: Of the database.
        backends: Which load it.
    """

    def __init__(self, engine: Engine, backends: Backends) -> None:
        self._engine, self._backends = engine, backends
        self._lock = threading.RLock()
        self._loaded: Encoder | None = None

    def load(self, progress: Progress = silent) -> Encoder:
        """The encoder, loaded on first use."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._backends.encoder(progress)
            return self._loaded

    def load_ahead(self, progress: Progress) -> None:
        """Begin to load it on another thread; if that fails, whoever uses it meets the error again."""
        if self._loaded is None:
            threading.Thread(target=self._load_quietly, args=(progress,), daemon=True).start()

    def stored(self) -> tuple[int, int]:
        """Its key in the database and its width; it is loaded only if it has never been used there."""
        known = known_encoder(self._engine, self._backends.encoder_fingerprint)
        if known is not None:
            return known
        encoder = self.load()
        return note_encoder(self._engine, encoder.fingerprint, encoder.name, encoder.dim)

    def _load_quietly(self, progress: Progress) -> None:
        try:
            self.load(progress)
        except ClewError:
            return
