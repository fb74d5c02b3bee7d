"""What was said, read together with the question: the order of turns, and short answers from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.agent.reranking import SAID
from app.library import Library
from app.turn_texts import CONTEXT, LONG
from memory.threads import Turn
from retrieval.evidence import MemoryOrigin
from tests.app.agent.test_reranking import INN, with_readers
from tests.span_readers import ListedSpanReader

DOG, HOME = "What is my dog called?", "Where do I live?"
BEGAN = datetime(2026, 3, 2, 18, tzinfo=UTC)


def told(library: Library, phrases: Mapping[str, Sequence[str]]) -> tuple[Library, ListedSpanReader]:
    """One who has told of a dog and a home."""
    found, listed = with_readers(library, phrases)
    found.ask("My dog is called Rufus and sleeps in the kitchen.", thread="dog")
    found.ask("I live in Lisbon in a house by the river.", thread="home")
    listed.asked.clear()
    return found, listed


def test_each_part_is_answered_from_memory_alone(library: Library) -> None:
    asked, _ = told(library, {DOG: ["Rufus"], HOME: ["Lisbon"]})
    answer = asked.ask(f"{DOG} {HOME}", thread="new")
    assert answer.text == "Rufus [1]; Lisbon [2]"
    assert all(isinstance(each.origin, MemoryOrigin) for each in answer.citations)


def test_follow_up_is_answered_from_memory_alone(library: Library) -> None:
    again = "And where do I live?"
    asked, _ = told(library, {DOG: ["Rufus"], again: ["Lisbon"]})
    assert asked.ask(DOG, thread="new").text == "Rufus [1]"
    assert asked.ask(again, thread="new").text == "Lisbon [1]"


def test_what_was_said_answers_beside_documents(novella: Library) -> None:
    asked, _ = told(novella, {HOME: ["Lisbon"]})
    answer = asked.ask(HOME, thread="new", route="search")
    assert answer.text == "Lisbon [1]"
    assert isinstance(answer.citations[0].origin, MemoryOrigin)


def test_nothing_said_is_read_where_memory_is_not_needed(novella: Library) -> None:
    asked, listed = told(novella, {INN: ["Mrs. Corrie"]})
    assert asked.ask(INN, thread="new", route="search").text == "Mrs. Corrie [1]"
    assert not [text for _, texts in listed.asked for text in texts if "Rufus" in text]


def test_same_answer_to_two_parts_is_given_to_both(novella: Library) -> None:
    other = "Who is said to have kept the Three Pans?"
    asked, _ = with_readers(novella, {INN: ["Mrs. Corrie"], other: ["Mrs. Corrie"]})
    assert asked.ask(f"{INN} {other}", route="search").text == "Mrs. Corrie [1]; Mrs. Corrie [1]"


def test_part_for_yes_or_no_gets_its_sentence(novella: Library) -> None:
    other = "Was Ebb found in a herring basket?"
    asked, _ = with_readers(novella, {INN: ["Mrs. Corrie"], other: ["herring basket"]})
    answer = asked.ask(f"{other} {INN}", route="search")
    assert answer.text.endswith("; Mrs. Corrie [2]")
    assert " ".join(answer.citations[0].quote.split()) in answer.text


def stored(library: Library, texts: Sequence[str]) -> None:
    """Turns of one thread."""
    stream = library.memory.stream("me")
    rows = library.memory.encode(texts)
    for n, (text, row) in enumerate(zip(texts, rows, strict=True)):
        turn = Turn(f"run {n}", text, "", False, BEGAN + timedelta(minutes=n), 0.0, speaker="Ines")
        stream.append("talk", turn, row[None])


def order(library: Library, question: str) -> list[int]:
    memory = library.memory.at(BEGAN + timedelta(days=1))
    recollector = memory.recollector("me")
    activated = recollector.activated(question, memory.encode([question])[0])
    return [each.key for each in recollector.reranked(question, activated)]


def test_turns_are_read_with_what_was_said_around_them(library: Library) -> None:
    question = "When is the kitchen tap to be mended?"
    asked, listed = with_readers(library, {})
    stored(asked, ["Is the kitchen tap mended?", "No, the kitchen waits until Monday."])
    order(asked, question)
    (texts,) = [texts for put, texts in listed.asked if put == question]
    both = "Ines: Is the kitchen tap mended?\nInes: No, the kitchen waits until Monday."
    assert sorted(texts) == ["Ines: Is the kitchen tap mended?", both, both, both]


def test_what_reading_says_changes_their_order(library: Library) -> None:
    question = "Where does the kitchen tap drip?"
    texts = ["The kitchen tap drips on the floor.", "It drips where the blue pipe of the kitchen begins."]
    plain, _ = with_readers(library, {})
    stored(plain, texts)
    first = order(plain, question)
    assert len(first) == 2
    likely = "the floor" if first == [2, 1] else "blue pipe"
    asked, _ = with_readers(library, {question: [likely]}, {likely: 60.0})
    assert order(asked, question) == ([2, 1] if likely == "blue pipe" else [1, 2])


@pytest.mark.parametrize("words", [400, 3_500])
def test_of_a_long_turn_the_beginning_is_read(library: Library, words: int) -> None:
    question = "What is my dog called?"
    asked, listed = with_readers(library, {question: ["Rufus"]})
    asked.ask(f"My dog is called Rufus. {'He sleeps in the kitchen. ' * (words // 5)}", thread="a")
    listed.asked.clear()
    assert asked.ask(question, thread="b").text == "Rufus [1]"
    assert max(len(text) for _, texts in listed.asked for text in texts) <= max(SAID, LONG + 2 * CONTEXT + 2)


def test_off_leaves_turns_as_they_are_activated(library: Library) -> None:
    off = Library(library.settings, library.engine, replace(library.backends, span_reader=lambda: None))
    stored(off, ["The kitchen tap drips.", "The kitchen is blue."])
    memory = off.memory.at(BEGAN + timedelta(days=1))
    recollector = memory.recollector("me")
    activated = recollector.activated("What drips?", memory.encode(["What drips?"])[0])
    assert recollector.reranked("What drips?", activated) is activated
