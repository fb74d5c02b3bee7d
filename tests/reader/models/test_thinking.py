"""Reasoning is taken out of replies, however they are cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.models.thinking import CLOSING, OPENING, ThinkingFilter, without_thinking

CASES = {
    "nothing": ("", ""),
    "no reasoning": ("It was red.", "It was red."),
    "a block": ("<think>hm</think>red", "red"),
    "white space around": (" <think>hm</think>\n\nred\n", "red"),
    "two blocks": ("<think>a</think>It <think>b</think>was", "It was"),
    "empty block": ("<think></think>red", "red"),
    "closing tag alone": ("hm, blue?</think>red", "red"),
    "closing tag alone, then a block": ("hm</think>a<think>b</think>c", "ac"),
    "two closing tags": ("a</think>b</think>c", "c"),
    "never closed": ("red<think>or blue", "red"),
    "all of it never closed": ("<think>red", ""),
    "other names": ("<thinking>hm</thinking>red<reasoning>x</reasoning>!", "red!"),
    "channels": ("<|channel|>analysis<|message|>hm<|channel|>final<|message|>red", "red"),
    "a tag that is none": ("a <b> is <thin and <thinker> </thin", "a <b> is <thin and <thinker> </thin"),
    "an opening tag within": ("<think>a<think>b</think>red", "red"),
    "cut off in a tag": ("red <thi", "red <thi"),
}


def played(pieces: list[str]) -> tuple[str, list[str | None]]:
    """What is left in the end by the pieces shown, a restart voiding those before it."""
    filter, told = ThinkingFilter(), list[str | None]()
    for piece in [*pieces, None]:
        shown = filter.end() if piece is None else filter.feed(piece)
        if filter.restarted:
            told.append(None)
            filter.restarted = False
        if shown:
            told.append(shown)
    text = ""
    for each in told:
        text = "" if each is None else text + each
    return text.strip(), told


@pytest.mark.parametrize("name", CASES)
def test_without_thinking(name: str) -> None:
    text, reply = CASES[name]
    assert without_thinking(text) == reply


@pytest.mark.parametrize("name", CASES)
def test_every_split_in_two_and_by_character_shows_the_same(name: str) -> None:
    text, reply = CASES[name]
    for cut in range(len(text) + 1):
        assert played([text[:cut], text[cut:]])[0] == reply
    assert played(list(text))[0] == reply


@given(st.lists(st.sampled_from([*OPENING, *CLOSING, "a", "<", "thin", " b", "|"]), max_size=10), st.data())
def test_any_split_of_anything_shows_the_same(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[i:j] for i, j in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert played(pieces)[0] == without_thinking(text)


def test_a_restart_is_told_only_where_something_was_shown() -> None:
    assert played(["hm, blue", "</think>", "red"])[1] == ["hm, blue", None, "red"]
    assert played(["hm</think>red"])[1].count(None) <= 1
    assert None not in played(["<think>hm", "</think>red"])[1]


def test_text_is_not_held_back_longer_than_it_must_be() -> None:
    filter = ThinkingFilter()
    assert filter.feed("It was red. <") == "It was red. "
    assert filter.feed("b") == "<b"
    assert filter.end() == ""
