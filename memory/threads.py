"""Threads: what was asked and answered, turn by turn, so that a conversation goes on after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, exc, func, insert, select, update

from memory.answer_tasks import rename_asked
from memory.answering import PLAIN_ANSWER, Answering, look_awaited
from memory.conversation_tables import ThreadRow, TurnRow, TurnVectorRow, UserRow
from memory.errors import ForgottenMeanwhileError, ThreadNameError, UnknownThreadError
from memory.forgotten_since import Begun, begin, forgotten_since, hold_off_forgetting
from memory.moments import in_utc
from memory.storable import storable
from memory.taken_back import take_back
from memory.thread_mentions import rename_mentions
from memory.thread_search import with_words
from memory.upserts import upsert
from memory.users import FIRST_USER, note_user, user_changed

__all__ = ["LONGEST_NAME", "ThreadRecord", "ThreadStore", "Turn", "storable", "thread_name"]

LONGEST_NAME: Final = 200


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
        speaker: Who said the question, "" for the user.
        question_summary: One sentence, "" where the question is as short itself; `answer_summary` likewise.
        importance: 0 to 1.
        ordinal: From 1 in its thread; 0 before it is stored.
        key: Greater than that of all turns stored before; 0 before it is stored.
    """

    run: str
    question: str
    answer: str
    abstained: bool
    asked_at: datetime
    seconds: float
    details: Mapping[str, object] = field(default_factory=dict)
    speaker: str = ""
    question_summary: str = ""
    answer_summary: str = ""
    importance: float = 0.0
    ordinal: int = 0
    key: int = 0

    def __post_init__(self) -> None:
        if not self.run:
            raise ValueError("a turn needs the name of its run")
        if self.asked_at.tzinfo is None:
            raise ValueError(f"asked_at is {self.asked_at.isoformat()}, without a time zone")
        if not 0 <= self.importance <= 1:
            raise ValueError(f"importance is {self.importance}, not in 0 to 1")


