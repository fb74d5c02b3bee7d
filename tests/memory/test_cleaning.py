import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from memory.cleaning import clean_database, clean_file, cleaned, to_clean
from memory.errors import DatabaseError
from memory.forgetting import forget_turn
from memory.threads import ThreadStore
from tests.memory.samples import a_turn

WORDS = "Wilhelmina keeps the key under the flowerpot."


def files_with(folder: Path, words: str) -> list[str]:
    return [path.name for path in folder.iterdir() if words.encode() in path.read_bytes()]


def test_what_was_forgotten_is_in_no_file_then(tmp_path: Path, engine: Engine) -> None:
    threads = ThreadStore(engine)
    threads.append("home", a_turn(1, question=WORDS))
    threads.append("home", a_turn(2))
    forget_turn(engine, "me", "home", 1)
    assert files_with(tmp_path, WORDS), "it lies in the journal still"
    keys = to_clean(engine)
    clean_database(engine)
    assert files_with(tmp_path, WORDS) == []
    assert (tmp_path / "clew.sqlite-wal").stat().st_size == 0
    assert len(keys) == 1
    cleaned(engine, keys)
    assert to_clean(engine) == []
    assert [turn.ordinal for turn in threads.turns("home")] == [2]


def test_it_waits_for_a_reader_and_a_writer(tmp_path: Path, engine: Engine) -> None:
    ThreadStore(engine).append("home", a_turn(1, question=WORDS))
    reader, writer = engine.connect(), engine.connect()
    reader.execute(text("SELECT * FROM turns")).fetchall()
    writer.exec_driver_sql("BEGIN IMMEDIATE")
    cleaning = threading.Thread(target=clean_database, args=(engine,))
    cleaning.start()
    writer.execute(text("DELETE FROM turns"))
    writer.commit()
    reader.close()
    writer.close()
    cleaning.join(60)
    assert not cleaning.is_alive()
    assert files_with(tmp_path, WORDS) == []


def test_another_file_is_cleaned_too_and_one_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "other.sqlite"
    clean_file(path)
    assert not path.exists()
    with closing(sqlite3.connect(path)) as held:
        held.execute("PRAGMA journal_mode=WAL")
        held.execute("CREATE TABLE said (words)")
        held.execute("INSERT INTO said VALUES (?)", [WORDS])
        held.commit()
        held.execute("DELETE FROM said")
        held.commit()
        assert files_with(tmp_path, WORDS)
        clean_file(path)
        assert files_with(tmp_path, WORDS) == []
    path.write_bytes(b"no database at all, though it is long enough to be one" * 100)
    with pytest.raises(DatabaseError, match=r"^The file .*other\.sqlite cannot be cleaned: .*\.$"):
        clean_file(path)


def test_a_server_writes_its_tables_anew(any_engine: Engine) -> None:
    ThreadStore(any_engine).append("home", a_turn(1, question=WORDS))
    forget_turn(any_engine, "me", "home", 1)
    clean_database(any_engine)
    assert len(to_clean(any_engine)) == 1
    assert ThreadStore(any_engine).turns("home") == []
