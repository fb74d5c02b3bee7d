"""`clew memory`: what it shows, its JSON, its errors; another user's memory stays out of reach."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.library import Library
from app.memories import Memories
from reader.errors import EndpointUnreachableError
from tests.conftest import Ran

FACT_KEYS = {
    *("id", "text", "quote", "thread", "ordinal", "asked_at", "asserted_by", "state"),
    *("confidence", "strength", "valid_from", "invalid_at", "replaced_by"),
}
NOW = datetime(2026, 5, 12, 12, tzinfo=UTC)


@pytest.fixture
def memory(clew: Callable[..., Ran], home: Path) -> Callable[..., Ran]:
    """Runs `clew memory` in a home of this test alone."""
    return lambda *arguments: clew("--home", home, "--device", "cpu", "memory", *arguments)


def told(ran: Ran) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def add(memory: Callable[..., Ran], *arguments: str) -> dict[str, Any]:
    noted: dict[str, Any] = told(memory("add", *arguments, "--json"))
    return noted


def days_ago(home: Path, id: str, days: int) -> None:
    """Let a fact and its turn be that much older."""
    then = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
    with sqlite3.connect(home / "clew.sqlite") as connection:
        connection.execute("UPDATE facts SET valid_from = ? WHERE id = ?", (then, id))
        connection.execute(
            "UPDATE turns SET asked_at = ? WHERE key = (SELECT turn_key FROM facts WHERE id = ?)", (then, id)
        )


def test_adding_listing_and_searching(memory: Callable[..., Ran]) -> None:
    assert "No facts are kept" in memory("list").out
    first = add(memory, "My sister Anna lives in Oslo")
    assert first["outcome"] == "added"
    assert set(first["fact"]) == FACT_KEYS
    assert (first["fact"]["text"], first["fact"]["quote"]) == (
        "My sister Anna lives in Oslo.",
        "My sister Anna lives in Oslo",
    )
    ran = memory("add", "I play the violin.")
    assert ran.out.startswith("added")
    listed = memory("list").out.splitlines()
    assert first["fact"]["id"] in listed[0]
    assert "“My sister Anna lives in Oslo”  me, " in listed[1]
    found = told(memory("search", "Where does my sister live?", "--json"))
    assert set(found) == {"user", "as_of", "facts", "turns"}
    assert [fact["id"] for fact in found["facts"]] == [first["fact"]["id"]]
    assert found["facts"][0]["score"] > 0.4
    assert found["turns"][0]["question"] == "My sister Anna lives in Oslo"
    assert "violin" in memory("search", "Which instrument do I play?").out.splitlines()[0]
    assert "Nothing that is remembered" in memory("search", "glove", "--user", "anna").out


def test_a_contradiction_closes_and_is_readable_as_of_its_date(
    memory: Callable[..., Ran], home: Path
) -> None:
    old = add(memory, "I live in Rome.")["fact"]
    days_ago(home, old["id"], 10)
    new = add(memory, "I live in Turin.")
    assert new["closed"] == [old["id"]]
    day = (datetime.now(UTC) - timedelta(days=9)).date()
    texts = {
        arguments: [fact["text"] for fact in told(memory("list", *arguments, "--json"))["facts"]]
        for arguments in [(), ("--as-of", str(day)), ("--as-of", "2001-01-01"), ("--all",)]
    }
    assert list(texts.values()) == [
        ["I live in Turin."],
        ["I live in Rome."],
        [],
        ["I live in Rome.", "I live in Turin."],
    ]
    searched = told(memory("search", "Where do I live?", "--as-of", str(day), "--json"))
    assert [fact["text"] for fact in searched["facts"]] == ["I live in Rome."]
    assert [turn["question"] for turn in searched["turns"]] == ["I live in Rome."]
    shown = memory("list", "--all").out
    assert f"replaced by {new['fact']['id']}" in shown


def test_a_day_lasts_until_its_end(memory: Callable[..., Ran]) -> None:
    add(memory, "I live in Rome.")
    today = datetime.now().astimezone().date()
    assert told(memory("list", "--as-of", str(today), "--json"))["facts"]
    assert not told(memory("list", "--as-of", f"{today}T00:00", "--json"))["facts"]
    assert (
        told(memory("list", "--as-of", "2026-05-12T18:00+02:00", "--json"))["as_of"]
        == "2026-05-12T16:00:00+00:00"
    )


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """14 hours before and 11 behind UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def test_days_are_those_of_the_user(zone: str, memory: Callable[..., Ran], home: Path) -> None:
    id = add(memory, "I live in Rome.")["fact"]["id"]
    with sqlite3.connect(home / "clew.sqlite") as connection:
        connection.execute("UPDATE facts SET valid_from = ?", (f"{NOW:%Y-%m-%d %H:%M:%S.%f}",))
        connection.execute("UPDATE turns SET asked_at = ?", (f"{NOW:%Y-%m-%d %H:%M:%S.%f}",))
    # Noon of 12 May in UTC is two at night of the 13th there, one in the night of the 12th here.
    day = {"Pacific/Kiritimati": "2026-05-13", "Pacific/Pago_Pago": "2026-05-12"}[zone]
    shown = memory("list").out
    assert f"(since {day})" in shown
    assert f"me, {day}" in shown
    assert f"notes 1, {day}" in memory("search", "Where do I live?").out
    (fact,) = told(memory("list", "--as-of", day, "--json"))["facts"]
    assert (fact["id"], fact["valid_from"]) == (id, NOW.isoformat())
    (before, after) = [
        told(memory("list", "--as-of", f"{day}T{hour}:30", "--json"))["facts"] for hour in _hours(zone)
    ]
    assert (before, [each["id"] for each in after]) == ([], [id])


