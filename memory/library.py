"""Which library this database is, and a number that grows with every change of what is searchable."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select, update

from memory.tables import LibraryRow

__all__ = ["LibraryState", "advance_revision", "library_state"]


@dataclass(frozen=True, slots=True)
class LibraryState:
    """Stamped on every index; an index with another stamp is brought up to date."""

    identity: str
    revision: int


def library_state(engine: Engine) -> LibraryState:
    """The state as of now."""
    with engine.connect() as connection:
        row = connection.execute(select(LibraryRow.identity, LibraryRow.revision)).one()
        return LibraryState(row.identity, row.revision)


def advance_revision(connection: Connection) -> None:
    """Note, in the transaction of the change itself, that what is searchable has changed."""
    connection.execute(update(LibraryRow).values(revision=LibraryRow.revision + 1))
