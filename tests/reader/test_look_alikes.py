"""Which of two sentences that compete speaks of something else."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from reader.look_alikes import without_look_alikes
from retrieval.hits import Int64
from retrieval.question import question_words
from tests.evidence_samples import apart


class Known:
    """Every word occurs once in ten entries."""

    def __len__(self) -> int:
        return 10

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        return [1 for _ in terms]

    def occurring(self, terms: Sequence[str], within_documents: Int64 | None = None) -> frozenset[str]:
        return frozenset(terms)


def kept(question: str, *texts: str) -> list[int]:
    return without_look_alikes(question, question_words(question, Known()), apart(*texts))


def test_another_name_is_another_thing() -> None:
    question = "What does the ferry to Marlow cost?"
    assert kept(question, "The ferry to Henley costs a shilling.", "The ferry to Marlow costs a penny.") == [
        1
    ]
    # The other one knows a word more of the question, and the name counts before it.
    texts = (
        "The ferry to Henley costs a shilling a head.",
        "A penny is charged on the Marlow ferry, a head.",
    )
    assert kept("What does the ferry to Marlow cost a head?", *texts) == [1]


def test_another_number_is_another_thing() -> None:
    texts = ("Room 12 was painted green.", "Room 14 was painted grey.")
    assert kept("In what colour was room 14 painted?", *texts) == [1]


def test_another_word_in_a_phrase_of_the_question() -> None:
    question = "Who guards and watches the east tower of the castle?"
    texts = (
        "The west tower of the castle is what the smiths guard and watch.",
        "Those who guard the east tower of the castle are two weavers.",
    )
    assert kept(question, *texts) == [1]
    # With "of" in between it is a phrase as well.
    question = "How many casks of resin were there on the quay for the brig?"
    texts = (
        "Five casks of pitch were there on the quay for the brig.",
        "On the quay stood six casks of resin.",
    )
    assert kept(question, *texts) == [1]


def test_a_phrase_ends_with_its_clause() -> None:
    """Else what "the house above" stands for would be another house."""
    question = "What was the box of the old woman made of, with which the smith went away?"
    texts = (
        "The box of the old woman, lined with silk, was made of oak.",
        "The smith made a box of pine, lined.",
    )
    assert kept(question, *texts) == [0, 1]


def test_the_verb_of_a_question_is_no_part_of_a_phrase() -> None:
    texts = ("The brig landed nine men at the new quay.", "At the new quay the brig unloaded men.")
    assert kept("How many men of hers did the brig unload at the new quay?", *texts) == [1]  # fewer words
    texts = ("The brig landed nine men at the new quay.", "Men have seen a brig unload a quay, or sink.")
    assert kept("How many men of hers did the brig unload at the new quay?", *texts) == [0, 1]


def test_a_name_beside_a_common_word_is_no_phrase() -> None:
    """Else "the Swallow lay" would be another ship than the one of "did the Swallow sail"."""
    texts = (
        "With nine men aboard, the Swallow lay in port.",
        "The Swallow will sail with men aboard a prize.",
    )
    assert kept("With how many men aboard did the Swallow sail from port?", *texts) == [0, 1]


def test_fewer_words_of_the_question_and_none_besides() -> None:
    texts = ("The clerk paid the cooper nine crowns.", "The clerk paid the weaver six crowns.")
    assert kept("How many crowns has the clerk paid the weaver?", *texts) == [1]


def test_several_answers_all_stay() -> None:
    texts = ("Anna bought a lamp in Marlow.", "Anna bought a rope in Marlow.", "In Marlow Anna bought a saw.")
    assert kept("What did Anna buy in Marlow?", *texts) == [0, 1, 2]


def test_sentences_that_do_not_compete_stay() -> None:
    # Of "anna, leav, marlow" they share one.
    texts = ("Anna left Marlow in the spring.", "Anna wanted to see the sea before she was old.")
    assert kept("Why did Anna leave Marlow?", *texts) == [0, 1]
    # Of "red, lamp" they share one as well, which is half of them and may be chance.
    assert kept("Is the lamp red?", "The lamp was lit.", "The lamp was red.") == [0, 1]


def test_nothing_of_nothing() -> None:
    assert kept("What does the ferry cost?") == []
    assert kept("Is it so?", "It is.", "So it is.") == [0, 1]


WORDS = ["east", "west", "tower", "gate", "of", "the", "Marlow", "Henley", "guard", "12", "14", "keep,"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=9), min_size=1, max_size=6)


@given(TEXTS)
def test_something_always_stays(texts: list[list[str]]) -> None:
    positions = kept("Who keeps the east tower of Marlow with guard 12?", *map(" ".join, texts))
    assert positions
    assert positions == sorted(set(positions))
