"""The summary tree of a document whose beginning alone was read: nothing in it tells what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from memory.read_parts import ReadPart
from memory.trees import Summary, SummaryTree, TreeNode
from retrieval.document import Span

__all__ = ["tree_of_part"]


def tree_of_part(
    tree: SummaryTree,
    part: ReadPart,
    token_counts: Mapping[int, int],
    sections: Sequence[tuple[str, int, int]],
    unread_titles: Sequence[str],
) -> SummaryTree:
    """The tree without what lies beyond a part.

    Nodes that lie within it stay as they are: their summaries were made of their own text alone. Those that
    go on beyond it end with it, and are summarised by what is said of the nodes below them that do not; a
    leaf that goes on beyond it has no summary. A title that names what was not read is made anew.

    Args:
        tree: Whole.
        part: At least one sentence.
        token_counts: Of its sentences, by number.
        sections: Title, start and end of those that begin in it, in order.
        unread_titles: Of all other sections.
    """
    kept: list[TreeNode] = []
    ordinals: dict[int, int] = {}
    unread = {title for title in unread_titles if title} - {title for title, _, _ in sections}
    for node in tree.nodes:  # children before their parents
        if node.first_sentence >= part.sentences:
            continue
        children = tuple(ordinals[child] for child in node.children if child in ordinals)
        ordinals[node.ordinal] = len(kept)
        if node.end_sentence > part.sentences:
            node = _ended(node, part, [kept[child] for child in children], token_counts)
        if any(title in node.title for title in unread):
            node = replace(node, title=_title(node.span, sections))
        kept.append(replace(node, ordinal=len(kept), children=children))
    parents = {child: node.ordinal for node in kept for child in node.children}
    nodes = tuple(replace(node, parent=parents.get(node.ordinal)) for node in kept)
    return replace(tree, nodes=nodes)


def _ended(
    node: TreeNode, part: ReadPart, children: Sequence[TreeNode], token_counts: Mapping[int, int]
) -> TreeNode:
    """A node that goes on beyond the part, as far as it was read."""
    sentences = tuple(
        sentence for child in children if child.summary is not None for sentence in child.summary.sentences
    )
    return replace(
        node,
        span=Span(node.span.start, max(node.span.start, part.end)),
        end_sentence=part.sentences,
        tokens=sum(token_counts[number] for number in range(node.first_sentence, part.sentences)),
        summary=Summary(b"", sentences) if sentences else None,
    )


def _title(span: Span, sections: Sequence[tuple[str, int, int]]) -> str:
    """The sections that a span holds the beginning of, else the one that it lies in."""
    begun = [title for title, start, _ in sections if span.start <= start < span.end]
    if not begun:
        around = [title for title, start, end in sections if start <= span.start < end]
        return around[-1] if around else ""
    return begun[0] if begun[0] == begun[-1] else f"{begun[0]} - {begun[-1]}"
