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
        ("Who killed the miller without spoilers?", "Who killed the miller?"),
        ("who killed the miller no spoilers", "who killed the miller"),
        ("No spoilers please who is Dorcas?", "who is Dorcas?"),
        ("Without spoilers why does she leave?", "why does she leave?"),
        ("Tell me without spoilers who Dorcas is.", "who Dorcas is."),
        ("Explain without spoilers why she leaves.", "Explain why she leaves."),
        ("Tell me about Dorcas without spoiling the ending.", "Tell me about Dorcas."),
        ("Why did she leave in a spoiler-free way?", "Why did she leave?"),
        ("Who is Dorcas? I don't want any spoilers.", "Who is Dorcas?"),
        ("Without giving spoilers, who is Dorcas?", "who is Dorcas?"),
        ("Who was in the car, without spoilers?", "Who was in the car?"),
        ("From what I've read who is the thief?", "who is the thief?"),
        ("What does Tam want up to where I am in the book?", "What does Tam want?"),
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
        ("What happened to Dorcas so far?", "What happened to Dorcas?", True),
        ("What do we know about Dorcas so far?", "What do we know about Dorcas?", False),
        ("What do we know about it so far in the book?", "What do we know about it in the book?", False),
        ("Who is dead so far?", "Who is dead?", False),
        ("Who died so far, please?", "Who died, please?", False),
        ("So far who died?", "who died?", False),
        ("How did the story go so far?", "How did the story go?", False),
        ("What did Tam do up to here?", "What did Tam do?", False),
        ("How fast is a car without spoilers?", "How fast is a car?", False),
        ("Remind me what happened", RECAP, True),
        ("What happened previously?", RECAP, True),
        ("what did I read so far", RECAP, True),
        ("Where was I?", RECAP, True),
        ("Where did I leave off in the book?", RECAP, True),
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
        "What happened so far?",
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
        "What happened?",
        "What happened before the war?",
        "Remind me what happened in the last chapter.",
        "Where was I born?",
        "How did he get so far?",
        "Why is Vannock so far?",
        "Where did they travel so far?",
        "How far is it from Vannock to here?",
        "How does a car without spoilers handle in the morning?",
        "Should I avoid spoilers?",
        "How does a spoiler-free wing work?",
        "What does “no spoilers” mean?",
        "Are there no spoilers?",
        "No spoilers were fitted; why?",
        "How can I cook it without spoiling it?",
        "Why don't they spoil the surprise?",
        "As far as I know, who is the king?",
        "As far as I am concerned, is it good?",
        "How do I get to my place?",
        "",
    ],
)
def test_other_questions_are_left_alone(asked: str) -> None:
    assert spoiler_wish(asked) is None


def test_a_wish_alone_is_still_a_question() -> None:
    wish = spoiler_wish("No spoilers!")
    assert wish is not None
    assert wish.question == "No spoilers!"


@pytest.mark.parametrize(
    "asked", ["What happened?", "Remind me what happened.", "What happened in the story?"]
)
def test_what_is_a_recap_where_no_spoilers_are_wished_for(asked: str) -> None:
    wish = spoiler_wish(asked, wished=True)
    assert wish is not None
    assert (wish.question, wish.recap) == (RECAP, True)


def test_what_is_asked_for_is_no_recap_whatever_is_wished_for() -> None:
    for asked in ("What happened at the Sessions?", "What happened to Dorcas?", "Who is Dorcas?"):
        assert spoiler_wish(asked, wished=True) is None
