"""From scores of tokens to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retrieval.document import Span
from retrieval.hits import Float32
from retrieval.reranking import FoundSpan

__all__ = ["LONGEST", "agreed", "best_spans", "first_shares", "in_bands", "merged", "of_whole_words"]

LONGEST: Final = 30
"""Tokens of the longest answer."""
MOST: Final = 4
"""Spans of a text that are kept."""
AGREEING: Final = 20
"""Spans of a window that may support one another."""
OVERLAP: Final = 0.5
"""What the overlap with another span counts, where its own score has the rest; chosen on articles that were
not trained on, as the next."""
SENTENCE: Final = 0.3
"""Of the log-odds that a token's sentence is the one of the answer."""


def in_bands(starts: Float32, ends: Float32) -> Float32:
    """Scores of spans from those of their ends, as `best_spans` wants them."""
    count = len(starts)
    scores = np.full((count, LONGEST), -np.inf, np.float32)
    for more in range(min(LONGEST, count)):
        scores[: count - more, more] = starts[: count - more] + ends[more:]
    return scores


def agreed(scores: Float32, sentence: Float32) -> Float32:
    """Scores of spans with what is said for them by their sentence and by spans that overlap them.

    The best spans get the logarithm of what is expected of them: their own share and, of every other one's,
    as much as the two have in common (F1 of their tokens; minimum Bayes risk, Kumar and Byrne 2004).

    Args:
        scores: As for `best_spans`.
        sentence: Log-odds of each token that it stands in the sentence of the answer, shape (tokens,).
    """
    found = np.asarray(scores + SENTENCE * sentence[:, None], np.float32)
    count = min(AGREEING, int(np.isfinite(found).sum()))
    if not count:
        return found
    best = np.argpartition(-found, count - 1, axis=None)[:count]
    first, more = np.unravel_index(best, found.shape)
    last, own = first + more, found[first, more].astype(np.float64)
    common = np.minimum(last[:, None], last) - np.maximum(first[:, None], first) + 1
    f1 = 2 * np.maximum(common, 0) / (more[:, None] + more + 2)
    support = OVERLAP * f1 + (1 - OVERLAP) * np.eye(count)
    found[first, more] = own.max() + np.log(support @ np.exp(own - own.max()))
    return found


def of_whole_words(scores: Float32, inner: NDArray[np.bool_], wordless: NDArray[np.bool_]) -> Float32:
    """Scores with minus infinity for spans that cut a word, or have none.

    Args:
        scores: As for `best_spans`.
        inner: Whether each token goes on with the word of the one before it, shape (tokens,).
        wordless: Whether it has neither letter nor digit, shape (tokens,).
    """
    count = len(scores)
    if not count:
        return scores
    first = np.arange(count)[:, None]
    last = np.minimum(first + np.arange(LONGEST), count - 1)
    cut = inner[:, None] | np.append(inner, False)[last + 1]
    said = np.append(0, np.cumsum(~wordless))
    return np.where(cut | (said[last + 1] == said[first]), -np.inf, scores).astype(np.float32)


def best_spans(scores: Float32, offsets: NDArray[np.int32], none: float) -> list[FoundSpan]:
    """The likeliest spans, at most `MOST`, best first, none of which overlap and none empty.

    Args:
        scores: Of the spans that begin at a token and go on for so many more, shape (tokens, `LONGEST`);
            minus infinity where there are no more.
        offsets: First character of each token and the one behind it, shape (tokens, 2).
        none: What "no answer" scores.
    """
    starts = offsets[:, :1]
    ends = in_bands(np.zeros(len(offsets), np.float32), offsets[:, 1].astype(np.float32))
    # Tokenizers that mark spaces have tokens without a character of their own.
    scores = np.where(ends > starts, scores, -np.inf)
    found: list[FoundSpan] = []
    while len(found) < MOST and len(scores):
        first, more = (int(each) for each in np.unravel_index(scores.argmax(), scores.shape))
        if not np.isfinite(scores[first, more]):
            break
        span = Span(int(offsets[first, 0]), int(offsets[first + more, 1]))
        found.append(FoundSpan(span, float(scores[first, more] - none)))
        # By characters: one may be several tokens.
        scores[(starts < span.end) & (ends > span.start)] = -np.inf
    return found


def first_shares(scores: Float32, none: float) -> Float32:
    """How likely the answer begins at each token, "no answer" being possible too, shape (tokens,).

    Args:
        scores: As for `best_spans`.
        none: What "no answer" scores.
    """
    highest = max(float(scores.max(initial=none)), none)
    likely = np.exp(scores - highest).sum(axis=1)
    return np.asarray(likely / (likely.sum() + np.exp(none - highest)), np.float32)


def merged(spans: Sequence[FoundSpan]) -> tuple[FoundSpan, ...]:
    """The best of several windows of one text, none of which overlap."""
    kept: list[FoundSpan] = []
    for each in sorted(spans, key=lambda found: -found.score):
        if len(kept) < MOST and not any(each.span.overlaps(other.span) for other in kept):
            kept.append(each)
    return tuple(kept)
