"""Which turns a question activates, with the encoder that ships with the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.library import Library
from app.memory_home import MemoryHome
from app.recollection import RELEVANCE, Recollector, Spoken
from memory.threads import Turn
from retrieval.hits import Float32

BEGAN = datetime(2026, 3, 2, 18, tzinfo=UTC)  # a Monday
ASKED = BEGAN + timedelta(days=70)
BOUGHT = "I bought a pair of shoes at the market."
SAID: Mapping[int, str] = {  # by the day on which it was said
    0: BOUGHT,
    5: "The kitchen tap drips again.",
    11: "I repaired the tap with a new seal.",
    16: BOUGHT,
    21: "My cousin Bela plays the violin on Sundays.",
    26: "We had soup with dumplings for dinner.",
    30: "Yesterday I took the train: our trip to Lyon has begun.",
    34: "The dentist says that my teeth are fine.",
    40: "I am reading a novel about a lighthouse.",
    44: BOUGHT,
    52: "Our neighbour painted his fence green.",
    60: "I planted tomatoes on the balcony.",
}


class Noting(Recollector):
    """Notes which texts it encodes together."""

    def __init__(self, *, encode: Callable[[Sequence[str]], Float32], **parts: Any) -> None:
        self.encoded: list[list[str]] = []

        def noted(texts: Sequence[str]) -> Float32:
            self.encoded.append(list(texts))
            return encode(texts)

        super().__init__(encode=noted, **parts)


@pytest.fixture
def memory(library: Library) -> MemoryHome:
    return library.memory.at(ASKED, Noting)


@pytest.fixture
def recollector(memory: MemoryHome) -> Noting:
    """With all that was said; each day is a thread."""
    return telling(memory, "")


def telling(memory: MemoryHome, speaker: str) -> Noting:
    stream = memory.stream("me")
    rows = memory.encode(list(SAID.values()))
    for (day, text), row in zip(SAID.items(), rows, strict=True):
        said = BEGAN + timedelta(days=day)
        turn = Turn(f"run {day}", text, "", abstained=False, asked_at=said, seconds=0.0, speaker=speaker)
        stream.append(f"day {day}", turn, row[None])
    found = memory.recollector("me")
    assert isinstance(found, Noting)
    return found


def activated(memory: MemoryHome, recollector: Recollector, question: str) -> list[int]:
    """The days of the turns that a question activates, best first."""
    found = recollector.activated(question, memory.encode([question])[0])
    turns = {turn.key: turn for turn in recollector.stream.turns([each.key for each in found])}
    return [(turns[each.key].asked_at - BEGAN).days for each in found]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did I buy at the market?", [44, 16, 0]),  # the latest first
        ("What did I buy at the market two weeks before the trip to Lyon?", [16, 44, 0]),
        ("What did I buy at the market five days after I repaired the tap?", [16, 44, 0]),
        # What happened then may have been told later, the sooner the likelier.
        ("Two weeks before I repaired the tap, what did I buy at the market?", [0, 16, 44]),
        ("What did I buy at the market two weeks before the concert in Oslo?", [44, 16, 0]),
    ],
)
def test_what_is_dated_by_an_event_that_was_told(
    memory: MemoryHome, recollector: Noting, question: str, expected: list[int]
) -> None:
    found = activated(memory, recollector, question)
    assert [day for day in found if SAID[day] == BOUGHT] == expected


def test_nothing_of_another_time_is_left_out(memory: MemoryHome, recollector: Noting) -> None:
    plain = activated(memory, recollector, "Did I buy shoes, or paint a fence?")
    dated = activated(
        memory, recollector, "Did I buy shoes, or paint a fence two weeks before the trip to Lyon?"
    )
    assert set(plain) <= set(dated)


def test_what_has_no_relevance_is_not_activated(memory: MemoryHome, recollector: Noting) -> None:
    row = memory.encode(["Who painted the fence?"])[0]
    found = recollector.activated("Who painted the fence?", row)
    assert 1 <= len(found) < len(SAID)
    assert found[0].relevance > 0.5
    assert all(each.relevance > RELEVANCE for each in found)


def test_a_question_is_encoded_once_and_what_differs_from_it_together(memory: MemoryHome) -> None:
    recollector = telling(memory, "Ines")
    activated(memory, recollector, "Who painted the fence?")
    assert recollector.encoded == []
    activated(memory, recollector, "What did Ines buy two weeks before Ines went to Lyon?")
    assert recollector.encoded == [["What did I buy two weeks before I went to Lyon?", "I went to Lyon"]]


def test_only_a_speaker_who_is_named_is_put_as_one_who_speaks(memory: MemoryHome) -> None:
    recollector = telling(memory, "Will")
    assert recollector.spoken("Will it rain?") == Spoken("Will it rain?", frozenset())
    assert recollector.spoken("Where did Will go?") == Spoken("Where did I go?", frozenset({"will"}))
