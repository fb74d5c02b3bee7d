"""Wishes for no spoilers in the words of a question, and what is left of it."""

from __future__ import annotations

import pytest

from app.spoilers import RECAP, spoiler_wish


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("Who killed the miller, without spoilers?", "Who killed the miller?"),
        ("Without spoilers: why does she leave?", "why does she leave?"),
        ("No spoilers please! Who is Dorcas Imray?", "Who is Dorcas Imray?"),
        ("Who is Dorcas (no spoilers)?", "Who is Dorcas?"),
        ("Who is Dorcas? Don't spoil the ending for me.", "Who is Dorcas?"),
        ("Please don’t spoil it, but why did Tam leave?", "why did Tam leave?"),
        ("Who is Dorcas? Don't spoil!", "Who is Dorcas?"),
        ("Why did Tam leave, up to where I am?", "Why did Tam leave?"),
        ("Up to where I am, who knows about the weights?", "who knows about the weights?"),
        ("Tell me about Dorcas from what I have read so far.", "Tell me about Dorcas."),
        ("As far as I've read, who is the thief?", "who is the thief?"),
        ("Who has the key, up to my bookmark?", "Who has the key?"),
    ],
)
def test_what_can_mean_nothing_else(asked: str, left: str) -> None:
    wish = spoiler_wish(asked)
    assert wish is not None
    assert (wish.question, wish.recap, wish.sure) == (left, False, True)


@pytest.mark.parametrize(
    ("asked", "left", "recap"),
    [
        ("How many people have died so far?", "How many people have died?", False),
        ("What has Tam done so far?", "What has Tam done?", False),
        ("Who's been here until now?", "Who's been here?", False),
        ("What has happened so far to Dorcas?", "What has happened to Dorcas?", True),
    ],
)
def test_what_means_it_where_a_position_is_known(asked: str, left: str, recap: bool) -> None:
    wish = spoiler_wish(asked)
    assert wish is not None
    assert (wish.question, wish.recap, wish.sure) == (left, recap, False)


@pytest.mark.parametrize(
    "asked",
    [
        "Previously?",
        "Previously, on The Light Stone",
        "What has happened so far?",
        "what's happened so far",
        "Recap up to where I am",
        "Recap the story up to where I'm at.",
        "Summarize the story so far.",
        "The story so far",
        "Remind me what has happened up to now.",
        "Give me a spoiler-free summary",
        "Catch me up",
    ],
)
def test_recaps(asked: str) -> None:
    wish = spoiler_wish(asked)
    assert wish is not None
    assert (wish.question, wish.recap, wish.sure) == (RECAP, True, True)


@pytest.mark.parametrize(
    "asked",
    [
        "Where did he previously live?",
        "Why did he go so far?",
        "How far is it from here to Vannock?",
        "She had gone so far as to burn it; why?",
        "Which foods don't spoil?",
        "What is a spoiler on a car?",
        "Summarize the book.",
        "What happened before I was born?",
        "What had happened to the boat?",
        "",
    ],
)
def test_other_questions_are_left_alone(asked: str) -> None:
    assert spoiler_wish(asked) is None


def test_a_wish_alone_is_still_a_question() -> None:
    wish = spoiler_wish("No spoilers!")
    assert wish is not None
    assert wish.question == "No spoilers!"