def _hours(zone: str) -> tuple[str, str]:
    return ("01", "02") if zone == "Pacific/Kiritimati" else ("00", "01")


def test_dates_that_end_outside_of_time_are_refused(zone: str, memory: Callable[..., Ran]) -> None:
    for day in ("0001-01-01T00:00", "9999-12-31"):
        ran = memory("list", "--as-of", day, "--json")
        assert (ran.code, "is no date such as" in ran.err) == (2, True)


def test_revising(memory: Callable[..., Ran]) -> None:
    old = add(memory, "My code is 4471.")["fact"]
    ran = memory("revise", old["id"], "My code is 9902.")
    assert ran.out.splitlines()[1] == f"closed     {old['id']}"
    assert [fact["text"] for fact in told(memory("list", "--json"))["facts"]] == ["My code is 9902."]
    ran = memory("revise", old["id"], "My code is 1.")
    assert (ran.code, ran.err) == (
        1,
        f"clew: The fact '{old['id']}' cannot be revised: it is closed already.\n",
    )


def test_the_inbox(memory: Callable[..., Ran], home: Path) -> None:
    ids = [add(memory, text)["fact"]["id"] for text in ("I keep bees.", "I have a van.", "I own a boat.")]
    with sqlite3.connect(home / "clew.sqlite") as connection:
        connection.execute("UPDATE facts SET state = 'waiting' WHERE id != ?", (ids[2],))
        connection.execute("UPDATE users SET revision = revision + 1")
    assert [fact["id"] for fact in told(memory("list", "--inbox", "--json"))["facts"]] == ids[:2]
    assert [fact["id"] for fact in told(memory("list", "--json"))["facts"]] == ids[2:]
    assert told(memory("confirm", ids[0], "--json"))["fact"]["state"] == "kept"
    assert told(memory("decline", ids[1], "--json"))["declined"]["id"] == ids[1]
    assert "The inbox is empty." in memory("list", "--inbox").out
    assert "kept already" in memory("confirm", ids[0]).err


def test_forgetting_leaves_no_byte(memory: Callable[..., Ran], home: Path) -> None:
    kept = add(memory, "My dog is called Bruno.")["fact"]
    gone = add(memory, "My cat is called Xanthippe.")["fact"]
    report = told(memory("forget", gone["id"], "--json"))["forgotten"]
    assert report["counts"]["facts"] == 1
    assert not [each for each in home.rglob("*") if each.is_file() and b"Xanthippe" in each.read_bytes()]
    assert [fact["id"] for fact in told(memory("list", "--all", "--json"))["facts"]] == [kept["id"]]
    assert "none is left" in memory("forget", "--thread", "notes").out
    assert told(memory("list", "--all", "--json"))["facts"] == []
    assert memory("forget", kept["id"]).code == 1
    assert memory("forget", "--everything").code == 0
    assert "one: FACT" in memory("forget").err
    assert memory("forget", "x", "--everything").code == 2
    assert "--thread NAME --turn" in memory("forget", "x", "--turn", "1").err


def test_encoding_what_has_no_embeddings(memory: Callable[..., Ran]) -> None:
    for n in range(2):
        add(memory, f"I have {n} cats.")
    assert "2, 2 not encoded yet" in memory("report").out
    assert told(memory("encode", "--json")) == {"user": "me", "turns_encoded": 2}
    assert memory("encode").out == "encoded    0 turns\n"
    assert told(memory("report", "--json"))["counts"]["unencoded"] == 0


