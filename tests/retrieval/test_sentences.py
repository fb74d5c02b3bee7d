import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.document import Span
from retrieval.sentences import LONG_SPEECH, split_sentences

PIECES = [
    "The lamp went out. ",
    "Who was there? Nobody!",
    "Dr. Aldous Finch paid 3.50 at 5 p.m. on Monday.",
    "no full stop at all",
    "\r\n",
    "\n",
    "\n\n",
    "\r\n\r\n",
    "  \t ",
    "今天天气很好。我们去公园。你呢？",
    "مرحبا. كيف حالك؟ أنا بخير.",
    "สวัสดีครับ วันนี้อากาศดีมาก",
    "नमस्ते। आप कैसे हैं?",
    "\ufeff",
    "\u200b",
    "\u00a0",
    "😀👩\u200d👩\u200d👧 ok. ",
    "e\u0301te\u0301. ",
    "“Come in,” he said. “Sit down! You are late.” ",
    "«Да». Нет. ",
    '"',
    "...",
    "x" * 300,
    ("She said “wait. Wait for me. " * 12) + "”",
]
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=["Cs"])))).map(
    "".join
)


def sentences(text: str, **options: int) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text, **options)]


@given(texts)
def test_all_that_is_not_white_space_lies_in_exactly_one(text: str) -> None:
    spans = split_sentences(text)
    end = 0
    for span in spans:
        piece = text[span.start : span.end]
        assert span.start >= end
        assert not text[end : span.start].strip()
        assert piece
        assert piece == piece.strip()
        assert not re.search(r"\n[ \t\r]*\n", piece)
        end = span.end
    assert not text[end:].strip()


@given(texts, st.data())
def test_a_range_is_split_as_if_it_were_the_whole_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shifted = [Span(span.start + start, span.end + start) for span in split_sentences(text[start:end])]
    assert split_sentences(text, start, end) == shifted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \r\n\t ", []),
        ("One. Two!  Three?\n", ["One.", "Two!", "Three?"]),
        ("Dr. Finch came at noon. He left.", ["Dr. Finch came at noon.", "He left."]),
        ("A heading\n\nIts text", ["A heading", "Its text"]),
        ("A heading\r\n\r\nIts text", ["A heading", "Its text"]),
        ("one line\nand the next", ["one line\nand the next"]),
        ("今天天气很好。我们去公园。你呢？", ["今天天气很好。", "我们去公园。", "你呢？"]),
        ("كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("no stop here", ["no stop here"]),
        ("\ufeffFirst. Second.", ["\ufeffFirst.", "Second."]),
    ],
)
def test_sentences_by_hand(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_offsets_stay_exact_after_characters_outside_the_basic_plane() -> None:
    text = "Look 😀😀😀. The moon 🌙 rose. It set."
    assert sentences(text) == ["Look 😀😀😀.", "The moon 🌙 rose.", "It set."]


def test_long_speech_is_split_inside_the_quotation_marks_and_short_speech_is_not() -> None:
    said = ["The river rose in the night."] * 12
    long = "“" + " ".join(said) + "” She slept."
    assert len(long) > LONG_SPEECH
    found = sentences(long)
    assert found[1:11] == said[1:11]
    assert found[0] == "“" + said[0]
    short = "“It rose. It fell.”"
    assert sentences(short) == [short]


def test_an_unknown_language_still_knows_full_stops() -> None:
    text = "One. Two."
    assert [text[s.start : s.end] for s in split_sentences(text, language="xx")] == ["One.", "Two."]


def test_an_endless_word_is_cut_and_nothing_of_it_is_lost() -> None:
    spans = split_sentences("x" * 25_000)
    assert spans == [Span(0, 10_000), Span(10_000, 20_000), Span(20_000, 25_000)]


def test_a_long_paragraph_is_cut_behind_a_space() -> None:
    spans = split_sentences("word " * 3_000)
    assert [span.start for span in spans] == [0, 10_000]
    assert spans[-1].end == 14_999


def test_a_paragraph_of_nothing_but_quotation_marks_takes_no_quadratic_time() -> None:
    """Half a minute when sentencex saw all of it at once; here it only has to come back whole."""
    text = "“a. " * 20_000
    spans = split_sentences(text)
    assert "".join(text[span.start : span.end].replace(" ", "") for span in spans) == "“a." * 20_000
