"""What the hot index of one user is made of, read from SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Select, and_, func, select

from memory.conversation_tables import ThreadRow, TurnRow, TurnVectorRow, UserRow
from memory.moments import in_utc
from memory.threads import storable

__all__ = ["HotRow", "HotRowStore", "StreamState"]

BLOCK: Final = 8_000
VARIABLES: Final = 500


@dataclass(frozen=True, slots=True)
class StreamState:
    """Where a user's stream stands: two that are equal hold the same turns.

    Attributes:
        user: The user's key.
        revision: Grows with every change of what is there already.
        newest: Key of the turn added last, 0 without turns.
    """

    user: int
    revision: int
    newest: int


class HotRow(NamedTuple):
    """A turn as it is in SQL; `vectors` is None until an encoder has seen it.

    A tuple: a thousand dataclasses take 2 ms longer to make, a tenth of what a user takes to load.
    """

    key: int
    thread: int
    ordinal: int
    speaker: str
    question: str
    answer: str
    importance: float
    asked_at: datetime
    vectors: bytes | None


class HotRowStore:
    """The turns of all users of a database, one user at a time, with the embeddings of one encoder."""

    def __init__(self, engine: Engine, encoder: int) -> None:
        self.engine, self.encoder = engine, encoder

    def state(self, user: str) -> StreamState | None:
        """Where a user's stream stands now; None if nothing of that user is stored."""
        newest = select(func.max(TurnRow.key)).where(TurnRow.user_key == UserRow.key).scalar_subquery()
        query = select(UserRow.key, UserRow.revision, newest).where(UserRow.name == storable(user))
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return StreamState(row[0], row[1], row[2] or 0) if row else None

    def count(self, state: StreamState) -> int:
        """Turns up to the newest of `state`."""
        query = select(func.count(TurnRow.key)).where(
            TurnRow.user_key == state.user, TurnRow.key <= state.newest
        )
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def weights(self, state: StreamState) -> list[tuple[int, float, int]]:
        """Key, importance and bytes of embeddings of each turn up to the newest of `state`, ascending."""
        size = func.coalesce(func.length(TurnVectorRow.vectors), 0)
        joined = and_(TurnVectorRow.turn_key == TurnRow.key, TurnVectorRow.encoder_key == self.encoder)
        query = (
            select(TurnRow.key, TurnRow.importance, size)
            .outerjoin(TurnVectorRow, joined)
            .where(TurnRow.user_key == state.user, TurnRow.key <= state.newest)
            .order_by(TurnRow.key)
        )
        with self.engine.connect() as connection:
            return [(key, importance, length) for key, importance, length in connection.execute(query)]

    def rows(self, state: StreamState, after: int = 0) -> list[HotRow]:
        """The turns of a user with keys above `after`, up to the newest of `state`, ascending."""
        return self._read(self._query(state).where(TurnRow.key > after))

    def blocks(self, state: StreamState, only: Sequence[int] | None = None) -> Iterator[list[HotRow]]:
        """All turns of a user up to the newest of `state`, ascending, some thousands at a time.

        `only` are the keys of those to read, ascending; None reads all.
        """
        if only is not None:
            for start in range(0, len(only), VARIABLES):
                yield self._read(self._query(state).where(TurnRow.key.in_(only[start : start + VARIABLES])))
            return
        last = 0
        while block := self._read(self._query(state).where(TurnRow.key > last).limit(BLOCK)):
            yield block
            if len(block) < BLOCK:
                return
            last = block[-1].key

    def threads(self, state: StreamState, names: Collection[str]) -> list[int]:
        """The keys of a user's threads of these names."""
        named = ThreadRow.name.in_([storable(name) for name in names])
        query = select(ThreadRow.key).where(ThreadRow.user_key == state.user, named)
        with self.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def _query(self, state: StreamState) -> Select[*tuple[Any, ...]]:
        joined = and_(TurnVectorRow.turn_key == TurnRow.key, TurnVectorRow.encoder_key == self.encoder)
        return (
            select(
                TurnRow.key,
                TurnRow.thread_key,
                TurnRow.ordinal,
                TurnRow.speaker,
                TurnRow.question,
                TurnRow.answer,
                TurnRow.importance,
                TurnRow.asked_at,
                TurnVectorRow.vectors,
            )
            .outerjoin(TurnVectorRow, joined)
            .where(TurnRow.user_key == state.user, TurnRow.key <= state.newest)
            .order_by(TurnRow.key)
        )

    def _read(self, query: Select[*tuple[Any, ...]]) -> list[HotRow]:
        with self.engine.connect() as connection:
            found = connection.execute(query).all()
        return [
            HotRow(key, thread, ordinal, speaker, question, answer, importance, in_utc(asked_at), vectors)
            for key, thread, ordinal, speaker, question, answer, importance, asked_at, vectors in found
        ]
