"""Where the leaves of a summary tree end, and how these ends are found again after an edit.

Leaves of even sizes move all their ends when one paragraph grows. So the ends of the tree before are looked
for in the new text, each by the characters on its two sides, and kept where leaves stay of a sensible size:
an edit then changes one leaf.
"""

from __future__ import annotations

import hashlib
import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory.tree_parts import Part
from memory.tree_settings import TreeSettings
from retrieval.document import Span
from retrieval.hits import Int64

__all__ = ["Anchor", "anchor_at", "cut_part", "found_again"]

SIDE: Final = 200
"""Characters on each side that an end of a leaf is known by."""
WINDOW: Final = 0.3
"""How far from its even place a cut may be, as a share of a leaf."""
NO_PARAGRAPH: Final = 0.3
"""What a cut inside of a paragraph counts for, in shares of a leaf; inside of a sentence twice that."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The boundary between two leaves: hashes of what stands before and after it, 8 bytes each."""

    before: bytes
    after: bytes
    offset: int


def anchor_at(text: str, before: int, after: int) -> Anchor:
    """The anchor of a boundary; a leaf ends at `before`, the next begins at `after`."""
    return Anchor(_hash(text[max(before - SIDE, 0) : before]), _hash(text[after : after + SIDE]), after)


def found_again(text: str, sentences: Sequence[Span], anchors: Sequence[Anchor]) -> list[int]:
    """Numbers of the sentences that begin where an anchor was, ascending.

    An anchor is found where both of its sides stand, or else where one does; of several such places, the one
    that is as far from the anchor before as it was.
    """
    if not anchors:
        return []
    starting: defaultdict[bytes, list[int]] = defaultdict(list)
    ending: defaultdict[bytes, list[int]] = defaultdict(list)
    for n in range(1, len(sentences)):
        before, start = sentences[n - 1].end, sentences[n].start
        ending[_hash(text[max(before - SIDE, 0) : before])].append(n)
        starting[_hash(text[start : start + SIDE])].append(n)
    found: list[int] = []
    moved, last = 0, 0
    for anchor in anchors:
        ends, starts = ending.get(anchor.before, []), starting.get(anchor.after, [])
        both = set(ends) & set(starts)
        places = [n for n in both or {*ends, *starts} if n > last]
        if not places:
            continue
        expected = anchor.offset + moved
        last = min(places, key=lambda n: (abs(sentences[n].start - expected), n))
        moved = sentences[last].start - anchor.offset
        found.append(last)
    return found


def cut_part(
    text: str,
    sentences: Sequence[Span],
    sums: Int64,
    part: Part,
    kept: Sequence[int] | None,
    settings: TreeSettings,
) -> list[int]:
    """The first sentences of the leaves of a part.

    Args:
        text: Of the document.
        sentences: Of the document.
        sums: Tokens before each sentence, shape (n + 1,).
        part: One without parts.
        kept: First sentences of leaves of the tree before, ascending; None if there is no such tree.
        settings: Sizes.
    """
    inside = [] if kept is None else kept[bisect_right(kept, part.first) : bisect_left(kept, part.end)]
    bounds = [part.first, *inside, part.end]
    least, most = settings.least * settings.leaf_tokens, settings.most * settings.leaf_tokens
    sizes = [int(sums[end] - sums[first]) for first, end in itertools.pairwise(bounds)]
    while len(sizes) > 1 and min(sizes) < least:
        n = sizes.index(min(sizes))
        # With the smaller of its neighbours.
        left = n - 1 if n and (n + 1 == len(sizes) or sizes[n - 1] <= sizes[n + 1]) else n
        sizes[left : left + 2] = [sizes[left] + sizes[left + 1]]
        del bounds[left + 1]
    edges = {first for first, _ in part.edges}
    starts: list[int] = []
    for size, (first, end) in zip(sizes, itertools.pairwise(bounds), strict=True):
        count = max(round(size / settings.leaf_tokens), 1)
        if kept is not None and size <= most:
            count = 1
        starts.append(first)
        for n in range(1, count):
            ideal = int(sums[first]) + size * n / count
            starts.append(_nearest(text, sentences, sums, edges, starts[-1], end, ideal, settings))
    return list(dict.fromkeys(starts))


def _nearest(
    text: str,
    sentences: Sequence[Span],
    sums: Int64,
    edges: set[int],
    last: int,
    end: int,
    ideal: float,
    settings: TreeSettings,
) -> int:
    """The sentence near `ideal` tokens that a leaf begins best with."""
    reach = WINDOW * settings.leaf_tokens
    low = max(int(bisect_left(sums, ideal - reach, last + 1, end)), last + 1)
    high = min(int(bisect_right(sums, ideal + reach, low, end)), end - 1)
    if low >= end:
        return last

    def cost(n: int) -> tuple[float, int]:
        distance = abs(float(sums[n]) - ideal) / settings.leaf_tokens
        between = text[sentences[n - 1].end : sentences[n].start]
        if n in edges:
            return distance - NO_PARAGRAPH, n
        if not between:
            return distance + 2 * NO_PARAGRAPH, n
        return distance + (0.0 if between.count("\n") > 1 else NO_PARAGRAPH), n

    return min(range(low, max(high, low) + 1), key=cost)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
