"""A document's own structure, as far as a summary tree follows it: parts that hold parts, or text alone.

Text between sections becomes a part of its own. What is too small to be summarised alone is joined with its
neighbours, and a part that holds nothing but one other is made one with it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from memory.tree_settings import TreeSettings
from retrieval.document import Document, Span
from retrieval.hits import Int64

__all__ = ["Part", "document_parts"]


@dataclass(slots=True)
class Part:
    """A range of sentences.

    Attributes:
        title: Of the section, "" for text that has none of its own.
        first: Number of its first sentence.
        end: One past its last.
        section: Whether it is one of the document's own.
        parts: What it is made of, without a gap; empty if it is to be cut into leaves.
        edges: Where the small sections begin that were joined in it, with their titles.
    """

    title: str
    first: int
    end: int
    section: bool = False
    parts: list[Part] = field(default_factory=list)
    edges: tuple[tuple[int, str], ...] = ()


def document_parts(
    document: Document, sentences: Sequence[Span], sums: Int64, settings: TreeSettings
) -> Part:
    """The whole document as a part.

    Args:
        document: With its sections.
        sentences: Of the document, in order.
        sums: Tokens of all sentences before each, and at the end of all, shape (n + 1,).
        settings: What is small.
    """
    starts = [span.start for span in sentences]
    root = Part(document.title, 0, len(sentences))
    open_parts = [root]
    for section in document.sections:
        first, end = bisect_left(starts, section.span.start), bisect_left(starts, section.span.end)
        while len(open_parts) > 1 and open_parts[-1].end <= first:
            open_parts.pop()
        above = open_parts[-1]
        first = max(first, above.parts[-1].end if above.parts else above.first)
        end = min(end, above.end)
        if first < end and len(open_parts) <= settings.deepest:
            above.parts.append(Part(section.title, first, end, section=True))
            open_parts.append(above.parts[-1])
    _arrange(root, sums, settings)
    return root


def _arrange(part: Part, sums: Int64, settings: TreeSettings) -> None:
    """Give a part the parts that it is summarised from."""
    while True:
        if not part.parts or _tokens(part, sums) <= settings.single_tokens:
            part.parts = []
            return
        items = _without_tiny(_joined(_with_gaps(part), sums, settings), sums, settings)
        if len(items) > 1:
            break
        (only,) = items
        if only.section and part.section:
            part.title = f"{part.title}, {only.title}"
        part.parts, part.edges = only.parts, only.edges
    part.parts = items
    for item in items:
        _arrange(item, sums, settings)


def _with_gaps(part: Part) -> list[Part]:
    items: list[Part] = []
    reached = part.first
    for inner in part.parts:
        if reached < inner.first:
            items.append(Part("", reached, inner.first))
        items.append(inner)
        reached = inner.end
    if reached < part.end:
        items.append(Part("", reached, part.end))
    return items


def _joined(items: Sequence[Part], sums: Int64, settings: TreeSettings) -> list[Part]:
    """Small neighbours made one text."""
    joined: list[Part] = []
    run: list[Part] = []
    for item in [*items, None]:
        if item is not None and _tokens(item, sums) < settings.small_tokens:
            run.append(item)
            continue
        if len(run) > 1:
            edges = tuple((each.first, each.title) for each in run)
            joined.append(Part("", run[0].first, run[-1].end, edges=edges))
        else:
            joined.extend(run)
        run = []
        if item is not None:
            joined.append(item)
    return joined


def _without_tiny(items: Sequence[Part], sums: Int64, settings: TreeSettings) -> list[Part]:
    """What is hardly more than a heading goes with what follows it, or else with what comes before."""
    kept: list[Part] = []
    carried: int | None = None
    for item in items:
        if carried is not None:
            item.first, carried = carried, None
        if _tokens(item, sums) < settings.tiny_tokens:
            carried = item.first
            last = item
        else:
            kept.append(item)
    if carried is not None and kept:
        kept[-1].end = items[-1].end
    return kept or [last]


def _tokens(part: Part, sums: Int64) -> int:
    return int(sums[part.end] - sums[part.first])
