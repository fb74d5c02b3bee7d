"""Hay of a length in tokens, and haystacks: hay with sentences put in at chosen depths.

Shorter hay is the beginning of longer hay, so what was encoded for one length is known for the next.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from app.haystacks.prose import Paragraph, paragraphs
from retrieval.chunking import TokenCounter

__all__ = ["Hay", "Haystack", "Placed", "token_counts"]

COUNTED_AT_ONCE: Final = 1_000
"""Paragraphs."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A sentence that goes in at a depth, 0 (before all sentences) to 1 (after all)."""

    sentence: str
    depth: float


@dataclass(frozen=True, slots=True)
class Haystack:
    """The text, and where in it each placed sentence begins, in the order in which they were given."""

    text: str
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hay:
    """Prose without anything hidden in it.

    Attributes:
        paragraphs: Headings among them.
        ends: For each paragraph the tokens up to its end.
    """

    paragraphs: tuple[Paragraph, ...]
    ends: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Of all of it."""
        return self.ends[-1]

    @property
    def distinct(self) -> float:
        """Share of its sentences that stand in it once only or for the first time."""
        sentences = [each for p in self.paragraphs if not p.heading for each in p.sentences]
        return len(set(sentences)) / len(sentences)

    @classmethod
    def grown(cls, seed: int, tokens: int, counter: TokenCounter) -> Self:
        """Whole paragraphs, up to the first one that reaches `tokens`."""
        kept: list[Paragraph] = []
        ends: list[int] = []
        total = 0
        for block in _blocks(paragraphs(seed)):
            counts = token_counts(["\n".join(each.sentences) for each in block], counter)
            for paragraph, count in zip(block, counts, strict=True):
                total += count
                kept.append(paragraph)
                ends.append(total)
                if total >= tokens and not paragraph.heading:
                    return cls(tuple(kept), tuple(ends))
        raise AssertionError("the prose has no end")

    def beginning(self, tokens: int) -> Hay:
        """The first paragraphs, as near to `tokens` as whole ones allow; at least one with sentences."""
        count = bisect.bisect_left(self.ends, tokens) + 1
        if count > 1 and self.ends[count - 2] + self.ends[min(count, len(self.ends)) - 1] > 2 * tokens:
            count -= 1
        while count < len(self.ends) and all(each.heading for each in self.paragraphs[:count]):
            count += 1
        while self.paragraphs[count - 1].heading:
            count -= 1
        return Hay(self.paragraphs[:count], self.ends[:count])

    def with_placed(self, placed: Sequence[Placed]) -> Haystack:
        """The text with sentences put in between its own, each at its depth among all sentences.

        Depth counts characters; the place is the nearest end of a sentence, never in or before a heading.
        """
        sentences = [len(s) for p in self.paragraphs if not p.heading for s in p.sentences]
        ends = [0, *itertools.accumulate(sentences)]
        at: dict[int, list[int]] = {}
        for number, each in sorted(enumerate(placed), key=lambda pair: pair[1].depth):
            wanted = each.depth * ends[-1]
            above = bisect.bisect_left(ends, wanted)
            nearest = above if above == 0 or ends[above] - wanted <= wanted - ends[above - 1] else above - 1
            at.setdefault(nearest, []).append(number)
        offsets = [0] * len(placed)
        parts: list[str] = []
        length, passed = 0, 0

        def write(sentence: str, behind: str) -> None:
            nonlocal length
            parts.extend((sentence, behind))
            length += len(sentence) + len(behind)

        def put_in(numbers: Sequence[int]) -> None:
            for number in numbers:
                offsets[number] = length
                write(placed[number].sentence, " ")

        for paragraph in self.paragraphs:
            for sentence in paragraph.sentences:
                if not paragraph.heading:
                    put_in(at.get(passed, []))
                    passed += 1
                write(sentence, " ")
            if passed == len(sentences) and not paragraph.heading:
                put_in(at.get(passed, []))  # at the very end
            parts[-1] = "\n\n"
            length += 1
        return Haystack("".join(parts), tuple(offsets))


def token_counts(texts: Sequence[str], counter: TokenCounter) -> list[int]:
    """Tokens of each text, as the encoder counts."""
    return [len(offsets) for offsets in counter.token_offsets(texts)]


def _blocks(source: Iterator[Paragraph]) -> Iterator[list[Paragraph]]:
    while block := list(itertools.islice(source, COUNTED_AT_ONCE)):
        yield block
