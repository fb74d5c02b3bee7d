"""Blocks of consecutive sentences for the methods that read a book from its beginning to its end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from retrieval.document import Section, Span

__all__ = ["TENTHS", "Block", "blocks_of", "innermost", "merge_groups"]

TENTHS: Final = 10
_BREAK: Final = re.compile(r"\n[ \t\r]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """The sentences `first` to `end` (exclusive) of a document, with their tokens."""

    first: int
    end: int
    tokens: int


def blocks_of(
    text: str, sentences: Sequence[Span], tokens: Sequence[int], part: Span, limit: int
) -> list[Block]:
    """Cut a part of a document into blocks of whole paragraphs.

    Args:
        text: Of the document.
        sentences: All of the document.
        tokens: Of each sentence.
        part: What to cut; only sentences that lie in it whole are taken.
        limit: Most tokens of a block. A paragraph that is longer is cut at sentence ends, and a single
            sentence that is longer stays whole.
    """
    inside = [n for n, s in enumerate(sentences) if part.start <= s.start and s.end <= part.end]
    blocks: list[Block] = []
    first = count = break_at = break_count = 0
    for place, n in enumerate(inside):
        if place == 0:
            first, count = n, 0
        while count and count + tokens[n] > limit:
            # Back to the last paragraph's end, unless that would leave next to nothing.
            end, kept = (break_at, break_count) if break_count * 2 >= limit else (n, count)
            blocks.append(Block(first, end, kept))
            first, count = end, count - kept
            break_at = break_count = 0
        count += tokens[n]
        following = sentences[n + 1].start if n + 1 < len(sentences) else len(text)
        if _BREAK.search(text, sentences[n].end, following):
            break_at, break_count = n + 1, count
    if inside and count:
        blocks.append(Block(first, inside[-1] + 1, count))
    return blocks


def merge_groups(tokens: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Put consecutive summaries into groups (first, end) of at most `limit` tokens, and of at least two.

    A last one that would be alone joins the group before it, so that every round of merging leaves fewer.
    """
    groups: list[tuple[int, int]] = []
    first, count = 0, 0
    for n, each in enumerate(tokens):
        if n - first >= 2 and count + each > limit:
            groups.append((first, n))
            first, count = n, 0
        count += each
    if len(tokens) - first == 1 and groups:
        groups[-1] = (groups[-1][0], len(tokens))
    elif len(tokens) > first:
        groups.append((first, len(tokens)))
    return groups


def innermost(sections: Sequence[Section], part: Span) -> list[Span]:
    """What coverage is counted in: the sections that hold no others, as far as they lie in a part.

    Where there are none, the part's tenths.
    """
    inner = [
        section.span
        for n, section in enumerate(sections)
        if n + 1 == len(sections) or sections[n + 1].span.start >= section.span.end
    ]
    cut = [Span(max(s.start, part.start), min(s.end, part.end)) for s in inner if s.overlaps(part)]
    if cut:
        return cut
    edges = [part.start + len(part) * n // TENTHS for n in range(TENTHS + 1)]
    return [Span(a, b) for a, b in itertools.pairwise(edges) if a < b] or [part]
