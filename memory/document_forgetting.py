"""Forgetting documents: with all that answering from them has left in memory, and jobs that name them.

The document's rows go in the same transaction. What another version had said that was replaced before is not
known any more; where there was one, all kept replies of models go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Text, cast, delete, or_, select, update

from memory.conversation_tables import ReadingRow, TurnRow, TurnVectorRow
from memory.documents import DocumentRecord, remove_document
from memory.forgetting import Forgotten, forget_completions, note_cleanup
from memory.job_forgetting import forget_answer_jobs, forget_ended
from memory.library import advance_revision
from memory.tables import ChunkRow, JobEventRow, JobRow, SectionRow, SentenceRow
from memory.texts import read_text
from memory.users import user_changed
from retrieval.document import Span

__all__ = ["FORGOTTEN_ANSWER", "forget_documents"]

FORGOTTEN_ANSWER: Final = "[forgotten: the document was removed]"
KEPT_DETAILS: Final = ("model", "query", "prompt_tokens", "completion_tokens")
"""Of what an answer rests on, that which says nothing of a document."""

SHORTEST_NAME: Final = 3
"""Characters of a name by which events are found; a shorter one would be found in too many."""

BATCH: Final = 500


def forget_documents(engine: Engine, versions: Sequence[DocumentRecord]) -> Forgotten:
    """Forget a document: its versions that are stored, begun ones too, and what is left of it elsewhere.

    Answers that cite it become `FORGOTTEN_ANSWER`, for all users. Jobs that have ended and name it go, and
    what others have told of it; of jobs that go on, what they still have to do is left to the caller.
    """
    with engine.begin() as connection:
        owners = {each.owner for each in versions}
        for owner in sorted(owners):
            note_cleanup(connection, owner)  # written first: it locks
        advance_revision(connection)
        ids = {each.id for each in versions}
        names = [name for each in versions for name in (each.id, each.path, each.title)]
        texts = dict.fromkeys(name for name in names if name)
        for each in versions:
            texts |= dict.fromkeys(_texts(connection, each))
            remove_document(connection, each.key)
        answers = _forget_answers(connection, ids)
        readings = connection.execute(delete(ReadingRow).where(ReadingRow.document_id.in_(ids))).rowcount
        for owner in owners:
            forget_ended(connection, [name for each in versions for name in (each.id, each.path)], owner)
            forget_answer_jobs(connection, owner, texts)
        events = _forget_events(connection, names, owners)
        completions = forget_completions(connection, _since(versions), texts)
    counts = {"documents": len(ids), "answers": answers, "readings": readings, "events": events}
    return Forgotten(counts | {"completions": completions}, tuple(texts))


def _texts(connection: Connection, version: DocumentRecord) -> Iterator[str]:
    """The sentences of a version, and the titles in it."""
    text = read_text(connection, version.key, Span(0, version.characters))
    spans = select(SentenceRow.start, SentenceRow.end).where(SentenceRow.document_key == version.key)
    for start, end in connection.execute(spans.order_by(SentenceRow.ordinal)):
        yield text[start:end]
    for table, column in ((SectionRow, SectionRow.title), (ChunkRow, ChunkRow.context)):
        titles = select(column).where(table.document_key == version.key)
        yield from filter(None, connection.execute(titles).scalars())


def _forget_answers(connection: Connection, ids: set[str]) -> int:
    """Replace the answers that cite one of the documents; how many there were.

    Of others, all that was shown for them is no longer known where one of the documents was.
    """
    named = or_(*(cast(TurnRow.details, Text).contains(id, autoescape=True) for id in sorted(ids)))
    naming = connection.execute(select(TurnRow.key, TurnRow.user_key, TurnRow.details).where(named)).all()
    meant = [row for row in naming if _names(row.details.get("citations"), ids)]
    for row in naming:
        if row not in meant and _names(row.details.get("shown"), ids):
            unknown = update(TurnRow).where(TurnRow.key == row.key)
            connection.execute(unknown.values(details={**row.details, "shown": None}))
    for row in meant:
        details = {name: value for name, value in row.details.items() if name in KEPT_DETAILS}
        values: dict[str, Any] = {"answer": FORGOTTEN_ANSWER, "answer_summary": "", "details": details}
        connection.execute(update(TurnRow).where(TurnRow.key == row.key).values(values))
        connection.execute(delete(TurnVectorRow).where(TurnVectorRow.turn_key == row.key))
    for user in {row.user_key for row in meant}:
        user_changed(connection, user)
    return len(meant)


def _names(places: object, ids: set[str]) -> bool:
    """Whether one of the documents is among the places of a turn's details."""
    return isinstance(places, list) and any(
        isinstance(each, dict) and each.get("document") in ids for each in places
    )


def _forget_events(connection: Connection, names: Sequence[str], owners: set[str]) -> int:
    """Delete what jobs of the owners have told about something of that name; how many events there were."""
    gone = 0
    theirs = JobEventRow.job_key.in_(select(JobRow.key).where(JobRow.owner.in_(owners)))
    for name in dict.fromkeys(name for name in names if len(name) >= SHORTEST_NAME):
        named = or_(
            JobEventRow.subject.contains(name, autoescape=True),
            JobEventRow.task.contains(name, autoescape=True),
        )
        gone += connection.execute(delete(JobEventRow).where(theirs, named)).rowcount
    return gone


def _since(versions: Sequence[DocumentRecord]) -> datetime:
    """When the document was there first; its id tells whether there was another version before."""
    if all(each.content_hash.startswith(each.id) for each in versions):
        return min(each.added_at for each in versions)
    return datetime.fromtimestamp(0, UTC)
