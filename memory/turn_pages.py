"""The turns of a user page by page, the newest first, for somebody who looks through them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Engine, Row, Select, func, select

from memory.conversation_tables import ThreadRow, TurnRow, UserRow
from memory.long_term import NOTES
from memory.stream import StreamTurn, stream_turn
from memory.threads import storable

__all__ = ["SaidBy", "TurnFilter", "said_by", "turn_page"]

SaidBy = Literal["user", "notes", "others"]
"""The user in a conversation, the user who wrote something down, or somebody else, such as in an import."""

ESCAPE: Final = "\\"


@dataclass(frozen=True, slots=True)
class TurnFilter:
    """Which turns are wanted; what is None or empty does not count.

    Attributes:
        words: All of them stand in the question or in the answer, in any case that ASCII knows.
        since: Asked then or later.
        before: Asked before that.
        thread: Name of a thread.
        said_by: Whose question it is.
    """

    words: str = ""
    since: datetime | None = None
    before: datetime | None = None
    thread: str | None = None
    said_by: SaidBy | None = None

    def holds(self, turn: StreamTurn) -> bool:
        """Whether a turn that was found otherwise is among them, its words left aside."""
        return (
            (self.since is None or turn.asked_at >= self.since)
            and (self.before is None or turn.asked_at < self.before)
            and (self.thread is None or turn.thread == storable(self.thread))
            and (self.said_by is None or self.said_by == said_by(turn))
        )


def said_by(turn: StreamTurn) -> SaidBy:
    """Whose words came in."""
    if turn.speaker:
        return "others"
    return "notes" if turn.thread == NOTES else "user"


def turn_page(
    engine: Engine, user: str, wanted: TurnFilter, limit: int, offset: int = 0
) -> tuple[list[StreamTurn], int]:
    """Some turns of a user, the newest first, and how many there are in all.

    Args:
        engine: Of the database.
        user: Whose turns; those of others are not seen.
        wanted: Which of them.
        limit: Most that come back.
        offset: How many are left out before them.
    """
    where = [TurnRow.user_key == _key(user), *_conditions(wanted)]
    columns: Select[Any] = select(TurnRow.__table__, ThreadRow.name)
    joined = columns.join(ThreadRow, ThreadRow.key == TurnRow.thread_key).where(*where)
    newest = joined.order_by(TurnRow.asked_at.desc(), TurnRow.key.desc()).limit(limit).offset(offset)
    total = select(func.count()).select_from(TurnRow).join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
    with engine.connect() as connection:
        rows: list[Row[Any]] = list(connection.execute(newest))
        return [stream_turn(row) for row in rows], connection.execute(total.where(*where)).scalar_one()


def _key(user: str) -> Any:
    return select(UserRow.key).where(UserRow.name == storable(user)).scalar_subquery()


def _conditions(wanted: TurnFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for word in storable(wanted.words).split():
        pattern = f"%{_literally(word)}%"
        found.append(
            TurnRow.question.ilike(pattern, escape=ESCAPE) | TurnRow.answer.ilike(pattern, escape=ESCAPE)
        )
    if wanted.since is not None:
        found.append(TurnRow.asked_at >= wanted.since.astimezone(UTC))
    if wanted.before is not None:
        found.append(TurnRow.asked_at < wanted.before.astimezone(UTC))
    if wanted.thread is not None:
        found.append(ThreadRow.name == storable(wanted.thread))
    match wanted.said_by:
        case "others":
            found.append(TurnRow.speaker != "")
        case "notes":
            found += [TurnRow.speaker == "", ThreadRow.name == NOTES]
        case "user":
            found += [TurnRow.speaker == "", ThreadRow.name != NOTES]
        case None:
            pass
    return found


def _literally(word: str) -> str:
    """A word in which nothing stands for anything else."""
    for mark in (ESCAPE, "%", "_"):
        word = word.replace(mark, ESCAPE + mark)
    return word
