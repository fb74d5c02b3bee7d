import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select

from memory.completions import CompletionStore, StoredCompletion
from memory.database import open_database
from memory.errors import DatabaseError
from memory.tables import CompletionRow
from tests.memory.samples import NOON, keep, url

ROW = 256


class Clock:
    """A time that goes on when the test says so."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **much: float) -> None:
        self.time += timedelta(**much)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def digest(n: int) -> bytes:
    return n.to_bytes(16, "big")


def kept(engine: Engine) -> set[int]:
    with engine.connect() as connection:
        return {
            int.from_bytes(each, "big") for each in connection.execute(select(CompletionRow.digest)).scalars()
        }


def used_at(engine: Engine, n: int) -> datetime:
    with engine.connect() as connection:
        return connection.execute(
            select(CompletionRow.used_at).where(CompletionRow.digest == digest(n))
        ).scalar_one()


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """The first words of the statements that have been executed."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement.split()[0])

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_reply_comes_back_as_it_was(engine: Engine) -> None:
    store = CompletionStore(engine, 100_000)
    assert store.get(digest(1)) is None
    text = "  Fünf Männer.\r\n\N{GRINNING FACE} "
    store.put(
        digest(1),
        model="m",
        text=text,
        finish="length",
        prompt_tokens=3,
        completion_tokens=4,
        enforced=False,
    )
    keep(store, digest(2), "")
    assert store.get(digest(1)) == StoredCompletion(text, "length", 3, 4, False)
    assert store.get(digest(2)) == StoredCompletion("", "stop", 100, 10, True)


def test_the_first_writer_wins(engine: Engine) -> None:
    store = CompletionStore(engine, 100_000)
    keep(store, digest(1), "first")
    keep(store, digest(1), "second, and longer")
    found = store.get(digest(1))
    assert found is not None
    assert found.text == "first"
    assert store.size() == len("first") + ROW


def test_the_size_counts_bytes_and_rows(engine: Engine) -> None:
    store = CompletionStore(engine, 100_000)
    assert store.size() == 0
    keep(store, digest(1), "ü€")
    keep(store, digest(2), "")
    assert store.size() == 5 + ROW + ROW


def test_what_is_used_least_recently_goes_until_nine_tenths_are_left(engine: Engine, clock: Clock) -> None:
    # Entries of 1,000 bytes; ten fit, the eleventh drops two: 9,000 is 90 % of 10,000.
    store = CompletionStore(engine, 10_000, clock)
    for n in range(1, 11):
        keep(store, digest(n), "x" * (1000 - ROW))
        clock.advance(hours=1)
    assert store.size() == 10_000
    assert store.get(digest(1)) is not None
    clock.advance(hours=1)
    keep(store, digest(11), "x" * (1000 - ROW))
    assert kept(engine) == {1, 4, 5, 6, 7, 8, 9, 10, 11}
    assert store.size() == 9_000


def test_the_newest_stays_even_when_the_clock_was_set_back(engine: Engine, clock: Clock) -> None:
    store = CompletionStore(engine, 10_000, clock)
    for n in range(1, 11):
        keep(store, digest(n), "x" * (1000 - ROW))
        clock.advance(seconds=1)
    clock.advance(days=-400)
    keep(store, digest(11), "x" * (1000 - ROW))
    assert kept(engine) == {3, 4, 5, 6, 7, 8, 9, 10, 11}


def test_a_lower_bound_takes_effect_with_the_next_reply(engine: Engine, clock: Clock) -> None:
    large = CompletionStore(engine, 1_000_000, clock)
    for n in range(1200):
        keep(large, digest(n), "x" * (500 - ROW))
        clock.advance(seconds=1)
    small = CompletionStore(engine, 5_000, clock)
    keep(small, digest(5000), "x" * (500 - ROW))
    assert kept(engine) == {1192, 1193, 1194, 1195, 1196, 1197, 1198, 1199, 5000}


def test_what_is_larger_than_a_tenth_is_not_kept(engine: Engine) -> None:
    store = CompletionStore(engine, 10_000)
    keep(store, digest(1), "x" * (1000 - ROW))
    keep(store, digest(2), "x" * (1001 - ROW))
    keep(store, digest(3), "ü" * 400)
    assert kept(engine) == {1}


