"""Reading positions: how far a user has read each document, kept where the document changes.

A position is set in the version of the document that is there, and `content_hash` goes on naming that one.
When another version replaces it, `read_to` is moved in the same transaction: behind the last sentence that
was read and still stands there, and before every one that was not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, Row, and_, delete, func, select, update

from memory.conversation_tables import ReadingRow, UserRow
from memory.moments import in_utc
from memory.tables import DocumentRow, SentenceRow
from memory.threads import storable
from memory.upserts import upsert
from memory.users import note_user
from retrieval.document import Span

if TYPE_CHECKING:
    from memory.documents import DocumentRecord  # which moves positions with its documents

__all__ = ["ReadingPosition", "ReadingPositions", "carry_over", "forget_positions"]

_Sentence = tuple[bytes, Span]
"""The hash of a sentence's text, and where it stands."""


@dataclass(frozen=True, slots=True)
class ReadingPosition:
    """How far a document has been read.

    Attributes:
        document: Its id.
        content_hash: The version in which the user has said so.
        read_to: Characters of the version that is there now; what stands before them has been read.
        updated_at: When the user has said so, in UTC.
        version: Content hash of the version that is there now, "" if there is none.
    """

    document: str
    content_hash: str
    read_to: int
    updated_at: datetime
    version: str

    def carried_over(self, record: DocumentRecord) -> bool:
        """Whether the document has changed since the user has said so."""
        return self.content_hash != record.content_hash


class ReadingPositions:
    """The positions of one user; those of others are neither seen nor touched.

    Args:
        engine: Of the database.
        user: Whose positions.
    """

    def __init__(self, engine: Engine, user: str) -> None:
        self.engine, self.user = engine, storable(user)

    def set(self, record: DocumentRecord, read_to: int) -> ReadingPosition:
        """Note how far a document has been read, in place of what was noted before.

        Raises:
            ValueError: If the document has no such offset.
        """
        if not 0 <= read_to <= record.characters:
            raise ValueError(f"position {read_to} is not in a text of {record.characters} characters")
        version = record.content_hash
        position = ReadingPosition(record.id, version, read_to, datetime.now(UTC), version)
        values = {"content_hash": record.content_hash, "read_to": read_to, "updated_at": position.updated_at}
        with self.engine.begin() as connection:
            key = {"user_key": note_user(connection, self.user), "document_id": record.id}
            connection.execute(
                upsert(connection, ReadingRow)
                .values(key | values)
                .on_conflict_do_update(index_elements=list(key), set_=values)
            )
        return position

    def get(self, document: str) -> ReadingPosition | None:
        """How far the document of that id has been read, None if nothing was noted."""
        return next((each for each in self.all() if each.document == document), None)

    def all(self) -> list[ReadingPosition]:
        """All positions, the one that was noted last first."""
        there = and_(DocumentRow.id == ReadingRow.document_id, DocumentRow.state == "ready")
        query = (
            select(ReadingRow.__table__, func.coalesce(DocumentRow.content_hash, "").label("version"))
            .join(UserRow, UserRow.key == ReadingRow.user_key)
            .outerjoin(DocumentRow, there)
            .where(UserRow.name == self.user)
            .order_by(ReadingRow.updated_at.desc(), ReadingRow.document_id)
        )
        with self.engine.connect() as connection:
            return [
                ReadingPosition(
                    row.document_id, row.content_hash, row.read_to, in_utc(row.updated_at), row.version
                )
                for row in connection.execute(query)
            ]

    def clear(self, document: str) -> bool:
        """Forget how far the document of that id has been read; whether anything was noted."""
        user = select(UserRow.key).where(UserRow.name == self.user).scalar_subquery()
        with self.engine.begin() as connection:
            mine = delete(ReadingRow).where(ReadingRow.user_key == user, ReadingRow.document_id == document)
            return bool(connection.execute(mine).rowcount)


def forget_positions(connection: Connection, document: str) -> None:
    """Forget how far anybody has read the document of that id."""
    connection.execute(delete(ReadingRow).where(ReadingRow.document_id == document))


def carry_over(connection: Connection, old: int, new: int) -> None:
    """Move the positions of all users from a version of a document to the one that replaces it.

    Where the versions have no sentence in common that tells, a position keeps its share of the text.

    Args:
        connection: In the transaction that replaces the one by the other; both are still there.
        old: Key of the version that goes.
        new: Key of the version that comes.
    """
    before, after = _version(connection, old), _version(connection, new)
    if before.content_hash == after.content_hash:
        return
    of_it = select(ReadingRow.user_key, ReadingRow.read_to).where(ReadingRow.document_id == before.id)
    positions = connection.execute(of_it).all()
    if not positions:
        return
    matched = _matched(_sentences(connection, old), _sentences(connection, new))
    for user, read_to in positions:
        moved = _moved(read_to, matched)
        if moved is None:
            moved = read_to * after.characters // max(before.characters, 1)
        mine = update(ReadingRow).where(ReadingRow.user_key == user, ReadingRow.document_id == before.id)
        connection.execute(mine.values(read_to=moved))


def _moved(read_to: int, matched: Sequence[tuple[Span, Span]]) -> int | None:
    """Where a position comes to stand, None if no sentence that stands in both versions tells.

    Whatever was moved about, no sentence that was not read comes to stand before it.
    """
    if read_to == 0:
        return 0
    unread = min((there.start for here, there in matched if here.end > read_to), default=None)
    read = [there.end for here, there in matched if here.end <= read_to]
    before = [end for end in read if unread is None or end <= unread]
    return max(before) if before else unread


def _matched(old: Sequence[_Sentence], new: Sequence[_Sentence]) -> list[tuple[Span, Span]]:
    """Where the sentences stand that each version holds exactly once, in the old one and in the new one."""
    once_old, once_new = _held_once(old), _held_once(new)
    return [(span, once_new[text]) for text, span in once_old.items() if text in once_new]


def _held_once(sentences: Sequence[_Sentence]) -> dict[bytes, Span]:
    counts = Counter(text for text, _ in sentences)
    return {text: span for text, span in sentences if counts[text] == 1}


def _sentences(connection: Connection, document: int) -> list[_Sentence]:
    query = select(SentenceRow.text_hash, SentenceRow.start, SentenceRow.end)
    rows = connection.execute(query.where(SentenceRow.document_key == document))
    return [(row.text_hash, Span(row.start, row.end)) for row in rows]


def _version(connection: Connection, document: int) -> Row[str, str, int]:
    query = select(DocumentRow.id, DocumentRow.content_hash, DocumentRow.characters)
    return connection.execute(query.where(DocumentRow.key == document)).one()
