"""Words taken out of what was said, wherever they stand there: for a fact that is forgotten.

All functions run inside the caller's transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from memory.conversation_tables import FactRow, FactVectorRow, ThreadRow, TurnRow, TurnVectorRow
from memory.moments import in_utc
from retrieval.words import UNSPACED

__all__ = ["FORGOTTEN", "RedactedTurns", "Redaction", "begun", "redact_facts", "redact_turns", "turns_of"]

FORGOTTEN: Final = "[forgotten]"
WORDS: Final = ("question", "answer", "question_summary", "answer_summary")
BATCH: Final = 500

_JOINS: Final = rf"[^\W{UNSPACED}]"
"""A character that belongs to the same word as one beside it; a script without spaces has none."""


@dataclass(frozen=True, slots=True)
class RedactedTurns:
    """How many turns were changed, their runs by where they stand, and when the first of them was begun."""

    count: int
    places: Mapping[tuple[str, int], str]
    first: datetime | None


class Redaction:
    """Puts `FORGOTTEN` in place of some texts, whatever their case and the white space between their words.

    Only where they begin and end with words: "My dog is Max" is no part of "My dog is Maximilian". `found`
    are the very texts that were taken out.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        longest_first = sorted({text.strip() for text in texts if text.strip()}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, longest_first)) or r"(?!)", re.IGNORECASE)
        self.found: set[str] = set()

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(self._taken, text)

    def of_value(self, value: object) -> object:
        """The same in all strings of what JSON can hold, but for the names of its members."""
        match value:
            case str():
                return self(value)
            case list():
                return [self.of_value(each) for each in value]
            case dict():
                return {name: self.of_value(each) for name, each in value.items()}
            case _:
                return value

    def _taken(self, match: re.Match[str]) -> str:
        self.found.add(match.group())
        return FORGOTTEN


def redact_turns(
    connection: Connection,
    user: int,
    redaction: Redaction,
    in_one_sentence: Callable[[str], str],
    besides: int,
) -> RedactedTurns:
    """Redact all turns of a user.

    The summaries of those that held something go, because a model may have said it in other words, and are
    made again of what is left; so are those of the turn whose key is `besides`. Their embeddings go too.
    """
    places: dict[tuple[str, int], str] = {}
    first: datetime | None = None
    for row in turns_of(connection, user):
        values: dict[str, object] = {name: redaction(getattr(row, name)) for name in WORDS}
        values["details"] = redaction.of_value(row.details)
        if row.key != besides and all(getattr(row, name) == value for name, value in values.items()):
            continue
        values["question_summary"] = in_one_sentence(str(values["question"])) if row.question_summary else ""
        values["answer_summary"] = in_one_sentence(str(values["answer"])) if row.answer_summary else ""
        if all(getattr(row, name) == value for name, value in values.items()):
            continue
        connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(values))
        connection.execute(delete(TurnVectorRow).where(TurnVectorRow.turn_key == row.key))
        places[row.name, row.ordinal] = row.run
        moment = begun(row.asked_at, row.seconds)
        first = moment if first is None else min(first, moment)
    return RedactedTurns(len(places), places, first)


def redact_facts(connection: Connection, user: int, redaction: Redaction) -> int:
    """Redact the facts of a user, whose quotes still stand in their turns then; how many changed."""
    query = (
        select(FactRow.key, FactRow.text, FactRow.quote, TurnRow.question)
        .join(TurnRow, TurnRow.key == FactRow.turn_key)
        .where(FactRow.user_key == user)
    )
    changed = 0
    for key, text, quote, question in connection.execute(query).all():
        new_text, new_quote = redaction(text), redaction(quote)
        if quote not in question and new_quote not in question and FORGOTTEN in question:
            new_quote = FORGOTTEN  # it overlaps what was taken out
        if (new_text, new_quote) == (text, quote):
            continue
        connection.execute(update(FactRow).where(FactRow.key == key).values(text=new_text, quote=new_quote))
        connection.execute(delete(FactVectorRow).where(FactVectorRow.fact_key == key))
        changed += 1
    return changed


def begun(asked_at: datetime, seconds: float) -> datetime:
    """When a question was begun: its time is noted when it is answered."""
    return in_utc(asked_at) - timedelta(seconds=seconds)


def turns_of(connection: Connection, user: int) -> Iterator[Any]:
    """The turns of a user, batch by batch, because they are written to meanwhile."""
    names = (*WORDS, "key", "user_key", "ordinal", "run", "details", "asked_at", "seconds")
    columns = [getattr(TurnRow, name) for name in names]
    after = 0
    while True:
        query = (
            select(*columns, ThreadRow.name)
            .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
            .where(TurnRow.user_key == user, TurnRow.key > after)
        )
        batch = connection.execute(query.order_by(TurnRow.key).limit(BATCH)).all()
        if not batch:
            return
        yield from batch
        after = batch[-1].key


def _pattern(text: str) -> str:
    words = r"\s+".join(map(re.escape, text.split()))
    before = rf"(?<!{_JOINS})" if re.match(_JOINS, text[0]) else ""
    after = rf"(?!{_JOINS})" if re.match(_JOINS, text[-1]) else ""
    return f"{before}{words}{after}"
