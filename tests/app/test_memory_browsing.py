"""Looking through a memory: by words and by meaning, as of a day, by thread and origin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.library import Library
from app.memories import Memories
from app.memory_browsing import MemoryBrowser, TurnFilter
from app.memory_files import export_lines
from memory.errors import MemoryFileError
from tests.conftest import ForOneHome

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


@pytest.fixture
def memories(library: Library) -> Memories:
    clock = iter(NOON + timedelta(days=day) for day in range(100))
    return Memories(library, "me", lambda: next(clock))


def texts(browser: MemoryBrowser, wanted: TurnFilter, **how: object) -> list[str]:
    return [each.fact.text for each in browser.facts(wanted, **how)]  # type: ignore[arg-type]


def test_facts_by_words_the_newest_first(memories: Memories) -> None:
    memories.add("My boat is blue.")
    memories.add("My sister lives in Lyon.")
    memories.add("The boat lies in Trieste.")
    browser = MemoryBrowser(memories)
    assert texts(browser, TurnFilter(words="BOAT")) == ["The boat lies in Trieste.", "My boat is blue."]
    assert texts(browser, TurnFilter(words="boat lyon")) == []
    assert texts(browser, TurnFilter(thread="notes", said_by="notes", words="lyon")) == [
        "My sister lives in Lyon."
    ]
    assert texts(browser, TurnFilter(said_by="others")) == []
    assert texts(browser, TurnFilter(thread="sea")) == []


def test_facts_by_meaning_have_scores(memories: Memories) -> None:
    memories.add("My sister lives in Lyon.")
    memories.add("The boat lies in Trieste.")
    found = MemoryBrowser(memories).facts(TurnFilter(words="Where does my sister live?"), by_meaning=True)
    assert found[0].fact.text == "My sister lives in Lyon."
    assert found[0].score is not None


def test_facts_as_of_a_day_and_by_the_time_they_were_said(memories: Memories) -> None:
    first = memories.add("My desk is 4B.").fact
    memories.revise(first.id, "My desk is 7C.")
    browser, day = MemoryBrowser(memories), first.asked_at + timedelta(hours=1)
    assert texts(browser, TurnFilter(), as_of=day) == ["My desk is 4B."]
    assert texts(browser, TurnFilter()) == ["My desk is 7C."]
    assert texts(browser, TurnFilter(), which="all") == ["My desk is 7C.", "My desk is 4B."]
    assert texts(browser, TurnFilter(before=day), which="all") == ["My desk is 4B."]
    assert texts(browser, TurnFilter(since=day), which="all") == ["My desk is 7C."]


def test_turns_with_the_facts_that_came_from_them(memories: Memories) -> None:
    memories.add("My boat is blue.")
    memories.add("My sister lives in Lyon.")
    browser = MemoryBrowser(memories)
    found, total = browser.turns(TurnFilter(), 1)
    assert (total, found[0].turn.question) == (2, "My sister lives in Lyon.")
    assert [fact.text for fact in found[0].facts] == ["My sister lives in Lyon."]
    meant, _ = browser.turns(TurnFilter(words="What colour is the boat?"), 5, by_meaning=True)
    assert meant[0].turn.question == "My boat is blue."
    assert meant[0].score is not None


def test_nothing_of_another_user_is_found(memories: Memories, home: Path, open_home: ForOneHome) -> None:
    memories.add("My boat is blue.")
    other = MemoryBrowser(Memories(memories.library, "bob"))
    assert other.facts(TurnFilter(), "all") == []
    assert other.turns(TurnFilter(), 10) == ([], 0)
    assert other.facts(TurnFilter(words="boat"), by_meaning=True) == []


def test_a_line_of_bytes_that_is_no_text_is_named(memories: Memories) -> None:
    with pytest.raises(MemoryFileError, match="Line 2"):
        list(export_lines([b"one\n", b"\xff\n"]))
