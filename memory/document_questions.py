"""What a user has asked of a document so far, and the ways that were taken through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, Text, cast, select

from memory.answer_tasks import ANSWER
from memory.conversation_tables import ThreadRow, TurnRow, UserRow
from memory.moments import in_utc
from memory.tables import JobRow, TaskRow
from memory.threads import storable

__all__ = ["AskedOfDocument", "asked_of", "walks_over"]

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


def walks_over(engine: Engine, user: str, document: str, limit: int) -> list[list[str]]:
    """The nodes that the user's latest walks over the document of that id have visited, newest first.

    They are known of the answers of which it is remembered how they were found. Nodes are named as their walk
    has named them.
    """
    query = (
        select(TaskRow.result)
        .join(JobRow, JobRow.key == TaskRow.job_key)
        .where(
            JobRow.owner == storable(user),
            JobRow.kind == ANSWER,
            JobRow.state == "done",
            cast(TaskRow.result, Text).contains(document, autoescape=True),
        )
        .order_by(JobRow.key.desc())
    )
    found: list[list[str]] = []
    with engine.connect() as connection:
        for result in connection.execution_options(yield_per=BATCH).execute(query).scalars():
            if len(found) == limit:
                break
            if visited := _visited(result, document):
                found.append(visited)
    return found


def _visited(result: Mapping[str, Any] | None, document: str) -> list[str]:
    """The nodes of a document that the walk of a kept answer has visited, none if it did not walk there."""
    trace = (result or {}).get("answer", {}).get("trace", ())
    return [step["node"] for step in trace if step["document"] == document]


def _cites(citations: object, document: str) -> bool:
    """Whether one of the citations is of the document; its id may stand in a turn for other reasons."""
    return isinstance(citations, list) and any(
        isinstance(each, dict) and each.get("document") == document for each in citations
    )
