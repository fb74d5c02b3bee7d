"""Words taken out of what was said, wherever they stand there: for a fact that is forgotten.

All functions run inside the caller's transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from memory.conversation_tables import FactRow, FactVectorRow, TurnRow, TurnVectorRow
from memory.moments import in_utc
from memory.traces import SHORTEST

__all__ = ["FORGOTTEN", "Redaction", "begun", "redact_facts", "redact_turns"]

FORGOTTEN: Final = "[forgotten]"
WORDS: Final = ("question", "answer", "question_summary", "answer_summary")
BATCH: Final = 500


class Redaction:
    """Puts `FORGOTTEN` in place of some texts, whatever their case and the white space between their words.

    Very short ones are only taken out where they are words of their own. `found` are the very texts that
    were taken out.
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


def redact_turns(connection: Connection, user: int, redaction: Redaction) -> tuple[int, datetime | None]:
    """Redact all turns of a user; the keys of those that were changed, and when the first of them was begun.

    Their embeddings go: they are made again from what is left.
    """
    changed = 0
    first: datetime | None = None
    for row in _rows(connection, user):
        values: dict[str, object] = {name: redaction(getattr(row, name)) for name in WORDS}
        values["details"] = redaction.of_value(row.details)
        if all(getattr(row, name) == value for name, value in values.items()):
            continue
        connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(values))
        connection.execute(delete(TurnVectorRow).where(TurnVectorRow.turn_key == row.key))
        changed += 1
        moment = begun(row.asked_at, row.seconds)
        first = moment if first is None else min(first, moment)
    return changed, first


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


def _rows(connection: Connection, user: int) -> Iterator[Any]:
    """The turns of a user, batch by batch, because they are written to meanwhile."""
    columns = [getattr(TurnRow, name) for name in (*WORDS, "key", "details", "asked_at", "seconds")]
    after = 0
    while True:
        query = select(*columns).where(TurnRow.user_key == user, TurnRow.key > after)
        batch = connection.execute(query.order_by(TurnRow.key).limit(BATCH)).all()
        if not batch:
            return
        yield from batch
        after = batch[-1].key


def _pattern(text: str) -> str:
    words = r"\s+".join(map(re.escape, text.split()))
    return words if len(text.encode("utf-8", "replace")) >= SHORTEST else rf"(?<!\w){words}(?!\w)"
