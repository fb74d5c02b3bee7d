"""A question before a text, and a text that is too long in several windows."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.spans.windows import MOST_QUESTION, OVERLAP, SHAPES, readable, shapes_of, windows_of, with_marks

QUESTION = "Who put out the lamp?"
WORDS = st.sampled_from(
    [
        "lamp",
        "Grünfeld",
        "今天天气",
        "😀",
        "\n\n",
        "\u200b",
        "한국어",
        "e\u0301",
        "unaffordable",
        "x" * 120,
        "7.5",
        "NATO",
        "\ud83d",
        "  ",
    ]
)


def ids(tokenizer: Any, *tokens: str) -> list[int]:
    return [tokenizer.token_to_id(token) for token in tokens]


def test_a_short_text_by_hand(tokenizer: Any) -> None:
    (window,) = windows_of("Who ran?", ["The fox ran."], tokenizer, 20)
    tokens = ("[CLS]", "who", "ran", "?", "[SEP]", "the", "fox", "ran", ".", "[SEP]")
    assert window.ids.tolist() == ids(tokenizer, *tokens)
    assert (window.text, window.begin) == (0, 5)
    assert window.offsets.tolist() == [[0, 3], [4, 7], [8, 11], [11, 12]]
    # Of "Who" and "The" alone the first letter is a capital.
    assert window.shapes.tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("it held twenty-two pieces", ["it", "held", "twenty-two", "pieces"]),
        ("some 1,345,596 or 7.5.", ["some", "1,345,596", "or", "7.5", "."]),
        ("six\u2011and\u2011thirty hours", ["six\u2011and\u2011thirty", "hours"]),
        ("Two-thirds, a two-year plan", ["Two-thirds", ",", "a", "two", "-", "year", "plan"]),
        ("a Paris-based and-gate", ["a", "Paris", "-", "based", "and", "-", "gate"]),
        ("1914,1918 and 1847.2", ["1914", ",", "1918", "and", "1847", ".", "2"]),
        ("unaffordable: 1914-1918, - x", ["unaffordable", ":", "1914", "-", "1918", ",", "-", "x"]),
    ],
)
def test_pieces_of_words_and_numbers_are_inner(tokenizer: Any, text: str, words: list[str]) -> None:
    (window,) = windows_of(QUESTION, [text], tokenizer, 60)
    starts = [int(start) for (start, _), inner in zip(window.offsets, window.inner, strict=True) if not inner]
    found = [text[a:b].strip() for a, b in itertools.pairwise([*starts, len(text)])]
    assert found == words
    wordless = [text[a:b] for (a, b), none in zip(window.offsets, window.wordless, strict=True) if none]
    assert not any(map(str.isalnum, "".join(wordless)))


def test_offsets_count_characters_and_not_bytes(tokenizer: Any) -> None:
    text = "😀 Märta, 今天 é!"
    (window,) = windows_of(QUESTION, [text], tokenizer, 60)
    assert "".join(text[start:end] for start, end in window.offsets) == "😀Märta,今天é!"


@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0\n"])
def test_a_text_without_tokens_is_a_window_without_tokens(tokenizer: Any, text: str) -> None:
    (window,) = windows_of("Who?", [text], tokenizer, 20)
    assert window.ids.tolist() == ids(tokenizer, "[CLS]", "who", "?", "[SEP]", "[SEP]")
    assert window.offsets.shape == (0, 2)


def test_no_texts_make_no_windows(tokenizer: Any) -> None:
    assert windows_of(QUESTION, [], tokenizer, 100) == []


def test_a_second_window_only_where_the_first_is_too_short(tokenizer: Any) -> None:
    # [CLS] who ? [SEP] and [SEP]: five of 205.
    one = windows_of("Who?", ["fox " * 200], tokenizer, 205)
    assert [len(each.offsets) for each in one] == [200]
    two = windows_of("Who?", ["fox " * 201], tokenizer, 205)
    assert [len(each.offsets) for each in two] == [200, 1 + OVERLAP]
    assert two[1].offsets[0].tolist() == [4 * (200 - OVERLAP), 4 * (200 - OVERLAP) + 3]


@pytest.mark.parametrize(
    ("room", "begins"),
    [
        (1, [*range(12)]),
        (2, [*range(11)]),
        (3, [0, 2, 4, 6, 8, 10]),
        (5, [0, 3, 6, 9]),
        (11, [0, 6]),
        (12, [0]),
    ],
)
def test_where_there_is_little_room_windows_go_on_by_half_of_it(
    tokenizer: Any, room: int, begins: list[int]
) -> None:
    windows = windows_of("Who?", ["fox " * 12], tokenizer, 5 + room)
    assert [each.offsets[0, 0] // 4 for each in windows] == begins
    assert windows[-1].offsets[-1].tolist() == [44, 47]
    assert {len(each.offsets) for each in windows[:-1]} <= {room}


@pytest.mark.parametrize("room", [OVERLAP - 1, OVERLAP, OVERLAP + 1, 2 * OVERLAP - 1])
def test_no_room_is_too_small_to_come_to_the_end(tokenizer: Any, room: int) -> None:
    windows = windows_of("Who?", ["fox " * 500], tokenizer, 5 + room)
    places = [at for each in windows for at in each.offsets[:, 0].tolist()]
    assert {*places} == {*range(0, 2000, 4)}
    # No token is in more than three of them.
    assert max(places.count(at) for at in {*places}) <= 3


@pytest.mark.parametrize("length", [0, 4, 5])
def test_without_any_room_it_is_one_sentence(tokenizer: Any, length: int) -> None:
    with pytest.raises(ValueError, match=rf"^A question of 2 tokens .* no room .* in {length} tokens\.$"):
        windows_of("Who?", ["fox"], tokenizer, length)


def test_a_long_question_is_cut(tokenizer: Any) -> None:
    words = [f"w{n}" for n in range(200)]  # two tokens each, or three
    asked = tokenizer.encode(" ".join(words), add_special_tokens=False).ids
    (window,) = windows_of(" ".join(words), ["fox"], tokenizer, 320)
    assert window.ids.tolist() == [
        *ids(tokenizer, "[CLS]"),
        *asked[:MOST_QUESTION],
        *ids(tokenizer, "[SEP]", "fox", "[SEP]"),
    ]
    assert len(window.shapes) == len(window.ids)
    (window,) = windows_of("", ["fox"], tokenizer, 320)
    assert window.ids.tolist() == ids(tokenizer, "[CLS]", "[SEP]", "fox", "[SEP]")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=200).map(" ".join), max_size=4), st.integers(130, 320))
def test_windows_cover_each_text_and_overlap(tokenizer: Any, texts: list[str], length: int) -> None:
    windows = windows_of(QUESTION, texts, tokenizer, length)
    assert [number for number, _ in itertools.groupby(windows, key=lambda each: each.text)] == list(
        range(len(texts))
    )
    asked = tokenizer.encode(QUESTION, add_special_tokens=False).ids
    first, end = ids(tokenizer, "[CLS]", "[SEP]")
    for number, text in enumerate(texts):
        whole = tokenizer.encode(text.replace("\ud83d", "\ufffd"), add_special_tokens=False)
        mine = [each for each in windows if each.text == number]
        at = 0
        for each in mine:
            count = len(each.offsets)
            assert len(each.ids) <= length
            assert each.begin == len(asked) + 2
            assert each.ids.tolist() == [first, *asked, end, *whole.ids[at : at + count], end]
            places = whole.offsets[at : at + count]
            assert each.offsets[:, 0].tolist() == [start for start, _ in places]
            # Accents behind a token may be added to it, nothing else.
            added = [text[end:wide] for (_, end), (_, wide) in zip(places, each.offsets, strict=True)]
            assert {*"".join(added)} <= {"\u0301"}
            looks = [look(text[start:]) for start, _ in places]
            assert each.shapes.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, *looks, 0]
            at += count - OVERLAP
        # The last one ends with the text, all others are full.
        assert at + OVERLAP == len(whole.ids)
        assert all(len(each.ids) == length for each in mine[:-1])
        assert len(mine) == 1 or len(mine[-1].offsets) > OVERLAP


def look(rest: str) -> int:
    """How what begins so is written, in those `WORDS`."""
    for beginning, shape in (("Gr", 1), ("NATO", 2), ("7", 3), ("5", 3)):
        if rest.startswith(beginning):
            return shape
    return 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 900), st.integers(0, 60))
def test_what_is_no_longer_than_the_overlap_is_whole_in_some_window(
    tokenizer: Any, first: int, more: int
) -> None:
    text = "fox " * 961
    windows = windows_of(QUESTION, [text], tokenizer, 150)
    wanted = [first * 4, (first + more) * 4 + 3]
    assert any(each.offsets[0, 0] <= wanted[0] and wanted[1] <= each.offsets[-1, 1] for each in windows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301 x", ["cafe\u0301", "x"]),
        ("gru\u0308n", ["gr", "u\u0308n"]),
        ("e\u0301\u0323", ["e\u0301\u0323"]),
        ("x \u0301", ["x"]),  # of a space, so of none of them
        ("caf\u00e9 \u0301x", ["café", "x"]),
        ("हिन्दी", ["ह", "ि", "न\u094d", "द", "ी"]),  # some signs are tokens, one is taken off
    ],
)
def test_accents_that_the_tokenizer_took_off_belong_to_their_token(
    tokenizer: Any, text: str, expected: list[str]
) -> None:
    (window,) = windows_of("Who?", [text], tokenizer, 50)
    assert [text[start:end] for start, end in window.offsets] == expected


def test_marks_by_hand() -> None:
    text = "a\u0301\u0302bc\u0301 \u0301d"
    assert with_marks(text, [(0, 1), (3, 4), (4, 5), (8, 9)]) == [(0, 3), (3, 4), (4, 6), (8, 9)]
    # A token that is a mark keeps its place, and so does the one before it.
    assert with_marks(text, [(0, 1), (1, 2), (3, 5)]) == [(0, 1), (1, 3), (3, 6)]
    assert with_marks(text, []) == []
    assert with_marks("abc", [(0, 1)]) == [(0, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The fox ran.", [1, 0, 0, 0]),
        ("NATO met USA", [2, 0, 2]),
        ("McDonald", [1]),
        ("iPhone", [0]),
        ("I saw A", [1, 0, 1]),  # alone, as a name begins
        ("A.", [1, 0]),
        ("in 1984, 3rd", [0, 3, 0, 3]),
        ("B2 2B", [1, 3, 3, 1]),  # two tokens each
        ("Émile Ärger", [1, 1, 0]),  # ar and ##ger
        ("ÉMILE", [2]),
        ("北京 ß ǅ", [0, 0, 0, 0]),
        ("٣٤", [3]),
        ("", []),
    ],
)
def test_shapes_of_the_tokenizers_own_tokens(tokenizer: Any, text: str, expected: list[int]) -> None:
    found = tokenizer.encode(text, add_special_tokens=False)
    assert shapes_of(text, found.offsets) == expected


def test_shapes_by_hand() -> None:
    text = "Ada ADA ada 1ada aDA A"
    places = [(0, 3), (4, 7), (8, 11), (12, 16), (17, 20), (21, 22)]
    assert shapes_of(text, places) == [1, 2, 0, 3, 0, 1]
    # Only where a token begins counts.
    assert shapes_of(text, [(1, 3), (5, 7), (6, 7), (13, 16), (18, 20)]) == [0, 2, 1, 0, 2]
    # One without a character, at the end of the text.
    assert shapes_of(text, [(22, 22)]) == [0]
    assert shapes_of(text, []) == []


@settings(deadline=None)
@given(st.text(max_size=40))
def test_shapes_are_kinds_that_the_model_knows(text: str) -> None:
    found = shapes_of(text, [(n, n + 1) for n in range(len(text) + 1)])
    assert {*found} <= {*range(SHAPES)}
    # What is no capital and no digit has none.
    assert [shape == 0 for shape in found] == [*(not (c.isupper() or c.isdigit()) for c in text), True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\ud83d b", "a\ufffd b"),
        # Two halves, each by itself: one character for one.
        ("\ud83d\ude00x", "\ufffd\ufffdx"),
        ("\ud800\udfff", "\ufffd\ufffd"),
        ("\ud7ff\ue000😀é", "\ud7ff\ue000😀é"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_halves_of_characters_are_replaced_one_by_one(text: str, expected: str) -> None:
    assert readable(text) == expected


def test_halves_of_characters_move_no_offset(tokenizer: Any) -> None:
    text = "The \ud83d fox\udc00 ran\ud800"
    (window,) = windows_of("Who\udfff ran?", [text], tokenizer, 30)
    assert [text[start:end] for start, end in window.offsets] == ["The", "fox", "ran"]
    assert window.ids[: window.begin].tolist() == ids(tokenizer, "[CLS]", "who", "ran", "?", "[SEP]")
