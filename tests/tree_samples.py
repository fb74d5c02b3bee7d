"""Summary trees made by hand for tests: nested titles, a leaf of ten sentences each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memory.trees import NodeKind, Summary, SummarySentence, SummaryTree, TreeNode
from retrieval.document import Span

LEAF_SENTENCES = 10
LEAF_CHARACTERS = 100
LEAF_TOKENS = 50


@dataclass(frozen=True)
class Part:
    """A node with its children; a leaf has none."""

    title: str
    children: tuple[Part, ...] = ()
    kind: NodeKind = "group"


def part(title: str, *children: Part | str, kind: NodeKind = "group") -> Part:
    return Part(title, tuple(leaf(c) if isinstance(c, str) else c for c in children), kind)


def leaf(title: str) -> Part:
    return Part(title, (), "leaf")


def section(title: str, *children: Part | str) -> Part:
    return part(title, *children, kind="section")


def tree_of(root: Part, tokens: int = LEAF_TOKENS) -> SummaryTree:
    """The tree: its leaves tile a text of 100 characters, 10 sentences and `tokens` tokens each."""
    nodes: list[TreeNode] = []
    numbers: dict[int, int] = {}

    def grow(each: Part) -> TreeNode:
        children = [grow(child) for child in each.children]
        level = 1 + max(child.level for child in children) if children else 0
        leaves = sum(not node.children for node in nodes)
        first = children[0].first_sentence if children else leaves * LEAF_SENTENCES
        end = children[-1].end_sentence if children else first + LEAF_SENTENCES
        start = first // LEAF_SENTENCES * LEAF_CHARACTERS
        stop = end // LEAF_SENTENCES * LEAF_CHARACTERS
        text = f"What {each.title} tells."
        node = TreeNode(
            ordinal=len(nodes),
            parent=None,
            children=tuple(child.ordinal for child in children),
            level=level,
            number=numbers.get(level, 0),
            kind=each.kind,
            title=each.title,
            span=Span(start, stop),
            first_sentence=first,
            end_sentence=end,
            tokens=(end - first) // LEAF_SENTENCES * tokens,
            digest=each.title.encode(),
            summary=Summary(b"", (SummarySentence(text, (Span(start, start + 9),), True),)),
        )
        numbers[level] = node.number + 1
        nodes.append(node)
        for child in children:
            nodes[child.ordinal] = replace(nodes[child.ordinal], parent=node.ordinal)
        return node

    top = grow(root)
    nodes[top.ordinal] = replace(nodes[top.ordinal], kind="root")
    return SummaryTree(1, "d1", "hash", "by hand", tuple(nodes))
