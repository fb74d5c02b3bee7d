"""From scores of tokens to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from retrieval.document import Span
from retrieval.hits import Float32
from retrieval.reranking import FoundSpan

__all__ = ["LONGEST", "best_spans", "first_shares"]

LONGEST: Final = 30
"""Tokens of the longest answer."""
MOST: Final = 4
"""Spans of a text that are kept."""


def best_spans(starts: Float32, ends: Float32, offsets: np.ndarray, none: float) -> list[FoundSpan]:
    """The likeliest spans, at most `MOST`, best first, none of which overlap and none empty.

    Args:
        starts: For each token that an answer begins there, shape (tokens,).
        ends: That it ends there, likewise.
        offsets: First character of each token and the one behind it, shape (tokens, 2).
        none: What "no answer" scores, start and end together.
    """
    count = len(starts)
    if count == 0:
        return []
    scores = np.full((count, min(LONGEST, count)), -np.inf, np.float32)
    for more in range(scores.shape[1]):
        # Tokenizers that mark spaces have tokens without a character of their own.
        wide = offsets[more:, 1] > offsets[: count - more, 0]
        scores[: count - more, more][wide] = (starts[: count - more] + ends[more:])[wide]
    found: list[FoundSpan] = []
    while len(found) < MOST:
        first, more = (int(each) for each in np.unravel_index(scores.argmax(), scores.shape))
        if not np.isfinite(scores[first, more]):
            break
        span = Span(int(offsets[first, 0]), int(offsets[first + more, 1]))
        found.append(FoundSpan(span, float(scores[first, more] - none)))
        # What begins in it, and what begins before it and reaches it.
        scores[first : first + more + 1] = -np.inf
        for begin in range(max(0, first - scores.shape[1] + 1), first):
            scores[begin, first - begin :] = -np.inf
    return found


def first_shares(starts: Float32, none: float) -> Float32:
    """How likely the answer begins at each token, "no answer" being one of the places, shape (tokens,)."""
    highest = max(float(starts.max(initial=none)), none)
    likely = np.exp(starts - highest)
    return np.asarray(likely / (likely.sum() + np.exp(none - highest)), np.float32)


def merged(spans: Sequence[FoundSpan]) -> tuple[FoundSpan, ...]:
    """The best of several windows of one text, none of which overlap."""
    kept: list[FoundSpan] = []
    for each in sorted(spans, key=lambda found: -found.score):
        if len(kept) < MOST and not any(each.span.overlaps(other.span) for other in kept):
            kept.append(each)
    return tuple(kept)
