import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from memory.database import open_database
from memory.errors import UnknownThreadError
from memory.threads import ThreadRecord, ThreadStore
from tests.memory.samples import NOON, a_turn, counts, url


@pytest.fixture
def threads(engine: Engine) -> ThreadStore:
    return ThreadStore(engine)


@pytest.fixture
def other_engine(tmp_path: Path, engine: Engine) -> Iterator[Engine]:
    """A second engine on the file of `engine`, as another process has one."""
    opened = open_database(url(tmp_path))
    yield opened
    opened.dispose()


def ordinals(store: ThreadStore, name: str) -> list[int]:
    return [turn.ordinal for turn in store.turns(name)]


def test_turns_come_back_as_they_were_appended_oldest_first(
    threads: ThreadStore, other_engine: Engine
) -> None:
    first, second = a_turn(1), replace(a_turn(2), abstained=True, details={}, seconds=0.25)
    assert [threads.append("reading", first), threads.append("reading", second)] == [1, 2]
    expected = [replace(first, ordinal=1, key=1), replace(second, ordinal=2, key=2)]
    assert threads.turns("reading") == expected
    assert ThreadStore(other_engine).turns("reading") == expected
    assert threads.turns("reading")[0].asked_at == datetime(2026, 5, 12, 12, 1, tzinfo=UTC)


def test_the_last_turns_are_oldest_first_too(threads: ThreadStore) -> None:
    for n in range(1, 6):
        threads.append("reading", a_turn(n))
    assert [turn.ordinal for turn in threads.turns("reading", last=2)] == [4, 5]
    assert [turn.ordinal for turn in threads.turns("reading", last=9)] == [1, 2, 3, 4, 5]
    assert threads.turns("reading", last=0) == []
    with pytest.raises(ValueError, match="last is -1"):
        threads.turns("reading", last=-1)


def test_a_second_append_of_a_run_changes_nothing(threads: ThreadStore) -> None:
    threads.append("reading", a_turn(1))
    threads.append("reading", a_turn(2))
    assert threads.append("reading", a_turn(1, answer="Six men.")) == 1
    assert [turn.answer for turn in threads.turns("reading")] == ["Five men. [1]", "Five men. [1]"]
    assert threads.append("reading", a_turn(3)) == 3


def test_a_run_belongs_to_one_thread(threads: ThreadStore, engine: Engine) -> None:
    threads.append("reading", a_turn(1))
    before = counts(engine)
    with pytest.raises(ValueError, match="belongs to another thread"):
        threads.append("cooking", a_turn(1))
    assert counts(engine) == before


def test_each_thread_counts_for_itself(threads: ThreadStore) -> None:
    assert [threads.append(name, a_turn(n)) for n, name in enumerate("abab", start=1)] == [1, 1, 2, 2]
    assert [turn.run for turn in threads.turns("a")] == ["run-1", "run-3"]
    assert [turn.run for turn in threads.turns("b")] == ["run-2", "run-4"]


def test_a_thread_that_is_not_there_has_no_turns_and_is_not_made(threads: ThreadStore) -> None:
    assert threads.turns("reading") == []
    assert threads.threads() == []


def test_the_list_shows_the_thread_used_last_first(threads: ThreadStore) -> None:
    before = datetime.now(UTC)
    threads.append("early", a_turn(1))
    threads.append("late", a_turn(2))
    threads.append("early", a_turn(7))
    after = datetime.now(UTC)
    found = threads.threads()
    assert [(each.name, each.turns, each.last_at) for each in found] == [
        ("early", 2, NOON + timedelta(minutes=7)),
        ("late", 1, NOON + timedelta(minutes=2)),
    ]
    assert all(before <= each.created_at <= after for each in found)


def test_a_thread_without_turns_is_listed(threads: ThreadStore, engine: Engine) -> None:
    threads.append("reading", a_turn())
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM turns")
        connection.exec_driver_sql("UPDATE threads SET created_at = '2026-05-12 12:00:00.000000'")
    assert threads.threads() == [ThreadRecord("reading", 0, NOON, None)]
    assert threads.append("reading", a_turn(2)) == 1


