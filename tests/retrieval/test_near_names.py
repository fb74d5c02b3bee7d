"""Names that stand otherwise in the texts: mistyped, joined, shortened, and those that are others."""

from __future__ import annotations

import pytest

from retrieval.near_names import near_names
from retrieval.words import words


@pytest.mark.parametrize(
    ("asked", "text", "stands_as"),
    [
        ("Maastrich", "It was signed in Maastricht.", "Maastricht"),
        ("Ganhdi's", "So said Gandhi’s followers.", "Gandhi"),
        ("Constantinopel", "They sailed to Constantinople.", "Constantinople"),
        ("Gothenborg", "a ship from Göteborg and one from Gothenburg", "Gothenburg"),
        ("Superbowl", "They won the Super Bowl.", "Super Bowl"),
        ("UMC", "Members of the United Methodist Church met.", "United Methodist Church"),
        ("UMC's", "THE UNITED METHODIST CHURCH", "UNITED METHODIST CHURCH"),
        ("FLA", "the Friends\nof the Library of Ayr’s rooms", "Friends of the Library of Ayr"),
        ("San Diego-Carslbad", "near Carlsbad", "Carlsbad"),
    ],
)
def test_how_it_stands_there(asked: str, text: str, stands_as: str) -> None:
    term = words(asked)[-1]
    assert near_names({term: asked}, ["Nothing here.", text]) == {term: stands_as}


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("Hanson", "Mr. Benson spoke."),  # begins otherwise, two letters are others
        ("Anne", "Anna and Anny"),  # too short
        ("Ghandi", "So said Gandhi."),  # two errors in six letters
        ("Gandhi", "the granddaughter"),
        ("Bendigo", "an indigo dye"),
        ("Lantern", "a lanterne"),  # no name there
        ("1847", "in 1848"),  # each number is another
        ("UN", "Uncle Ned"),  # two letters stand anywhere
        ("umc", "United Methodist Church"),  # no abbreviation
        ("UMC", "United. Methodist. Church"),
        ("UMC", "a united methodist church"),
        ("Superbowl", "a super. Bowl"),
    ],
)
def test_what_is_another(asked: str, text: str) -> None:
    assert near_names({words(asked)[-1]: asked}, [text]) == {}


def test_the_nearest_counts_and_the_whole_before_it() -> None:
    names = {"constantinopel": "Constantinopel"}
    assert near_names(names, ["Constantinole", "Constantinople"]) == {"constantinopel": "Constantinople"}
    assert near_names({"superbowl": "Superbowl"}, ["Superbowls", "Superbow", "Super Bowl"]) == {
        "superbowl": "Super Bowl"
    }
    assert near_names({}, ["Maastricht"]) == {}
