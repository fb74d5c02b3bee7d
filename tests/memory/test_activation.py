"""Activation: relevance, recency, importance and what a question says about speaker and time."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from memory.activation import (
    Activation,
    ActivationWeights,
    Asked,
    Remembered,
    activate,
    period_matches,
    recency_of_each,
    word_matches,
)
from memory.surroundings import Surroundings
from memory.time_words import Period

DAY = 86_400.0
NOTHING_ELSE = ActivationWeights(
    meaning=0, around=0, words=1, recency=0, importance=0, speaker=0, period=0, reach=0
)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def said(n: int, **changed: np.ndarray) -> Remembered:
    """`n` turns of one session, of ten terms each, a day apart."""
    arrays = {
        "sessions": np.zeros(n, np.int64),
        "times": np.arange(n) * DAY,
        "importance": np.zeros(n, np.float32),
        "lengths": np.full(n, 10, np.float32),
    }
    return Remembered(**(arrays | changed))


def asks(n: int, **changed: object) -> Asked:
    """A question that fits nothing, on the day of the last turn."""
    return Asked(
        **{
            "similarities": np.zeros(n, np.float32),
            "counts": np.zeros((0, n), np.float32),
            "now": (n - 1) * DAY,
        }
        | changed
    )  # type: ignore[arg-type]


def test_words_match_as_bm25_says_as_a_share_of_the_most_it_could_be() -> None:
    # Three turns; the first term is in two of them, the second in one, the third in none.
    counts = np.array([[1, 2, 0], [0, 1, 0], [0, 0, 0]], np.float32)
    lengths = floats(4, 8, 12)  # 8 on average
    rarity = [log(1 + 1.5 / 2.5), log(1 + 2.5 / 1.5)]
    first = rarity[0] * 1 / (1 + 1.2 * (0.25 + 0.75 * 4 / 8))
    second = rarity[0] * 2 / (2 + 1.2) + rarity[1] * 1 / (1 + 1.2)
    found = word_matches(counts, lengths, Surroundings.of(np.zeros(3, np.int64), 0))
    assert found == pytest.approx([first / sum(rarity), second / sum(rarity), 0])


def test_words_of_the_turn_before_count_for_the_answer_and_not_in_another_session() -> None:
    counts = np.array([[0, 1, 0, 0]], np.float32)
    around = Surroundings.of(np.array([0, 1, 1, 1]), reach=1)
    found = word_matches(counts, np.full(4, 5, np.float32), around)
    assert found[0] == 0
    assert found[1] > found[2] > 0
    assert found[3] == 0


def test_words_that_occur_nowhere_match_nothing() -> None:
    around = Surroundings.of(np.zeros(2, np.int64), 3)
    for terms in (0, 2):
        assert not word_matches(np.zeros((terms, 2), np.float32), floats(3, 4), around).any()


def test_recency_halves_by_days_and_by_turns() -> None:
    times = np.array([0.0, 20.0, 30.0, 31.0]) * DAY
    found = recency_of_each(times, 30 * DAY, days=10, turns=1)
    assert found == pytest.approx([(1 / 8 + 1 / 8) / 2, (1 / 2 + 1 / 4) / 2, (1 + 1 / 2) / 2, 1])


def test_a_period_fits_within_and_fades_after() -> None:
    times = np.array([-0.1, 0, 0.9, 1, 8, 15]) * DAY
    one = Period(0.0, DAY)
    expected = [0, 1, 1, 1, exp(-1), exp(-2)]
    assert period_matches(times, [one]) == pytest.approx(expected)
    other = Period(15 * DAY, 16 * DAY)
    assert period_matches(times, [other, one]) == pytest.approx([*expected[:5], 1])
    assert not period_matches(times, []).any()


def test_the_score_is_the_sum_of_its_parts() -> None:
    weights = ActivationWeights(
        meaning=1, around=2, words=1, recency=0.5, importance=0.25, speaker=0.2, period=0.1, reach=1
    )
    remembered = said(3, importance=floats(0.0, 1.0, 0.4))
    asked = asks(
        3,
        similarities=floats(0.8, 0.2, -0.5),
        counts=np.array([[1, 0, 0]], np.float32),
        of_speaker=np.array([True, False, False]),
        periods=(Period(2 * DAY, 3 * DAY),),
    )
    # Around: weights 1 and 1/2, divided by their sum; a negative cosine counts as 0.
    around = [(0.8 + 0.1) / 1.5, (0.2 + 0.4) / 2, (0 + 0.1) / 1.5]
    # The word stands in the surroundings of two of three turns; lengths there are 15, 20, 15 terms.
    slack = [1.2 * (0.25 + 0.75 * size / (50 / 3)) for size in (15, 20)]
    words = [1 / (1 + slack[0]), 0.5 / (0.5 + slack[1]), 0]
    cosine = [0.8, 0.2, 0]
    relevance = [(c + 2 * a + w) / 4 for c, a, w in zip(cosine, around, words, strict=True)]
    recency = recency_of_each(remembered.times, 2 * DAY, 30, 100)
    found = activate(remembered, asked, weights)
    assert found.relevance == pytest.approx(relevance, abs=1e-6)
    assert found.recency == pytest.approx(recency)
    assert found.importance == pytest.approx([0, 1, 0.4])
    cues = [0.2, 0, 0.1]
    parts = zip(relevance, recency, [0, 1, 0.4], cues, strict=True)
    assert found.score == pytest.approx([r + 0.5 * t + 0.25 * i + c for r, t, i, c in parts], abs=1e-6)


def test_every_part_lies_between_0_and_1() -> None:
    random = np.random.default_rng(5)
    for n in (1, 2, 40):
        remembered = said(
            n,
            sessions=random.integers(0, 5, n),
            importance=random.random(n).astype(np.float32),
            lengths=random.integers(1, 60, n).astype(np.float32),
        )
        counts = random.integers(0, 9, (4, n)).astype(np.float32)
        similarities = (2 * random.random(n) - 1).astype(np.float32)
        found = activate(remembered, asks(n, similarities=similarities, counts=counts))
        for part in (found.relevance, found.recency, found.importance):
            assert part.shape == (n,)
            assert part.dtype == np.float32
            assert (part >= 0).all()
            assert (part <= 1).all()


@pytest.mark.parametrize("n", [0, 1])
def test_few_turns_or_none(n: int) -> None:
    found = activate(said(n), asks(n))
    assert isinstance(found, Activation)
    assert found.score.shape == (n,)


def test_turns_without_a_word_are_no_trouble() -> None:
    found = activate(said(2, lengths=floats(0, 0)), asks(2, counts=np.zeros((1, 2), np.float32)))
    assert np.isfinite(found.score).all()


def test_the_answer_is_activated_above_talk_of_the_same_day() -> None:
    """Hello. - Where will you move? - To Porto, in May. - Nice! And on another day: I moved a cupboard."""
    counts = np.array([[0, 1, 0, 0, 0]], np.float32)
    asked = asks(5, similarities=floats(0.1, 0.5, 0.4, 0.1, 0.3), counts=counts)
    remembered = said(
        5, sessions=np.array([0, 0, 0, 0, 1]), importance=floats(0.2, 0.1, 0.7, 0.2, 0.3), times=np.zeros(5)
    )
    score = activate(remembered, asked).score
    assert set(np.argsort(-score)[:2].tolist()) == {1, 2}


def test_only_what_a_question_names_adds_to_a_score() -> None:
    named = asks(2, of_speaker=np.array([True, False]), periods=(Period(DAY, 2 * DAY),))
    assert activate(said(2), named, NOTHING_ELSE).score.tolist() == [0, 0]
    weights = ActivationWeights(recency=0, speaker=0.3, period=0.2)
    assert activate(said(2), named, weights).score == pytest.approx([0.3, 0.2])
    assert activate(said(2), asks(2), weights).score.tolist() == [0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"words": -0.1},
        {"meaning": 0, "around": 0, "words": 0},
        {"recency": -1},
        {"half_life_days": 0},
        {"half_life_turns": -3},
        {"reach": -1},
    ],
)
def test_weights_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"weights|half-lives|reach"):
        ActivationWeights(**wrong)  # type: ignore[arg-type]
