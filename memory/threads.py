"""Threads: what was asked and answered, turn by turn, so that a conversation goes on after a restart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, delete, func, insert, select

from memory.errors import UnknownThreadError
from memory.moments import in_utc
from memory.tables import ThreadRow, TurnRow
from memory.upserts import upsert

__all__ = ["ThreadRecord", "ThreadStore", "Turn"]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """What a list shows of a thread; `last_at` is when its last question was asked, None without turns."""

    name: str
    turns: int
    created_at: datetime
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer.

    Attributes:
        run: Names this asking; the same run is stored once, however often it is appended.
        details: What JSON can hold, and short: ids and spans of the citations, the question as it was read,
            the model and its tokens; never the text of a book.
        asked_at: With its time zone; comes back in UTC.
        seconds: From the question to the answer.
        ordinal: From 1 in its thread; 0 before it is stored.
    """

    run: str
    question: str
    answer: str
    abstained: bool
    asked_at: datetime
    seconds: float
    details: Mapping[str, object] = field(default_factory=dict)
    ordinal: int = 0

    def __post_init__(self) -> None:
        if not self.run:
            raise ValueError("a turn needs the name of its run")
        if self.asked_at.tzinfo is None:
            raise ValueError(f"asked_at is {self.asked_at.isoformat()}, without a time zone")


class ThreadStore:
    """Threads of one database.

    What no database can hold as text (NUL, lone surrogates) is kept as U+FFFD, in names too.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def threads(self) -> list[ThreadRecord]:
        """All threads, the one that was used last first."""
        last_at = func.max(TurnRow.asked_at)
        query = (
            select(ThreadRow.name, ThreadRow.created_at, func.count(TurnRow.key), last_at)
            .outerjoin(TurnRow, TurnRow.thread_key == ThreadRow.key)
            .group_by(ThreadRow.key, ThreadRow.name, ThreadRow.created_at)
            .order_by(func.coalesce(last_at, ThreadRow.created_at).desc(), ThreadRow.key.desc())
        )
        with self.engine.connect() as connection:
            return [
                ThreadRecord(name, turns, in_utc(created_at), in_utc(last) if last else None)
                for name, created_at, turns, last in connection.execute(query)
            ]

    def turns(self, name: str, last: int | None = None) -> list[Turn]:
        """The turns of a thread, oldest first; of a thread that is not there, none.

        Args:
            name: Of the thread.
            last: Only so many of its latest turns, at least 0; None for all.
        """
        if last is not None and last < 0:
            raise ValueError(f"last is {last}, below 0")
        query = (
            # The columns, not the class: rows stay plain and no session is needed.
            select(TurnRow.__table__)
            .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
            .where(ThreadRow.name == _storable(name))
            .order_by(TurnRow.ordinal.desc())
            .limit(last)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            Turn(
                run=row.run,
                question=row.question,
                answer=row.answer,
                abstained=row.abstained,
                asked_at=in_utc(row.asked_at),
                seconds=row.seconds,
                details=row.details,
                ordinal=row.ordinal,
            )
            for row in reversed(rows)
        ]

    def append(self, name: str, turn: Turn) -> int:
        """Put a turn at the end of a thread, which is made if it is new; the turn's ordinal there.

        A run that the thread has already is left as it was stored first, and its ordinal returned: whoever
        was killed between appending and noting that it did appends again without harm.

        Raises:
            ValueError: If another thread has that run.
        """
        name = _storable(name)
        created = {"name": name, "created_at": datetime.now(UTC)}
        with self.engine.begin() as connection:
            # Written first even where it changes nothing: it locks the thread until its turn is counted.
            thread = connection.execute(
                upsert(connection, ThreadRow)
                .values(created)
                .on_conflict_do_update(index_elements=["name"], set_={"name": name})
                .returning(ThreadRow.key)
            ).scalar_one()
            known = connection.execute(
                select(TurnRow.thread_key, TurnRow.ordinal).where(TurnRow.run == turn.run)
            ).first()
            if known is not None and known.thread_key != thread:
                raise ValueError(f"the run {turn.run!r} belongs to another thread than {name!r}")
            if known is not None:
                return int(known.ordinal)
            last = connection.execute(
                select(func.max(TurnRow.ordinal)).where(TurnRow.thread_key == thread)
            ).scalar()
            ordinal = (last or 0) + 1
            connection.execute(
                insert(TurnRow),
                {
                    "thread_key": thread,
                    "ordinal": ordinal,
                    "run": turn.run,
                    "question": _storable(turn.question),
                    "answer": _storable(turn.answer),
                    "abstained": turn.abstained,
                    "details": dict(turn.details),
                    # SQLite keeps no zone: what is stored is always UTC.
                    "asked_at": turn.asked_at.astimezone(UTC),
                    "seconds": turn.seconds,
                },
            )
            return ordinal

    def remove(self, name: str) -> None:
        """Delete a thread with its turns.

        Raises:
            UnknownThreadError: If no thread goes by that name.
        """
        with self.engine.begin() as connection:
            removed = connection.execute(delete(ThreadRow).where(ThreadRow.name == _storable(name)))
            if not removed.rowcount:
                raise UnknownThreadError(f"No thread is called {name!r}.")


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
