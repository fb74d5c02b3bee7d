from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from memory.turn_keys import MAX_KEYS, PIECE, terms_of_each, turn_keys


@dataclass(frozen=True)
class Said:
    question: str
    answer: str = ""


def sentences(word: str, count: int) -> str:
    return " ".join(f"The {word} of number {n} is here." for n in range(count))


def test_each_side_is_a_key_as_it_stands() -> None:
    assert turn_keys(Said("Where is the ship?", "In Oslo. It left.")) == (
        "Where is the ship?",
        "In Oslo. It left.",
    )
    assert turn_keys(Said("I moved to Oslo.")) == ("I moved to Oslo.",)
    assert turn_keys(Said("", "Hello.")) == ("Hello.",)


def test_a_turn_without_words_has_a_key_all_the_same() -> None:
    assert turn_keys(Said("", " \n")) == ("",)


def test_a_long_side_becomes_whole_sentences_together() -> None:
    text = sentences("horse", 60)
    found = turn_keys(Said(text))
    assert len(found) == 3
    assert " ".join(found) == text
    assert all(len(key) <= PIECE and key.endswith("is here.") for key in found)


def test_a_long_answer_leaves_room_for_the_question_and_the_other_way() -> None:
    horses, ships = sentences("horse", 200), sentences("ship", 200)
    found = turn_keys(Said(horses, ships))
    assert ["horse" in key for key in found] == [True, True, False, False]
    assert ["horse" in key for key in turn_keys(Said("My horse?", ships))] == [True, False, False, False]
    assert ["horse" in key for key in turn_keys(Said(horses, "A ship."))] == [True, True, True, False]


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_keys_are_few_short_and_from_the_turn(question: str, answer: str) -> None:
    found = turn_keys(Said(question, answer))
    assert 1 <= len(found) <= MAX_KEYS
    assert all(len(key) <= PIECE for key in found)
    assert all(key in question or key in answer for key in found)


def test_terms_are_of_both_sides() -> None:
    said = [Said("Two horses!", "One horse."), Said("東京です")]
    assert terms_of_each(said) == [["two", "hors", "one", "hors"], ["東京", "京で", "です"]]
