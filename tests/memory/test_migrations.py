from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.pool import NullPool

from memory.database import MIGRATIONS, migrate, open_database
from memory.documents import DocumentStore
from memory.jobs import JobStore
from memory.measurements import write_measurement
from memory.tables import Base
from tests.memory.samples import TEXT, add, add_answer, add_collection, add_job, add_summaries, counts, url

REVISIONS = sorted(file.stem.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def filled(folder: Path) -> dict[str, int]:
    """A database at the newest schema with a row in every table; its rows by table."""
    engine = open_database(url(folder))
    key = add(engine)
    add(engine, text=TEXT + " Seven women work.", path="/books/more.txt", title="More")
    write_measurement(engine, "speed", {"chosen": "float32"})
    add_answer(engine)
    add_job(engine)
    add_summaries(engine, key)
    add_collection(engine, key)
    found = counts(engine)
    engine.dispose()
    assert all(found.values()), found
    return found


def plain(folder: Path) -> Engine:
    return create_engine(url(folder), poolclass=NullPool)


def tables(folder: Path) -> set[str]:
    return set(inspect(plain(folder)).get_table_names())


def rows(engine: Engine, names: set[str]) -> dict[str, object]:
    with engine.connect() as connection:
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in names}


def broken_keys(folder: Path) -> list[object]:
    with plain(folder).connect() as connection:
        return list(connection.exec_driver_sql("PRAGMA foreign_key_check").all())


def test_the_newest_schema_is_that_of_the_tables(tmp_path: Path) -> None:
    migrate(url(tmp_path))
    with plain(tmp_path).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_foreign_keys_delete_what_hangs_below(tmp_path: Path) -> None:
    migrate(url(tmp_path))
    inspector = inspect(plain(tmp_path))
    for table in inspector.get_table_names():
        for key in inspector.get_foreign_keys(table):
            assert key["options"].get("ondelete") == "CASCADE", (table, key)


def test_down_and_up_again_with_rows_in_every_table(tmp_path: Path) -> None:
    before = filled(tmp_path)
    # One step down after the other, and from each all the way up again.
    for revision in reversed(["base", *REVISIONS[:-1]]):
        migrate(url(tmp_path), revision)
        assert broken_keys(tmp_path) == []
        if revision == "base":
            assert tables(tmp_path) == {"alembic_version"}
            continue
        kept = tables(tmp_path)
        migrate(url(tmp_path))
        assert broken_keys(tmp_path) == []
        engine = open_database(url(tmp_path))
        # What a step down has dropped is empty; every row of the other tables is there. Threads belong to
        # somebody again.
        users = {"users": 1} if "threads" in kept and "users" not in kept else {}
        expected = {name: number if name in kept else 0 for name, number in before.items()} | users
        assert counts(engine) == expected
        engine.dispose()
    migrate(url(tmp_path))
    engine = open_database(url(tmp_path))
    assert counts(engine) == dict.fromkeys(before, 0) | {"library": 1}
    assert add(engine) > 0
    engine.dispose()


NEW_IN = {
    "0002": {"threads", "turns", "completions", "model_calls"},
    "0003": {
        "jobs",
        "tasks",
        "task_needs",
        "job_events",
        "summaries",
        "summary_uses",
        "summary_vectors",
        "trees",
        "tree_nodes",
    },
    "0004": {"users", "turn_vectors", "facts", "fact_vectors", "readings", "cleanups"},
    "0005": {"collections", "collection_documents"},
}


@pytest.mark.parametrize("revision", NEW_IN)
def test_a_step_down_drops_the_tables_of_that_step_only(tmp_path: Path, revision: str) -> None:
    filled(tmp_path)
    migrate(url(tmp_path), revision)
    engine = plain(tmp_path)
    before = rows(engine, tables(tmp_path))
    newest = tables(tmp_path)
    migrate(url(tmp_path), f"{int(revision) - 1:04}")
    assert tables(tmp_path) == newest - NEW_IN[revision]
    kept = newest - NEW_IN[revision] - {"alembic_version"}
    assert rows(engine, kept) == {name: before[name] for name in kept}


def test_a_database_of_the_first_version_is_brought_up_with_its_rows(tmp_path: Path) -> None:
    before = filled(tmp_path)
    migrate(url(tmp_path), "0001")
    engine = open_database(url(tmp_path))
    assert [record.title for record in DocumentStore(engine).records()] == ["Lamps", "More"]
    assert counts(engine) == before | dict.fromkeys(set[str]().union(*NEW_IN.values()), 0)
    add_answer(engine)
    add_job(engine)
    key = DocumentStore(engine).records()[0].key
    add_summaries(engine, key)
    add_collection(engine, key)
    assert counts(engine) == before
    engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_can_be_reached_from_nothing(tmp_path: Path, revision: str) -> None:
    migrate(url(tmp_path), revision)
    with plain(tmp_path).connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == revision
    migrate(url(tmp_path))
    engine = open_database(url(tmp_path))
    assert add(engine) > 0
    engine.dispose()


def test_migrating_to_where_it_is_keeps_every_row(tmp_path: Path) -> None:
    before = filled(tmp_path)
    migrate(url(tmp_path))
    migrate(url(tmp_path), REVISIONS[-1])
    engine = open_database(url(tmp_path))
    assert counts(engine) == before
    assert [record.title for record in DocumentStore(engine).records()] == ["Lamps", "More"]
    engine.dispose()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    # A table is in the way of the first migration.
    with plain(tmp_path).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE sections (mine INTEGER)")
    with pytest.raises(Exception, match="sections"):
        migrate(url(tmp_path))
    assert tables(tmp_path) == {"sections"}


def test_the_file_names_are_the_revisions_in_order() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


@pytest.mark.parametrize(
    ("users", "owner"), [((), "me"), (("me",), "me"), (("anna",), "anna"), (("anna", "bob"), "me")]
)
def test_what_was_there_before_owners_belongs_to_the_one_user_that_is_known(
    tmp_path: Path, users: tuple[str, ...], owner: str
) -> None:
    engine = open_database(url(tmp_path))
    add(engine)
    for state in ("done", "paused"):
        id = add_job(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE jobs SET state = ? WHERE id = ?", (state, id))
    engine.dispose()
    migrate(url(tmp_path), "0004")
    with plain(tmp_path).begin() as connection:
        for name in users:
            connection.exec_driver_sql(
                "INSERT INTO users (name, revision, created_at) VALUES (?, 0, '2026-01-01')", (name,)
            )
        connection.exec_driver_sql("UPDATE jobs SET digest = x'00' || key")
    engine = open_database(url(tmp_path))
    assert [record.owner for record in DocumentStore(engine).records()] == [owner]
    assert [record.owner for record in JobStore(engine).records()] == [owner, owner]
    # The job that had not ended is gone on with, as if it had been begun now.
    tasks = JobStore(engine).tasks(id)
    record, adopted = JobStore(engine).create("counting", "Count", {"to": 2}, [], owner=owner)
    assert (record.id, adopted, len(tasks)) == (id, True, 2)
    engine.dispose()
