"""All levels of the summary trees searched flat: RAPTOR's collapsed tree (arXiv 2401.18059).

A summary speaks to a question whose words stand nowhere in the text. What is found is a node; what is ranked
is text: the best chunks of its part of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from retrieval.hits import Float32, Int64
from retrieval.vector_index import VectorIndex

__all__ = ["CollapsedTree", "NodeRows"]

NODES: Final = 120
"""Nodes that are looked at."""
PER_NODE: Final = 2
"""Chunks that a node stands for: the closest ones. Those that its summary rests on did worse in
tests/benchmarks/collapsed_tree_choice.py."""
CHUNKS: Final = 2_000
"""Chunks whose order is asked for; what is further from the question is no node's best."""


class NodeRows(Protocol):
    """What is asked of the store."""

    def node_keys(self, documents: Int64) -> Int64:
        """Keys of all nodes of the trees of some documents."""

    def chunks_of_nodes(self, nodes: Int64) -> dict[int, list[int]]:
        """For each node, the chunks of its part of the text; nodes that are gone are left out."""


@dataclass(frozen=True, slots=True)
class CollapsedTree:
    """The index of all nodes and the rows behind it."""

    nodes: VectorIndex
    chunks: VectorIndex
    rows: NodeRows

    def ranking(self, row: Float32, most: int, documents: Int64 | None = None) -> Int64:
        """Keys of chunks, best first: the closest two of the closest node, then those of the next.

        Args:
            row: The embedding of a question, shape (dim,), unit length.
            most: Chunks wanted; fewer come back if there are fewer.
            documents: Keys of the documents to search; all when None.
        """
        rows = np.ascontiguousarray(row[None, :])
        within = None if documents is None else self.rows.node_keys(documents)
        hits = self.nodes.search(rows, NODES, within)[0].ids
        held = self.rows.chunks_of_nodes(hits)
        wanted = np.unique(np.array([chunk for each in held.values() for chunk in each], np.int64))
        if not len(wanted):
            return wanted
        closest = self.chunks.search(rows, min(len(wanted), CHUNKS), wanted)[0].ids
        rank = {int(chunk): n for n, chunk in enumerate(closest)}
        ranking: dict[int, None] = {}
        for node in hits.tolist():
            known = [chunk for chunk in held.get(node, []) if chunk in rank]
            ranking |= dict.fromkeys(sorted(known, key=rank.__getitem__)[:PER_NODE])
        return np.array(list(ranking)[:most], np.int64)
