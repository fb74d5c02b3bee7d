"""What Clew itself has written of what is forgotten: its answers, and questions as it has read them.

Whoever cites a forgotten turn has quoted it, and whoever cites such an answer has quoted that. A model may
also have used what it was shown without citing it: then codes, names and whole pieces tell.
All functions run inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from memory.conversation_tables import ThreadRow, TurnRow, TurnVectorRow
from memory.redaction import FORGOTTEN, begun, turns_of
from memory.telling_words import TellingWords

__all__ = ["ANSWER_FORGOTTEN", "ForgottenAnswers", "Place", "forget_answers"]

ANSWER_FORGOTTEN: Final = "[forgotten: it rested on something that was forgotten]"
KEPT_DETAILS: Final = ("model", "prompt_tokens", "completion_tokens")
"""Of what an answer rests on, that which says nothing of it."""

Place = tuple[str, int]
"""A thread's name and a turn's number in it."""


@dataclass(frozen=True, slots=True)
class ForgottenAnswers:
    """How many there were, what they said, and when the first of them was begun."""

    count: int
    texts: tuple[str, ...]
    first: datetime | None


def forget_answers(
    connection: Connection, user: int, places: Collection[Place], telling: TellingWords
) -> ForgottenAnswers:
    """Replace a user's answers that rest on the turns at some places, or tell of their words.

    Args:
        connection: In the transaction of the forgetting.
        user: Key of the user.
        places: Turns that are gone, or words of which are.
        telling: What was said there.
    """
    meant: dict[Place, Any] = {}
    others: list[tuple[Any, set[Place]]] = []
    first_of: dict[str, int] = {}
    for thread, ordinal in places:
        first_of[thread] = min(ordinal, first_of.get(thread, ordinal))
    for row in turns_of(connection, user):
        cited = _cited(row.details)
        rests = any(place in places for place, _ in cited)
        if rests or _tells(connection, row, cited, telling):
            meant[row.name, row.ordinal] = row
            continue
        of_answers = {place for place, side in cited if side == "answer"}
        others += [(row, of_answers)] if of_answers else []
        follows = row.ordinal > first_of.get(row.name, row.ordinal)
        if row.details.get("query", row.question) != row.question and (
            follows or telling.tell_in(str(row.details["query"]), row.question)
        ):
            details = {**row.details, "query": row.question}
            connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(details=details))
    growing = True
    while growing:
        citing = [row for row, cited in others if not cited.isdisjoint(meant)]
        growing = any((row.name, row.ordinal) not in meant for row in citing)
        meant |= {(row.name, row.ordinal): row for row in citing}
    for row in meant.values():
        _replace(connection, row)
    said = [text for row in meant.values() for text in (row.answer, row.answer_summary)]
    texts = [part.strip() for text in said for part in text.split(FORGOTTEN) if part.strip()]
    moments = [begun(row.asked_at, row.seconds) for row in meant.values()]
    return ForgottenAnswers(len(meant), tuple(dict.fromkeys(texts)), min(moments, default=None))


def _tells(connection: Connection, row: Any, cited: list[tuple[Place, str]], telling: TellingWords) -> bool:
    """Whether an answer of Clew's tells of it without a source of its own for that."""
    if not row.details.get("model"):
        return False
    citations = row.details.get("citations") or []
    of_documents = bool(citations) and not cited
    if not telling.tell_in(row.answer, row.question, of_documents):
        return False
    known = " ".join([row.question, *_questions(connection, row.user_key, {place for place, _ in cited})])
    return telling.tell_in(row.answer, known, of_documents)


def _questions(connection: Connection, user: int, places: Collection[Place]) -> list[str]:
    """What the user has said at some places, as far as it is there still."""
    query = select(TurnRow.question).join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
    found: list[str] = []
    for thread, ordinal in places:
        here = [TurnRow.user_key == user, ThreadRow.name == thread, TurnRow.ordinal == ordinal]
        found += connection.execute(query.where(*here)).scalars()
    return found


def _cited(details: Mapping[str, Any]) -> list[tuple[Place, str]]:
    """The turns that an answer cites, and which side of each."""
    citations = details.get("citations")
    if not isinstance(citations, list):
        return []
    return [
        ((str(each["thread"]), int(each["turn"])), str(each.get("side", "question")))
        for each in citations
        if isinstance(each, dict) and "thread" in each and isinstance(each.get("turn"), int)
    ]


def _replace(connection: Connection, row: Any) -> None:
    details = {name: value for name, value in row.details.items() if name in KEPT_DETAILS}
    details |= {"query": row.question} if "query" in row.details else {}
    values: dict[str, Any] = {"answer": ANSWER_FORGOTTEN, "answer_summary": "", "details": details}
    connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(values))
    connection.execute(delete(TurnVectorRow).where(TurnVectorRow.turn_key == row.key))
