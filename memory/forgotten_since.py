"""Whether something was forgotten since a question began: what the question has read must not be kept then.

Forgetting notes a cleanup in its own transaction, and takes it away only after all questions have ended that
had begun before. So whoever finds a cleanup that was not there at his beginning may hold what was forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from memory.conversation_tables import CleanupRow, UserRow
from memory.tables import LibraryRow

__all__ = ["Begun", "begin", "forgotten_since", "hold_off_forgetting"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What there was when a question began.

    Attributes:
        cleanup: The newest cleanup, 0 if there was none.
        user: Who asks, None where whatever is forgotten counts.
        of_user: Key and revision of that user, None if nothing was stored of such a user.
        library: Revision of the documents.
    """

    cleanup: int
    user: str | None
    of_user: tuple[int, int] | None
    library: int


def begin(engine: Engine, user: str | None = None) -> Begun:
    """What there is now; to be asked before anything is read that may be forgotten."""
    with engine.connect() as connection:
        cleanup = connection.execute(select(func.coalesce(func.max(CleanupRow.key), 0))).scalar_one()
        return Begun(cleanup, user, _of_user(connection, user), _library(connection))


def forgotten_since(connection: Connection, begun: Begun) -> bool:
    """Whether the user, or anybody a document, has forgotten something since then that is not cleaned yet."""
    newer = select(CleanupRow.key).where(CleanupRow.key > begun.cleanup).limit(1)
    if connection.execute(newer).first() is None:
        return False
    if begun.user is None or begun.library != _library(connection):
        return True
    return begun.of_user is not None and begun.of_user != _of_user(connection, begun.user)


def hold_off_forgetting(connection: Connection) -> None:
    """Let no forgetting be committed before this transaction is; to be its first statement.

    The first write of a transaction does so in SQLite. In PostgreSQL the table is locked that forgetting
    writes to first.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {CleanupRow.__tablename__} IN SHARE MODE")


def _of_user(connection: Connection, name: str | None) -> tuple[int, int] | None:
    found = connection.execute(select(UserRow.key, UserRow.revision).where(UserRow.name == name)).first()
    return None if found is None else (found.key, found.revision)


def _library(connection: Connection) -> int:
    return connection.execute(select(LibraryRow.revision)).scalar_one()