class ThreadStore:
    """Threads of one user.

    What no database can hold as text (NUL, lone surrogates) is kept as U+FFFD, in names too.

    Args:
        engine: Of the database.
        user: Whose threads; those of others are neither seen nor touched.
    """

    def __init__(self, engine: Engine, user: str = FIRST_USER) -> None:
        self.engine, self.user = engine, storable(user)
        self._begun: Begun | None = None
        self._answering = PLAIN_ANSWER

    def begin(self, answering: Answering = PLAIN_ANSWER) -> bool:
        """Note that a question begins, before anything is read for it: it keeps nothing forgotten since.

        Args:
            answering: Its answer; what that takes the place of is not among the turns any more.

        Returns:
            Whether something is being forgotten just now.
        """
        self._answering = answering
        self._begun = begin(self.engine, self.user)
        return self._begun.cleanup > 0

    @property
    def replaced(self) -> str:
        """The run of the turn that is left out since `begin`, "" if none is."""
        return self._answering.replaced

    def look(self) -> None:
        """Look whether what the question has read may still be used.

        Raises:
            ForgottenMeanwhileError: If its user has forgotten something since `begin`.
        """
        with self.engine.connect() as connection:
            self._look(connection)

    def _look(self, connection: Connection) -> None:
        if self._begun is not None and forgotten_since(connection, self._begun):
            raise ForgottenMeanwhileError("Something was forgotten while this was being answered; ask again.")

    def threads(self) -> list[ThreadRecord]:
        """All threads, the one that was used last first."""
        return self._records()

    def search(self, words: str) -> list[ThreadRecord]:
        """The threads that hold each of the words in their names, questions or answers, in any case.

        The one that was used last is first; without words it is all of them.
        """
        return self._records(*with_words(words))

    def turns(self, name: str, last: int | None = None, until: int | None = None) -> list[Turn]:
        """The turns of a thread, oldest first; of a thread that is not there, none.

        Args:
            name: Of the thread.
            last: Only so many of its latest turns, at least 0; None for all.
            until: Only those up to this ordinal.
        """
        if last is not None and last < 0:
            raise ValueError(f"last is {last}, below 0")
        query = (
            # The columns, not the class: rows stay plain and no session is needed.
            select(TurnRow.__table__)
            .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
            .where(ThreadRow.user_key == self._user, ThreadRow.name == storable(name))
            .where(TurnRow.run != self._answering.replaced)
            .order_by(TurnRow.ordinal.desc())
            .limit(last)
        )
        if until is not None:
            query = query.where(TurnRow.ordinal <= until)
        with self.engine.connect() as connection:
            return [_turn(row) for row in reversed(connection.execute(query).all())]

    def turn(self, run: str) -> Turn | None:
        """The turn of a run, None if there is none."""
        query = select(TurnRow.__table__).where(TurnRow.user_key == self._user, TurnRow.run == run)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _turn(row)

    def append(self, name: str, turn: Turn, vectors: tuple[int, NDArray[np.float32]] | None = None) -> int:
        """Put a turn at the end of a thread, which is made if it is new; the turn's ordinal there.

        `vectors` are an encoder's key and the unit rows of the turn's keys, shape (n, dim), stored with it.

        A run that the thread has already is left as it was stored first, and its ordinal returned: whoever
        was killed between appending and noting that it did appends again without harm.

        Raises:
            ValueError: If another thread has that run.
            ForgottenMeanwhileError: If something was forgotten since `begin`.
            NotAwaitedError: If the answer was stopped since, or its job is gone.
        """
        name = storable(name)
        with self.engine.begin() as connection:
            hold_off_forgetting(connection)
            user = note_user(connection, self.user)
            created = {"user_key": user, "name": name, "created_at": datetime.now(UTC)}
            # Written first even where it changes nothing: it locks the thread until its turn is counted.
            thread = connection.execute(
                upsert(connection, ThreadRow)
                .values(created)
                .on_conflict_do_update(index_elements=["user_key", "name"], set_={"name": name})
                .returning(ThreadRow.key)
            ).scalar_one()
            known = connection.execute(
                select(TurnRow.thread_key, TurnRow.ordinal).where(TurnRow.run == turn.run)
            ).first()
            if known is not None and known.thread_key != thread:
                raise ValueError(f"the run {turn.run!r} belongs to another thread than {name!r}")
            if known is not None:
                return int(known.ordinal)
            self._look(connection)
            look_awaited(connection, self._answering)
            if self._answering.replaces is not None:
                take_back(connection, user, self.user, thread, *self._answering.replaces)
            last = connection.execute(
                select(func.max(TurnRow.ordinal)).where(TurnRow.thread_key == thread)
            ).scalar()
            ordinal = (last or 0) + 1
            key: int = connection.execute(
                insert(TurnRow).returning(TurnRow.key),
                {
                    "thread_key": thread,
                    "user_key": user,
                    "ordinal": ordinal,
                    "run": turn.run,
                    "question": storable(turn.question),
                    "answer": storable(turn.answer),
                    "speaker": storable(turn.speaker),
                    "question_summary": storable(turn.question_summary),
                    "answer_summary": storable(turn.answer_summary),
                    "importance": turn.importance,
                    "abstained": turn.abstained,
                    "details": dict(turn.details),
                    # SQLite keeps no zone: what is stored is always UTC.
                    "asked_at": turn.asked_at.astimezone(UTC),
                    "seconds": turn.seconds,
                },
            ).scalar_one()
            if vectors is not None:
                encoder, rows = vectors
                blob = rows.astype("<f2").tobytes()
                values = {"encoder_key": encoder, "turn_key": key, "vectors": blob}
                connection.execute(insert(TurnVectorRow), values)
            return ordinal

    def rename(self, old: str, new: str) -> None:
        """Give a thread another name, by which all that names it does so from then on.

        It may hold nothing but questions that were not answered.

        Raises:
            UnknownThreadError: If no thread goes by the old one.
            ThreadNameError: If another goes by the new one, or it is no name.
            JobStateError: If a question of it is on its way.
        """
        old, new = storable(old), thread_name(new)
        mine = update(ThreadRow).where(ThreadRow.user_key == self._user, ThreadRow.name == old)
        try:
            with self.engine.begin() as connection:
                user = connection.execute(mine.values(name=new).returning(ThreadRow.user_key)).scalar()
                asked = rename_asked(connection, self.user, old, new)
                if user is not None:
                    rename_mentions(connection, user, self.user, old, new)
                elif not asked:
                    raise UnknownThreadError(f"No thread is called {old!r}.")
                elif self._holds(connection, new):
                    raise ThreadNameError(f"Another thread is called {new!r}.")
        except exc.IntegrityError as error:
            raise ThreadNameError(f"Another thread is called {new!r}.") from error

    def remove(self, name: str) -> None:
        """Delete a thread with its turns.

        Raises:
            UnknownThreadError: If no thread goes by that name.
        """
        with self.engine.begin() as connection:
            user = note_user(connection, self.user)
            mine = [ThreadRow.user_key == user, ThreadRow.name == storable(name)]
            if not connection.execute(delete(ThreadRow).where(*mine)).rowcount:
                raise UnknownThreadError(f"No thread is called {name!r}.")
            user_changed(connection, user)

    def _holds(self, connection: Connection, name: str) -> bool:
        mine = select(ThreadRow.key).where(ThreadRow.user_key == self._user, ThreadRow.name == name)
        return connection.execute(mine).first() is not None

    def _records(self, *where: ColumnElement[bool]) -> list[ThreadRecord]:
        last_at = func.max(TurnRow.asked_at)
        query = (
            select(ThreadRow.name, ThreadRow.created_at, func.count(TurnRow.key), last_at)
            .outerjoin(TurnRow, TurnRow.thread_key == ThreadRow.key)
            .where(ThreadRow.user_key == self._user, *where)
            .group_by(ThreadRow.key, ThreadRow.name, ThreadRow.created_at)
            .order_by(func.coalesce(last_at, ThreadRow.created_at).desc(), ThreadRow.key.desc())
        )
        with self.engine.connect() as connection:
            return [
                ThreadRecord(name, turns, in_utc(created_at), in_utc(last) if last else None)
                for name, created_at, turns, last in connection.execute(query)
            ]

    @property
    def _user(self) -> ColumnElement[int]:
        """The key of the user, as SQL; nothing equals that of one who is not there."""
        return select(UserRow.key).where(UserRow.name == self.user).scalar_subquery()


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        run=row.run,
        question=row.question,
        answer=row.answer,
        abstained=row.abstained,
        asked_at=in_utc(row.asked_at),
        seconds=row.seconds,
        details=row.details,
        speaker=row.speaker,
        question_summary=row.question_summary,
        answer_summary=row.answer_summary,
        importance=row.importance,
        ordinal=row.ordinal,
        key=row.key,
    )


def thread_name(name: str) -> str:
    """A name for a thread, on one line.

    Raises:
        ThreadNameError: If it is empty or too long.
    """
    name = " ".join(storable(name).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ThreadNameError(f"The name of a thread has 1 to {LONGEST_NAME} characters.")
    return name
