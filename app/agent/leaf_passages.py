"""The passages of the leaves that a walk has pooled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.agent.context import AgentContext
from app.agent.state import PassageState
from memory.trees import TreeNode
from retrieval.passages import Neighbourhood, Passage, build_passages

__all__ = ["leaf_passages", "without_held"]

PER_LEAF: Final = 2
"""Passages of a leaf: with more of them, what search alone has found would come late."""
BEFORE: Final = 1.0
"""Added to the score of a leaf's passage, so that it comes before what search alone has found."""


def leaf_passages(query: str, leaves: Sequence[str], context: AgentContext) -> list[PassageState]:
    """The best passages of each leaf, the best of all leaves first; of one without a hit, its beginning."""
    forest = context.forest(query, [int(name.partition(":")[0]) for name in leaves])
    hits = context.places(query)
    found: list[tuple[float, Passage]] = []
    for name in leaves:
        document, leaf = forest.node(name)
        inside = [
            hit
            for place, score in hits
            if place.document == document and (hit := _clipped(place.first, place.end, leaf, document, score))
        ]
        start = Neighbourhood(document, leaf.first_sentence, leaf.first_sentence + 1, 0.0)
        span = (document, leaf.first_sentence, leaf.end_sentence)
        tokens = context.rows.sentence_tokens([span])
        if leaf.first_sentence in tokens.get(document, {}):
            passages = build_passages(inside or [start], tokens, PER_LEAF)
            found += [(passage.score, passage) for passage in passages]
    found.sort(key=lambda each: -each[0])
    return [each for _, passage in found if (each := context.passage(passage, BEFORE)) is not None]


def without_held(passages: Sequence[PassageState], by: Sequence[PassageState]) -> list[PassageState]:
    """The passages that do not lie within others."""
    return [
        each
        for each in passages
        if not any(
            other["document"] == each["document"]
            and other["first"] <= each["first"]
            and each["last"] <= other["last"]
            for other in by
        )
    ]


def _clipped(first: int, end: int, leaf: TreeNode, document: int, score: float) -> Neighbourhood | None:
    """The part of a hit that lies in a leaf, None if none does."""
    first, end = max(first, leaf.first_sentence), min(end, leaf.end_sentence)
    return Neighbourhood(document, first, end, score) if first < end else None
