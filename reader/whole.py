"""Which evidence an extractive answer about a whole document is made of: a few sentences spread over it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from retrieval.evidence import Evidence

__all__ = ["MOST_SPREAD", "spread_over"]

MOST_SPREAD: Final = 10
CLOSE: Final = 0.6
"""A sentence joins if its score is at least this share of the best one's: less than for a search, whose
sentences all come from the best places."""


def spread_over(evidence: Sequence[Evidence], usable: Sequence[int]) -> tuple[int, ...]:
    """Positions of at most `MOST_SPREAD` pieces of evidence, in the order of the documents.

    Of each of as many stretches of the documents, the best piece, if it is good enough.

    Args:
        evidence: From all parts of the documents.
        usable: Positions that may be taken, at least one.
    """
    ordered = sorted(usable, key=lambda n: _place(evidence[n]))
    floor = CLOSE * max(evidence[n].score for n in ordered)
    count = min(MOST_SPREAD, len(ordered))
    edges = [len(ordered) * k // count for k in range(count + 1)]
    stretches = [ordered[first:end] for first, end in pairwise(edges)]
    best = [max(stretch, key=lambda n: evidence[n].score) for stretch in stretches]
    return tuple(n for n in best if evidence[n].score >= floor)


def _place(evidence: Evidence) -> tuple[tuple[int, str, int, str], int]:
    return evidence.origin.source, evidence.origin.span.start
