"""Documents in SQL: saved in one transaction, shown, found by what a person calls them, removed whole.

A document is written as "pending" with all its parts and planned units of work, encoded unit by unit, and
becomes "ready" (searchable, listed) in one last transaction that also deletes the version it replaces.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, insert, or_, select, true, update

from memory.document_parts import NewDocument, insert_parts, without_embedding
from memory.embeddings import delete_orphans
from memory.errors import AmbiguousDocumentError, DatabaseError, UnknownDocumentError
from memory.library import advance_revision
from memory.reading_positions import carry_over, forget_positions
from memory.tables import ChunkRow, CollectionDocumentRow, DocumentRow, PageRow, SectionRow, SentenceRow
from memory.texts import read_text
from memory.threads import storable
from memory.tree_store import remove_trees
from memory.units import plan_units
from memory.users import FIRST_USER
from retrieval.chunking import encoder_text
from retrieval.document import Document, Page, Section, Span

__all__ = ["DocumentRecord", "DocumentStore", "remove_document"]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What the list shows of a document; counts, and `characters` of its text."""

    key: int
    id: str
    owner: str
    title: str
    path: str
    media_type: str
    content_hash: str
    recipe: str
    characters: int
    pages: int
    pages_unread: tuple[int, ...]
    sections: int
    chunks: int
    added_at: datetime


