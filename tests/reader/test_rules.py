"""What a reader does without a language model, by rules."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.contract import Exchange
from reader.rules import central_sentences, held_words, question_parts, refers_back, with_history


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


def test_central_sentences_by_hand() -> None:
    # boat 3 of 8, red 2, sank 1, hens 1, fed 1: "Boats, red boats." means most; then, boat and red squared,
    # the likeliest on average is "Hens fed." (1/8) against (9/64 + 1/8)/2 = 0.133 for "The boat sank."
    texts = ["Hens fed. The boat sank.", "Boats, red boats. Red."]
    assert central_sentences(texts, 3) == "Boats, red boats."
    assert central_sentences(texts, 6) == "The boat sank. Boats, red boats."
    assert central_sentences(texts, 100) == "Hens fed. The boat sank. Boats, red boats. Red."


def test_what_has_been_said_counts_less() -> None:
    # boat 3 of 7, red 2, hens and corn 1: "Boat boat red." means (3 + 3 + 2) / 21. Squared, "Boat red." has
    # (9/49 + 4/49) / 2 = 0.133, less than the 0.143 of "Hens corn."; without the squares it would have 0.357.
    assert central_sentences(["Boat boat red. Boat red. Hens corn."], 5) == "Boat boat red. Hens corn."


def test_central_sentences_without_room_or_words() -> None:
    assert central_sentences(["The old boat sank at noon. No."], 2) == "The old boat sank at noon."
    assert central_sentences(["The old boat sank at noon."], 0) == "The old boat sank at noon."
    assert central_sentences([], 10) == ""
    assert central_sentences([" "], 10) == ""
    assert central_sentences(["It was."], 10) == "It was."  # no content word


@given(
    st.lists(st.sampled_from(["The boat sank. ", "Hens fed on corn. ", "Red. ", "It is. "]), max_size=8),
    st.integers(1, 20),
)
def test_central_sentences_keep_order_and_length(parts: list[str], words: int) -> None:
    summary = central_sentences(["".join(parts)], words)
    assert len(summary.split()) <= words or summary in {part.strip() for part in parts}
    rest = "".join(parts)
    for sentence in summary.replace(". ", ".|").split("|"):
        assert sentence in rest
        rest = rest[rest.index(sentence) + len(sentence) :]


def test_a_long_text_takes_no_time() -> None:
    text = " ".join(f"The boat number {n} sank on day {n % 7}." for n in range(1_500))
    began = time.process_time()
    assert len(central_sentences([text], 100).split()) <= 100
    assert time.process_time() - began < 20


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
