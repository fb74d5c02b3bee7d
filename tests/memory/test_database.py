import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from memory.database import migrate, open_database
from memory.documents import DocumentStore
from memory.errors import DatabaseError
from memory.library import library_state
from tests.memory.samples import add, counts, url

ROOT = Path(__file__).parents[2]

OPENS = """
import sys, time
from sqlalchemy import Engine, event
from memory.database import open_database
from memory.library import library_state

@event.listens_for(Engine, "before_cursor_execute")
def slow(connection, cursor, statement, *rest):
    if statement.startswith(("INSERT INTO library", "CREATE TABLE pages")):
        time.sleep(0.3)

print("ready", flush=True)
sys.stdin.readline()
print(library_state(open_database(sys.argv[1])).identity)
"""

KILLED = """
import os, sys
from sqlalchemy import Engine, event
from memory.database import open_database

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *rest):
    if statement.strip().startswith(sys.argv[2]):
        os.kill(os.getpid(), 9)

open_database(sys.argv[1])
"""


def assert_one_sentence(message: str, shown: str) -> None:
    assert message.startswith(f"The database {shown} ")
    assert message.endswith(".")
    assert not message.endswith("..")
    assert "\n" not in message


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_sqlite_is_made_safe_on_every_connection(engine: Engine) -> None:
    expected = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 180_000, "secure_delete": 1}
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in expected}
            assert found == expected
    assert pragma(engine, "integrity_check") == "ok"


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO pages VALUES (77, 1, 0, 0, 0)"))


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    first = open_database(url(tmp_path))
    key = add(first)
    before, identity = counts(first), library_state(first)
    first.dispose()
    second = open_database(url(tmp_path))
    assert counts(second) == before
    assert library_state(second) == identity
    assert [record.key for record in DocumentStore(second).records()] == [key]
    second.dispose()


def test_folders_are_made(tmp_path: Path) -> None:
    deep = tmp_path / "a b" / "ü%20c?d#e"
    opened = open_database(url(deep))
    opened.dispose()
    assert (deep / "clew.sqlite").exists()


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "clew.sqlite").touch()
    opened = open_database(url(tmp_path))
    assert counts(opened)["library"] == 1
    opened.dispose()


def test_processes_that_open_a_fresh_database_at_once_share_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENS, url(tmp_path)]
    opening = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in opening:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in opening:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    identities = [process.communicate(timeout=60)[0].strip() for process in opening]
    assert [process.returncode for process in opening] == [0, 0, 0]
    assert len(set(identities)) == 1
    assert identities[0]


@pytest.mark.parametrize("moment", ["CREATE TABLE encoders", "CREATE TABLE units", "INSERT INTO library"])
def test_a_kill_during_the_first_start_is_no_harm(tmp_path: Path, moment: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, url(tmp_path), moment], cwd=ROOT, check=False)
    assert killed.returncode == -9
    opened = open_database(url(tmp_path))
    assert add(opened) == 1
    opened.dispose()


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        ("", "''"),
        ("nonsense", "'nonsense'"),
        ("nosuch:///x.sqlite", "nosuch:///x.sqlite"),
        ("postgresql+nosuch://me:secret@host/clew", "postgresql+nosuch://me:***@host/clew"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///%3Amemory%3A"),
    ],
)
def test_a_url_that_names_no_database_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseError) as caught:
        open_database(wrong)
    assert_one_sentence(str(caught.value), shown)
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError) as caught:
        open_database(url(tmp_path / "file" / "below"))
    assert_one_sentence(str(caught.value), url(tmp_path / "file" / "below"))


def test_a_folder_in_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "clew.sqlite").mkdir()
    with pytest.raises(DatabaseError) as caught:
        open_database(url(tmp_path))
    assert_one_sentence(str(caught.value), url(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(DatabaseError) as caught:
        open_database(url(folder))
    assert_one_sentence(str(caught.value), url(folder))


def test_a_file_that_is_no_database_is_one_sentence_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "clew.sqlite"
    file.write_bytes(b"no database at all, " * 500)
    with pytest.raises(DatabaseError) as caught:
        open_database(url(tmp_path))
    assert_one_sentence(str(caught.value), url(tmp_path))
    assert file.read_bytes() == b"no database at all, " * 500


def test_damaged_pages_are_one_sentence(tmp_path: Path) -> None:
    opened = open_database(url(tmp_path))
    add(opened)
    with opened.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.dispose()
    file = tmp_path / "clew.sqlite"
    content = file.read_bytes()
    # The first page says what is where; all that it points to is overwritten.
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(DatabaseError) as caught:
        DocumentStore(open_database(url(tmp_path))).records()
    assert_one_sentence(str(caught.value), url(tmp_path))


def test_an_error_after_opening_is_one_sentence(engine: Engine, store: DocumentStore) -> None:
    add(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE documents")
    with pytest.raises(DatabaseError) as caught:
        store.records()
    assert_one_sentence(str(caught.value), str(engine.url))


def test_a_database_of_a_newer_version_is_refused_and_stays(tmp_path: Path) -> None:
    opened = open_database(url(tmp_path))
    add(opened)
    with opened.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = counts(opened)
    with pytest.raises(DatabaseError, match=r"schema 9999 of a newer version of Clew") as caught:
        open_database(url(tmp_path))
    assert_one_sentence(str(caught.value), url(tmp_path))
    with pytest.raises(DatabaseError):
        migrate(url(tmp_path), "base")
    assert counts(opened) == before
    opened.dispose()


def test_a_writer_waits_for_another_one(engine: Engine) -> None:
    started, ended = threading.Event(), []

    def write() -> None:
        started.set()
        with engine.begin() as connection:
            connection.execute(text("UPDATE library SET revision = revision + 1"))
        ended.append("second")

    with engine.begin() as connection:
        connection.execute(text("UPDATE library SET revision = revision + 1"))
        writer = threading.Thread(target=write)
        writer.start()
        started.wait()
        ended.append("first")
    writer.join(30)
    assert ended == ["first", "second"]
    assert library_state(engine).revision == 2


def test_readers_go_on_while_another_connection_writes(engine: Engine, store: DocumentStore) -> None:
    add(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE documents SET title = 'Another'"))
        assert [record.title for record in store.records()] == ["Lamps"]
    assert [record.title for record in store.records()] == ["Another"]


def test_a_row_that_breaks_a_rule_stays_an_error_of_ours(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO library VALUES (1, 'x', 0)"))
