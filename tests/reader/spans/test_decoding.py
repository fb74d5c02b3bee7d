"""From scores to spans, against a search through all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.spans.decoding import LONGEST, MOST, best_spans, first_shares, merged
from retrieval.document import Span
from retrieval.hits import Float32
from retrieval.reranking import FoundSpan

Told = list[tuple[int, int, float]]


def floats(*numbers: float) -> Float32:
    return np.array(numbers, np.float32)


def words(count: int) -> np.ndarray:
    """Tokens of three characters with a space between them."""
    return np.array([[4 * n, 4 * n + 3] for n in range(count)], np.int32).reshape(-1, 2)


def told(found: list[FoundSpan]) -> Told:
    return [(each.span.start, each.span.end, each.score) for each in found]


def searched(
    starts: Float32, ends: Float32, offsets: np.ndarray, none: float
) -> list[tuple[int, int, float]]:
    """Every span there is, the best first; of equals the one that begins first, then the shortest."""
    every = sorted(
        (-float(starts[first] + ends[last]), first, last)
        for first in range(len(starts))
        for last in range(first, min(first + LONGEST, len(starts)))
        if offsets[last, 1] > offsets[first, 0]
    )
    kept: Told = []
    taken: set[int] = set()
    for score, first, last in every:
        if len(kept) < MOST and not taken & {*range(first, last + 1)}:
            taken |= {*range(first, last + 1)}
            kept.append((int(offsets[first, 0]), int(offsets[last, 1]), -score - none))
    return kept


def test_spans_by_hand() -> None:
    starts, ends = floats(0, 5, 1, 3), floats(0, 1, 4, 2)
    # 1..2 is 9, and leaves 3..3 with 5 and 0..0 with 0; "no answer" has 2.
    assert told(best_spans(starts, ends, words(4), 2.0)) == [(4, 11, 7.0), (12, 15, 3.0), (0, 3, -2.0)]


def test_nothing_has_no_spans() -> None:
    assert best_spans(floats(), floats(), words(0), 0.0) == []
    # An answer never ends before it begins, whatever the scores say.
    assert told(best_spans(floats(0, 9), floats(9, 0), words(2), 0.0))[0] == (0, 3, 9.0)


@pytest.mark.parametrize(("last", "whole"), [(LONGEST - 1, True), (LONGEST, False)])
def test_no_answer_is_longer_than_the_longest(last: int, whole: bool) -> None:
    starts, ends = np.zeros(60, np.float32), np.zeros(60, np.float32)
    starts[0], ends[last] = 10, 10
    best = best_spans(starts, ends, words(60), 0.0)[0]
    assert ((best.span.end == 4 * last + 3) and best.span.start == 0) is whole
    assert best.score == (20.0 if whole else 10.0)


def test_of_equals_the_first_and_shortest_comes_first() -> None:
    found = told(best_spans(np.zeros(9, np.float32), np.zeros(9, np.float32), words(9), 1.0))
    assert found == [(0, 3, -1.0), (4, 7, -1.0), (8, 11, -1.0), (12, 15, -1.0)]


def test_many_likely_spans_in_one_place_hide_no_other() -> None:
    # All spans of the first hundred tokens through the fiftieth are likelier than the next.
    starts, ends = np.full(200, -50, np.float32), np.full(200, -50, np.float32)
    starts[30:50], ends[50:60] = 9, 9
    starts[150] = ends[150] = 1
    starts[170] = ends[170] = 2
    found = told(best_spans(starts, ends, words(200), 0.0))
    assert found[0][2] == 18.0
    assert found[1:3] == [(680, 683, 4.0), (600, 603, 2.0)]


def test_tokens_without_a_character_are_no_answer() -> None:
    # A mark for a space, as some tokenizers have it: behind the word before and before the word behind.
    offsets = np.array([[0, 3], [4, 3], [4, 7]], np.int32)
    found = best_spans(floats(0, 9, 0), floats(0, 9, 0), offsets, 0.0)
    # With the word before it, or the one behind it, it is one: of these equals the first.
    assert told(found) == [(0, 3, 9.0), (4, 7, 0.0)]


@pytest.mark.parametrize("number", [-math.inf, math.inf, math.nan])
def test_what_is_no_number_is_no_answer(number: float) -> None:
    assert best_spans(np.full(3, number, np.float32), floats(0, 0, 0), words(3), 0.0) == []


SCORES = st.integers(-4, 4).map(float)  # small, so that ties are many and sums are exact


@given(st.lists(st.tuples(SCORES, SCORES), max_size=45), SCORES)
def test_spans_are_those_of_a_search_through_all(scores: list[tuple[float, float]], none: float) -> None:
    starts, ends = floats(*(each for each, _ in scores)), floats(*(each for _, each in scores))
    assert told(best_spans(starts, ends, words(len(scores)), none)) == searched(
        starts, ends, words(len(scores)), none
    )


@given(st.lists(st.tuples(SCORES, SCORES, st.integers(0, 2), st.integers(0, 2)), max_size=40))
def test_also_where_tokens_have_no_width_or_touch(tokens: list[tuple[float, float, int, int]]) -> None:
    at, places = 0, []
    for _, _, space, width in tokens:
        places.append([at + space, at + space + width])
        at += space + width
    offsets = np.array(places, np.int32).reshape(-1, 2)
    starts, ends = floats(*(each[0] for each in tokens)), floats(*(each[1] for each in tokens))
    found = best_spans(starts, ends, offsets, 0.5)
    assert told(found) == searched(starts, ends, offsets, 0.5)
    assert not any(a.span.overlaps(b.span) for n, a in enumerate(found) for b in found[:n])


def test_shares_by_hand() -> None:
    # e**0, e**(log 3) and "no answer" with e**0: 1, 3 and 1 of 5.
    assert first_shares(floats(0, math.log(3)), 0.0) == pytest.approx([0.2, 0.6])
    assert first_shares(floats(), 3.0).tolist() == []


@pytest.mark.parametrize("add", [-80.0, 0.0, 80.0, 1e4])
def test_shares_do_not_depend_on_what_all_scores_have_in_common(add: float) -> None:
    assert first_shares(floats(add, add + 1), add + 2) == pytest.approx(
        np.exp([0, 1]) / np.exp([0, 1, 2]).sum(), abs=1e-3 if add == 1e4 else 1e-5
    )


@given(st.lists(st.floats(-40, 40, width=32), max_size=30), st.floats(-40, 40, width=32))
def test_shares_and_no_answer_make_one(starts: list[float], none: float) -> None:
    shares = first_shares(floats(*starts), none)
    # The share of "no answer" is that of one more token with its score.
    rest = first_shares(floats(*starts, none), none)[-1]
    assert (shares >= 0).all()
    # rest / (1 - rest) is e**none / (what all tokens have and e**none), which is 1 - sum of the shares.
    assert 1 - shares.sum(dtype=np.float64) == pytest.approx(rest / (1 - rest), abs=1e-5)


def span(start: int, end: int, score: float) -> FoundSpan:
    return FoundSpan(Span(start, end), score)


def test_the_best_of_several_windows() -> None:
    a, b, c, d = span(0, 5, 1.0), span(4, 9, 3.0), span(9, 12, 2.0), span(20, 22, -1.0)
    assert merged([a, b, c, d]) == (b, c, d)  # a lies under b, c only touches it
    assert merged([d, c, b, a]) == (b, c, d)
    assert merged([]) == ()


def test_a_span_that_two_windows_found_is_kept_once_with_the_better_score() -> None:
    assert merged([span(3, 8, 1.0), span(3, 8, 2.0)]) == (span(3, 8, 2.0),)
    assert merged([span(10 * n, 10 * n + 5, -n) for n in range(9)]) == tuple(
        span(10 * n, 10 * n + 5, -n) for n in range(MOST)
    )