class DocumentStore:
    """Documents of one database.

    What a document goes by (title, path, bytes) is looked up among those of the owner; its key names it
    whoever asks, and only comes from such a look.

    Args:
        engine: Of the database.
        owner: Name of the user whose documents are meant; those of others are as if they were not there. With
            None they are those of all users, and a new one belongs to the first.
    """

    def __init__(self, engine: Engine, owner: str | None = None) -> None:
        self.engine, self.owner = engine, None if owner is None else storable(owner)

    def begin(self, new: NewDocument) -> int:
        """Write a document as pending, its planned units with it; return its key.

        An older pending version of the same file is dropped. What it replaces stays in use until `finish`.
        """
        owner = self.owner or FIRST_USER
        mine = DocumentRow.owner == owner
        with self.engine.begin() as connection:
            replaced = _replaced(connection, new.path, new.content_hash, mine)
            of_this_file = [DocumentRow.path == new.path, DocumentRow.content_hash == new.content_hash]
            if replaced:
                of_this_file.append(DocumentRow.id == replaced.id)
            pending = select(DocumentRow.key).where(DocumentRow.state == "pending", mine, or_(*of_this_file))
            dropped: set[bytes] = set()
            for old in connection.execute(pending).scalars().all():
                dropped |= _delete_rows(connection, old)
            key: int = connection.execute(
                insert(DocumentRow).returning(DocumentRow.key),
                {
                    "id": replaced.id if replaced else _free_id(connection, new.content_hash),
                    "owner": owner,
                    "state": "pending",
                    "content_hash": new.content_hash,
                    "recipe": new.recipe,
                    "path": new.path,
                    "title": new.document.title,
                    "media_type": new.document.media_type,
                    "characters": len(new.document.text),
                    "pages": len(new.document.pages),
                    "pages_unread": [page.number for page in new.document.pages if page.unread],
                    "sections": len(new.document.sections),
                    "chunks": len(new.chunked.chunks),
                    "added_at": datetime.now(UTC),
                },
            ).scalar_one()
            insert_parts(connection, key, new)
            plan_units(connection, key, new.units)
            # Only now: what the dropped version has encoded is mostly what this one needs.
            delete_orphans(connection, dropped)
        return key

    def finish(self, key: int, encoder: int) -> tuple[DocumentRecord, bool]:
        """Make a document ready and delete the version it replaces; its record, and if there was one.

        Raises:
            DatabaseError: If a chunk or sentence of it has no embedding of that encoder.
        """
        with self.engine.begin() as connection:
            if lacking := without_embedding(connection, key, encoder):
                raise DatabaseError(f"{len(lacking)} texts of the document are not encoded yet.")
            id = connection.execute(select(DocumentRow.id).where(DocumentRow.key == key)).scalar_one()
            old = connection.execute(
                select(DocumentRow.key).where(DocumentRow.id == id, DocumentRow.state == "ready")
            ).scalar()
            if old is not None:
                carry_over(connection, old, key)
                _delete(connection, old)
            connection.execute(update(DocumentRow).where(DocumentRow.key == key).values(state="ready"))
            advance_revision(connection)
            return _records(connection, DocumentRow.key == key)[0], old is not None

    def records(self) -> list[DocumentRecord]:
        """All ready documents, oldest first."""
        with self.engine.connect() as connection:
            return _records(connection, DocumentRow.state == "ready", self._mine)

    def others(self) -> bool:
        """Whether another user has a ready document."""
        if self.owner is None:
            return False
        query = select(DocumentRow.key).where(DocumentRow.state == "ready", DocumentRow.owner != self.owner)
        with self.engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def ready(self, content_hash: str) -> DocumentRecord | None:
        """The ready document with these bytes, if there is one."""
        with self.engine.connect() as connection:
            keys = select(DocumentRow.key).where(
                DocumentRow.content_hash == content_hash, DocumentRow.state == "ready", self._mine
            )
            key = connection.execute(keys.order_by(DocumentRow.key)).scalar()
            return _records(connection, DocumentRow.key == key)[0] if key is not None else None

    def replaced_by(self, path: str, content_hash: str) -> str | None:
        """Id of the ready document that a file at `path` with these bytes would replace."""
        with self.engine.connect() as connection:
            row = _replaced(connection, path, content_hash, self._mine)
            return row.id if row else None

    def outdated(self, recipe: str) -> list[DocumentRecord]:
        """The ready documents that were cut or encoded in another way than `recipe`."""
        return [record for record in self.records() if record.recipe != recipe]

    def pending(self, content_hash: str, recipe: str, path: str) -> int | None:
        """Key of the version of this file, cut in this way, that was begun and not finished."""
        with self.engine.connect() as connection:
            return connection.execute(
                select(DocumentRow.key).where(
                    DocumentRow.content_hash == content_hash,
                    DocumentRow.recipe == recipe,
                    DocumentRow.path == path,
                    DocumentRow.state == "pending",
                    self._mine,
                )
            ).scalar()

    def resolve(self, reference: str) -> DocumentRecord:
        """The ready document that a person means: by id (or its start), title, path or file name.

        Raises:
            UnknownDocumentError: If there is none.
            AmbiguousDocumentError: If there are several.
        """
        records = self.records()
        wanted = reference.casefold().strip()
        for matches in (
            [r for r in records if r.id == wanted],
            [r for r in records if r.path == os.path.abspath(reference)],
            [r for r in records if wanted in (r.title.casefold(), r.path.casefold(), _file_name(r.path))],
            [r for r in records if len(wanted) >= 3 and r.id.startswith(wanted)],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                ids = ", ".join(r.id for r in matches)
                raise AmbiguousDocumentError(f"{reference!r} could be any of {ids}; name one by its id.")
        raise UnknownDocumentError(f"No document is called {reference!r}; `clew list` shows them all.")

    def interrupted(self) -> list[DocumentRecord]:
        """Documents, or new versions of them, whose adding was begun and not finished, oldest first."""
        with self.engine.connect() as connection:
            return _records(connection, DocumentRow.state == "pending", self._mine)

    def versions(self, reference: str) -> list[DocumentRecord]:
        """The document that a person means, and versions of it that were begun; it comes last.

        Where no finished document is meant, one that was only begun can be named by its id or path.

        Raises:
            UnknownDocumentError: If there is none.
            AmbiguousDocumentError: If there are several.
        """
        begun = self.interrupted()
        try:
            record = self.resolve(reference)
        except UnknownDocumentError:
            names = {reference, os.path.abspath(reference)}
            found = [each for each in begun if names & {each.id, each.path}]
            if not found:
                raise
            record = found[0]
        others = [each for each in begun if each.id == record.id or each.path == record.path]
        return [*(each for each in others if each.key != record.key), record]

    def unencoded(self, key: int, encoder: int) -> dict[bytes, int]:
        """Texts of a document without an embedding of that encoder, by hash, with their token counts."""
        with self.engine.connect() as connection:
            return without_embedding(connection, key, encoder)

    def drop_interrupted(self, recipe: str) -> None:
        """Delete what was begun for any other recipe; it could not go on without its encoder."""
        with self.engine.begin() as connection:
            others = select(DocumentRow.key).where(
                DocumentRow.state == "pending", DocumentRow.recipe != recipe
            )
            for key in connection.execute(others).scalars().all():
                _delete(connection, key)

    def remove(self, key: int) -> None:
        """Delete a document with all its parts, units and trees, and embeddings that no other one needs.

        How far it has been read goes as well, unless another version of it is there.
        """
        with self.engine.begin() as connection:
            id = connection.execute(select(DocumentRow.id).where(DocumentRow.key == key)).scalar()
            remove_document(connection, key)
            others = select(DocumentRow.key).where(DocumentRow.id == id)
            if id is not None and connection.execute(others).first() is None:
                forget_positions(connection, id)

    def encoder_texts(self, key: int, hashes: Collection[bytes]) -> dict[bytes, str]:
        """What the encoder is given for those texts of a document, by their hashes."""
        wanted = set(hashes)
        document = self.load(key)
        found: dict[bytes, str] = {}
        with self.engine.connect() as connection:
            chunks = select(ChunkRow.text_hash, ChunkRow.context, ChunkRow.start, ChunkRow.end)
            for row in connection.execute(chunks.where(ChunkRow.document_key == key)):
                if row.text_hash in wanted:
                    found[row.text_hash] = encoder_text(document.text, Span(row.start, row.end), row.context)
            sentences = select(SentenceRow.text_hash, SentenceRow.start, SentenceRow.end)
            for text_hash, start, end in connection.execute(sentences.where(SentenceRow.document_key == key)):
                if text_hash in wanted:
                    found[text_hash] = encoder_text(document.text, Span(start, end))
        return found

    def chunk_hashes(self, key: int) -> list[bytes]:
        """For each chunk of a document, the hash of what the encoder is given."""
        with self.engine.connect() as connection:
            query = select(ChunkRow.text_hash).where(ChunkRow.document_key == key)
            return list(connection.execute(query.order_by(ChunkRow.ordinal)).scalars())

    def load(self, key: int) -> Document:
        """The document as it was when it was added."""
        with self.engine.connect() as connection:
            row = connection.execute(
                select(DocumentRow.title, DocumentRow.media_type, DocumentRow.characters).where(
                    DocumentRow.key == key
                )
            ).one()
            sections = connection.execute(
                select(SectionRow)
                .with_only_columns(SectionRow.title, SectionRow.level, SectionRow.start, SectionRow.end)
                .where(SectionRow.document_key == key)
                .order_by(SectionRow.ordinal)
            ).all()
            pages = connection.execute(
                select(PageRow.number, PageRow.start, PageRow.end, PageRow.unread)
                .where(PageRow.document_key == key)
                .order_by(PageRow.number)
            ).all()
            return Document(
                text=read_text(connection, key, Span(0, row.characters)),
                title=row.title,
                media_type=row.media_type,
                sections=tuple(Section(s.title, s.level, Span(s.start, s.end)) for s in sections),
                pages=tuple(Page(p.number, Span(p.start, p.end), p.unread) for p in pages),
            )

    @property
    def _mine(self) -> ColumnElement[bool]:
        """That a document is of this owner, as SQL."""
        return true() if self.owner is None else DocumentRow.owner == self.owner


def remove_document(connection: Connection, key: int) -> None:
    """`DocumentStore.remove` in the caller's transaction."""
    id = connection.execute(select(DocumentRow.id).where(DocumentRow.key == key)).scalar()
    _delete(connection, key)
    if id is not None:
        remove_trees(connection, id)
        if connection.execute(select(DocumentRow.key).where(DocumentRow.id == id)).first() is None:
            connection.execute(delete(CollectionDocumentRow).where(CollectionDocumentRow.document_id == id))
    advance_revision(connection)


def _replaced(
    connection: Connection, path: str, content_hash: str, mine: ColumnElement[bool]
) -> Row[int, str] | None:
    """The ready version that a file would replace: of the same bytes, else of the same path."""
    for condition in (DocumentRow.content_hash == content_hash, DocumentRow.path == path):
        row = connection.execute(
            select(DocumentRow.key, DocumentRow.id)
            .where(condition, DocumentRow.state == "ready", mine)
            .order_by(DocumentRow.key)
        ).first()
        if row is not None:
            return row
    return None


def _free_id(connection: Connection, content_hash: str) -> str:
    """Twelve digits of the content's hash; further ones if an edited document was born with these."""
    for start in range(0, len(content_hash) - 11):
        id = content_hash[start : start + 12]
        if connection.execute(select(DocumentRow.key).where(DocumentRow.id == id)).first() is None:
            return id
    raise AmbiguousDocumentError(f"Every id made from the content hash {content_hash} is taken.")


def _delete(connection: Connection, key: int) -> None:
    delete_orphans(connection, _delete_rows(connection, key))


def _delete_rows(connection: Connection, key: int) -> set[bytes]:
    """Delete a version with its parts; the hashes of its texts, whose embeddings may now be orphans."""
    hashes = {
        row.text_hash
        for table in (ChunkRow, SentenceRow)
        for row in connection.execute(select(table.text_hash).where(table.document_key == key))
    }
    connection.execute(delete(DocumentRow).where(DocumentRow.key == key))
    return hashes


def _records(connection: Connection, *where: ColumnElement[bool]) -> list[DocumentRecord]:
    query = select(DocumentRow.__table__).where(*where).order_by(DocumentRow.key)
    return [
        DocumentRecord(
            key=row.key,
            id=row.id,
            owner=row.owner,
            title=row.title,
            path=row.path,
            media_type=row.media_type,
            content_hash=row.content_hash,
            recipe=row.recipe,
            characters=row.characters,
            pages=row.pages,
            pages_unread=tuple(row.pages_unread),
            sections=row.sections,
            chunks=row.chunks,
            added_at=row.added_at.replace(tzinfo=row.added_at.tzinfo or UTC),
        )
        for row in connection.execute(query)
    ]


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].casefold()
