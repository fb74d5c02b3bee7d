"""Several rankings made one by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from retrieval.hits import Hits, Int64

__all__ = ["RANK_CONSTANT", "reciprocal_rank_fusion"]

RANK_CONSTANT: Final = 20.0
"""The paper's k. It sets 60 for systems that each rank well; our views fail on different questions, and then
the first places of the view that is right must count. Taken from the best few that fusion_choice.py (in
tests/benchmarks) finds among 3, 5, 10, 20 and 60: they lie within the noise of one or two questions."""


def reciprocal_rank_fusion(
    rankings: Sequence[tuple[Int64, float]], rank_constant: float = RANK_CONSTANT
) -> Hits:
    """Add up `weight / (rank_constant + rank)` of each id over all rankings.

    Args:
        rankings: Pairs of ids, best first, without repeats, and the weight of that ranking.
        rank_constant: Larger values make the first places count less.

    Returns:
        Every id of any ranking with its sum as score, best first; equal scores by id.
    """
    if not any(len(ids) for ids, _ in rankings):
        return Hits.none()
    ids = np.concatenate([ids for ids, _ in rankings])
    shares = np.concatenate(
        [weight / (rank_constant + np.arange(1, len(ids) + 1)) for ids, weight in rankings]
    )
    distinct, places = np.unique(ids, return_inverse=True)
    return Hits.ordered(distinct, np.bincount(places, weights=shares).astype(np.float32))
