"""Collections: documents that a user has put together under a name, such as the books of a course."""

from __future__ import annotations

from collections.abc import Collection as CollectionOf
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, exc, select, update

from memory.errors import CollectionNameError, UnknownCollectionError, UnknownDocumentError
from memory.moments import in_utc
from memory.tables import CollectionDocumentRow, CollectionRow, DocumentRow
from memory.threads import storable
from memory.upserts import upsert

__all__ = ["Collection", "CollectionStore"]

LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `documents` are ids, in the order in which the documents were added to the library."""

    name: str
    documents: tuple[str, ...]
    created_at: datetime


class CollectionStore:
    """Collections of one user.

    Args:
        engine: Of the database.
        owner: Whose collections; those of others are neither seen nor touched.
    """

    def __init__(self, engine: Engine, owner: str) -> None:
        self.engine, self.owner = engine, storable(owner)

    def all(self) -> list[Collection]:
        """All collections, by name."""
        mine = select(CollectionRow.key, CollectionRow.name, CollectionRow.created_at).where(
            CollectionRow.owner == self.owner
        )
        held = (
            select(CollectionDocumentRow.collection_key, DocumentRow.id)
            .join(CollectionRow, CollectionRow.key == CollectionDocumentRow.collection_key)
            .join(DocumentRow, DocumentRow.id == CollectionDocumentRow.document_id)
            .where(
                CollectionRow.owner == self.owner,
                DocumentRow.owner == self.owner,
                DocumentRow.state == "ready",
            )
            .order_by(DocumentRow.key)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(mine).all()
            documents: dict[int, list[str]] = {row.key: [] for row in rows}
            for key, document in connection.execute(held):
                documents[key].append(document)
        found = [Collection(row.name, tuple(documents[row.key]), in_utc(row.created_at)) for row in rows]
        return sorted(found, key=lambda each: (each.name.casefold(), each.name))

    def get(self, name: str) -> Collection:
        """The collection of that name.

        Raises:
            UnknownCollectionError: If there is none.
        """
        wanted = _clean(name)
        for each in self.all():
            if each.name == wanted:
                return each
        raise _unknown(name)

    def create(self, name: str) -> Collection:
        """Make an empty collection.

        Raises:
            CollectionNameError: If there is one of that name, or it is no name.
        """
        name, now = _checked(name), datetime.now(UTC)
        with self.engine.begin() as connection:
            made = connection.execute(
                upsert(connection, CollectionRow)
                .values(owner=self.owner, name=name, created_at=now)
                .on_conflict_do_nothing()
                .returning(CollectionRow.key)
            ).scalar()
        if made is None:
            raise _taken(name)
        return Collection(name, (), now)

    def rename(self, old: str, new: str) -> None:
        """Give a collection another name.

        Raises:
            UnknownCollectionError: If there is none of the old one.
            CollectionNameError: If there is another of the new one, or it is no name.
        """
        new = _checked(new)
        mine = update(CollectionRow).where(
            CollectionRow.owner == self.owner, CollectionRow.name == _clean(old)
        )
        try:
            with self.engine.begin() as connection:
                if not connection.execute(mine.values(name=new)).rowcount:
                    raise _unknown(old)
        except exc.IntegrityError as error:
            raise _taken(new) from error

    def remove(self, name: str) -> None:
        """Remove a collection; its documents stay in the library.

        Raises:
            UnknownCollectionError: If there is none of that name.
        """
        mine = delete(CollectionRow).where(
            CollectionRow.owner == self.owner, CollectionRow.name == _clean(name)
        )
        with self.engine.begin() as connection:
            if not connection.execute(mine).rowcount:
                raise _unknown(name)

    def put(self, name: str, ids: CollectionOf[str]) -> None:
        """Put documents into a collection; those that are there already stay.

        Raises:
            UnknownCollectionError: If there is none of that name.
            UnknownDocumentError: If one of the ids is none of the user's documents.
        """
        with self.engine.begin() as connection:
            key = self._key(connection, name)
            for id in dict.fromkeys(ids):
                self._put(connection, key, id)

    def take(self, name: str, ids: CollectionOf[str]) -> None:
        """Take documents out of a collection; those that are not in it are passed over.

        Raises:
            UnknownCollectionError: If there is none of that name.
        """
        with self.engine.begin() as connection:
            key = self._key(connection, name)
            for id in dict.fromkeys(ids):
                connection.execute(
                    delete(CollectionDocumentRow).where(
                        CollectionDocumentRow.collection_key == key, CollectionDocumentRow.document_id == id
                    )
                )

    def _put(self, connection: Connection, key: int, id: str) -> None:
        document = select(DocumentRow.key).where(
            DocumentRow.id == id, DocumentRow.owner == self.owner, DocumentRow.state == "ready"
        )
        if connection.execute(document).first() is None:
            raise UnknownDocumentError(f"No document is called {id!r}; `clew list` shows them all.")
        connection.execute(
            upsert(connection, CollectionDocumentRow)
            .values(collection_key=key, document_id=id)
            .on_conflict_do_nothing()
        )

    def _key(self, connection: Connection, name: str) -> int:
        """Of the collection of that name; as the first statement it takes the write lock."""
        mine = update(CollectionRow).where(
            CollectionRow.owner == self.owner, CollectionRow.name == _clean(name)
        )
        key = connection.execute(mine.values(name=CollectionRow.name).returning(CollectionRow.key)).scalar()
        if key is None:
            raise _unknown(name)
        return key


def _clean(name: str) -> str:
    """A name on one line, as a database holds it."""
    return " ".join(storable(name).split())


def _checked(name: str) -> str:
    name = _clean(name)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise CollectionNameError(f"The name of a collection has 1 to {LONGEST_NAME} characters.")
    return name


def _unknown(name: str) -> UnknownCollectionError:
    return UnknownCollectionError(
        f"No collection is called {name!r}; `clew collections list` shows them all."
    )


def _taken(name: str) -> CollectionNameError:
    return CollectionNameError(f"Another collection is called {name!r}.")
