"""Summary trees (MemWalker, arXiv 2310.05029): a document's text as leaves, summaries above, one root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from retrieval.document import Span

__all__ = ["NodeKind", "Summary", "SummarySentence", "SummaryTree", "TreeNode"]

NodeKind = Literal["leaf", "group", "section", "root"]


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of a summary.

    Attributes:
        text: As the reader wrote or took it, on one line.
        sources: Where in the document's text the source sentences that it rests on stand, closest first.
        supported: False if no source sentence is close enough; `sources` is then empty.
    """

    text: str
    sources: tuple[Span, ...]
    supported: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary; `notes` says what stayed wrong with it after it was asked for again."""

    digest: bytes
    sentences: tuple[SummarySentence, ...]
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its sentences in a row."""
        return " ".join(sentence.text for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of a tree.

    Attributes:
        ordinal: Children come before their parents, in the order of the text; the root is the last.
        parent: Ordinal of the parent, None for the root.
        children: Ordinals of the children, in the order of the text; none for a leaf.
        level: 0 for a leaf, more than that of each child for all others.
        number: Position among the nodes of its level, from 0.
        kind: "leaf", "group" (consecutive nodes), "section" (one of the document's own), "root".
        title: Of the section; of other nodes what they span, such as "CHAPTER I, part 2".
        span: Of the document's text; leaves follow each other without a gap but white space.
        first_sentence: Number of its first sentence in the document.
        end_sentence: One past its last.
        tokens: Of its sentences, as the encoder counts.
        digest: What its summary is kept under.
        summary: None while it is not there yet.
    """

    ordinal: int
    parent: int | None
    children: tuple[int, ...]
    level: int
    number: int
    kind: NodeKind
    title: str
    span: Span
    first_sentence: int
    end_sentence: int
    tokens: int
    digest: bytes
    summary: Summary | None = None

    @property
    def id(self) -> str:
        """What people see: its level and its number there, from 1."""
        return f"{self.level}.{self.number + 1}"


@dataclass(frozen=True, slots=True)
class SummaryTree:
    """The tree of one version of a document by one reader; `nodes[n].ordinal == n`."""

    key: int
    document_id: str
    content_hash: str
    reader: str
    nodes: tuple[TreeNode, ...]

    @property
    def root(self) -> TreeNode:
        """The node above all."""
        return self.nodes[-1]

    @property
    def leaves(self) -> tuple[TreeNode, ...]:
        """The leaves, in the order of the text."""
        return tuple(node for node in self.nodes if not node.children)

    @property
    def sections(self) -> tuple[TreeNode, ...]:
        """The document's own sections that a coverage is counted in: the innermost that hold no others.

        A document without sections is one section: its root.
        """
        inner = [node for node in self.nodes if node.kind == "section" and not self._holds_section(node)]
        return tuple(inner) or (self.root,)

    def children(self, node: TreeNode) -> tuple[TreeNode, ...]:
        """The children of a node, in the order of the text."""
        return tuple(self.nodes[n] for n in node.children)

    def path(self, node: TreeNode) -> tuple[TreeNode, ...]:
        """The nodes from the root down to this one, both included."""
        path = [node]
        while path[-1].parent is not None:
            path.append(self.nodes[path[-1].parent])
        return tuple(reversed(path))

    def below(self, node: TreeNode) -> Iterator[TreeNode]:
        """All nodes below one, in the order of their ordinals, itself left out."""
        for child in self.children(node):
            yield from self.below(child)
            yield child

    def _holds_section(self, node: TreeNode) -> bool:
        return any(each.kind == "section" for each in self.below(node))
