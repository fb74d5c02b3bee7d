"""Whether forgotten words also stand in what was not to be forgotten; of those texts nothing is told."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Select, select, union

from memory.conversation_tables import FactRow, ThreadRow, TurnRow, UserRow
from memory.job_records import ENDED
from memory.tables import (
    ChunkRow,
    CollectionRow,
    DocumentRow,
    JobRow,
    SectionRow,
    SummaryRow,
    SummaryUseRow,
    TextRow,
    TreeNodeRow,
    TreeRow,
)
from memory.traces import SHORTEST, Needles

__all__ = ["Elsewhere", "said_elsewhere", "turns_with"]

Elsewhere = Literal["memory", "answers", "documents", "jobs", "others", "schema"]
"""In what the same user has said, in that user's answers, documents and jobs that go on, in what belongs to
others, in names of columns."""

FETCHED: Final = 200
JOINED: Final = 4
"""Bytes of a neighbouring cell that may seem to belong to one: a small number, or a year."""

SAID: Final = (TurnRow.question, TurnRow.speaker)
ANSWERED: Final = (TurnRow.answer, TurnRow.question_summary, TurnRow.answer_summary, TurnRow.details)

Query = Select[*tuple[Any, ...]]


def said_elsewhere(engine: Engine, user: str, needles: Needles) -> dict[Elsewhere, set[int]]:
    """Numbers of the pieces that stand in rows which are there, by where that is.

    Args:
        engine: Of the database.
        user: Whose memory, answers, documents and jobs are meant; those of all others are "others".
        needles: The texts.
    """
    mine, theirs = UserRow.name == user, UserRow.name != user
    jobs = select(JobRow.title, JobRow.spec).where(JobRow.state.not_in(ENDED))
    places: dict[Elsewhere, list[Query]] = {
        "memory": _memory(mine),
        "answers": _answers(mine),
        "documents": _documents(user),
        "jobs": [jobs.where(JobRow.owner == user)],
        "others": [*_memory(theirs), *_answers(theirs), *_all_documents(), jobs.where(JobRow.owner != user)],
    }
    found: dict[Elsewhere, set[int]] = {}
    edges = _Edges(needles.pieces)
    with engine.connect() as connection:
        for place, queries in places.items():
            numbers: set[int] = set()
            for query in queries:
                cells = edges.watch(_cells(connection, query))
                numbers |= needles.found_in_texts(cells) | edges.taken()
            if place == "others":  # documents are read whoever they belong to
                numbers -= found.get("documents", set())
            if numbers:
                found[place] = numbers
        numbers = set(needles.found_in_texts(_schema(connection)))
        if numbers:
            found["schema"] = numbers
    return found


def turns_with(engine: Engine, user: str, pieces: Collection[str]) -> list[tuple[str, int]]:
    """The turns of a user that hold one of some pieces, on either side: names of threads and numbers."""
    needles = Needles(pieces)
    query = (
        select(ThreadRow.name, TurnRow.ordinal, *SAID, *ANSWERED)
        .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
        .join(UserRow, UserRow.key == TurnRow.user_key)
        .where(UserRow.name == user)
        .order_by(TurnRow.key)
    )
    with engine.connect() as connection:
        rows = connection.execution_options(yield_per=FETCHED).execute(query)
        return [(name, n) for name, n, *cells in rows if needles.found_in_texts(map(_text, cells))]


class _Edges:
    """Finds cells that a few bytes before or behind them make a piece of.

    In a file a cell stands between others: the name "chat 1" before the year 2026 reads "chat 12026", and so
    holds "chat 12", which nobody has said.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._starts: dict[str, set[int]] = {}
        self._ends: dict[str, set[int]] = {}
        for number, piece in enumerate(pieces):
            for cut in range(1, min(JOINED, len(piece) - SHORTEST) + 1):
                self._ends.setdefault(piece[:-cut], set()).add(number)
                self._starts.setdefault(piece[cut:], set()).add(number)
        self._lengths = sorted({len(each) for each in self._ends})
        self._found: set[int] = set()

    def watch(self, cells: Iterator[str]) -> Iterator[str]:
        """The same cells, looked at as they pass."""
        for cell in cells:
            for length in self._lengths:
                self._found |= self._ends.get(cell[-length:], set()) | self._starts.get(cell[:length], set())
            yield cell

    def taken(self) -> set[int]:
        """Numbers of the pieces found since this was asked last."""
        found, self._found = self._found, set()
        return found


def _memory(of: ColumnElement[bool]) -> list[Query]:
    return [
        select(*SAID).join(UserRow, UserRow.key == TurnRow.user_key).where(of),
        select(ThreadRow.name).join(UserRow, UserRow.key == ThreadRow.user_key).where(of),
        select(FactRow.text, FactRow.quote).join(UserRow, UserRow.key == FactRow.user_key).where(of),
    ]


def _answers(of: ColumnElement[bool]) -> list[Query]:
    return [select(*ANSWERED).join(UserRow, UserRow.key == TurnRow.user_key).where(of)]


def _documents(owner: str) -> list[Query]:
    """What is kept of the documents of a user."""
    keys = select(DocumentRow.key).where(DocumentRow.owner == owner)
    ids = select(DocumentRow.id).where(DocumentRow.owner == owner)
    nodes = select(TreeNodeRow.digest).join(TreeRow, TreeRow.key == TreeNodeRow.tree_key)
    summaries = union(
        nodes.where(TreeRow.document_id.in_(ids)),
        select(SummaryUseRow.digest).where(SummaryUseRow.document_id.in_(ids)),
    )
    titles = select(TreeNodeRow.title).join(TreeRow, TreeRow.key == TreeNodeRow.tree_key)
    return [
        select(DocumentRow.title, DocumentRow.path, DocumentRow.id).where(DocumentRow.owner == owner),
        select(CollectionRow.name).where(CollectionRow.owner == owner),
        select(TextRow.text).where(TextRow.document_key.in_(keys)),
        select(SectionRow.title).where(SectionRow.document_key.in_(keys)),
        select(ChunkRow.context).where(ChunkRow.document_key.in_(keys)),
        titles.where(TreeRow.document_id.in_(ids)),
        select(SummaryRow.sentences).where(SummaryRow.digest.in_(summaries)),
    ]


def _all_documents() -> list[Query]:
    """What is kept of documents, whoever they belong to."""
    return [
        select(DocumentRow.title, DocumentRow.path, DocumentRow.id),
        select(CollectionRow.name),
        select(TextRow.text),
        select(SectionRow.title),
        select(ChunkRow.context),
        select(TreeNodeRow.title),
        select(SummaryRow.sentences),
    ]


def _schema(connection: Connection) -> list[str]:
    """What the database says of itself: a thread may be called as a column is, such as "notes"."""
    if connection.dialect.name != "sqlite":
        return []
    query = "SELECT sql FROM sqlite_master WHERE sql != ''"
    return [str(sql) for (sql,) in connection.exec_driver_sql(query)]


def _cells(connection: Connection, query: Query) -> Iterator[str]:
    rows = connection.execution_options(yield_per=FETCHED).execute(query)
    for row in rows:
        for cell in row:
            yield _text(cell)


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell)
