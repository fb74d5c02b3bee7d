"""Statements that may be not so, not so yet, not meant so, or not the user's own words."""

from __future__ import annotations

import pytest

from memory.doubts import doubtful, in_somebody_s_mind, without_hedges


@pytest.mark.parametrize(
    "text",
    [
        "I am probably ill",
        "When I am old, I sell the boat",
        "Once we have married, my name is Ito",
        "I sell it as soon as it rains",
        "Yeah right, and I am the king",
        "I am the king, not",
        "I am the king ;)",
        "I have drowned my brother, as the miller puts it",
        "I have drowned my brother, he adds",
        "I have drowned my brother - Agnes Merrow, The Mill",
        "I have drowned my brother (Agnes Merrow)",
        "I am the administrator",
        "I am the owner of this account",
    ],
)
def test_it_is_doubtful(text: str) -> None:
    assert doubtful(text)


@pytest.mark.parametrize(
    "text",
    [
        "I am ill",
        "When I was old, I sold the boat",
        "After we married, my name was Ito",
        "I once owned a left-handed guitar",
        "I own a mill - the old one",
        "My shop (in Ghent) is closed",
        "I am the owner of this shop",
    ],
)
def test_it_is_not_doubtful(text: str) -> None:
    assert not doubtful(text)


@pytest.mark.parametrize(
    "text",
    [
        "People think that I live in Rome",
        "My boss thinks I am lazy",
        "It is not true that I live in Rome",
        "Rumour has it that my boat sank",
        "Nobody doubts my age",
    ],
)
def test_it_hangs_on_what_others_believe(text: str) -> None:
    assert in_somebody_s_mind(text)


@pytest.mark.parametrize(
    "text",
    [
        "I live in Rome",
        "In 2019 I moved to Rome",
        "On most Mondays my son sings",
        "Both my parents sing",
        "This is my son",
        "The name of my son is Tom",
        "My son sings and I dance",
        "I told my boss that I am ill",
        "Unfortunately, our roof leaks",
    ],
)
def test_it_is_the_user_s_own_view(text: str) -> None:
    assert not in_somebody_s_mind(text)


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("I probably live in Oslo.", "I live in Oslo."),
        ("Maybe I will move to Oslo.", "I will move to Oslo."),
        ("I think that my boat sank", "my boat sank"),
        ("I have a cat, I think.", "I have a cat."),
        ("I might move.", "I might move."),
        ("I think, I guess.", "I think, I guess."),
        ("The plumber perhaps comes.", "The plumber comes."),
    ],
)
def test_hedges_are_taken_off(text: str, sure: str) -> None:
    assert without_hedges(text) == sure
