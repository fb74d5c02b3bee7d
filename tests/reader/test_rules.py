"""What a reader does without a language model, by rules."""

from __future__ import annotations

import pytest

from reader.contract import Exchange
from reader.rules import held_words, question_parts, refers_back, with_history


@pytest.mark.parametrize(
    ("question", "refers"),
    [
        ("What did he paint red?", True),
        ("Why did they sell the old boat?", True),
        ("And the boat of the keeper?", True),
        ("What about the boat of the keeper?", True),
        ("Why?", True),
        ("Who else sailed the boat?", True),
        ("", True),
        ("Where is my desk?", False),
        ("When was the lighthouse built?", False),
        ("Where did Corrie keep his boat?", False),
        ("Did Corrie say that she sold the boat?", False),
        ("Andrew painted which boat?", False),
    ],
)
def test_refers_back(question: str, refers: bool) -> None:
    assert refers_back(question) is refers


def test_history_is_the_question_before() -> None:
    turns = [Exchange("Who is Ann?", "A."), Exchange("Who is Corrie?", "The keeper.")]
    assert with_history("What did he paint?", turns) == "Who is Corrie? What did he paint?"
    assert with_history("What did he paint?", []) == "What did he paint?"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Who is Corrie?", ("Who is Corrie?",)),
        ("Who is Corrie? What did he paint?", ("Who is Corrie?", "What did he paint?")),
        ("I read it. Who is Corrie?", ("I read it. Who is Corrie?",)),
        ("Who? What? When? Where?", ("Who?", "What?", "When?", "Where?")),
        ("Who? What? When? Where? Why?", ("Who? What? When? Where? Why?",)),
        ('Who said "no?" What did she paint?', ('Who said "no?"', "What did she paint?")),
        ("no question", ("no question",)),
        ("", ("",)),
    ],
)
def test_question_parts(text: str, parts: tuple[str, ...]) -> None:
    assert question_parts(text) == parts


@pytest.mark.parametrize(
    ("question", "options", "closest"),
    [
        ("Who painted the boat?", ["Hens are fed.", "The boat is painted.", "The boat sinks."], 1),
        ("Which boat and which hens?", ["boat", "boat", "hens"], 2),  # a word that few hold counts more
        ("Which boat?", ["boat", "boat"], 0),
        ("Anything?", ["a", "b"], 0),
        ("Which boat?", ["nothing"], 0),
    ],
)
def test_held_words(question: str, options: list[str], closest: int) -> None:
    held = held_words(question, options)
    assert held.index(max(held)) == closest
