"""Exported memory comes back byte for byte, into another home or user; broken files change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from memory.database import open_database
from memory.errors import MemoryFileError
from memory.memory_files import export_memory, import_memory
from memory.threads import ThreadStore
from tests.memory.samples import a_turn, counts, url
from tests.memory.test_facts import DAY, FactStore, a_fact, added

ODD = "A \u2028 \x85 “quote” \t\r\n \N{GRINNING FACE} \\u0041 </turn>"
ODD_NAME = " ".join(ODD.split())


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Two users; the first with two threads, facts that are closed, linked, waiting, and odd characters."""
    facts, threads = FactStore(engine), ThreadStore(engine)
    old = added(facts, a_fact(engine))
    new = a_fact(engine, "I live in Turin.", days=3)
    added(facts, replace(new, closes=((old.id, new.valid_from),)))
    added(facts, replace(a_fact(engine, ODD), state="waiting", confidence=1 / 3))
    facts.strengthen(old.id, keep=True)
    odd = replace(a_turn(7, ODD, ODD), speaker="Anna", importance=0.1 + 0.2, question_summary="Short.")
    threads.append(ODD_NAME, replace(odd, details={"spans": [1, 2.5, None], "ö": {"a": True}}))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO threads (user_key, name, created_at) SELECT key, 'empty', created_at FROM users"
        )
        connection.exec_driver_sql(
            "INSERT INTO readings (user_key, document_id, content_hash, read_to, updated_at) "
            "SELECT key, 'd1', 'abc', 90, created_at FROM users"
        )
    added(FactStore(engine, "anna"), a_fact(engine, "I keep bees.", user="anna"))
    return engine


def exported(engine: Engine, user: str = "me") -> str:
    return "".join(export_memory(engine, user))


def imported(engine: Engine, text: str, user: str = "me") -> tuple[int, int, int, int, int]:
    found = import_memory(
        engine, user, text.splitlines(keepends=True) if "\u2028" not in text else _lines(text)
    )
    return found.threads, found.turns, found.facts, found.readings, found.known


def _lines(text: str) -> list[str]:
    """The lines as a file gives them; `splitlines` would break at other characters too."""
    return [f"{line}\n" for line in text.split("\n")[:-1]]


