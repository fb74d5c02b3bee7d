"""Whether forgotten words also stand in what was not to be forgotten; of those texts nothing is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Select, select

from memory.conversation_tables import FactRow, ThreadRow, TurnRow, UserRow
from memory.job_records import ENDED
from memory.tables import ChunkRow, DocumentRow, JobRow, SectionRow, SummaryRow, TextRow, TreeNodeRow
from memory.traces import Needles

__all__ = ["Elsewhere", "said_elsewhere"]

Elsewhere = Literal["memory", "documents", "jobs", "others"]
"""In the same user's memory, in documents, in jobs that go on, in what others have said."""

FETCHED: Final = 200

Query = Select[*tuple[Any, ...]]


def said_elsewhere(engine: Engine, user: str | None, needles: Needles) -> dict[Elsewhere, set[int]]:
    """Numbers of the pieces that stand in rows which are there, by where that is.

    Args:
        engine: Of the database.
        user: Whose memory is "memory"; None where everybody's is, as for a document.
        needles: The texts.
    """
    places: dict[Elsewhere, list[Query]] = {
        "memory": _memory(None if user is None else UserRow.name == user),
        "documents": _documents(),
        "jobs": [select(JobRow.title, JobRow.spec).where(JobRow.state.not_in(ENDED))],
        "others": [] if user is None else _memory(UserRow.name != user),
    }
    found: dict[Elsewhere, set[int]] = {}
    with engine.connect() as connection:
        for place, queries in places.items():
            numbers = {n for query in queries for n in needles.found_in_texts(_cells(connection, query))}
            if numbers:
                found[place] = numbers
    return found


def _memory(of: ColumnElement[bool] | None) -> list[Query]:
    said = (TurnRow.question, TurnRow.answer, TurnRow.question_summary, TurnRow.answer_summary)
    queries: list[Query] = [
        select(*said, TurnRow.details).join(UserRow, UserRow.key == TurnRow.user_key),
        select(ThreadRow.name).join(UserRow, UserRow.key == ThreadRow.user_key),
        select(FactRow.text, FactRow.quote).join(UserRow, UserRow.key == FactRow.user_key),
    ]
    return queries if of is None else [query.where(of) for query in queries]


def _documents() -> list[Query]:
    return [
        select(DocumentRow.title, DocumentRow.path, DocumentRow.id),
        select(TextRow.text),
        select(SectionRow.title),
        select(ChunkRow.context),
        select(TreeNodeRow.title),
        select(SummaryRow.sentences),
    ]


def _cells(connection: Connection, query: Query) -> Iterator[str]:
    rows = connection.execution_options(yield_per=FETCHED).execute(query)
    for row in rows:
        for cell in row:
            yield cell if isinstance(cell, str) else json.dumps(cell)
