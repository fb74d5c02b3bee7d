"""The database: opened by URL, brought to the newest schema, SQLite made safe for several processes."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from memory.errors import DatabaseError
from memory.tables import LibraryRow

__all__ = ["migrate", "open_database"]

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """Open the database at `url`, create or migrate its schema, and return an engine for it.

    SQLite runs in WAL mode with foreign keys, a busy timeout of 30 s, and zeroes what it deletes.

    Raises:
        DatabaseError: If it cannot be opened or its schema cannot be brought up to date.
    """
    try:
        file = make_url(url).database if make_url(url).get_backend_name() == "sqlite" else None
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        # Two first starts at once must not both create the tables; PostgreSQL's DDL is transactional.
        with FileLock(f"{file}.lock") if file else nullcontext():
            migrate(url)
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        with engine.begin() as connection:
            if connection.execute(select(LibraryRow.key)).first() is None:
                connection.execute(insert(LibraryRow).values(key=1, identity=uuid.uuid4().hex, revision=0))
        return engine
    except (SQLAlchemyError, ArgumentError, CommandError, OSError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DatabaseError(f"The database {_shown(url)} cannot be opened: {reason}.") from error


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema of the database at `url` to `revision`, up or down.

    Runs on a connection of its own without foreign keys, because a batch change of a table with them
    on would delete the rows that refer to it.
    """
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA busy_timeout=30000")
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.commit()
            if revision == "head" and _is_current(connection):
                return
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            current = "base" if not inspect(connection).has_table("alembic_version") else None
            if revision == "head" or current == "base":
                command.upgrade(config, revision)
            else:
                _move(config, connection, revision)
            connection.commit()
    finally:
        engine.dispose()


def _is_current(connection: Connection) -> bool:
    """Whether the schema is the newest, asked without starting Alembic's machinery (0.2 s)."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    newest = max(file.stem for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    connection.rollback()
    return found == newest.partition("_")[0]


def _move(config: Config, connection: Connection, revision: str) -> None:
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""
    connection.rollback()
    if revision == "base" or revision < found:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=30000",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)
