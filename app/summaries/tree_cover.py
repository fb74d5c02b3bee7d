"""The nodes of a summary tree that lie in a part of the document, and the text at the part's edges.

Nothing of what stands outside of the part is in them: the summary of a node is made of its own text alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memory.trees import SummaryTree, TreeNode

__all__ = ["Cover", "cover", "opened"]


@dataclass(frozen=True, slots=True)
class Cover:
    """What covers a part, each sentence once.

    Attributes:
        nodes: The largest nodes that lie in it whole, in order.
        edges: Ranges of sentences (first, end) between them and the part's ends, in order.
    """

    nodes: tuple[TreeNode, ...]
    edges: tuple[tuple[int, int], ...]


def cover(tree: SummaryTree, first: int, end: int) -> Cover:
    """Cover the sentences `first` to `end` (exclusive) of a document."""
    nodes: list[TreeNode] = []
    edges: list[tuple[int, int]] = []
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        low, high = max(node.first_sentence, first), min(node.end_sentence, end)
        if low >= high:
            continue
        if (low, high) == (node.first_sentence, node.end_sentence):
            nodes.append(node)
        elif node.children:
            waiting += reversed(tree.children(node))
        else:
            edges.append((low, high))
    return Cover(tuple(nodes), tuple(edges))


def opened(tree: SummaryTree, nodes: Sequence[TreeNode], words: int) -> list[TreeNode]:
    """The nodes, or, while their summaries have fewer words than that, all of their children, in order."""
    found = list(nodes)
    while sum(_words(node) for node in found) < words and any(node.children for node in found):
        found = [each for node in found for each in (tree.children(node) or (node,))]
    return found


def _words(node: TreeNode) -> int:
    sentences: Iterable[str] = (each.text for each in node.summary.sentences) if node.summary else ()
    return sum(len(sentence.split()) for sentence in sentences)
