"""Activated turns in the order that reading them together with the question gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from memory.stream_index import ActivatedTurn

__all__ = ["RELEVANCE", "read_turns"]

RELEVANCE: Final = 0.038
"""Of a reading's log-odds, where activation has 1: fitted by tests/benchmarks/turn_rerank_choice.py."""


def read_turns(activated: Sequence[ActivatedTurn], relevance: Sequence[float]) -> list[ActivatedTurn]:
    """The turns in their new order, best first.

    Each takes the activation of the turn whose place it takes, so that what the scores mean to the controller
    stays; relevance, recency and importance stay each turn's own.

    Args:
        activated: Best first.
        relevance: Of each, that it answers the question, in log-odds.
    """
    value = [turn.score + RELEVANCE * said for turn, said in zip(activated, relevance, strict=True)]
    order = sorted(range(len(activated)), key=lambda n: (-value[n], n))
    scores = sorted((each.score for each in activated), reverse=True)
    return [replace(activated[n], score=score) for n, score in zip(order, scores, strict=True)]
