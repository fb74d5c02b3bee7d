"""The database: opened by URL, brought to the newest schema, SQLite made safe for several processes."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, exc, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from memory.errors import DatabaseError
from memory.tables import LibraryRow

__all__ = ["migrate", "open_database"]

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """Open the database at `url`, create or migrate its schema, and return an engine for it.

    SQLite runs in WAL mode with foreign keys, a busy timeout of 3 min (a document of ten
    million tokens is written in one transaction), and zeroes what it deletes. What the
    engine meets later (a full disk, a damaged page, a lock that stays) is a DatabaseError too.

    Raises:
        DatabaseError: If it cannot be opened, or its schema cannot be brought up to date.
    """
    try:
        sqlite = make_url(url).get_backend_name() == "sqlite"
        file = make_url(url).database if sqlite else None
        if sqlite and file in (None, "", ":memory:"):
            raise DatabaseError(f"The database {_shown(url)} would live in memory alone; name a file.")
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        # Two first starts at once must not both create the tables; PostgreSQL's DDL is transactional.
        with FileLock(f"{file}.lock") if file else nullcontext():
            migrate(url)
            engine = create_engine(url)
            if sqlite:
                event.listen(engine, "connect", _prepare_sqlite)
            with engine.begin() as connection:
                if connection.execute(select(LibraryRow.key)).first() is None:
                    values = {"key": 1, "identity": uuid.uuid4().hex, "revision": 0}
                    connection.execute(insert(LibraryRow), values)
        event.listen(engine, "handle_error", _name_error)
        return engine
    except (SQLAlchemyError, ArgumentError, CommandError, OSError, ImportError) as error:
        raise DatabaseError(f"The database {_shown(url)} cannot be opened: {_reason(error)}.") from error


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema of the database at `url` to `revision`, up or down, in one transaction.

    Runs on a connection of its own without foreign keys, because a batch change of a table with them
    on would delete the rows that refer to it.

    Raises:
        DatabaseError: If a newer version of Clew has written the schema.
    """
    known = sorted(file.stem.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA busy_timeout=180000")
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            found = _found_revision(connection)
            # Asked without starting Alembic's machinery (0.2 s).
            if revision == "head" and found == known[-1]:
                return
            if found and found not in known:
                raise DatabaseError(
                    f"The database {_shown(url)} has the schema {found} of a newer version of Clew; "
                    f"this one knows those up to {known[-1]}."
                )
            if engine.dialect.name == "sqlite":
                # Python's driver begins no transaction for DDL: a kill would leave half of the tables.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            if revision == "base" or (revision != "head" and revision < found):
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)
            connection.commit()
    finally:
        engine.dispose()


def _found_revision(connection: Connection) -> str:
    """The revision of the schema that is there, "" if there is none."""
    found = ""
    if inspect(connection).has_table("alembic_version"):
        query = "SELECT version_num FROM alembic_version"
        found = str(connection.exec_driver_sql(query).scalar() or "")
    connection.rollback()
    return found


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=180000",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _name_error(context: ExceptionContext) -> None:
    """Turn what is wrong with the database, rather than with a statement's rows, into a DatabaseError."""
    error = context.sqlalchemy_exception
    if context.engine is not None and type(error) in (exc.OperationalError, exc.DatabaseError):
        shown = context.engine.url.render_as_string(hide_password=True)
        raise DatabaseError(f"The database {shown} cannot be used: {_reason(error)}.")


def _reason(error: BaseException | None) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)