def test_times_of_other_zones_are_the_same_moment_in_utc(threads: ThreadStore) -> None:
    asked_at = datetime(2026, 5, 12, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    threads.append("reading", replace(a_turn(), asked_at=asked_at))
    found = threads.turns("reading")[0].asked_at
    assert found.isoformat() == "2026-05-11T23:30:00+00:00"


def test_a_turn_needs_a_run_and_a_time_zone() -> None:
    with pytest.raises(ValueError, match="run"):
        replace(a_turn(), run="")
    with pytest.raises(ValueError, match=r"2026-05-12T12:01:00, without a time zone"):
        replace(a_turn(), asked_at=datetime(2026, 5, 12, 12, 1))


def test_what_no_database_can_hold_is_replaced_in_names_too(threads: ThreadStore) -> None:
    threads.append("caf\udce9", a_turn(question="a\0b \ud83d", answer="\N{GRINNING FACE} \udfff"))
    turn = threads.turns("caf\udce9")[0]
    assert (turn.question, turn.answer) == ("a\ufffdb \ufffd", "\N{GRINNING FACE} \ufffd")
    assert threads.threads()[0].name == "caf\ufffd"
    threads.remove("caf\udce9")
    assert threads.threads() == []


def test_removing_takes_the_turns_of_that_thread_alone(threads: ThreadStore, engine: Engine) -> None:
    threads.append("reading", a_turn(1))
    threads.append("cooking", a_turn(2))
    threads.remove("reading")
    assert threads.turns("reading") == []
    assert [each.name for each in threads.threads()] == ["cooking"]
    assert counts(engine)["turns"] == 1
    assert threads.append("reading", a_turn(1)) == 1


def test_removing_what_is_not_there_is_one_sentence(threads: ThreadStore) -> None:
    with pytest.raises(UnknownThreadError, match=r"^No thread is called 'reading'\.$"):
        threads.remove("reading")


def test_concurrent_writers_leave_no_gap_and_no_double(engine: Engine, other_engine: Engine) -> None:
    stores = [ThreadStore(engine), ThreadStore(other_engine)]
    gate = threading.Barrier(8)
    given: dict[int, list[int]] = {writer: [] for writer in range(8)}
    failed: list[BaseException] = []

    def write(writer: int) -> None:
        gate.wait()
        try:
            for n in range(6):
                # Writers 0 and 4 have the same runs, as 1 and 5, and so on: every run is appended twice.
                turn = a_turn(100 * (writer % 4) + n)
                given[writer].append(stores[writer % 2].append("reading", turn))
        except Exception as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in given]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    assert failed == []
    assert ordinals(stores[0], "reading") == list(range(1, 25))
    for writer in range(4):
        assert given[writer] == given[writer + 4]
    assert sorted(n for writer in range(4) for n in given[writer]) == list(range(1, 25))


def _append(where: str, first: int) -> None:
    engine = open_database(where)
    for n in range(first, first + 10):
        ThreadStore(engine).append("reading", a_turn(n))
    engine.dispose()


def test_processes_that_write_one_thread_share_its_ordinals(tmp_path: Path, threads: ThreadStore) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(url(tmp_path), 100 * n)) for n in (1, 2)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    assert [each.exitcode for each in writers] == [0, 0]
    assert ordinals(threads, "reading") == list(range(1, 21))


def test_appending_fails_whole(threads: ThreadStore, engine: Engine) -> None:
    def cut(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO turns"):
            raise RuntimeError("cut")

    event.listen(engine, "before_cursor_execute", cut)
    with pytest.raises(RuntimeError, match="cut"):
        threads.append("reading", a_turn())
    event.remove(engine, "before_cursor_execute", cut)
    assert threads.threads() == []
    assert threads.append("reading", a_turn()) == 1
