"""Messages in plain characters, each known by its place in what was typed."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from memory.plain_text import PlainText
from retrieval.document import Span


def test_what_is_plain_stays() -> None:
    assert PlainText.of("I live in Ghent, “né” 12.") == PlainText("I live in Ghent, “né” 12.", None)


def test_other_forms_and_unseen_characters_are_replaced_and_found_again() -> None:
    plain = PlainText.of("\u200bＩ\u2060 owﬁ½")
    assert plain.text == "I owfi1⁄2"
    assert plain.typed(Span(0, 1)) == Span(1, 2)
    assert plain.typed(Span(2, 6)) == Span(4, 7)


@given(st.text(max_size=60))
def test_every_piece_stands_for_characters_that_were_typed(typed: str) -> None:
    plain = PlainText.of(typed)
    assert not any(unicodedata.category(each) == "Cf" for each in plain.text)
    for start in range(len(plain.text)):
        span = plain.typed(Span(start, start + 1))
        assert len(span) == 1
        assert plain.text[start] in unicodedata.normalize("NFKC", typed[span.start])
