"""Cleaning: what was deleted in SQL is taken out of the files of the database, while others go on writing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, delete, select

from memory.base import Base
from memory.conversation_tables import CleanupRow
from memory.errors import DatabaseError

__all__ = ["clean_database", "clean_file", "cleaned", "owners_to_clean", "to_clean"]

TRIES: Final = 60
"""How often the journal is tried to be emptied; each try waits for readers as long as for a lock."""
PAUSE: Final = 0.05

Execute = Callable[[str], Sequence[int] | None]
"""Runs a statement in its own transaction and gives its first row."""


def to_clean(engine: Engine) -> list[int]:
    """Keys of what was forgotten and has not been cleaned from the files yet; a small query."""
    with engine.connect() as connection:
        return list(connection.execute(select(CleanupRow.key).order_by(CleanupRow.key)).scalars())


def owners_to_clean(engine: Engine, keys: Sequence[int]) -> list[str | None]:
    """Whose answers may have told of these; None where that is not known, so that it may be anybody's."""
    owners = select(CleanupRow.owner).where(CleanupRow.key.in_(keys)).distinct()
    with engine.connect() as connection:
        return list(connection.execute(owners).scalars())


def cleaned(engine: Engine, keys: Sequence[int]) -> None:
    """Note that the files are clean of these."""
    with engine.begin() as connection:
        connection.execute(delete(CleanupRow).where(CleanupRow.key.in_(keys)))


def clean_database(engine: Engine) -> None:
    """Rewrite the files of the database so that nothing deleted is left in them.

    SQLite: the database is written anew, without its free pages, and its journal emptied. It waits for the
    transactions of others, which wait for it in turn; the copy it makes lies in the system's folder for
    temporary files, and takes as much room there. Needs no more than the usual permissions.

    PostgreSQL: all tables are written anew (VACUUM FULL), each locked meanwhile. This does not cover the
    server's write-ahead log, its archives, its replicas and its backups: whoever runs it must see to those.

    Raises:
        DatabaseError: If it cannot be written, or readers never leave the journal.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            _rewrite(_runner(connection), str(engine.url.database))
            return
        preparer = engine.dialect.identifier_preparer
        for table in Base.metadata.sorted_tables:
            connection.exec_driver_sql(f"VACUUM (FULL) {preparer.format_table(table)}")


def clean_file(path: Path, timeout: float = 30.0) -> None:
    """The same for another SQLite file, such as that of the checkpoints; nothing if it is not there.

    Raises:
        DatabaseError: If it cannot be written, or is no database.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
            _rewrite(lambda statement: connection.execute(statement).fetchone(), str(path))
    except sqlite3.Error as error:
        raise DatabaseError(f"The file {path} cannot be cleaned: {error}.") from error


def _rewrite(execute: Execute, name: str) -> None:
    execute("VACUUM")
    for _ in range(TRIES):
        # Its row begins with 1 where a reader stood in the way; 0 tells that the journal is empty.
        busy = execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy is None or busy[0] == 0:
            return
        time.sleep(PAUSE)
    raise DatabaseError(
        f"The journal of {name} cannot be emptied: somebody has been reading from it throughout."
    )


def _runner(connection: Connection) -> Execute:
    def execute(statement: str) -> Sequence[int] | None:
        result = connection.exec_driver_sql(statement)
        return result.first() if result.returns_rows else None

    return execute
