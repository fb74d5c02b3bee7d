"""What a model scores in one window of a text, and what several windows say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reader.spans.decoding import best_spans, first_shares, merged
from retrieval.hits import Float32
from retrieval.reranking import FoundSpan, Reading

__all__ = ["WindowScores", "reading_of"]


@dataclass(frozen=True, slots=True, eq=False)
class WindowScores:
    """Of one window.

    Attributes:
        offsets: First character of each token of the text and the one behind it, shape (tokens, 2).
        spans: Scores of the spans that begin at a token and go on for so many more, shape (tokens, LONGEST).
        none: What "no answer" scores.
        relevance: That the text answers, in log-odds.
        answerable: That the answer stands in it, in log-odds.
    """

    offsets: NDArray[np.int32]
    spans: Float32
    none: float
    relevance: float
    answerable: float


def reading_of(windows: Sequence[WindowScores]) -> Reading:
    """Of all windows of one text, at least one, in order: of each thing the best.

    Shares are of all windows together: how far a span is above "no answer" means the same in each.
    """
    spans: list[FoundSpan] = []
    places, margins = list[NDArray[np.int32]](), list[Float32]()
    behind = 0
    for each in windows:
        spans += best_spans(each.spans, each.offsets, each.none)
        new = each.offsets[:, 0] >= behind
        places.append(each.offsets[new, 0])
        margins.append(each.spans[new] - np.float32(each.none))
        behind = int(each.offsets[-1, 1]) if len(each.offsets) else behind
    return Reading(
        relevance=max(each.relevance for each in windows),
        answerable=max(each.answerable for each in windows),
        spans=merged(spans),
        starts=np.concatenate(places),
        begins=first_shares(np.concatenate(margins), 0.0),
    )
