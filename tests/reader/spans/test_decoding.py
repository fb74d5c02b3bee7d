"""From scores to spans, against a search through all of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.spans.decoding import (
    AGREEING,
    LONGEST,
    MOST,
    OVERLAP,
    SENTENCE,
    agreed,
    best_spans,
    first_shares,
    in_bands,
    merged,
    of_whole_words,
)
from retrieval.document import Span
from retrieval.hits import Float32
from retrieval.reranking import FoundSpan

Told = list[tuple[int, int, float]]
Scores = dict[tuple[int, int], float]


def floats(*numbers: float) -> Float32:
    return np.array(numbers, np.float32)


def words(count: int) -> np.ndarray:
    """Tokens of three characters with a space between them."""
    return np.array([[4 * n, 4 * n + 3] for n in range(count)], np.int32).reshape(-1, 2)


def told(found: list[FoundSpan]) -> Told:
    return [(each.span.start, each.span.end, each.score) for each in found]


def scored(count: int, score: Callable[[int, int], float]) -> Scores:
    """Every span that there is, by first and last token."""
    return {
        (first, last): score(first, last)
        for first in range(count)
        for last in range(first, min(first + LONGEST, count))
    }


def by_ends(starts: list[float], ends: list[float]) -> Scores:
    return scored(len(starts), lambda first, last: starts[first] + ends[last])


def banded(count: int, scores: Scores) -> Float32:
    made = np.full((count, LONGEST), -np.inf, np.float32)
    for (first, last), score in scores.items():
        made[first, last - first] = score
    return made


def searched(scores: Scores, offsets: np.ndarray, none: float) -> Told:
    """The best first, none over a better one; of equals the one that begins first, then the shortest."""
    kept: Told = []
    for score, first, last in sorted((-score, *tokens) for tokens, score in scores.items()):
        begin, end = int(offsets[first, 0]), int(offsets[last, 1])
        if begin < end and len(kept) < MOST and all(end <= a or b <= begin for a, b, _ in kept):
            kept.append((begin, end, -score - none))
    return kept


def test_bands_by_hand() -> None:
    found = in_bands(floats(0, 5, 1), floats(0.5, 1, 4))
    assert found.dtype == np.float32
    assert found.shape == (3, LONGEST)
    assert found[:, :3].tolist() == [[0.5, 1, 4], [6, 9, -np.inf], [5, -np.inf, -np.inf]]
    assert (found[:, 3:] == -np.inf).all()
    assert in_bands(floats(), floats()).shape == (0, LONGEST)


SCORES = st.integers(-4, 4).map(float)  # small, so that ties are many and sums are exact
ENDS = st.lists(st.tuples(SCORES, SCORES), max_size=45)


@settings(deadline=None)
@given(ENDS)
def test_bands_hold_every_span_and_nothing_else(ends: list[tuple[float, float]]) -> None:
    firsts, lasts = [each for each, _ in ends], [each for _, each in ends]
    expected = banded(len(ends), by_ends(firsts, lasts))
    np.testing.assert_array_equal(in_bands(floats(*firsts), floats(*lasts)), expected)


def test_spans_by_hand() -> None:
    scores = banded(4, {(1, 2): 9, (1, 1): 6, (0, 3): 8, (3, 3): 5, (0, 0): 0})
    # 1..2 is best; over 0..3 and 1..1 it lies, and leaves 3..3 and 0..0; "no answer" has 2.
    assert told(best_spans(scores, words(4), 2.0)) == [(4, 11, 7.0), (12, 15, 3.0), (0, 3, -2.0)]


def test_the_ends_of_the_best_span_may_be_bad_ones() -> None:
    # What scores of ends alone cannot say: 0 belongs to 1, and 2 to 3.
    scores = banded(4, {(0, 1): 3, (2, 3): 3, (0, 3): 1, (2, 2): 0, (1, 1): 0})
    assert told(best_spans(scores, words(4), 0.0)) == [(0, 7, 3.0), (8, 15, 3.0)]


def test_nothing_has_no_spans() -> None:
    assert best_spans(banded(0, {}), words(0), 0.0) == []
    assert best_spans(banded(3, {}), words(3), 0.0) == []


def test_what_is_given_stays_as_it_was() -> None:
    scores = banded(4, scored(4, lambda first, last: first - last))
    before = scores.copy()
    best_spans(scores, words(4), 0.0)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize(("last", "whole"), [(LONGEST - 1, True), (LONGEST, False)])
def test_no_answer_is_longer_than_the_longest(last: int, whole: bool) -> None:
    starts, ends = np.zeros(60, np.float32), np.zeros(60, np.float32)
    starts[0], ends[last] = 10, 10
    best = best_spans(in_bands(starts, ends), words(60), 0.0)[0]
    assert ((best.span.end == 4 * last + 3) and best.span.start == 0) is whole
    assert best.score == (20.0 if whole else 10.0)


def test_of_equals_the_first_and_shortest_comes_first() -> None:
    found = told(best_spans(banded(9, scored(9, lambda first, last: 0)), words(9), 1.0))
    assert found == [(0, 3, -1.0), (4, 7, -1.0), (8, 11, -1.0), (12, 15, -1.0)]


def test_many_likely_spans_in_one_place_hide_no_other() -> None:
    # All spans from these twenty tokens to these ten are likelier than the next.
    starts, ends = np.full(200, -50, np.float32), np.full(200, -50, np.float32)
    starts[30:50], ends[50:60] = 9, 9
    starts[150] = ends[150] = 1
    starts[170] = ends[170] = 2
    found = told(best_spans(in_bands(starts, ends), words(200), 0.0))
    assert found[0][2] == 18.0
    assert found[1:3] == [(680, 683, 4.0), (600, 603, 2.0)]


def test_tokens_without_a_character_are_no_answer() -> None:
    # A mark for a space, as some tokenizers have it: behind the word before and before the word behind.
    offsets = np.array([[0, 3], [4, 3], [4, 7]], np.int32)
    found = best_spans(banded(3, by_ends([0, 9, 0], [0, 9, 0])), offsets, 0.0)
    # With the word before it, or the one behind it, it is one: of these equals the first.
    assert told(found) == [(0, 3, 9.0), (4, 7, 9.0)]


def test_of_a_character_that_is_several_tokens_one_answer_is_made() -> None:
    # A syllable of Hangul is two tokens or three with the same place.
    offsets = np.array([[0, 1], [0, 1], [0, 1], [1, 2], [1, 2]], np.int32)
    scores = banded(5, scored(5, lambda first, last: -float(last - first)))
    assert told(best_spans(scores, offsets, 0.0)) == [(0, 1, 0.0), (1, 2, 0.0)]


@pytest.mark.parametrize("number", [-math.inf, math.inf, math.nan])
def test_what_is_no_number_is_no_answer(number: float) -> None:
    assert best_spans(np.full((3, LONGEST), number, np.float32), words(3), 0.0) == []


@settings(deadline=None)
@given(ENDS, SCORES)
def test_spans_are_those_of_a_search_through_all(ends: list[tuple[float, float]], none: float) -> None:
    scores = by_ends([each for each, _ in ends], [each for _, each in ends])
    offsets = words(len(ends))
    assert told(best_spans(banded(len(ends), scores), offsets, none)) == searched(scores, offsets, none)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 999), SCORES)
def test_also_where_no_end_tells_of_the_other(count: int, seed: int, none: float) -> None:
    random = np.random.default_rng(seed)
    scores = scored(count, lambda first, last: float(random.integers(-4, 5)))
    offsets = words(count)
    assert told(best_spans(banded(count, scores), offsets, none)) == searched(scores, offsets, none)


@settings(deadline=None)
@given(st.lists(st.tuples(SCORES, SCORES, st.integers(-1, 2), st.integers(0, 2)), max_size=40))
def test_also_where_tokens_have_no_width_touch_or_share_a_place(
    tokens: list[tuple[float, float, int, int]],
) -> None:
    places: list[tuple[int, int]] = []
    for _, _, space, width in tokens:
        begin = places[-1][1] + space if places else 0
        # One of another width is behind the one before.
        places.append(places[-1] if space < 0 and places else (max(begin, 0), max(begin, 0) + width))
    offsets = np.array(places, np.int32).reshape(-1, 2)
    scores = by_ends([each[0] for each in tokens], [each[1] for each in tokens])
    found = best_spans(banded(len(tokens), scores), offsets, 0.5)
    assert told(found) == searched(scores, offsets, 0.5)
    assert not any(a.span.overlaps(b.span) for n, a in enumerate(found) for b in found[:n])


def test_shares_by_hand() -> None:
    # e**0 and e**log(3) begin at the first token, e**log(2) at the second, and "no answer" has e**0:
    # 4, 2 and 1 of 7.
    scores = banded(2, {(0, 0): 0, (0, 1): math.log(3), (1, 1): math.log(2)})
    assert first_shares(scores, 0.0) == pytest.approx([4 / 7, 2 / 7])
    assert first_shares(banded(0, {}), 3.0).tolist() == []
    assert first_shares(banded(2, {}), 3.0).tolist() == [0, 0]


@pytest.mark.parametrize("add", [-80.0, 0.0, 80.0, 1e4])
def test_shares_do_not_depend_on_what_all_scores_have_in_common(add: float) -> None:
    scores = banded(2, {(0, 0): add, (1, 1): add + 1})
    assert first_shares(scores, add + 2) == pytest.approx(
        np.exp([0, 1]) / np.exp([0, 1, 2]).sum(), abs=1e-3 if add == 1e4 else 1e-5
    )


@pytest.mark.parametrize(("none", "expected"), [(1e4, 0.0), (-1e4, 1.0)])
def test_what_is_certain_overflows_nothing(none: float, expected: float) -> None:
    assert first_shares(banded(1, {(0, 0): 3}), none).tolist() == [expected]


@settings(deadline=None)
@given(st.integers(0, 40), st.floats(-40, 40, width=32), st.integers(0, 999))
def test_shares_are_those_of_all_spans_with_no_answer(count: int, none: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = scored(count, lambda first, last: float(np.float32(random.normal() * 15)))
    everything = math.fsum(math.exp(each) for each in (none, *scores.values()))
    expected = [
        math.fsum(math.exp(score) for (first, _), score in scores.items() if first == n) / everything
        for n in range(count)
    ]
    found = first_shares(banded(count, scores), none)
    assert found.tolist() == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert found.dtype == np.float32


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


def test_spans_that_overlap_support_one_another() -> None:
    scores = banded(4, {(0, 1): 2.0, (0, 2): 1.9, (3, 3): 2.1})
    found = agreed(scores, floats(0, 0, 0, 0))
    # Of two and three tokens two are common: F1 4/5. The third span stands alone.
    both = (1 - OVERLAP + OVERLAP) * math.exp(2.0) + OVERLAP * 0.8 * math.exp(1.9)
    assert found[0, 1] == pytest.approx(math.log(both), abs=1e-5)
    assert found[3, 0] == pytest.approx(2.1, abs=1e-5)
    assert found[0, 1] > found[3, 0]


def test_the_sentence_speaks_for_its_spans() -> None:
    scores = banded(3, {(0, 0): 1.0, (2, 2): 1.0})
    found = agreed(scores, floats(0, 0, 10))
    assert found[2, 0] - found[0, 0] == pytest.approx(10 * SENTENCE, abs=1e-5)


def test_agreement_by_brute_force() -> None:
    random = np.random.default_rng(3)
    spans = {(a, b): float(random.normal()) for a in range(6) for b in range(a, min(a + 3, 6))}
    assert len(spans) < AGREEING
    found = agreed(banded(6, spans), floats(*[0] * 6))
    for (a, b), score in spans.items():
        total = (1 - OVERLAP) * math.exp(score)
        for (c, d), other in spans.items():
            common = len({*range(a, b + 1)} & {*range(c, d + 1)})
            total += OVERLAP * math.exp(other) * 2 * common / (b - a + 1 + d - c + 1)
        assert found[a, b - a] == pytest.approx(math.log(total), abs=1e-4)
    missing = np.ones_like(found, bool)
    for a, b in spans:
        missing[a, b - a] = False
    assert np.isneginf(found[missing]).all()


def test_only_the_best_support_one_another() -> None:
    count = AGREEING + 5
    scores = banded(count, {(n, n): -float(n) for n in range(count)} | {(0, 1): -50.0, (3, 4): -1.5})
    found = agreed(scores, floats(*[0] * count))
    # 3..4 is among them and shares a token with 3..3, which is, and with 4..4.
    shared = 0.5 * 2 / 3 * (math.exp(-3) + math.exp(-4))
    assert found[3, 1] == pytest.approx(math.log(math.exp(-1.5) + shared), abs=1e-5)
    # 0..1 is not, and neither hears of 0..0 nor says anything for it.
    assert found[0, 1] == -50.0
    assert found[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert found[-1, 0] == scores[-1, 0]


def test_nothing_to_agree_on() -> None:
    assert agreed(banded(0, {}), floats()).shape == (0, LONGEST)
    assert np.isneginf(agreed(banded(2, {}), floats(1, 1))).all()


def test_absurd_scores_agree_without_overflow() -> None:
    found = agreed(banded(2, {(0, 0): 900.0, (0, 1): -900.0}), floats(0, 0))
    assert np.isfinite(found[0, 0])
    assert found[0, 0] == pytest.approx(900.0)


def test_spans_that_cut_a_word_or_have_none_are_out() -> None:
    # ( un ##known ) .   of which "un", "##known", "(", ")" and "." are no answers by themselves
    inner = np.array([False, False, True, False, False])
    wordless = np.array([True, False, False, True, True])
    scores = in_bands(np.zeros(5, np.float32), np.zeros(5, np.float32))
    found = of_whole_words(scores, inner, wordless)
    kept = {(first, first + more) for first, more in zip(*np.nonzero(np.isfinite(found)), strict=True)}
    assert kept == {(0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)}
    assert of_whole_words(np.empty((0, LONGEST), np.float32), inner[:0], wordless[:0]).shape == (0, LONGEST)