def test_into_another_home(filled: Engine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = open_database(url(tmp_path / "other"))
    text = exported(filled)
    assert imported(other, text) == (3, 4, 3, 1, 0)
    assert exported(other) == text
    assert [turn.details for turn in ThreadStore(other).turns(ODD_NAME)] == [
        {"spans": [1, 2.5, None], "ö": {"a": True}}
    ]
    first, second, waiting = FactStore(other).facts()
    assert (first.replaced_by, first.strength, first.invalid_at) == (second.id, 2, first.valid_from + 3 * DAY)
    assert (waiting.state, waiting.confidence) == ("waiting", 1 / 3)
    other.dispose()


def test_into_another_user_of_the_same_home(filled: Engine) -> None:
    text, theirs = exported(filled), exported(filled, "anna")
    assert imported(filled, text, "ben") == (3, 4, 3, 1, 0)
    # What somebody else has asserted waits.
    assert exported(filled, "ben") == text.replace('"state":"kept"', '"state":"waiting"')
    assert (exported(filled), exported(filled, "anna")) == (text, theirs)
    assert not {f.id for f in FactStore(filled).facts()} & {f.id for f in FactStore(filled, "ben").facts()}


def test_twice_adds_nothing(filled: Engine) -> None:
    text, before = exported(filled), counts(filled)
    assert imported(filled, text) == (0, 0, 0, 0, 11)
    assert (exported(filled), counts(filled)) == (text, before)


def test_what_is_new_since_is_added(filled: Engine) -> None:
    before = exported(filled)
    ThreadStore(filled).append("notes", a_turn(40))
    added(FactStore(filled), a_fact(filled, "I keep bees.", days=9))
    text = exported(filled)
    imported(filled, before, "ben")
    assert imported(filled, text, "ben") == (0, 2, 1, 0, 11)
    assert exported(filled, "ben").count('"kind":"fact"') == 4


def test_a_user_who_is_not_there_has_a_first_line(engine: Engine) -> None:
    assert exported(engine, "nobody") == '{"clew": "memory", "version": 1}\n'
    assert imported(engine, exported(engine, "nobody")) == (0, 0, 0, 0, 0)


def changed(number: int, /, **values: object) -> Callable[[list[str]], list[str]]:
    """The line of that number with other values; with None for a key, without it."""

    def change(lines: list[str]) -> list[str]:
        line = json.loads(lines[number - 1]) | values
        kept = {key: value for key, value in line.items() if value is not ...}
        return [*lines[: number - 1], json.dumps(kept) + "\n", *lines[number:]]

    return change


def replaced(number: int, text: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines[: number - 1], text, *lines[number:]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (replaced(1, "{}\n"), "Line 1 .*exported"),
        (replaced(1, "\n"), "Line 1 .*exported"),
        (replaced(3, "not JSON\n"), "Line 3 .*Invalid JSON"),
        (replaced(6, '{"kind":"turn"\n'), "Line 6 .*Invalid JSON"),
        (changed(5, kind="user"), "Line 5 .*kind"),
        (changed(5, user_key=1), "Line 5 .*user_key"),
        (changed(5, asked_at="yesterday"), "Line 5 .*asked_at"),
        (changed(5, asked_at="2026-05-12T12:00:00"), "Line 5 .*asked_at"),
        (changed(5, ordinal="1"), "Line 5 .*ordinal"),
        (changed(5, importance=7.0), "Line 5 .*importance"),
        (changed(5, thread="nowhere"), "Line 5 .*no thread 'nowhere'"),
        (changed(5, question="a\0b"), "Line 5 .*character"),
        (changed(6, question=...), "Line 6 .*question"),
        (changed(9, ordinal=99), "Line 9 .*no turn 99"),
        (changed(9, state="believed"), "Line 9 .*state"),
        (changed(10, number=1), "Line 10 .*twice"),
        (changed(9, replaced_by=77), "replaced by fact 77"),
        (changed(9, invalid_at=None), "Line 9 .*no end"),
        (changed(9, invalid_at="2020-05-12T12:00:00+00:00"), "Line 9 .*invalid_at is before"),
        (changed(9, replaced_by=1), "Line 9 .*itself"),
        (changed(9, quote="I live in Oslo"), "Line 9 .*does not say 'I live in Oslo'"),
        (changed(9, quote=""), "Line 9 .*quote"),
        (changed(9, asserted_by=""), "Line 9 .*asserted_by"),
        (changed(9, strength=2**31), "Line 9 .*strength"),
        (changed(9, text="a" * 4001), "Line 9 .*text"),
        (changed(5, ordinal=2**31), "Line 5 .*ordinal"),
        (changed(5, question="a" * 4001), "Line 5 .*question"),
        (changed(5, seconds=1e300), "Line 5 .*seconds"),
        (changed(5, seconds=-1.0), "Line 5 .*seconds"),
        (changed(5, asked_at="0001-01-01T00:00:00+14:00"), "Line 5 .*year"),
        (changed(5, asked_at="9999-12-31T23:59:59-12:00"), "Line 5 .*year"),
        (changed(2, name="a\nb"), "Line 2 .*one line"),
        (changed(2, name=" "), "Line 2 .*one line"),
        (changed(2, name="a" * 201), "Line 2 .*name"),
        (changed(12, read_to=2**31), "Line 12 .*read_to: Input should be less"),
        (lambda lines: [*lines[:2], lines[4], *lines[2:]], None),
        (lambda lines: [lines[0], lines[4], *lines[1:]], "Line 2 .*no thread"),
        (lambda lines: [], "empty"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_changed(
    filled: Engine, change: Callable[[list[str]], list[str]], told: str | None
) -> None:
    lines, before = _lines(exported(filled)), counts(filled)
    if told is None:  # turns may stand anywhere below their thread
        import_memory(filled, "ben", change(lines))
        return
    with pytest.raises(MemoryFileError, match=told) as raised:
        import_memory(filled, "ben", change(lines))
    assert "\n" not in str(raised.value)
    assert counts(filled) == before


def test_a_turn_that_says_something_else_is_refused(filled: Engine) -> None:
    lines = _lines(exported(filled))
    with pytest.raises(MemoryFileError, match=r"Line 5 .*turn 1 of 'notes' is there and says something else"):
        import_memory(filled, "me", changed(5, question="I live in Oslo.")(lines))


def test_what_is_typed_like_an_escape_is_no_such_character(engine: Engine) -> None:
    ThreadStore(engine).append("notes", replace(a_turn(1), question="I write \\u0000 and \\ud800 in C."))
    text = exported(engine)
    assert imported(engine, text, "ben") == (1, 1, 0, 0, 0)
    assert exported(engine, "ben") == text


def test_a_fact_whose_words_were_forgotten_waits(engine: Engine) -> None:
    added(FactStore(engine), a_fact(engine))
    lines = _lines(exported(engine))
    import_memory(
        engine, "me2", changed(3, question="[forgotten] in Rome.")(changed(4, asserted_by="me2")(lines))
    )
    assert [fact.state for fact in FactStore(engine, "me2").facts()] == ["waiting"]


def test_a_turn_of_the_first_and_the_last_year_can_be_imported(engine: Engine) -> None:
    ThreadStore(engine).append("notes", a_turn(1))
    for n, moment in enumerate(("1900-01-01T00:00:00+14:00", "9998-12-31T23:59:59-12:00")):
        import_memory(engine, f"user {n}", changed(3, asked_at=moment, seconds=1e7)(_lines(exported(engine))))
        (turn,) = ThreadStore(engine, f"user {n}").turns("notes")
        assert turn.asked_at - timedelta(seconds=turn.seconds)
