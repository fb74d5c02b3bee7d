"""Coverage: how many sections of the documents an answer draws on, by where its evidence stands."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from app.agent.context import AgentContext
from app.agent.state import EvidenceState

__all__ = ["innermost_section", "sections_asked", "sections_drawn_on"]


def sections_drawn_on(evidence: Iterable[EvidenceState], context: AgentContext) -> int:
    """The sections that at least one of the sentences stands in, those around it too.

    A document without sections counts as one.
    """
    starts: dict[int, list[int]] = {}
    for each in evidence:
        if each["document"] < 0:
            continue  # what was said has no sections
        starts.setdefault(each["document"], []).append(each["start"])
    count = 0
    for document, found in starts.items():
        found.sort()
        sections = context.sections(document)
        count += sum(bisect_left(found, each.start) < bisect_left(found, each.end) for each in sections)
        count += not sections
    return count


def sections_asked(context: AgentContext) -> int:
    """The sections of all documents that are asked; one without sections counts as one."""
    return sum(max(record.sections, 1) for record in context.documents.values())


def innermost_section(document: int, at: int, context: AgentContext) -> tuple[int, int]:
    """The document's key and the number of the innermost section at an offset, -1 outside of all."""
    sections = context.sections(document)
    n = bisect_right(sections, at, key=lambda each: each.start) - 1
    while n >= 0 and sections[n].end <= at:
        n -= 1
    return document, n
