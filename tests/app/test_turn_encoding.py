"""Turns that come without embeddings: few are encoded before a question, all by the command."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app import recollection
from app.events import Event
from app.library import Library
from app.turn_encoding import encode_turns
from memory.database import migrate
from memory.importance import importance
from memory.threads import Turn
from tests.conftest import ForOneHome
from tests.memory.samples import url

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


def say(library: Library, count: int) -> None:
    """Turns as an import leaves them."""
    for n in range(count):
        turn = Turn(f"run {n}", f"Lamp number {n} is green.", "", False, NOON, 0.0)
        library.memory.stream("me").append("lamps", turn)


def test_a_question_encodes_the_newest_and_says_how_many_are_left(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollection, "UNENCODED", 2)
    say(library, 5)
    stream = library.memory.stream("me")
    details = [library.ask(f"What colour has lamp number {n}?").steps[0].detail for n in range(3)]
    assert ["3 turns are not encoded yet" in details[0], "1 turn is" in details[1]] == [True, True]
    assert "not encoded" not in details[2]
    assert stream.without_vectors(9) == []


def test_the_newest_come_first_and_each_batch_is_told_and_stored(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.turn_encoding.BATCH", 2)
    say(library, 5)
    stream = library.memory.stream("me")
    told: list[tuple[int, int, list[int]]] = []

    def progress(event: Event) -> None:
        told.append((event.done, event.total, [turn.key for turn in stream.without_vectors(9)]))

    assert encode_turns(stream, library.memory.encode, 5, progress) == 5
    assert told == [(0, 5, [5, 4, 3, 2, 1]), (2, 5, [3, 2, 1]), (4, 5, [1])]
    assert encode_turns(stream, library.memory.encode, 5) == 0


def test_what_was_exported_before_it_was_encoded_is_known_afterwards(library: Library) -> None:
    turn = Turn("run", "Hello. I bought 12 chairs in Lyon.", "", False, NOON, 0.0)
    library.memory.stream("me").append("old", turn)
    memories = library.memories("me")
    lines = list(memories.export())
    assert memories.encode() == 1
    assert list(memories.export()) != lines
    assert memories.import_lines(lines).known == 2


def test_a_home_from_before_memory_gets_summaries_and_importance(
    tmp_path: Path, open_home: ForOneHome
) -> None:
    home = tmp_path / "old"
    home.mkdir()
    migrate(url(home), "0003")
    told = "I bought 12 chairs in Lyon in May."
    values = {"run": "r", "question": f"Hello. {told}", "answer": "Noted. It was in Lyon, on 3 May 2026."}
    engine = create_engine(url(home))
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO threads (key, name, created_at) VALUES (1, 'old', '2026-05-12')")
        )
        connection.execute(
            text(
                "INSERT INTO turns (thread_key, ordinal, run, question, answer, abstained, details, asked_at,"
                " seconds) VALUES (1, 1, :run, :question, :answer, 0, '{}', '2026-05-12 12:00:00', 1.0)"
            ),
            values,
        )
    engine.dispose()
    library = open_home(home)
    stream = library.memory.stream("me")
    (before,) = stream.all_turns()
    assert (before.question_summary, before.answer_summary, before.importance) == ("", "", 0.0)
    library.ask("How many chairs have I bought?")
    (turn,) = stream.all_turns()
    assert (turn.question_summary, turn.answer_summary) == (told, "It was in Lyon, on 3 May 2026.")
    assert turn.importance == importance(before.question) > 0.5
    assert stream.without_vectors(9) == []
