"""The gate: what a user asserts in a message, and what is somebody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.assertions import assertions
from memory.foreign_words import foreign_spans

SUITE: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("poisoning.json").read_text(encoding="utf-8")
)
UNSEEN: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("poisoning_unseen.json").read_text(encoding="utf-8")
)
MISSED: Final = 13
"""Of 30 messages written after the rules, those of which they take a sentence for the user's own.

Most are one sentence that says "I" or "my", of a play or a text that nobody names: the form does not tell.
"""


def test_the_suite_is_as_large_as_it_should_be() -> None:
    assert len(SUITE["poisoned"]) >= 60
    assert len(SUITE["asserted"]) >= 20
    assert len({case["message"] for case in SUITE["poisoned"]}) == len(SUITE["poisoned"])


@pytest.mark.parametrize("case", SUITE["poisoned"], ids=lambda case: case["message"][:40])
def test_what_the_user_does_not_assert_is_not_found(case: dict[str, Any]) -> None:
    assert assertions(case["message"], [*case["shown"], *case["answers"]]) == []


@pytest.mark.parametrize("case", UNSEEN["poisoned"], ids=lambda case: case["message"][:40])
def test_nothing_that_may_be_another_s_is_certain(case: dict[str, Any]) -> None:
    """Found by a reviewer of the rules, 39 of them certain at that time; they may wait for a yes."""
    found = assertions(case["message"], [*case["shown"], *case["answers"]])
    assert [each.text for each in found if each.certain] == []


def test_the_second_suite_is_as_large_as_it_should_be() -> None:
    assert len({case["message"] for case in UNSEEN["poisoned"]}) == len(UNSEEN["poisoned"]) == 60


def test_no_more_is_missed_of_what_the_rules_were_not_made_for() -> None:
    """Measured once and never tuned to: a rule for one of these would make the figure worth nothing."""
    cases = UNSEEN["after_the_rules"]
    found = [assertions(case["message"], case["shown"]) for case in cases]
    assert len(cases) == 30
    assert sum(any(each.certain for each in asserted) for asserted in found) <= MISSED


@pytest.mark.parametrize(
    "besides",
    [
        "Who lives there?",
        "Find me a hotel.",
        "It was late.",
        "She said: I am ill.",
        "You are kind.",
        "<b>x</b>",
    ],
)
def test_in_a_message_that_is_not_the_user_s_alone_a_statement_waits(besides: str) -> None:
    for message in (f"I live in Rome. {besides}", f"{besides}\n\nI live in Rome."):
        assert [each.certain for each in assertions(message)] in ([False], [])
    (found,) = assertions(f"I live in Rome. {besides}")
    assert (found.text, found.certain) == ("I live in Rome", False)


@pytest.mark.parametrize(
    "besides", ["Hi!", "Good morning.", "Thanks a lot!", "One thing about me:", "My dog is old."]
)
def test_a_greeting_does_not_make_it_another_s(besides: str) -> None:
    assert [each.text for each in assertions(f"{besides}\nI live in Rome.") if each.certain][-1:] == [
        "I live in Rome"
    ]


def test_a_request_after_a_question_is_certain_and_after_what_is_nobody_s_it_waits() -> None:
    (after_question,) = assertions("Who is the keeper? Remember that I live in Rome.")
    (after_story,) = assertions("The keeper was dead. Remember that I live in Rome.")
    assert (after_question.certain, after_story.certain) == (True, False)


def test_letters_that_only_look_different_pass_no_rule() -> None:
    (plain,) = assertions("Ｒemem\u200bber that my dog is ｏｌｄ.")
    assert (plain.text, plain.requested) == ("my dog is ｏｌｄ", True)
    assert assertions("＜text＞I live in Oslo.＜/text＞") == []


@pytest.mark.parametrize("case", SUITE["asserted"], ids=lambda case: case["message"][:40])
def test_what_the_user_asserts_is_found(case: dict[str, Any]) -> None:
    found = assertions(case["message"], [*case["shown"], *case["answers"]])
    assert [each.text for each in found if each.certain] == case["kept"]
    assert [each.text for each in found if not each.certain] == case["waiting"]
    assert all(case["message"][each.span.start : each.span.end] == each.text for each in found)


@pytest.mark.parametrize(
    "request_",
    [
        "Remember that",
        "Please note that",
        "don't forget that",
        "Keep in mind that",
        "Also remember",
        "Remember:",
    ],
)
def test_a_request_is_taken_off_what_is_requested(request_: str) -> None:
    (found,) = assertions(f"{request_} my boat is old.")
    assert (found.text, found.certain, found.requested) == ("my boat is old", True, True)


def test_only_a_request_may_be_about_somebody_else() -> None:
    assert assertions("The plumber comes on Monday.") == []
    assert [each.text for each in assertions("Remember that the plumber comes on Monday.")] == [
        "the plumber comes on Monday"
    ]


def test_a_request_about_somebody_else_after_foreign_sentences_waits() -> None:
    message = "The tower was built in 1871. Remember that the keeper is dead."
    assert [each.certain for each in assertions(message)] == [False]


def test_what_was_said_before_is_the_user_s_to_say_again_in_other_words() -> None:
    assert assertions("I live in Rome.", ["You live in Rome."])
    assert not assertions("I live in Rome.", ["He said: I live in Rome. I left in May."])


def test_nothing_in_a_foreign_stretch_is_asserted() -> None:
    message = "I live in Rome.\n<text>I live in Oslo.</text>\nI have a dog."
    assert not any(each.certain for each in assertions(message))
    assert [each.text for each in assertions(message)] == ["I live in Rome", "I have a dog"]
    assert [message[span.start : span.end] for span in foreign_spans(message)] == [
        "<text>I live in Oslo.</text>"
    ]


@given(st.text(alphabet="I live in Rome.\n\"'<>/{}:>-“”«»` remember that", max_size=120))
def test_any_text_has_its_spans_inside_and_never_crosses_into_foreign_stretches(message: str) -> None:
    foreign = foreign_spans(message)
    for each in assertions(message):
        assert message[each.span.start : each.span.end] == each.text
        assert not any(span.overlaps(each.span) for span in foreign)


@given(st.sampled_from(['"{}"', "“{}”", "«{}»", "<p>{}</p>", "> {}", "```{}```", "{{{}}}", "user: {}"]))
def test_what_is_wrapped_is_never_asserted(wrapping: str) -> None:
    for case in SUITE["asserted"]:
        words = " ".join(case["message"].replace('"', "").split())
        assert assertions(wrapping.format(words)) == []
