"""How much of a document a summary draws on, and how evenly (FABLES, arXiv 2404.01261)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from retrieval.document import Span

__all__ = ["STRETCHES", "SummaryFigures", "measure"]

STRETCHES: Final = 10
"""Equal stretches of the text over which evenness is counted."""


@dataclass(frozen=True, slots=True)
class SummaryFigures:
    """What a summary draws on.

    Attributes:
        words: Of the summary.
        sections_drawn_on: Sections that hold at least one of its sources.
        sections_total: Sections of what was summarised.
        unit: What is counted as a section: the document's own, or, where it has none, a tenth of the text.
        stretches: For each tenth of the text, in order, how many sentences of the summary rest on it.
        evenness: Entropy of `stretches` divided by that of an even spread over as many tenths as the summary
            has supported sentences for, at most all; 1 is as even as can be, 0 is all in one place, None if
            it rests on nothing.
        unsupported: Sentences without a source.
    """

    words: int
    sections_drawn_on: int
    sections_total: int
    unit: Literal["section", "tenth"]
    stretches: tuple[int, ...]
    evenness: float | None
    unsupported: int

    @property
    def coverage(self) -> float:
        """Share of the sections that it draws on, 0 to 1."""
        return self.sections_drawn_on / self.sections_total


def measure(
    sentences: Sequence[str],
    sources: Sequence[Sequence[Span]],
    sections: Sequence[Span],
    span: Span,
    unit: Literal["section", "tenth"] = "section",
) -> SummaryFigures:
    """Measure a summary.

    Args:
        sentences: Of the summary.
        sources: For each sentence the spans it rests on, none if it rests on nothing.
        sections: Of what was summarised, at least one.
        span: Of what was summarised.
        unit: What the sections are.
    """
    if not sections:
        raise ValueError("a summary is of at least one section")
    starts = [source.start for each in sources for source in each]
    drawn_on = sum(any(section.start <= start < section.end for start in starts) for section in sections)
    stretches = [0] * STRETCHES
    for each in sources:
        for place in {_stretch(source.start, span) for source in each}:
            stretches[place] += 1
    supported = sum(bool(each) for each in sources)
    return SummaryFigures(
        words=sum(len(sentence.split()) for sentence in sentences),
        sections_drawn_on=drawn_on,
        sections_total=len(sections),
        unit=unit,
        stretches=tuple(stretches),
        evenness=_evenness(stretches, min(STRETCHES, supported)),
        unsupported=len(sources) - supported,
    )


def _stretch(offset: int, span: Span) -> int:
    place = STRETCHES * (offset - span.start) // max(len(span), 1)
    return min(max(place, 0), STRETCHES - 1)


def _evenness(counts: Sequence[int], reachable: int) -> float | None:
    total = sum(counts)
    if not total:
        return None
    if reachable < 2:
        return 1.0  # a single sentence cannot be spread
    entropy = -sum(count / total * math.log(count / total) for count in counts if count)
    return min(entropy / math.log(reachable), 1.0)
