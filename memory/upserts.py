"""INSERT with ON CONFLICT, which SQLAlchemy has per database only."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from memory.base import Base

__all__ = ["upsert"]


def upsert(connection: Connection, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT into `table` that can be told what to do with a row that is there already.

    As the first statement of a transaction it takes SQLite's write lock at once, and waits for it as long
    as the busy timeout says; a SELECT before it would leave a snapshot that cannot be written from.
    """
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
