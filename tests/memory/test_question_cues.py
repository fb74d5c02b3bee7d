"""What a question says about whose turns it asks for, and in which words."""

from __future__ import annotations

import pytest

from memory.question_cues import as_a_speaker_asks, asked_speaker, question_terms


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does Ines paint?", "Ines Okafor"),
        ("what does ines paint?", "Ines Okafor"),
        ("When did Mrs Okafor's boat sink?", "Ines Okafor"),
        ("What did Will sing?", None),  # "will" says too little
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
