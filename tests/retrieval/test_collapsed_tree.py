"""The summary trees searched flat: nodes become the best two chunks below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrieval.collapsed_tree import CollapsedTree
from retrieval.hits import Int64
from retrieval.vector_index import FaissIndex

EAST, NORTH = np.array([1, 0], np.float32), np.array([0, 1], np.float32)


def unit(x: float, y: float) -> np.ndarray:
    row = np.array([x, y], np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


@dataclass
class Rows:
    """Nodes 1 and 2 of document 10, node 3 of document 20."""

    held: dict[int, list[int]]

    def node_keys(self, documents: Int64) -> Int64:
        of = {10: [1, 2], 20: [3]}
        return np.array([node for each in documents for node in of[int(each)]], np.int64)

    def chunks_of_nodes(self, nodes: Int64) -> dict[int, list[int]]:
        return {int(node): self.held[int(node)] for node in nodes if int(node) in self.held}


def collapsed(held: dict[int, list[int]]) -> CollapsedTree:
    nodes, chunks = FaissIndex.create(2), FaissIndex.create(2)
    nodes.add(np.array([1, 2, 3]), np.stack([unit(3, 1), unit(1, 1), unit(2, 1)]))
    # Towards the east the chunks are 103, 101, 104, 102, 105.
    rows = [unit(3, 1), unit(1, 2), unit(9, 1), unit(1, 1), unit(0, 1)]
    chunks.add(np.array([101, 102, 103, 104, 105]), np.stack(rows))
    return CollapsedTree(nodes, chunks, Rows(held))


def test_chunks_come_in_the_order_of_their_nodes_then_of_their_own() -> None:
    tree = collapsed({1: [102, 101], 2: [105], 3: [101, 103, 104]})
    # Nodes towards the east: 1, 3, 2.
    assert tree.ranking(EAST, 10).tolist() == [101, 102, 103, 105]
    # Nodes towards the north: 2, 3, 1; the chunks 105, 102, 104, 101, 103.
    assert tree.ranking(NORTH, 10).tolist() == [105, 104, 101, 102]
    assert tree.ranking(EAST, 3).tolist() == [101, 102, 103]


def test_only_the_nodes_of_the_documents_are_looked_at() -> None:
    tree = collapsed({1: [101], 2: [105], 3: [103]})
    assert tree.ranking(EAST, 10, np.array([20])).tolist() == [103]
    assert tree.ranking(EAST, 10, np.array([10])).tolist() == [101, 105]


def test_nodes_and_chunks_that_are_gone_are_left_out() -> None:
    assert collapsed({1: [101, 999], 3: []}).ranking(EAST, 10).tolist() == [101]
    assert collapsed({}).ranking(EAST, 10).tolist() == []


def test_without_trees_there_is_nothing() -> None:
    empty = CollapsedTree(FaissIndex.create(2), FaissIndex.create(2), Rows({}))
    assert empty.ranking(EAST, 10).tolist() == []
    assert empty.ranking(EAST, 10, np.array([10])).tolist() == []
