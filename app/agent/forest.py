"""The summary trees of the documents that are asked, as one tree to walk: nodes by name, scores of a search.

A name is a document's key and a node's ordinal. Above the roots of several documents stands a node of no
document.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from memory.trees import SummaryTree, TreeNode
from reader.contract import TriageOption
from retrieval.search import ChunkPlace

__all__ = ["EVERYTHING", "Forest"]

EVERYTHING: Final = "*"
"""The node above the roots of several documents."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees by their documents' keys, in the order in which the documents are shown.

    Attributes:
        trees: At least one.
        titles: Of the documents.
        hits: By node, the leaves below it in which a search found something, with the best score of each, 0
            to 1, the best first.
    """

    trees: Mapping[int, SummaryTree]
    titles: Mapping[int, str]
    hits: Mapping[str, Sequence[tuple[str, float]]]

    @property
    def root(self) -> str:
        """The name of the node above all."""
        if len(self.trees) > 1:
            return EVERYTHING
        ((document, tree),) = self.trees.items()
        return _name(document, tree.root.ordinal)

    def children(self, name: str) -> tuple[str, ...]:
        """The names of a node's children, in the order of the text; of a leaf, none."""
        if name == EVERYTHING:
            return tuple(_name(document, tree.root.ordinal) for document, tree in self.trees.items())
        document, node = self.node(name)
        return tuple(_name(document, child) for child in node.children)

    def node(self, name: str) -> tuple[int, TreeNode]:
        """The document's key and the node of a name, EVERYTHING left out."""
        document, _, ordinal = name.partition(":")
        return int(document), self.trees[int(document)].nodes[int(ordinal)]

    def title(self, name: str) -> str:
        """What a node is called; of a root, its document's title."""
        if name == EVERYTHING:
            return "all documents"
        document, node = self.node(name)
        return self.titles[document] if node.parent is None else node.title

    def summary(self, name: str) -> str:
        """The summary of a node, "" of what has none."""
        if name == EVERYTHING:
            return ""
        summary = self.node(name)[1].summary
        return summary.text if summary is not None else ""

    def option(self, name: str, excluded: Sequence[str] = ()) -> TriageOption:
        """A node as triage is shown it, its score that of the leaves below it that are not excluded."""
        found = (score for leaf, score in self.hits.get(name, ()) if leaf not in excluded)
        return TriageOption(self.title(name), self.summary(name), next(found, 0.0))

    @classmethod
    def grown(
        cls,
        trees: Mapping[int, SummaryTree],
        titles: Mapping[int, str],
        hits: Iterable[tuple[ChunkPlace, float]],
    ) -> Forest:
        """The trees with the scores of a search: of each leaf the best hit in it, the best of all being 1."""
        leaves = {document: tree.leaves for document, tree in trees.items()}
        firsts = {document: [leaf.first_sentence for leaf in each] for document, each in leaves.items()}
        scores: dict[tuple[int, int], float] = {}
        for place, score in hits:
            if place.document in trees:
                for leaf in _leaves_of(place, leaves[place.document], firsts[place.document]):
                    known = scores.get((place.document, leaf.ordinal), 0.0)
                    scores[place.document, leaf.ordinal] = max(known, score)
        best = max(scores.values(), default=1.0)
        below: dict[str, list[tuple[str, float]]] = {}
        for (document, ordinal), score in sorted(scores.items(), key=lambda each: (-each[1], each[0])):
            tree, leaf_name = trees[document], _name(document, ordinal)
            above = [_name(document, node.ordinal) for node in tree.path(tree.nodes[ordinal])]
            for name in (EVERYTHING, *above):
                below.setdefault(name, []).append((leaf_name, score / best))
        return cls(trees, titles, below)


def _leaves_of(place: ChunkPlace, leaves: Sequence[TreeNode], firsts: Sequence[int]) -> Iterable[TreeNode]:
    """The leaves that a chunk's sentences lie in."""
    n = max(bisect_right(firsts, place.first) - 1, 0)
    while n < len(leaves) and leaves[n].first_sentence < place.end:
        if leaves[n].end_sentence > place.first:
            yield leaves[n]
        n += 1


def _name(document: int, ordinal: int) -> str:
    return f"{document}:{ordinal}"