def test_exporting_and_importing(memory: Callable[..., Ran], home: Path, tmp_path: Path) -> None:
    old = add(memory, "I live in Rome.")["fact"]
    add(memory, "I live in Turin.")
    add(memory, "Ich heiße Jörg \u2028 \N{GRINNING FACE}")
    memory("encode")
    file = tmp_path / "memory.jsonl"
    assert "exported   8 lines" in memory("export", file).out
    assert memory("export").out == file.read_bytes().decode()
    assert len(told(memory("export", "--json"))["lines"]) == 8
    assert old["id"] not in file.read_text(encoding="utf-8")
    nothing = {"threads": 0, "turns": 0, "facts": 0, "readings": 0}
    again = told(memory("import", file, "--json"))
    assert again == {"user": "me", "added": nothing, "known": 7, "turns_encoded": 0}
    added = {"threads": 1, "turns": 3, "facts": 3, "readings": 0}
    taken = told(memory("import", file, "--user", "anna", "--json"))
    assert (taken["added"], taken["turns_encoded"]) == (added, 3)
    assert told(memory("report", "--user", "anna", "--json"))["counts"]["unencoded"] == 0
    # What another user has asserted waits for a yes.
    waiting = file.read_bytes().decode().replace('"state":"kept"', '"state":"waiting"')
    assert memory("export", "--user", "anna").out == waiting
    inbox = told(memory("list", "--inbox", "--user", "anna", "--json"))["facts"]
    assert [fact["text"] for fact in inbox][:2] == ["I live in Rome.", "I live in Turin."]
    assert told(memory("search", "Where do I live?", "--user", "anna", "--json"))["facts"] == []
    for fact in inbox:
        assert told(memory("confirm", fact["id"], "--user", "anna", "--json"))["closed"] == []
    assert memory("export", "--user", "anna").out == file.read_bytes().decode()
    assert [
        fact["text"]
        for fact in told(memory("search", "Where do I live?", "--user", "anna", "--json"))["facts"]
    ] == ["I live in Turin."]


def test_what_cannot_be_exported_or_imported_is_one_sentence(
    memory: Callable[..., Ran], tmp_path: Path
) -> None:
    add(memory, "I live in Rome.")
    before = memory("export").out
    file = tmp_path / "memory.jsonl"
    memory("export", file)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], b'{"kind": "fact"}\n']))
    ran = memory("import", file, "--user", "anna")
    assert (ran.code, ran.err.count("\n"), "Line 4 cannot be imported" in ran.err) == (1, 1, True)
    file.write_bytes(lines[0] + b"\xff\xfe\n")
    assert "Line 2 cannot be imported: it is not UTF-8." in memory("import", file).err
    assert "cannot be read" in memory("import", tmp_path / "nowhere").err
    assert memory("export", "--user", "anna").out.count("\n") == 1
    assert memory("export").out == before
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anna")
    assert "no exported memory" in memory("export", letter).err
    assert letter.read_text() == "Dear Anna"
    assert "cannot be written" in memory("export", tmp_path / "nowhere" / "file").err


def test_the_report(memory: Callable[..., Ran], home: Path) -> None:
    ids = [
        add(memory, text)["fact"]["id"] for text in ("I keep bees.", "I live in Rome.", "I live in Turin.")
    ]
    days_ago(home, ids[0], 40)
    report = told(memory("report", "--stale", "30", "--json"))
    counts = report["counts"]
    assert (counts["threads"], counts["turns"], counts["kept"], counts["closed"], counts["waiting"]) == (
        1,
        3,
        2,
        1,
        0,
    )
    assert counts["text_bytes"] == 3 * len("I keep bees.") + 3 * len("I live in Rome.") + 3 * len(
        "I live in Turin."
    )
    assert counts["vector_bytes"] >= 3 * 2 * 384
    assert (report["inbox"], report["duplicates"], report["stale"], report["user"]) == (
        [],
        [],
        [ids[0]],
        "me",
    )
    lines = memory("report").out.splitlines()
    assert lines[2] == "facts       2 kept, 1 closed, 0 waiting"
    assert "stale       none" in lines


def test_users_are_apart(memory: Callable[..., Ran]) -> None:
    mine = add(memory, "I live in Rome.")["fact"]
    theirs = add(memory, "I live in Turin.", "--user", "anna")
    assert theirs["closed"] == []
    assert [fact["id"] for fact in told(memory("list", "--json"))["facts"]] == [mine["id"]]
    for command in (("revise", mine["id"], "I am gone."), ("confirm", mine["id"]), ("forget", mine["id"])):
        ran = memory(*command, "--user", "anna")
        assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert told(memory("report", "--user", "nobody", "--json"))["counts"]["turns"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("list", "--as-of", "yesterday"), 2, "is no date such as"),
        (("list", "--inbox", "--all"), 2, "exclude one another"),
        (("add", "..."), 1, "nothing to remember"),
        (("add", "long " * 300), 1, "at most 1,000"),
        (("add", "I live in Rome.", "--user", " "), 1, "name of a user"),
        (("revise", "nofact", "I am gone."), 1, "no fact 'nofact'"),
        (("decline", "nofact"), 1, "no fact 'nofact'"),
    ],
)
def test_errors_are_one_sentence(
    memory: Callable[..., Ran], arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = memory(*arguments)
    assert ran.code == code
    assert words in " ".join(ran.err.replace("│", " ").split())


def test_a_model_that_is_away_loses_no_fact(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: object) -> None:
        raise EndpointUnreachableError("There is nobody.")

    monkeypatch.setattr(type(library.backends.reader), "for_job", away)
    monkeypatch.setattr(
        type(library.backends.extractive),
        "for_job",
        lambda self, job, progress: self.__call__(None),
    )
    memories = Memories(library, "me", now=lambda: NOW)
    memories.add("I live in Rome.")
    noted = memories.add("I live in Turin.")
    assert len(noted.closed) == 1
