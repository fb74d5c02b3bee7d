"""Handing over all that a user has to another one, such as the name that a login gives."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, delete, or_, select, update

from memory.answer_tasks import ANSWER
from memory.conversation_tables import CleanupRow, FactRow, ReadingRow, ThreadRow, TurnRow, UserRow
from memory.errors import HandOverError, UnknownUserError
from memory.job_records import ENDED
from memory.jobs import job_digest
from memory.library import advance_revision
from memory.storable import storable
from memory.tables import CollectionRow, DocumentRow, JobRow, TaskRow
from memory.users import known_user, note_user, user_changed

__all__ = ["hand_over"]


def hand_over(engine: Engine, old: str, new: str) -> None:
    """Make everything of one user that of another, who need not be there yet: all of it or nothing.

    How far a document was read stays as the new user has it, where both have said so.

    Raises:
        UnknownUserError: If the old one has nothing.
        HandOverError: If both are the same, or have something of one name, or the old one's jobs go on.
    """
    old, new = storable(old), storable(new)
    if old == new:
        raise HandOverError(f"{new!r} has that already.")
    with engine.begin() as connection:
        key = note_user(connection, new)  # written first: it locks
        before = known_user(connection, old)
        _check(connection, old, new, before, key)
        for table in (DocumentRow, CollectionRow, CleanupRow):
            connection.execute(update(table).where(table.owner == old).values(owner=new))
        _hand_over_jobs(connection, old, new)
        if before is not None:
            _hand_over_memory(connection, before, key, old, new)
        user_changed(connection, key)
        advance_revision(connection)


def _check(connection: Connection, old: str, new: str, before: int | None, key: int) -> None:
    """See that nothing stands in the way."""
    owned = (DocumentRow, CollectionRow, JobRow)
    if before is None and not any(
        connection.execute(select(table.key).where(table.owner == old).limit(1)).first() for table in owned
    ):
        raise UnknownUserError(f"Nothing of a user {old!r} is stored; `clew users list` shows them all.")
    at_work = select(JobRow.id).where(JobRow.owner == old, JobRow.state.not_in(ENDED))
    job = connection.execute(at_work.limit(1)).scalar()
    if job is not None:
        raise HandOverError(f"The job {job} of {old!r} has not ended; let it end, or cancel it.")
    theirs = select(DocumentRow.path).where(DocumentRow.owner == new)
    same = select(DocumentRow.title).where(
        DocumentRow.owner == old,
        or_(
            DocumentRow.path.in_(theirs),
            DocumentRow.content_hash.in_(select(DocumentRow.content_hash).where(DocumentRow.owner == new)),
        ),
    )
    collections = select(CollectionRow.name).where(CollectionRow.owner == new)
    threads = select(ThreadRow.name).where(ThreadRow.user_key == key)
    for what, both in (
        ("document", same),
        (
            "collection",
            select(CollectionRow.name).where(CollectionRow.owner == old, CollectionRow.name.in_(collections)),
        ),
        ("thread", select(ThreadRow.name).where(ThreadRow.user_key == before, ThreadRow.name.in_(threads))),
    ):
        name = connection.execute(both.limit(1)).scalar()
        if name is not None:
            raise HandOverError(f"Both {old!r} and {new!r} have a {what} {name!r}; rename or remove one.")


def _hand_over_jobs(connection: Connection, old: str, new: str) -> None:
    """Jobs with the digests by which they are found, and whose answers their tasks are."""
    for job in connection.execute(
        select(JobRow.key, JobRow.kind, JobRow.spec).where(JobRow.owner == old)
    ).all():
        values: dict[str, Any] = {"owner": new, "digest": job_digest(new, job.kind, job.spec)}
        connection.execute(update(JobRow).where(JobRow.key == job.key).values(values))
    asked = (
        select(TaskRow.key, TaskRow.payload)
        .join(JobRow, JobRow.key == TaskRow.job_key)
        .where(JobRow.owner == new, TaskRow.kind == ANSWER)
    )
    for key, payload in connection.execute(asked).all():
        if payload.get("user") == old:
            values = {"payload": {**payload, "user": new}}
            connection.execute(update(TaskRow).where(TaskRow.key == key).values(values))


def _hand_over_memory(connection: Connection, before: int, key: int, old: str, new: str) -> None:
    """Threads with their turns, facts and reading positions; the old user is gone then."""
    for table in (ThreadRow, TurnRow, FactRow):
        connection.execute(update(table).where(table.user_key == before).values(user_key=key))
    own = update(FactRow).where(FactRow.user_key == key, FactRow.asserted_by == old)
    connection.execute(own.values(asserted_by=new))
    known = select(ReadingRow.document_id).where(ReadingRow.user_key == key)
    moved = update(ReadingRow).where(ReadingRow.user_key == before, ReadingRow.document_id.not_in(known))
    connection.execute(moved.values(user_key=key))
    connection.execute(delete(UserRow).where(UserRow.key == before))
