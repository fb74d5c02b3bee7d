"""What a user has asked of a document so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, Text, cast, select

from memory.conversation_tables import ThreadRow, TurnRow, UserRow
from memory.moments import in_utc
from memory.threads import storable

__all__ = ["AskedOfDocument", "asked_of"]

BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class AskedOfDocument:
    """A question whose answer cites a document; `ordinal` is that of its turn in the thread."""

    thread: str
    ordinal: int
    question: str
    asked_at: datetime
    abstained: bool


def asked_of(engine: Engine, user: str, document: str, limit: int) -> list[AskedOfDocument]:
    """The user's latest questions whose answers cite the document of that id, newest first."""
    query = (
        select(
            ThreadRow.name,
            TurnRow.ordinal,
            TurnRow.question,
            TurnRow.asked_at,
            TurnRow.abstained,
            TurnRow.details,
        )
        .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
        .join(UserRow, UserRow.key == TurnRow.user_key)
        .where(
            UserRow.name == storable(user), cast(TurnRow.details, Text).contains(document, autoescape=True)
        )
        .order_by(TurnRow.key.desc())
    )
    found: list[AskedOfDocument] = []
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=BATCH).execute(query):
            if len(found) == limit:
                break
            if _cites(row.details.get("citations"), document):
                asked_at = in_utc(row.asked_at)
                found.append(AskedOfDocument(row.name, row.ordinal, row.question, asked_at, row.abstained))
    return found


def _cites(citations: object, document: str) -> bool:
    """Whether one of the citations is of the document; its id may stand in a turn for other reasons."""
    return isinstance(citations, list) and any(
        isinstance(each, dict) and each.get("document") == document for each in citations
    )
