"""Which short answers are given, and what kind of answer a question wants."""

from __future__ import annotations

import pytest

from reader.contract import ShortAnswer
from reader.short_answers import (
    CLOSE,
    MOST,
    SURE,
    asked_again,
    asks_for_several,
    asks_yes_or_no,
    chosen_answers,
    describes,
    ranked_answers,
)


def short(text: str, score: float, relevance: float = 0.0, answerable: float = 0.0) -> ShortAnswer:
    return ShortAnswer(0, text, score, relevance, answerable)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is the door red?", True),
        ("  did he come?", True),
        ("And was the tower old?", True),
        ("Isn't the sea cold?", True),
        ("Isn’t the sea cold?", True),
        ("Was it Paris or London?", False),
        ("Who is he?", False),
        ("Island of Ven: who lives there?", False),
        ("Candles: who made them?", False),
        ("", False),
    ],
)
def test_yes_or_no(question: str, expected: bool) -> None:
    assert asks_yes_or_no(question) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which three rivers meet there?", True),
        ("Name the farms of the island.", True),
        ("Who were the members of the council?", True),
        ("What are the names of his sisters?", True),
        ("Which river is it?", False),
        ("What is the name of the river?", False),
        ("In what year did the seven farms burn?", False),
    ],
)
def test_several(question: str, expected: bool) -> None:
    assert asks_for_several(question) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where was the woman who wrote the letter born?", True),
        ("What is the capital of the country in which the river ends?", True),
        ("Who owned the small red house that burned?", True),
        ("When did the brother of the owner of the inn die?", True),
        ("Who owned the house?", False),
        ("What did she say when the bell rang?", False),
        ("Which boat sank?", False),
    ],
)
def test_described(question: str, expected: bool) -> None:
    assert describes(question) is expected


def test_ranked_by_all_that_was_read() -> None:
    # 1 + 0 + 0 = 1; 0 + 2 + 0 = 2; 0 + 0 + 0.5 * 3 = 1.5; relevance counts whole, answerability half
    found = [short("a", 1.0), short("b", 0.0, 2.0), short("c", 0.0, 0.0, 3.0)]
    assert [each.text for each in ranked_answers(found)] == ["b", "c", "a"]


def test_one_answer_unless_several_are_asked_for() -> None:
    ranked = [short("red", 5.0), short("blue", 4.9), short("green", 5.0 - CLOSE - 0.1)]
    assert [each.text for each in chosen_answers("Which colour is it?", ranked)] == ["red"]
    assert [each.text for each in chosen_answers("Which two colours are there?", ranked)] == ["red", "blue"]


def test_several_answers_share_no_word_and_are_not_endless() -> None:
    ranked = [short("the red door", 5.0), short("a red gate", 4.9), *(short(f"x{n}", 4.5) for n in range(9))]
    chosen = chosen_answers("Name the doors.", ranked)
    assert [each.text for each in chosen] == ["the red door", *(f"x{n}" for n in range(MOST - 1))]


def test_nothing_found_is_nothing_chosen() -> None:
    assert chosen_answers("Name the doors.", []) == []
    assert asked_again("Who was it?", []) == ""


def test_asked_again_with_what_was_found_unless_it_is_sure() -> None:
    question = "Where was the woman who wrote it born?"
    assert asked_again(question, [short("Ada\nLund", SURE - 1)]) == f"{question} Ada Lund"
    assert asked_again(question, [short("Ada Lund", SURE)]) == ""
