"""Which remembered turns a question activates: relevance, recency and importance of all turns of one user.

SCM (arXiv 2304.13343, section 3.2) activates by relevance + recency. Deviations: relevance joins the meaning
of a turn with its words and those of the turns around it, and importance is a third part. What the question
says about who spoke and when adds to the score of the turns it fits, and excludes none.

The weights were chosen by tests/benchmarks/activation_choice.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory.surroundings import Surroundings
from memory.time_words import Period
from retrieval.hits import Float32

__all__ = [
    "Activation",
    "ActivationWeights",
    "Asked",
    "Remembered",
    "activate",
    "period_matches",
    "recency_of_each",
    "word_matches",
]

DAY: Final = 86_400.0
SATURATION: Final = 1.2
"""BM25's k1."""
LENGTH_SHARE: Final = 0.75
"""BM25's b."""


@dataclass(frozen=True, slots=True)
class ActivationWeights:
    """How much each part counts.

    Attributes:
        meaning: In relevance, of the cosine of question and turn.
        around: In relevance, of the mean cosine of the turn with its surroundings.
        words: In relevance, of the words; relevance is the mean of these three by their weights.
        recency: Small: a question may be about what was said long ago.
        importance: Of what the turn says, whatever is asked.
        speaker: Added to turns of the speaker whom the question names.
        period: Added to turns of the time that the question names.
        half_life_days: After so many days half of a turn's recency is gone.
        half_life_turns: The same, after so many turns that followed.
        reach: So many turns before and after, in the same session, are the surroundings of a turn.
    """

    meaning: float = 0.25
    around: float = 0.28
    words: float = 0.47
    recency: float = 0.02
    importance: float = 0.11
    speaker: float = 0.13
    period: float = 0.23
    half_life_days: float = 30.0
    half_life_turns: float = 100.0
    reach: int = 3

    def __post_init__(self) -> None:
        relevance = (self.meaning, self.around, self.words)
        weights = (*relevance, self.recency, self.importance, self.speaker, self.period)
        if min(weights) < 0 or not sum(relevance):
            raise ValueError(f"weights {weights}: none may be below 0, nor the first three all 0")
        if min(self.half_life_days, self.half_life_turns) <= 0:
            raise ValueError(
                f"half-lives of {self.half_life_days} days and {self.half_life_turns} turns must be above 0"
            )
        if self.reach < 0:
            raise ValueError(f"reach is {self.reach}, below 0")


@dataclass(frozen=True, slots=True)
class Remembered:
    """The turns of one user in the order they were said, whatever is asked; every array has shape (n,).

    Attributes:
        sessions: The number of each turn's session; turns of a session follow one another, though turns of
            another may be said in between.
        times: Seconds since 1970.
        importance: 0 to 1.
        lengths: Terms of each turn.
    """

    sessions: NDArray[np.integer[Any]]
    times: NDArray[np.float64]
    importance: Float32
    lengths: Float32


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, compared with each of the turns.

    Attributes:
        similarities: The cosine of `question_cues.as_a_speaker_asks` with each turn, shape (n,).
        counts: How often each term of the question occurs in each turn, shape (terms, n).
        now: Seconds since 1970.
        of_speaker: Which turns are of the speaker whom the question names, shape (n,); None if it names none.
        periods: The times that the question names.
    """

    similarities: Float32
    counts: Float32
    now: float
    of_speaker: NDArray[np.bool_] | None = None
    periods: Sequence[Period] = ()


@dataclass(frozen=True, slots=True)
class Activation:
    """The score of each turn, higher is better, and its three parts, 0 to 1 each; all of shape (n,)."""

    score: Float32
    relevance: Float32
    recency: Float32
    importance: Float32


def activate(remembered: Remembered, asked: Asked, weights: ActivationWeights | None = None) -> Activation:
    """How much a question activates each turn; `weights` of None are the chosen ones."""
    weights = weights or ActivationWeights()
    around = Surroundings.of(remembered.sessions, weights.reach)
    meaning = asked.similarities.clip(0, 1)
    relevance = (
        weights.meaning * meaning
        + weights.around * around.mean(meaning)
        + weights.words * word_matches(asked.counts, remembered.lengths, around)
    ) / (weights.meaning + weights.around + weights.words)
    recency = recency_of_each(remembered.times, asked.now, weights.half_life_days, weights.half_life_turns)
    score = relevance + weights.recency * recency + weights.importance * remembered.importance
    if asked.of_speaker is not None:
        score = score + weights.speaker * asked.of_speaker
    if asked.periods:
        score = score + weights.period * period_matches(remembered.times, asked.periods)
    parts = (score, relevance, recency, remembered.importance)
    return Activation(*(np.asarray(part, np.float32) for part in parts))


def word_matches(counts: Float32, lengths: Float32, around: Surroundings) -> Float32:
    """BM25 over each turn together with its surroundings, as a share of the most it could be, shape (n,).

    A turn often answers one that holds the words of the question ("Where do you go?" - "To Sweden."). Terms
    that occur nowhere do not count.

    Args:
        counts: How often each term of the question occurs in each turn, shape (terms, n).
        lengths: Terms of each turn, shape (n,).
        around: Of the same turns.
    """
    found = counts[counts.any(axis=1)]
    n = len(lengths)
    if not len(found):
        return np.zeros(n, np.float32)
    spread = np.stack([around.spread(row) for row in found])
    sizes = around.spread(lengths)
    holding = np.count_nonzero(spread, axis=1)
    rarity = np.log1p((n - holding + 0.5) / (holding + 0.5))
    slack = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * sizes / sizes.mean())
    return np.asarray((rarity @ (spread / (spread + slack))) / rarity.sum(), np.float32)


def recency_of_each(times: NDArray[np.float64], now: float, days: float, turns: float) -> Float32:
    """The mean of two decays, shape (n,): by the time since each turn and by the turns that followed.

    Args:
        times: Seconds since 1970, shape (n,); a turn of the future counts as one of now.
        now: The same.
        days: Half of the one is gone after so many.
        turns: Half of the other is gone after so many.
    """
    since = (now - times).clip(0) / DAY
    following = np.arange(len(times))[::-1]
    return np.asarray((0.5 ** (since / days) + 0.5 ** (following / turns)) / 2, np.float32)


def period_matches(times: NDArray[np.float64], periods: Sequence[Period], days: float = 7.0) -> Float32:
    """How well each turn fits the times asked for, 0 to 1: 1 within one, less the longer after it.

    What happened is often told afterwards: after `days` the match is down to 1 / e. It is 0 before.
    """
    found = np.zeros(len(times), np.float32)
    for period in periods:
        late = (times - period.end).clip(0) / DAY
        np.maximum(found, np.where(times >= period.start, np.exp(-late / days), 0), out=found)
    return found
