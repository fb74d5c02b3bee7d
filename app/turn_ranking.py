"""Activated turns in the order that reading them together with the question gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from memory.stream_index import ActivatedTurn
from retrieval.reranking import Reading

__all__ = ["ANSWERABLE", "MARGIN", "RELEVANCE", "read_turns"]

RELEVANCE: Final = 0.05
ANSWERABLE: Final = 0.0
MARGIN: Final = 0.0
"""Of a reading's log-odds, where activation has 1: fitted by tests/benchmarks/turn_rerank_choice.py."""
NONE: Final = -12.0
"""The margin of a turn without any words."""


def read_turns(activated: Sequence[ActivatedTurn], readings: Sequence[Reading]) -> list[ActivatedTurn]:
    """The turns in their new order, best first.

    Each takes the activation of the turn whose place it takes, so that what the scores mean to the controller
    stays; relevance, recency and importance stay each turn's own.
    """
    value = [
        turn.score
        + RELEVANCE * reading.relevance
        + ANSWERABLE * reading.answerable
        + MARGIN * (reading.spans[0].score if reading.spans else NONE)
        for turn, reading in zip(activated, readings, strict=True)
    ]
    order = sorted(range(len(activated)), key=lambda n: (-value[n], n))
    scores = sorted((each.score for each in activated), reverse=True)
    return [replace(activated[n], score=score) for n, score in zip(order, scores, strict=True)]
