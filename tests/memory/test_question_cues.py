"""What a question says about whose turns it asks for, and in which words."""

from __future__ import annotations

import pytest

from memory.question_cues import as_a_speaker_asks, asked_speaker, named_terms, question_terms

WORDS_TOO = ["", "Will", "May Day", "Mark", "Ines"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does Ines paint?", "Ines Okafor"),
        ("what does ines paint?", "Ines Okafor"),
        ("When did Mrs Okafor's boat sink?", "Ines Okafor"),
        ("What did Will sing?", "Will"),
        ("what did will sing?", None),  # "will" says too little
        ("Will it rain where Ines lives?", "Ines Okafor"),
        ("What do Ines and Tomasz share?", None),
        ("What does Inessa paint?", None),
        ("What do I paint?", None),
    ],
)
def test_the_speaker_whom_a_question_names(question: str, expected: str | None) -> None:
    assert asked_speaker(question, ["", "Ines Okafor", "Tomasz", "Will"]) == expected


def test_terms_are_those_of_the_question_without_speakers() -> None:
    assert question_terms("Where did Ines go to paint the boats, the boats?", ["Ines"]) == ["paint", "boat"]
    assert question_terms("Where did Ines go to paint?", []) == ["ine", "paint"]


def test_names_and_stop_words_count_where_nothing_else_is_said() -> None:
    assert question_terms("Who is Ines?", ["Ines"]) == ["ine"]
    assert question_terms("Who is it?", ["Ines"]) == ["who", "is", "it"]
    assert question_terms("", ["Ines"]) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where did Ines work before Ines's move?", "Where did I work before my move?"),
        ("What does Ines Okafor paint?", "What does I paint?"),
        ("why did INES call tomasz?", "why did I call I?"),
        ("What is Inessa's job?", "What is Inessa's job?"),
        ("Will it rain?", "Will it rain?"),
        ("Where do I work?", "Where do I work?"),
    ],
)
def test_a_question_in_the_words_of_a_speaker(question: str, expected: str) -> None:
    assert as_a_speaker_asks(question, ["", "Ines Okafor", "Tomasz", "Will"]) == expected
    assert as_a_speaker_asks(question, [""]) == question


@pytest.mark.parametrize(
    ("question", "put", "terms"),
    [
        ("Will it rain in May?", "Will it rain in May?", ["rain", "may"]),
        ("Where does Will live?", "Where does I live?", ["live"]),
        ("When will Will come back?", "When will I come back?", ["back"]),
        ("What did May Day say in May?", "What did I say in May?", ["say", "may"]),
        ("May Day's boat or Will's?", "my boat or my?", ["boat"]),
        ("What did Mark say since last May?", "What did I say since last May?", ["say", "last", "may"]),
        ("What was next May to bring?", "What was next May to bring?", ["next", "may", "bring"]),
        ("Where was I on May Day, or on the last day?", None, ["may", "day", "last"]),
        ("What did Mark mark? Mark my words!", "What did I mark? Mark my words!", ["mark", "word"]),
        ("When Will it rain on the mark?", None, ["rain", "mark"]),
        ("WILL MARK SWIM?", None, ["mark", "swim"]),  # all are capitals, and say nothing
        ("Will Ines swim?", "Will I swim?", ["swim"]),
        ("What does Mark\u2019s brother want?", "What does my brother want?", ["brother", "want"]),
    ],
)
def test_names_that_are_words_too_count_only_where_they_are_names(
    question: str, put: str | None, terms: list[str]
) -> None:
    assert as_a_speaker_asks(question, WORDS_TOO) == (put or question)
    assert question_terms(question, WORDS_TOO) == terms


def test_names_are_known_without_their_accents_and_in_several_words() -> None:
    assert as_a_speaker_asks("Did Jose O'Brien swim?", ["Jos\u00e9 O'Brien"]) == "Did I swim?"
    assert as_a_speaker_asks("Where is Ines' boat?", ["Ines"]) == "Where is my boat?"


def test_terms_of_names_are_those_that_stand_for_nobody_else() -> None:
    assert named_terms("What did Ines's brother call Mark?", WORDS_TOO) == {"ine", "mark"}
    assert named_terms("What did Mark mark in May?", WORDS_TOO) == set()
    assert named_terms("Will it rain?", WORDS_TOO) == set()
