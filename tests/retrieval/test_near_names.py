"""Names that stand otherwise in the texts: mistyped, joined, shortened, and those that are others."""

from __future__ import annotations

import pytest

from retrieval.near_names import near_names
from retrieval.question import QuestionWords
from retrieval.words import words

KNOWN = frozenset(str.split("iceland robert christian porters nobel"))


def found(asked: str, *texts: str) -> dict[str, str]:
    return near_names({words(asked)[-1]: asked}, texts, lambda word: word.lower() in KNOWN)


@pytest.mark.parametrize(
    ("asked", "text", "stands_as"),
    [
        ("Maastrich", "It was signed in Maastricht.", "Maastricht"),
        ("Maastrich", "Maastricht is a town.", "Maastricht"),
        ("Ganhdi's", "So said Gandhi’s followers.", "Gandhi"),
        ("Celeron", "the expedition of Céloron", "Céloron"),
        ("Dikens", "by Charles Dickens", "Dickens"),
        ("Constantinopel", "They sailed to Constantinople.", "Constantinople"),
        ("Gothenborgs", "a ship from Göteborg and one from Gothenburg", "Gothenburg"),
        ("Superbowl", "They won the Super Bowl.", "Super Bowl"),
        ("UMC", "Members of the United Methodist Church met.", "United Methodist Church"),
        ("UMC", "The United Methodist Church met.", "United Methodist Church"),
        ("UMC's", "THE UNITED METHODIST CHURCH", "UNITED METHODIST CHURCH"),
        ("FLA", "in the Friends\nof the Library of Ayr’s rooms", "Friends of the Library of Ayr"),
        ("San Diego-Carslbad", "near Carlsbad", "Carlsbad"),
    ],
)
def test_how_it_stands_there(asked: str, text: str, stands_as: str) -> None:
    assert found(asked, "Nothing here.", text) == {words(asked)[-1]: stands_as}


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("Iceland", "the capital of Ireland"),  # a name that is known was meant
        ("Robert", "of Roberta"),
        ("Hanlon", "so Mr. Banlon spoke."),  # begins otherwise
        ("Anne", "so Anna and Anny"),  # too short
        ("Ghandi", "so said Gandhi."),  # two errors in six letters
        ("Gandhi", "the granddaughter"),
        ("Lantern", "a lanterne"),  # no name there
        ("Porterz", "Porters carried it."),  # a word at the beginning of a sentence
        ("1847", "in 1848"),  # each number is another
        ("UN", "Uncle Ned"),  # two letters stand anywhere
        ("umc", "United Methodist Church"),  # no abbreviation
        ("UMC", "United. Methodist. Church"),
        ("UMC", "a united methodist church"),
        ("CIA", "THE CHAIRMAN INSISTED AGAIN THAT"),  # part of a heading
        ("III", "in Ireland I am"),
        ("FBI", "- Finland\n- Belgium\n- Ireland"),
        ("FBI", "Finland\n\nBelgium\n\nIreland"),
        ("Superbowl", "a super. Bowl"),
        ("Queensofland", "Queens of Land"),
    ],
)
def test_what_is_another(asked: str, text: str) -> None:
    assert found(asked, text) == {}


def test_the_nearest_counts_and_the_whole_before_it() -> None:
    assert found("Constantinopel", "so Constantinole, Constantinople") == {"constantinopel": "Constantinople"}
    assert found("Maastrich", "so Maastrichs, Maastricht") == {}  # which of the two?
    assert found("Superbowl", "so Superbowls", "Super Bowl") == {"superbowl": "Super Bowl"}
    assert near_names({}, ["Maastricht"], lambda word: False) == {}


def test_the_part_of_a_word_that_is_another_is_named() -> None:
    asked = "Vanock-Gothenborgs"
    both = near_names(
        {words(part)[0]: asked for part in asked.split("-")}, ["so Vannock, Gothenburg"], KNOWN.__contains__
    )
    question = QuestionWords(dict.fromkeys(both, 1.0), dict.fromkeys(both, asked), frozenset(both))
    assert question.standing_as(both).read_as == {"Vanock": "Vannock", "Gothenborgs": "Gothenburg"}
