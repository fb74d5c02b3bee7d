"""What a reader is shown of earlier conversations, within its budgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.library import Library
from app.recollection import Recollector
from app.shown_memories import shown_memories
from memory.threads import Turn
from tests.conftest import ForOneHome

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
FLASH, ITEM, TOTAL = 40, 60, 150
LONG = ", ".join(f"the lamp of house number {n} is out" for n in range(400))
"""One sentence of thousands of tokens."""


@pytest.fixture
def narrow(home: object, open_home: ForOneHome) -> Library:
    return open_home(home, flash_tokens=FLASH, item_tokens=ITEM, activated_tokens=TOTAL, memory_tokens=TOTAL)


def say(library: Library, thread: str, *texts: str) -> Recollector:
    stream = library.memory.stream("me")
    for n, text in enumerate(texts):
        turn = Turn(f"{thread} {n}", text, "", False, NOON + timedelta(minutes=n), 0.0)
        stream.append(thread, turn, library.memory.encode([text[:500]]))
    return library.memory.recollector("me")


def test_the_turn_before_is_given_once_last_and_as_it_was_recalled(narrow: Library) -> None:
    memory = say(narrow, "tea", "The kettle is green.", "The cup is blue.", "The spoon is red.")
    first, second, third = memory.stream.threads.turns("tea")
    fact = narrow.memories("me").add("I drink tea.").fact
    shown = shown_memories(memory, {second.key: "raw", third.key: "raw", first.key: "raw"}, [fact], "tea")
    assert [each.text for each in shown] == [
        "They: The cup is blue.",
        "They: The kettle is green.",
        "I drink tea.",
        "They: The spoon is red.",
    ]
    assert [each.text for each in shown_memories(memory, {}, [], "tea")] == ["They: The spoon is red."]
    assert shown_memories(memory, {}, [], "new") == ()
    assert shown_memories(memory, {}, [], None) == ()


def test_a_turn_of_one_endless_sentence_keeps_within_the_budgets(narrow: Library) -> None:
    memory = say(narrow, "lamps", LONG)
    (flash,) = shown_memories(memory, {}, [], "lamps")
    assert 0 < memory.count_tokens(flash.text) <= FLASH
    question = "Which lamp is out?"
    reader = narrow.backends.extractive.for_job("test", lambda event: None)
    recalled = memory.recall(question, memory.encode([question])[0], reader, alone=True)
    assert [each.form for each in recalled.turns] == ["extract"]
    (given,) = shown_memories(memory, {each.key: each.form for each in recalled.turns}, [], None)
    assert given.text.startswith("They: the lamp of house number 0 is out")
    assert FLASH < memory.count_tokens(given.text) == recalled.tokens <= ITEM


def test_a_turn_of_one_endless_sentence_is_cited_in_pieces(narrow: Library) -> None:
    memory = say(narrow, "lamps", LONG)
    (turn,) = memory.stream.threads.turns("lamps")
    found = memory.sentences([turn.key], "Which lamp is out?")[turn.key]
    assert max(map(len, found.texts)) <= 900
    assert [LONG[span.start : span.end] for span in found.spans] == list(found.texts)
    assert "".join(found.texts).replace(" ", "") == LONG.replace(" ", "")
