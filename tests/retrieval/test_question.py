from collections.abc import Sequence
from math import log

import pytest

from retrieval.hits import Int64
from retrieval.question import QuestionWords, question_words


class Ten:
    """Ten entries: "river" stands in four of them, "ferri" in one, nothing else anywhere."""

    def __init__(self) -> None:
        self.counts = {"river": 4, "ferri": 1}

    def __len__(self) -> int:
        return 10

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        return [self.counts.get(term, 0) for term in terms]

    def occurring(self, terms: Sequence[str], within_documents: Int64 | None = None) -> frozenset[str]:
        return frozenset(term for term in terms if term in self.counts)


def test_weights_are_the_inverse_document_frequencies_of_bm25() -> None:
    words = question_words("Where does the ferry cross the river?", Ten())
    assert words.weights["river"] == pytest.approx(log(1 + 6.5 / 4.5))
    assert words.weights["ferri"] == pytest.approx(log(1 + 9.5 / 1.5))
    assert words.unknown == {"cross": "cross"}
    assert not words.names


def test_unknown_words_are_shown_as_they_were_asked() -> None:
    words = question_words("Which galleries did Gandalf's ferry reach in 1847?", Ten())
    assert set(words.unknown.values()) == {"galleries", "Gandalf's", "reach", "1847"}
    assert {words.unknown[name] for name in words.names} == {"Gandalf's", "1847"}


def test_the_first_word_is_no_name_for_being_capitalised() -> None:
    assert not question_words("Zeppelins cross the river?", Ten()).names


def test_names_and_numbers_say_which_one_is_meant() -> None:
    words = question_words("Which ferry crosses the River Ferris at 9 or in 1847?", Ten())
    assert words.naming == {"river", "ferri", "9", "1847"}
    with pytest.raises(ValueError, match="must be among"):
        QuestionWords({"a": 1.0}, {}, frozenset(), frozenset({"b"}))


def test_the_unknown_share_is_by_weight() -> None:
    words = QuestionWords({"a": 3.0, "b": 1.0}, {"b": "b"})
    assert words.unknown_share == pytest.approx(0.25)
    assert QuestionWords({}, {}).unknown_share == 0.0


def test_names_must_be_unknown_words() -> None:
    with pytest.raises(ValueError, match="must be among"):
        QuestionWords({"a": 1.0}, {}, frozenset({"a"}))


def test_words_that_stand_otherwise_are_known_and_said() -> None:
    words = QuestionWords({"a": 3.0, "b": 1.0}, {"a": "A", "b": "B"}, frozenset({"a", "b"}))
    found = words.standing_as({"b": "Bee", "c": "Sea"})
    assert (found.unknown, found.names, found.read_as) == ({"a": "A"}, frozenset({"a"}), {"B": "Bee"})
    assert found.without({"a"}).read_as == {"B": "Bee"}
    assert words.read_as == {}
