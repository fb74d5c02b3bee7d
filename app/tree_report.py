"""A summary tree as the JSON document of `clew tree --json` (app/tree.schema.json) and as lines of text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.padding import Padding
from rich.text import Text

from app.display import printable
from memory.trees import SummaryTree, TreeNode
from retrieval.document import Page

__all__ = ["tree_json", "tree_lines"]

SHOWN: Final = 220
"""Characters of a summary that are shown of a node below the root."""


def tree_json(tree: SummaryTree, depth: int | None = None) -> dict[str, Any]:
    """The tree, parents before their children, in the order of the text.

    Args:
        tree: Whole.
        depth: How far below the root; None is down to the leaves.
    """
    return {
        "document": tree.document_id,
        "levels": tree.root.level + 1,
        "nodes": [_node_json(tree, node) for node, _ in _from_the_root(tree, depth)],
    }


def tree_lines(
    tree: SummaryTree, pages: Sequence[Page], depth: int | None = None, leaves: bool = False
) -> Iterator[Padding]:
    """The tree for a person: a line for each node, and the beginning of its summary below it.

    Args:
        tree: Whole.
        pages: Of the document, for the places of its nodes.
        depth: How far below the root; None is as far as there are sections and groups.
        leaves: Whether leaves are shown as well; those that are sections of their own are in any case.
    """
    for node, below in _from_the_root(tree, depth):
        if node.kind == "leaf" and not leaves and depth is None:
            continue
        line = Text.assemble(
            (printable(node.title), "bold" if node.kind != "leaf" else ""),
            (f"  {_place(node, pages)}{node.tokens:,} tokens  {node.id}", "dim"),
        )
        yield Padding(line, (0, 0, 0, 2 * below))
        if node.summary is not None:
            text = printable(node.summary.text)
            if node.parent is not None and len(text) > SHOWN:
                text = text[: text.rfind(" ", 0, SHOWN)] + " …"
            yield Padding(Text(text), (0, 0, 0, 2 * below + 2))
            if notes := "; ".join(node.summary.notes):
                yield Padding(Text(f"({printable(notes)})", style="yellow"), (0, 0, 0, 2 * below + 2))


def _node_json(tree: SummaryTree, node: TreeNode) -> dict[str, Any]:
    summary = node.summary
    return {
        "id": node.id,
        "level": node.level,
        "parent": None if node.parent is None else tree.nodes[node.parent].id,
        "start": node.span.start,
        "end": node.span.end,
        "title": node.title,
        "summary": "" if summary is None else summary.text,
        "sentences": [
            {
                "text": each.text,
                "sources": [{"start": span.start, "end": span.end} for span in each.sources],
                "supported": each.supported,
            }
            for each in (() if summary is None else summary.sentences)
        ],
        **({} if summary is None or not summary.notes else {"notes": list(summary.notes)}),
    }


def _from_the_root(tree: SummaryTree, depth: int | None) -> Iterator[tuple[TreeNode, int]]:
    """The nodes, parents first, each with how far below the root it is."""
    waiting = [(tree.root, 0)]
    while waiting:
        node, below = waiting.pop()
        yield node, below
        if depth is None or below < depth:
            waiting += [(child, below + 1) for child in reversed(tree.children(node))]


def _place(node: TreeNode, pages: Sequence[Page]) -> str:
    """The pages that a node begins and ends on, "" where there are none."""
    if not pages:
        return ""
    starts = [page.span.start for page in pages]
    first = max(bisect_right(starts, node.span.start) - 1, 0)
    last = max(bisect_right(starts, max(node.span.end - 1, node.span.start)) - 1, first)
    if first == last:
        return f"p. {pages[first].number}  "
    return f"pp. {pages[first].number}-{pages[last].number}  "
