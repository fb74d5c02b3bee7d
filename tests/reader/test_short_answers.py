"""Which short answers are given, and what kind of answer a question wants."""

from __future__ import annotations

from dataclasses import replace

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
    closed,
    describes,
    ranked_answers,
)
from retrieval.document import Span


def short(text: str, score: float) -> ShortAnswer:
    return ShortAnswer(0, text, score, 0.0)


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
        ("According to the book, was Jane happy?", True),
        ("Tell me, did she go?", True),
        ("Do you know whether she went?", True),
        ("Did she leave when he came?", True),
        ("Can you tell me when Jane left for school?", False),
        ("Do you know who kept the inn?", False),
        ("In which year, do you think, was it?", False),
        ("When he came, who was there?", False),
        ("May 1867 saw which battle?", False),
        ("Will Turner was born where?", False),
        ("If there is a conflict between the two, which law takes precedence?", False),
        ("And if there is a conflict, which law is it?", False),
        ("According to the treaty, if they differ, in which court is it heard?", False),
        ("If it rains, will they come?", True),
        ("Tell me if, after the war, he came.", True),
        ("If she came?", True),
    ],
)
def test_yes_or_no(question: str, expected: bool) -> None:
    assert asks_yes_or_no(question) is expected


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ('a "mad scientist" he', 'a "mad scientist', 'a "mad scientist"'),
        ('a "mad scientist" he', 'mad scientist" he', '"mad scientist" he'),
        ("the “Old Stone”, there", "Old Stone”", "“Old Stone”"),
        ("the (old) stone", "(old", "(old)"),
        ("Sexuality (the sixth)", "Sexuality (", "Sexuality"),
        ("the [price of oil] rose", "oil] rose", "oil] rose"),
        ("the [price of oil] rose", "oil]", "oil"),
        ('he said "no, sir" and', '"no', "no"),
        ("an «île» (x)", "île» (x", "«île» (x)"),
        ("all (of) it", "all (of) it", "all (of) it"),
        ('the ("foo") x', '("foo', '("foo")'),
        ('a 6" pipe', '6"', '6"'),
    ],
)
def test_brackets_and_quotation_marks_have_their_other_half(text: str, said: str, expected: str) -> None:
    start = text.index(said)
    found = closed(text, Span(start, start + len(said)))
    assert text[found.start : found.end] == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which three rivers meet there?", True),
        ("Name the farms of the island.", True),
        ("Who were the members of the council?", True),
        ("What are the names of his sisters?", True),
        ("Who were Jane's cousins?", True),
        ("What were the causes of the fire?", True),
        ("Which people signed it?", True),
        ("Which other rivers are there?", True),
        ("Give three reasons for it.", True),
        ("Which river is it?", False),
        ("Name the author of the book.", False),
        ("Name of the horse?", False),
        ("What other name did he use?", False),
        ("List of Adrian Messenger: who directed it?", False),
        ("Which bus goes there?", False),
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


def test_ranked_by_what_was_read_and_the_rank_of_the_text() -> None:
    # 1 - 1.2 ln 9 = -1.64; 0.5 - 1.2 ln 2 = -0.33; 0
    found = [replace(short("a", 1.0), rank=9), replace(short("b", 0.5), rank=2), short("c", 0.0)]
    assert [each.text for each in ranked_answers(found)] == ["c", "b", "a"]


def test_one_answer_unless_several_are_asked_for() -> None:
    ranked = [short("red", 5.0), short("blue", 4.9), short("green", 5.0 - CLOSE - 0.1)]
    assert [each.text for each in chosen_answers("Which colour is it?", ranked)] == ["red"]
    assert [each.text for each in chosen_answers("Which two colours are there?", ranked)] == ["red", "blue"]


@pytest.mark.parametrize(
    ("found", "given"),
    [
        (["the horse", "the cow", "the sheep"], ["the horse", "the cow", "the sheep"]),
        (["John Reed", "Eliza Reed", "Mr. John Reed"], ["John Reed", "Eliza Reed"]),
        (["oats,", "oats", "“Oats”", "rye"], ["oats,", "rye"]),
        (["he", "He,", "she"], ["he", "she"]),
        ([f"x{n}" for n in range(9)], [f"x{n}" for n in range(MOST)]),
    ],
)
def test_several_answers_are_said_once_and_are_not_endless(found: list[str], given: list[str]) -> None:
    chosen = chosen_answers("Name the doors.", [short(text, 5.0) for text in found])
    assert [each.text for each in chosen] == given


def test_nothing_found_is_nothing_chosen() -> None:
    assert chosen_answers("Name the doors.", []) == []
    assert asked_again("Who was it?", []) == ""


def test_asked_again_with_what_was_found_unless_it_is_sure() -> None:
    question = "Where was the woman who wrote it born?"
    assert asked_again(question, [short("Ada\nLund", SURE - 1)]) == f"{question} Ada Lund"
    assert asked_again(question, [short("Ada Lund", SURE)]) == ""
