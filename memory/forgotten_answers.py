"""What Clew itself has written of what is forgotten: its answers, and questions as it has read them.

Whoever cites a forgotten turn has quoted it, and whoever cites such an answer has quoted that. A model may
also have used what it was shown without citing it: then codes, names and whole pieces tell.
All functions run inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
class _Cited:
    """A side of a turn that is cited; `run` is "" where it is not known which asking that was."""

    place: Place
    run: str
    side: str

    def is_of(self, runs: Mapping[Place, str]) -> bool:
        """Whether it is one of these turns: another one may have the number by now."""
        return self.place in runs and self.run in ("", runs[self.place])


@dataclass(frozen=True, slots=True)
class ForgottenAnswers:
    """How many there were, what they said, and when the first of them was begun."""

    count: int
    texts: tuple[str, ...]
    first: datetime | None


def forget_answers(
    connection: Connection, user: int, places: Mapping[Place, str], telling: TellingWords
) -> ForgottenAnswers:
    """Replace a user's answers that rest on the turns at some places, or tell of their words.

    Args:
        connection: In the transaction of the forgetting.
        user: Key of the user.
        places: Turns that are gone, or words of which are, with their runs.
        telling: What was said there.
    """
    meant: dict[Place, Any] = {}
    others: list[tuple[Any, list[_Cited]]] = []
    first_of: dict[str, int] = {}
    for thread, ordinal in places:
        first_of[thread] = min(ordinal, first_of.get(thread, ordinal))
    for row in turns_of(connection, user):
        cited = _cited(row.details)
        rests = any(each.is_of(places) for each in cited)
        if rests or _tells(connection, row, cited, telling):
            meant[row.name, row.ordinal] = row
            continue
        of_answers = [each for each in cited if each.side == "answer"]
        others += [(row, of_answers)] if of_answers else []
        follows = row.ordinal > first_of.get(row.name, row.ordinal)
        if row.details.get("query", row.question) != row.question and (
            follows or telling.tell_in(str(row.details["query"]), row.question)
        ):
            details = {**row.details, "query": row.question}
            connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(details=details))
    growing = True
    while growing:
        runs = {place: str(row.run) for place, row in meant.items()}
        citing = [row for row, cited in others if any(each.is_of(runs) for each in cited)]
        growing = any((row.name, row.ordinal) not in meant for row in citing)
        meant |= {(row.name, row.ordinal): row for row in citing}
    for row in meant.values():
        _replace(connection, row)
    said = [text for row in meant.values() for text in (row.answer, row.answer_summary)]
    texts = [part.strip() for text in said for part in text.split(FORGOTTEN) if part.strip()]
    moments = [begun(row.asked_at, row.seconds) for row in meant.values()]
    return ForgottenAnswers(len(meant), tuple(dict.fromkeys(texts)), min(moments, default=None))


def _tells(connection: Connection, row: Any, cited: list[_Cited], telling: TellingWords) -> bool:
    """Whether an answer of Clew's tells of it without a source of its own for that."""
    if not row.details.get("model"):
        return False
    citations = row.details.get("citations") or []
    of_documents = bool(citations) and not cited
    if not telling.tell_in(row.answer, row.question, of_documents):
        return False
    known = " ".join([row.question, *_questions(connection, row.user_key, cited)])
    return telling.tell_in(row.answer, known, of_documents)


def _questions(connection: Connection, user: int, cited: Iterable[_Cited]) -> list[str]:
    """What the user has said in some turns, as far as it is there still."""
    query = select(TurnRow.question, TurnRow.run).join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
    found: list[str] = []
    for (thread, ordinal), run in {(each.place, each.run) for each in cited}:
        here = [TurnRow.user_key == user, ThreadRow.name == thread, TurnRow.ordinal == ordinal]
        found += [row.question for row in connection.execute(query.where(*here)) if run in ("", row.run)]
    return found


def _cited(details: Mapping[str, Any]) -> list[_Cited]:
    """The turns that an answer cites."""
    citations = details.get("citations")
    if not isinstance(citations, list):
        return []
    return [
        _Cited(
            (str(each["thread"]), int(each["turn"])),
            str(each.get("run", "")),
            str(each.get("side", "question")),
        )
        for each in citations
        if isinstance(each, dict) and "thread" in each and isinstance(each.get("turn"), int)
    ]


def _replace(connection: Connection, row: Any) -> None:
    details = {name: value for name, value in row.details.items() if name in KEPT_DETAILS}
    details |= {"query": row.question} if "query" in row.details else {}
    values: dict[str, Any] = {"answer": ANSWER_FORGOTTEN, "answer_summary": "", "details": details}
    connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(values))
    connection.execute(delete(TurnVectorRow).where(TurnVectorRow.turn_key == row.key))
