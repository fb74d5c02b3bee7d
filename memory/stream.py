"""The memory stream of one user: every turn of every thread, with the embeddings of its keys (SCM's archive).

Long-term memory of the SCM system (arXiv 2304.13343, section 2) is archived memory, the turns found here by
activation; short-term is flash memory, the turns just before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Engine, Row, Select, and_, func, select, update
from sqlalchemy.orm import aliased

from memory.conversation_tables import ThreadRow, TurnRow, TurnVectorRow, UserRow
from memory.moments import in_utc
from memory.threads import ThreadStore, Turn
from memory.upserts import upsert
from memory.users import user_changed
from retrieval.hits import Float32

__all__ = ["MemoryStream", "StreamTurn", "stream_turn"]

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class StreamTurn:
    """A remembered turn and where it was said.

    Attributes:
        key: Greater than that of all turns stored before.
        thread: Name of its thread.
        ordinal: From 1 in its thread.
        run: Names the asking.
        asked_at: In UTC.
        speaker: Who said the question, "" for the user.
        question: What came in (the observation).
        answer: What went out (the response), "" where nothing did.
        question_summary: One sentence, "" where the question is as short itself; `answer_summary` likewise.
        answer_summary: See `question_summary`.
        importance: 0 to 1.
        abstained: Whether the answer said that nothing was found.
        answered_by: The reader that answered here, "" where the answer was said elsewhere and imported.
    """

    key: int
    thread: str
    ordinal: int
    run: str
    asked_at: datetime
    speaker: str
    question: str
    answer: str
    question_summary: str
    answer_summary: str
    importance: float
    abstained: bool
    answered_by: str = ""


class MemoryStream:
    """The stream of one user; those of others are neither seen nor touched.

    Args:
        engine: Of the database.
        user: Whose stream.
        encoder: Key of the encoder whose embeddings count.
        dim: Their width.
        hides: By the details of a turn, whether its answer is not to be given by `turns` and `neighbours`.
    """

    def __init__(
        self,
        engine: Engine,
        user: str,
        encoder: int,
        dim: int,
        hides: Callable[[Mapping[str, object]], bool] | None = None,
    ) -> None:
        self.threads = ThreadStore(engine, user)
        self.engine, self.user, self.encoder, self.dim = engine, self.threads.user, encoder, dim
        self.hides = hides

    def append(self, thread: str, turn: Turn, rows: Float32 | None = None) -> int:
        """Put a turn with the embeddings of its keys at the end of a thread; its ordinal there.

        Both are stored at once or not at all. A run that is there already stays as it is.

        Args:
            thread: Made if it is new.
            turn: What was said.
            rows: Unit rows of its `turn_keys`, shape (n, dim), float32; None leaves them for `put_vectors`.

        Raises:
            ValueError: If `rows` are not of the stream's width, or another thread has that run.
        """
        if rows is not None:
            self._check(rows)
        return self.threads.append(thread, turn, None if rows is None else (self.encoder, rows))

    def turns(self, keys: Sequence[int]) -> list[StreamTurn]:
        """The turns of these keys, in their order; those that are gone or another user's are left out."""
        found: dict[int, StreamTurn] = {}
        with self.engine.connect() as connection:
            for start in range(0, len(keys), BATCH):
                query = self._query().where(TurnRow.key.in_(keys[start : start + BATCH]))
                found.update((turn.key, turn) for turn in map(self._given, connection.execute(query)))
        return [found[key] for key in keys if key in found]

    def details(self, keys: Sequence[int]) -> list[Mapping[str, object]]:
        """What the answers of these turns rest on, in the order of the keys; that of hidden ones too."""
        found: dict[int, Mapping[str, object]] = {}
        with self.engine.connect() as connection:
            for start in range(0, len(keys), BATCH):
                query = self._query().where(TurnRow.key.in_(keys[start : start + BATCH]))
                found.update((row.key, row.details) for row in connection.execute(query))
        return [found[key] for key in keys if key in found]

    def neighbours(self, key: int, before: int = 1, after: int = 1) -> list[StreamTurn]:
        """The turns around a turn in its thread, itself among them, in order; none if it is gone."""
        with self.engine.connect() as connection:
            where = select(TurnRow.thread_key, TurnRow.ordinal).where(
                TurnRow.key == key, TurnRow.user_key == self._user
            )
            place = connection.execute(where).first()
            if place is None:
                return []
            query = self._query().where(
                TurnRow.thread_key == place.thread_key,
                TurnRow.ordinal.between(place.ordinal - before, place.ordinal + after),
            )
            return [self._given(row) for row in connection.execute(query.order_by(TurnRow.ordinal))]

    def around(
        self, keys: Sequence[int], before: int, after: int
    ) -> dict[int, tuple[list[StreamTurn], list[StreamTurn]]]:
        """By key, the turns just before and just after a turn in its thread, at most so many, in order."""
        found: dict[int, tuple[list[StreamTurn], list[StreamTurn]]] = {key: ([], []) for key in keys}
        this = aliased(TurnRow)
        near = and_(
            this.thread_key == TurnRow.thread_key,
            this.ordinal != TurnRow.ordinal,
            TurnRow.ordinal.between(this.ordinal - before, this.ordinal + after),
        )
        with self.engine.connect() as connection:
            for start in range(0, len(keys), BATCH):
                whose = this.key.label("of"), this.ordinal.label("at")
                query = self._query().add_columns(*whose).join(this, near)
                query = query.where(this.key.in_(keys[start : start + BATCH])).order_by(TurnRow.ordinal)
                for row in connection.execute(query):
                    found[row.of][row.ordinal > row.at].append(self._given(row))
        return found

    def all_turns(self) -> Iterator[StreamTurn]:
        """Every turn, in the order they were stored, read as they are taken."""
        last = 0
        while True:
            query = self._query().where(TurnRow.key > last).order_by(TurnRow.key).limit(BATCH)
            with self.engine.connect() as connection:
                block = [stream_turn(row) for row in connection.execute(query)]
            if not block:
                return
            yield from block
            last = block[-1].key

    @property
    def empty(self) -> bool:
        """Whether the user has said nothing."""
        query = select(TurnRow.key).where(TurnRow.user_key == self._user).limit(1)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is None

    def count_without_vectors(self) -> int:
        """How many turns this encoder has not seen."""
        with self.engine.connect() as connection:
            query = select(func.count()).select_from(self._unseen().subquery())
            return int(connection.execute(query).scalar_one())

    def without_vectors(self, limit: int) -> list[StreamTurn]:
        """At most `limit` turns that this encoder has not seen, the newest first."""
        query = self._unseen().order_by(TurnRow.key.desc()).limit(limit)
        with self.engine.connect() as connection:
            return [stream_turn(row) for row in connection.execute(query)]

    def put_vectors(self, turns: Sequence[tuple[StreamTurn, Float32]]) -> None:
        """Store the embeddings of turns that had none, with their summaries and importance, all at once.

        Turns that are gone, another user's, changed or encoded meanwhile are passed over.

        Args:
            turns: Each with the unit rows of its `turn_keys`, shape (n, dim).
        """
        for _, rows in turns:
            self._check(rows)
        with self.engine.begin() as connection:
            # A write that changes nothing: it takes the lock, and a user who is forgotten does not come back.
            lock = update(UserRow).where(UserRow.name == self.user).values(name=self.user)
            user = connection.execute(lock.returning(UserRow.key)).scalar()
            if user is None:
                return
            stored = [self._insert(connection, user, turn, rows) for turn, rows in turns]
            if any(stored):
                # The turns were in hot indexes without embeddings, which are made anew.
                user_changed(connection, user)

    def _insert(self, connection: Connection, user: int, turn: StreamTurn, rows: Float32) -> bool:
        same = and_(
            TurnRow.key == turn.key,
            TurnRow.user_key == user,
            # What is forgotten of it meanwhile does not come back in a summary.
            TurnRow.question == turn.question,
            TurnRow.answer == turn.answer,
        )
        if connection.execute(select(TurnRow.key).where(same)).first() is None:
            return False
        values = {"encoder_key": self.encoder, "turn_key": turn.key, "vectors": rows.astype("<f2").tobytes()}
        insertion = upsert(connection, TurnVectorRow).values(values).on_conflict_do_nothing()
        if not connection.execute(insertion).rowcount:
            return False
        derived = {name: getattr(turn, name) for name in ("question_summary", "answer_summary", "importance")}
        connection.execute(update(TurnRow).where(same).values(derived))
        return True

    def _check(self, rows: Float32) -> None:
        if rows.ndim != 2 or rows.shape[1] != self.dim or not len(rows):
            raise ValueError(f"rows of shape {rows.shape} for a stream of width {self.dim}")
        if not np.all(np.isfinite(rows)):
            raise ValueError("rows hold what is no number")

    def _given(self, row: Row[Any]) -> StreamTurn:
        turn = stream_turn(row)
        if self.hides is None or not self.hides(row.details):
            return turn
        return replace(turn, answer="", answer_summary="")

    @property
    def _user(self) -> Any:
        return select(UserRow.key).where(UserRow.name == self.user).scalar_subquery()

    def _unseen(self) -> Select[Any]:
        joined = and_(TurnVectorRow.turn_key == TurnRow.key, TurnVectorRow.encoder_key == self.encoder)
        return self._query().outerjoin(TurnVectorRow, joined).where(TurnVectorRow.turn_key.is_(None))

    def _query(self) -> Select[Any]:
        return (
            select(TurnRow.__table__, ThreadRow.name)
            .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
            .where(TurnRow.user_key == self._user, TurnRow.run != self.threads.replaced)
        )


def stream_turn(row: Row[Any]) -> StreamTurn:
    """A row with the columns of a turn and the `name` of its thread."""
    return StreamTurn(
        key=row.key,
        thread=row.name,
        ordinal=row.ordinal,
        run=row.run,
        asked_at=in_utc(row.asked_at),
        speaker=row.speaker,
        question=row.question,
        answer=row.answer,
        question_summary=row.question_summary,
        answer_summary=row.answer_summary,
        importance=row.importance,
        abstained=row.abstained,
        answered_by=str(row.details.get("model", "")),
    )
