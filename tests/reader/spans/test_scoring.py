"""What several windows of a text say together, and the share of a stretch of it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.spans.decoding import LONGEST
from reader.spans.scoring import WindowScores, reading_of
from retrieval.document import Span
from retrieval.reranking import Reading

LOW = -30.0
Scores = dict[tuple[int, int], float]


def window(
    begin: int,
    count: int,
    scores: Scores,
    none: float = 0.0,
    relevance: float = 0.0,
    answerable: float = 0.0,
) -> WindowScores:
    """Tokens of three characters with a space between them, from number `begin` of the text on.

    The scores are by first and last token, counted in the window; other spans are hardly possible.
    """
    offsets = [[4 * n, 4 * n + 3] for n in range(begin, begin + count)]
    spans = np.full((count, LONGEST), -np.inf, np.float32)
    for first in range(count):
        for last in range(first, min(count, first + LONGEST)):
            spans[first, last - first] = scores.get((first, last), LOW)
    return WindowScores(np.array(offsets, np.int32).reshape(-1, 2), spans, none, relevance, answerable)


def test_one_window_by_hand() -> None:
    reading = reading_of([window(0, 3, {(1, 2): 5.0, (1, 1): 3.0}, 1.5, 4.0, -2.0)])
    assert (reading.relevance, reading.answerable) == (4.0, -2.0)
    best, *_ = reading.spans
    assert (best.span, best.score) == (Span(4, 11), 5.0 - 1.5)
    assert reading.starts.tolist() == [0, 4, 8]
    # Both spans begin at the second token.
    likely = math.exp(5.0) + math.exp(3.0)
    assert reading.begins == pytest.approx([0, likely / (likely + math.exp(1.5)), 0], abs=1e-6)


def test_an_empty_text_has_no_spans() -> None:
    reading = reading_of([window(0, 0, {}, none=3.0, relevance=-3.0, answerable=-4.0)])
    assert (reading.relevance, reading.answerable, reading.spans) == (-3.0, -4.0, ())
    assert (len(reading.starts), len(reading.begins)) == (0, 0)
    assert reading.share(Span(0, 0)) == reading.share(Span(0, 9)) == 0.0


def test_of_several_windows_the_best_of_each_thing() -> None:
    reading = reading_of(
        [
            window(0, 3, {(1, 1): 7.0}, none=5.0, relevance=1.0, answerable=5.0),
            window(2, 3, {(2, 2): 6.0}, relevance=2.0, answerable=-1.0),
        ]
    )
    assert (reading.relevance, reading.answerable) == (2.0, 5.0)
    # 4 is the third token of the second window; 1 the second of the first, which says more for "no answer".
    assert [(each.span, each.score) for each in reading.spans[:2]] == [
        (Span(16, 19), 6.0),
        (Span(4, 7), 2.0),
    ]


def test_tokens_of_two_windows_are_counted_once_in_the_first() -> None:
    # Three tokens, and three of which two were there before.
    reading = reading_of(
        [
            window(0, 3, {(0, 0): 0.0, (1, 1): 0.0, (2, 2): 0.0}),
            window(1, 3, {(0, 0): 4.0, (1, 1): 4.0, (2, 2): math.log(2)}),
        ]
    )
    assert reading.starts.tolist() == [0, 4, 8, 12]
    # 1, 1, 1 and 2 and "no answer" with 1 are 6.
    assert reading.begins == pytest.approx([1 / 6, 1 / 6, 1 / 6, 2 / 6], abs=1e-6)


def test_shares_of_several_windows_are_weighed_against_each_other() -> None:
    # By itself each window is sure of its answer; by their margins, 9 and 6, the first one is likelier.
    reading = reading_of(
        [window(0, 2, {(0, 0): 9.0}), window(2, 2, {(1, 1): 16.0}, none=10.0), window(4, 1, {(0, 0): -9.0})]
    )
    everything = math.exp(9) + math.exp(6) + math.exp(-9) + 1
    assert reading.share(Span(0, 3)) == pytest.approx(math.exp(9) / everything, abs=1e-5)
    assert reading.share(Span(12, 15)) == pytest.approx(math.exp(6) / everything, abs=1e-5)
    assert reading.share(Span(0, 99)) == pytest.approx(1 - 1 / everything, abs=1e-5)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.integers(0, 20),
            st.floats(-30, 30, width=32),
            st.floats(0, 30, width=32),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 999),
)
def test_however_many_windows_there_are_the_share_of_all_is_at_most_one(
    windows: list[tuple[int, int, float, float]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    made, behind = [], 0
    for count, overlap, none, wide in windows:
        scores = {
            (first, last): float(random.normal() * wide) for first in range(count) for last in range(count)
        }
        made.append(window(max(behind - overlap, 0), count, scores, none))
        behind = max(behind - overlap, 0) + count
    reading = reading_of(made)
    assert (reading.begins >= 0).all()
    assert reading.share(Span(0, 10_000)) <= 1 + 1e-5
    assert len(reading.starts) == len(reading.begins)


def test_several_tokens_of_one_character_are_all_kept() -> None:
    # A syllable of Hangul is several tokens with the same place.
    offsets = np.array([[0, 1], [0, 1], [1, 2], [1, 2]], np.int32)
    scores = window(0, 4, {(n, n): 0.0 for n in range(4)}).spans
    reading = reading_of([WindowScores(offsets, scores, 0.0, 0.0, 0.0)])
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


@settings(deadline=None)
@given(
    st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=40),
    st.floats(-20, 20, width=32),
    st.lists(st.integers(0, 160), max_size=6),
)
def test_shares_of_parts_are_the_share_of_the_whole(alone: list[float], none: float, cuts: list[int]) -> None:
    reading = reading_of([window(0, len(alone), {(n, n): score for n, score in enumerate(alone)}, none)])
    borders = [0, *sorted(cuts), 4 * len(alone) + 200]
    parts = [reading.share(Span(a, b)) for a, b in pairwise(borders)]
    assert sum(parts) == pytest.approx(reading.share(Span(0, borders[-1])), abs=1e-5)
    # All longer spans have LOW.
    longer = sum(min(LONGEST, len(alone) - n) - 1 for n in range(len(alone))) * math.exp(LOW)
    likely = sum(map(math.exp, alone)) + longer
    assert sum(parts) == pytest.approx(likely / (likely + math.exp(none)), abs=1e-4)