def test_what_no_database_can_hold_is_not_kept(engine: Engine) -> None:
    store = CompletionStore(engine, 100_000)
    for n, text in enumerate(("half \ud83d", "nul \0")):
        keep(store, digest(n), text)
    assert kept(engine) == set()


def test_reading_notes_the_time_once_an_hour(engine: Engine, clock: Clock, statements: list[str]) -> None:
    store = CompletionStore(engine, 100_000, clock)
    keep(store, digest(1))
    statements.clear()
    for minutes in (1, 30, 28):
        clock.advance(minutes=minutes)
        assert store.get(digest(1)) is not None
    assert statements == ["SELECT"] * 3
    assert used_at(engine, 1) == NOON.replace(tzinfo=None)
    clock.advance(minutes=1)
    statements.clear()
    assert store.get(digest(1)) is not None
    assert store.get(digest(1)) is not None
    assert statements == ["SELECT", "UPDATE", "SELECT"]
    assert used_at(engine, 1) == datetime(2026, 5, 12, 13)


def test_off_finds_and_keeps_nothing_and_asks_nothing(engine: Engine, statements: list[str]) -> None:
    keep(CompletionStore(engine, 100_000), digest(1))
    statements.clear()
    off = CompletionStore(engine, 0)
    keep(off, digest(2))
    assert off.get(digest(1)) is None
    assert statements == []
    assert kept(engine) == {1}
    with pytest.raises(ValueError, match="max_bytes is -1"):
        CompletionStore(engine, -1)


def test_clearing_deletes_all(engine: Engine) -> None:
    store = CompletionStore(engine, 100_000)
    keep(store, digest(1))
    store.clear()
    assert store.size() == 0
    assert store.get(digest(1)) is None
    keep(store, digest(1))
    assert kept(engine) == {1}


def test_a_damaged_database_is_an_error_of_ours(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE completions")
    store = CompletionStore(engine, 100_000)
    with pytest.raises(DatabaseError):
        store.get(digest(1))
    with pytest.raises(DatabaseError):
        keep(store, digest(1))


def test_concurrent_writers_of_the_same_replies(tmp_path: Path, engine: Engine) -> None:
    # Eight writers keep the same forty replies, of which ten fit, through two engines.
    other = open_database(url(tmp_path))
    stores = [CompletionStore(engine, 10_000), CompletionStore(other, 10_000)]
    gate, failed = threading.Barrier(8), []

    def write(writer: int) -> None:
        gate.wait()
        try:
            for n in range(40):
                keep(stores[writer % 2], digest(n), f"{n:0{1000 - ROW}}")
                found = stores[(writer + 1) % 2].get(digest(n))
                assert found is None or int(found.text) == n
        except (DatabaseError, AssertionError) as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    other.dispose()
    assert failed == []
    assert 9_000 <= stores[0].size() <= 10_000
    assert stores[0].size() == 1000 * len(kept(engine))


@pytest.fixture(scope="module")
def shared() -> Iterator[Engine]:
    """One database for all examples of the property, cleared before each."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_database(url(Path(folder)))
        yield opened
        opened.dispose()


@settings(max_examples=60, deadline=None)
@given(
    max_bytes=st.integers(0, 12_000),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["put", "get"]), st.integers(0, 30), st.integers(0, 1_100), st.integers(0, 90)
        ),
        max_size=60,
    ),
)
def test_the_bound_holds_after_every_step(
    shared: Engine, max_bytes: int, steps: list[tuple[str, int, int, int]]
) -> None:
    clock = Clock()
    store = CompletionStore(shared, max_bytes, clock)
    store.clear()
    written: dict[int, str] = {}
    for verb, n, length, minutes in steps:
        clock.advance(minutes=minutes)
        before = kept(shared)
        if verb == "get":
            found = store.get(digest(n))
            assert (found.text if found else None) == (written[n] if n in before else None)
            continue
        keep(store, digest(n), "x" * length)
        small = length + ROW <= max_bytes / 10
        if small and n not in before:
            written[n] = "x" * length
        # What was just put is there, unless it is too large; nothing else can have come.
        assert (n in kept(shared)) == (small or n in before)
        assert kept(shared) <= before | {n}
        assert store.size() == sum(len(written[each]) + ROW for each in kept(shared))
        assert store.size() <= max_bytes
