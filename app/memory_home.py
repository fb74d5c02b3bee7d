"""What the memories of all users of a library share: the hot index, the rule of need, the encoder."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine

from app.config import Settings
from app.events import Progress, silent
from app.recollection import Recollector
from memory.activation import ActivationWeights
from memory.controller import MemoryBudget
from memory.long_term import LongTermMemory
from memory.need import MemoryNeed
from memory.stream import MemoryStream
from memory.stream_index import StreamIndex
from retrieval.encoder import Encoder
from retrieval.hits import Float32
from retrieval.reranking import SpanReader

__all__ = ["MemoryHome"]

USERS: Final = 1_000
"""Users whose facts are kept in memory at most."""


class MemoryHome:
    """Makes the memory of a user; safe to use from several threads and processes.

    Args:
        settings: With the budgets.
        engine: Of the database.
        encoder: Loads the encoder.
        encoder_key: The key and the width of that encoder in the database.
        now: The time, with its zone.
        recollect: How is recalled.
        span_reader: Gives what reads turns together with a question.

    Attributes:
        need: Whether a question needs memory; None until it is first asked.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        encoder: Callable[[], Encoder],
        encoder_key: Callable[[], tuple[int, int]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        recollect: type[Recollector] = Recollector,
        span_reader: Callable[[], SpanReader | None] = lambda: None,
    ) -> None:
        self._settings, self._engine, self._now, self._recollect = settings, engine, now, recollect
        self._span_reader = span_reader
        self._encoder, self._encoder_key = encoder, encoder_key
        self._lock = threading.Lock()
        self._index: StreamIndex | None = None
        self.need: MemoryNeed | None = None
        self._long_term: OrderedDict[str, LongTermMemory] = OrderedDict()

    def at(self, moment: datetime, recollect: type[Recollector] = Recollector) -> MemoryHome:
        """The same memories with the clock standing still, and recalled in this way; for measuring."""
        return MemoryHome(
            self._settings,
            self._engine,
            self._encoder,
            self._encoder_key,
            lambda: moment,
            recollect,
            self._span_reader,
        )

    def holds(self, user: str) -> bool:
        """Whether anything is remembered of a user."""
        return not self.stream(user).empty

    def stream(self, user: str) -> MemoryStream:
        """What a user has said."""
        return MemoryStream(self._engine, user, *self._encoder_key())

    def long_term(self, user: str) -> LongTermMemory:
        """What a user has asserted; the users of last are kept, with the index of their facts."""
        with self._lock:
            if user not in self._long_term:
                self._long_term[user] = LongTermMemory(self._engine, self._encoder, self._encoder_key, user)
            self._long_term.move_to_end(user)
            if len(self._long_term) > USERS:
                self._long_term.popitem(last=False)
            return self._long_term[user]

    def recollector(self, user: str, progress: Progress = silent) -> Recollector:
        """Recalls for a user; told what is waited for is `progress`."""
        settings = self._settings
        with self._lock:
            encoder, dim = self._encoder_key()
            self._index = self._index or StreamIndex(self._engine, encoder, dim)
            self.need = self.need or MemoryNeed.load()
        budget = MemoryBudget(
            settings.flash_tokens, settings.item_tokens, settings.activated_tokens, settings.memory_tokens
        )
        return self._recollect(
            stream=self.stream(user),
            index=self._index,
            facts=self.long_term(user),
            need=self.need,
            budget=budget,
            weights=ActivationWeights(
                recency=settings.recency_weight,
                importance=settings.importance_weight,
                half_life_days=settings.half_life_days,
                half_life_turns=settings.half_life_turns,
            ),
            most=settings.memory_turns,
            encode=self.encode,
            count_tokens=self.count_tokens,
            now=self._now,
            progress=progress,
            span_reader=self._span_reader,
        )

    def encode(self, texts: Sequence[str]) -> Float32:
        """Unit rows of texts, shape (n, dim)."""
        return self._encoder().encode(list(texts))

    def count_tokens(self, text: str) -> int:
        """As the encoder counts; a reader packs by its own tokenizer after that."""
        return len(self._encoder().token_offsets([text])[0])
