"""What several windows of a text say together, and the share of a stretch of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.spans.scoring import WindowScores, reading_of
from retrieval.document import Span
from retrieval.reranking import Reading

LOW = -30.0


def window(
    begin: int,
    starts: list[float],
    ends: list[float] | None = None,
    none: tuple[float, float] = (0.0, 0.0),
    relevance: float = 0.0,
    answerable: float = 0.0,
) -> WindowScores:
    """Tokens of three characters with a space between them, from number `begin` of the text on."""
    offsets = [[4 * n, 4 * n + 3] for n in range(begin, begin + len(starts))]
    return WindowScores(
        np.array(offsets, np.int32).reshape(-1, 2),
        np.array(starts, np.float32),
        np.array(starts if ends is None else ends, np.float32),
        none,
        relevance,
        answerable,
    )


def test_one_window_by_hand() -> None:
    reading = reading_of([window(0, [LOW, 2.0, LOW], [LOW, 1.0, 3.0], (0.5, 1.0), 4.0, -2.0)])
    assert (reading.relevance, reading.answerable) == (4.0, -2.0)
    best, *_ = reading.spans
    assert (best.span, best.score) == (Span(4, 11), 2.0 + 3.0 - 1.5)
    assert reading.starts.tolist() == [0, 4, 8]
    # Of the start only its own "no answer" counts.
    assert reading.begins == pytest.approx([0, 1 / (1 + np.exp(-1.5)), 0], abs=1e-6)


def test_an_empty_text_has_no_spans() -> None:
    reading = reading_of([window(0, [], none=(1.0, 2.0), relevance=-3.0, answerable=-4.0)])
    assert (reading.relevance, reading.answerable, reading.spans) == (-3.0, -4.0, ())
    assert (len(reading.starts), len(reading.begins)) == (0, 0)
    assert reading.share(Span(0, 0)) == reading.share(Span(0, 9)) == 0.0


def test_of_several_windows_the_best_of_each_thing() -> None:
    reading = reading_of(
        [
            window(0, [LOW, 1.0, LOW], relevance=1.0, answerable=5.0),
            window(2, [LOW, LOW, 3.0], relevance=2.0, answerable=-1.0),
        ]
    )
    assert (reading.relevance, reading.answerable) == (2.0, 5.0)
    # 4 is the third token of the second window; 1 the second of the first.
    assert [(each.span, each.score) for each in reading.spans[:2]] == [
        (Span(16, 19), 6.0),
        (Span(4, 7), 2.0),
    ]


def test_tokens_of_two_windows_are_counted_once_in_the_first() -> None:
    reading = reading_of([window(0, [0.0, 0.0, 0.0]), window(1, [LOW, LOW, LOW, 0.0])])
    assert reading.starts.tolist() == [0, 4, 8, 12, 16]
    assert reading.begins == pytest.approx([0.25, 0.25, 0.25, 0, 0.5], abs=1e-6)


def test_several_tokens_of_one_character_are_all_kept() -> None:
    # A syllable of Hangul is several tokens with the same place.
    offsets = np.array([[0, 1], [0, 1], [1, 2], [1, 2]], np.int32)
    zeros = np.zeros(4, np.float32)
    reading = reading_of([WindowScores(offsets, zeros, zeros, (0.0, 0.0), 0.0, 0.0)])
    assert reading.starts.tolist() == [0, 0, 1, 1]
    assert reading.share(Span(1, 2)) == pytest.approx(2 / 5)
    # Of the tokens none is in two spans, of the characters none may be either.
    assert [each.span for each in reading.spans] == [Span(0, 1), Span(1, 2)]


SHARES = Reading(0.0, 0.0, (), np.array([0, 4, 8, 20], np.int32), np.array([0.1, 0.2, 0.4, 0.05], np.float32))


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0, 4), 0.1),
        ((0, 5), 0.3),
        ((1, 8), 0.2),  # a token counts where it begins
        ((8, 20), 0.4),
        ((8, 21), 0.45),
        ((9, 20), 0.0),
        ((0, 99), 0.75),
        ((30, 99), 0.0),
        ((4, 4), 0.0),
    ],
)
def test_the_share_of_a_stretch_by_hand(span: tuple[int, int], expected: float) -> None:
    assert SHARES.share(Span(*span)) == pytest.approx(expected, abs=1e-6)


def test_a_reading_without_tokens_has_no_share() -> None:
    assert Reading(0.0, 0.0, ()).share(Span(0, 10)) == 0.0


@given(
    st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=40),
    st.floats(-20, 20, width=32),
    st.lists(st.integers(0, 160), max_size=6),
)
def test_shares_of_parts_are_the_share_of_the_whole(
    starts: list[float], none: float, cuts: list[int]
) -> None:
    reading = reading_of([window(0, starts, none=(none, 0.0))])
    borders = [0, *sorted(cuts), 4 * len(starts) + 200]
    parts = [reading.share(Span(a, b)) for a, b in pairwise(borders)]
    assert sum(parts) == pytest.approx(reading.share(Span(0, borders[-1])), abs=1e-5)
    likely = np.exp(np.array(starts, np.float64))
    assert sum(parts) == pytest.approx(likely.sum() / (likely.sum() + np.exp(none)), abs=1e-4)
