"""Passages: hits next to each other merged, and filled up with whole sentences around them.

A hit is a chunk; what a reader gets is a passage of at most about 300 tokens in which the chunk stands with
its surroundings. Two hits become one passage when it can hold both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_PASSAGE_TOKENS", "Neighbourhood", "Passage", "build_passages"]

MAX_PASSAGE_TOKENS: Final = 300


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A chunk that was hit.

    Attributes:
        document: Key of its document.
        first: Number of its first sentence.
        end: One past the number of its last.
        score: Of the fusion, higher is better.
    """

    document: int
    first: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of sentences of one document, `first` to `end` (exclusive), with the score of its best hit."""

    document: int
    first: int
    end: int
    score: float


def build_passages(
    hits: Sequence[Neighbourhood],
    token_counts: Mapping[int, Mapping[int, int]],
    count: int,
    max_tokens: int = MAX_PASSAGE_TOKENS,
) -> list[Passage]:
    """Make the best `count` passages.

    Args:
        hits: Chunks, best first.
        token_counts: For each document, the tokens of its sentences by their number; those of the hits
            must be there, a passage ends where one is missing.
        count: Passages wanted; fewer come back when the hits run out.
        max_tokens: Most tokens of a passage. A single chunk that is longer stays whole.

    Returns:
        Passages, best first, none of which holds a whole hit that an earlier one holds.
    """
    passages: list[Passage] = []
    for position, hit in enumerate(hits):
        if _is_held(hit, passages):
            continue
        if len(passages) == count:
            break
        counts = token_counts[hit.document]
        first, end = hit.first, hit.end
        room = max_tokens - _tokens(counts, first, end)
        # A later hit that touches this one and fits joins it, better ones first.
        for other in hits[position + 1 :]:
            if other.document != hit.document or other.end < first or other.first > end:
                continue
            if _is_held(other, passages):
                continue
            wider = min(first, other.first), max(end, other.end)
            more = _tokens(counts, wider[0], first) + _tokens(counts, end, wider[1])
            if more <= room:
                (first, end), room = wider, room - more
        shown = {n for p in passages if p.document == hit.document for n in range(p.first, p.end)}
        first, end = _filled(counts, first, end, room, shown)
        passages.append(Passage(hit.document, first, end, hit.score))
    return passages


def _is_held(hit: Neighbourhood, passages: Sequence[Passage]) -> bool:
    return any(p.document == hit.document and p.first <= hit.first and hit.end <= p.end for p in passages)


def _tokens(counts: Mapping[int, int], first: int, end: int) -> int:
    return sum(counts[number] for number in range(first, end))


def _filled(counts: Mapping[int, int], first: int, end: int, room: int, shown: Set[int]) -> tuple[int, int]:
    """Take in the sentences before and after, in turn, while they fit and no better passage has them."""
    before = after = True
    while before or after:
        before = before and first - 1 in counts and first - 1 not in shown and counts[first - 1] <= room
        if before:
            first -= 1
            room -= counts[first]
        after = after and end in counts and end not in shown and counts[end] <= room
        if after:
            room -= counts[end]
            end += 1
    return first, end
