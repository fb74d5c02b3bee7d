"""One user's facts with their embeddings, in memory and in step with SQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, literal, select

from memory.conversation_tables import FactRow, FactVectorRow
from memory.embeddings import rows_from_blobs
from memory.facts import Fact, FactStore, StoredState
from memory.upserts import upsert
from retrieval.encoder import Encoder
from retrieval.hits import Float32
from retrieval.words import words_of_each

__all__ = ["FactIndex", "KnownFacts"]


@dataclass(frozen=True, slots=True, eq=False)
class KnownFacts:
    """All facts of a user at one state of the database.

    Attributes:
        state: That state.
        facts: Oldest first, waiting and closed ones too.
        rows: Their embeddings, unit rows, shape (n, dim).
        terms: The terms of each fact's text and quote.
    """

    state: StoredState
    facts: tuple[Fact, ...]
    rows: Float32
    terms: tuple[frozenset[str], ...]


class FactIndex:
    """Reads one user's facts when they have changed, and gives an embedding to those that have none.

    Only that user's rows are ever read, so a search cannot find those of another.

    Args:
        store: The facts of the user.
        encoder: Loads the encoder, called only where a text has to be encoded.
        encoder_key: Key and width of the encoder in the database.
    """

    def __init__(
        self,
        store: FactStore,
        encoder: Callable[[], Encoder],
        encoder_key: Callable[[], tuple[int, int]],
    ) -> None:
        self.store, self.encoder, self.encoder_key = store, encoder, encoder_key
        self._lock = threading.Lock()
        self._known: KnownFacts | None = None

    def current(self) -> KnownFacts:
        """The facts as they are now; if facts were only added since the last call, only these are read."""
        with self._lock:
            state, known = self.store.state(), self._known
            if known is not None and known.state == state:
                return known
            _, dim = self.encoder_key()
            grown = known is not None and (known.state.user, known.state.revision) == (
                state.user,
                state.revision,
            )
            if known is None or not grown:
                known = KnownFacts(state, (), np.empty((0, dim), np.float32), ())
            facts = self.store.facts(after=known.facts[-1].key if known.facts else 0)
            # What comes after the state was read is left for the next call.
            facts = [each for each in facts if each.key <= state.greatest]
            rows = self._rows(facts)
            terms = [frozenset(each) for each in words_of_each([f"{f.text} {f.quote}" for f in facts])]
            self._known = KnownFacts(
                state, (*known.facts, *facts), np.concatenate([known.rows, rows]), (*known.terms, *terms)
            )
            return self._known

    def row(self, text: str) -> Float32:
        """The embedding of a text, shape (dim,)."""
        return np.asarray(self.encoder().encode([text])[0], np.float32)

    def _rows(self, facts: list[Fact]) -> Float32:
        key, dim = self.encoder_key()
        wanted = {fact.key for fact in facts}
        query = (
            select(FactVectorRow.fact_key, FactVectorRow.vector)
            .join(FactRow, FactRow.key == FactVectorRow.fact_key)
            .where(FactVectorRow.encoder_key == key, FactRow.key >= min(wanted, default=0))
            .where(FactRow.user_key == self.store.state().user)
        )
        with self.store.engine.connect() as connection:
            blobs = {row.fact_key: row.vector for row in connection.execute(query) if row.fact_key in wanted}
        missing = [fact for fact in facts if fact.key not in blobs]
        if missing:
            rows = self.encoder().encode([fact.text for fact in missing])
            blobs |= {fact.key: row.astype("<f2").tobytes() for fact, row in zip(missing, rows, strict=True)}
            store_vectors(self.store.engine, key, {fact.key: blobs[fact.key] for fact in missing})
        if not facts:
            return np.empty((0, dim), np.float32)
        return rows_from_blobs([blobs[fact.key] for fact in facts], dim)


def store_vectors(engine: Engine, encoder: int, blobs: dict[int, bytes]) -> None:
    """Store embeddings of facts, by their keys; of a fact that was forgotten meanwhile, none."""
    with engine.begin() as connection:
        for key, blob in blobs.items():
            there = select(literal(encoder), FactRow.key, literal(blob)).where(FactRow.key == key)
            connection.execute(
                upsert(connection, FactVectorRow)
                .from_select(["encoder_key", "fact_key", "vector"], there)
                .on_conflict_do_nothing()
            )
