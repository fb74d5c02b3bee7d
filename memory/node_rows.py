"""The nodes of ready summary trees as rows of an index: their vectors, and the chunks below them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import Engine, Select, and_, select

from memory.read_parts import ReadPart
from memory.summaries import SummaryStore
from memory.tables import ChunkRow, DocumentRow, TreeNodeRow, TreeRow
from retrieval.hits import Float32, Int64

__all__ = ["NodeRowStore"]

BATCH: Final = 500


class NodeRowStore:
    """The `NodeRows` of one database; `encoder` is the key of the encoder whose embeddings count.

    A node's vector is the mean of the embeddings of its summary's sentences, made a unit row. Nodes whose
    summary has no embeddings by this encoder are left out. Of documents in `read`, only nodes and chunks that
    lie whole within the part that was read are given to a search.
    """

    def __init__(
        self, engine: Engine, encoder: int, dim: int, read: Mapping[int, ReadPart] | None = None
    ) -> None:
        self.engine, self.encoder, self.dim, self.read = engine, encoder, dim, read or {}
        self._chunks: dict[int, _Chunks] = {}

    def trees(self) -> list[int]:
        """Keys of the ready trees of documents as they are now, ascending; a tree's rows never change."""
        with self.engine.connect() as connection:
            return list(connection.execute(_trees().order_by(TreeRow.key)).scalars())

    def keys(self) -> Int64:
        """Keys of all nodes of these trees, ascending."""
        nodes = select(TreeNodeRow.key).where(TreeNodeRow.tree_key.in_(_trees()))
        with self.engine.connect() as connection:
            return np.sort(np.fromiter(connection.execute(nodes).scalars(), np.int64))

    def node_keys(self, documents: Int64) -> Int64:
        """Keys of the nodes of these trees that belong to some documents, ascending."""
        found: list[int] = []
        whole = [document for document in documents.tolist() if document not in self.read]
        with self.engine.connect() as connection:
            for first in range(0, len(whole), BATCH):
                trees = _trees().where(DocumentRow.key.in_(whole[first : first + BATCH]))
                nodes = select(TreeNodeRow.key).where(TreeNodeRow.tree_key.in_(trees))
                found += connection.execute(nodes).scalars()
            for document in [each for each in documents.tolist() if each in self.read]:
                trees = _trees().where(DocumentRow.key == document)
                nodes = select(TreeNodeRow.key).where(
                    TreeNodeRow.tree_key.in_(trees),
                    TreeNodeRow.end_sentence <= self.read[document].sentences,
                )
                found += connection.execute(nodes).scalars()
        return np.sort(np.array(found, np.int64))

    def vectors(self, tree: int) -> tuple[Int64, Float32]:
        """Keys, shape (n,), ascending, and vectors, unit rows, shape (n, dim), of the nodes of a tree."""
        nodes = select(TreeNodeRow.key, TreeNodeRow.digest).where(TreeNodeRow.tree_key == tree)
        with self.engine.connect() as connection:
            rows = connection.execute(nodes.order_by(TreeNodeRow.key)).all()
        known = SummaryStore(self.engine).vectors(self.encoder, self.dim, {row.digest for row in rows})
        keys, means = list[int](), [np.empty((0, self.dim), np.float32)]
        for row in rows:
            sentences = known.get(row.digest)
            if sentences is None or not len(sentences):
                continue
            mean = sentences.mean(axis=0, keepdims=True)
            length = float(np.linalg.norm(mean))
            if length > 0.0:
                keys.append(row.key)
                means.append(mean / length)
        return np.array(keys, np.int64), np.concatenate(means).astype(np.float32)

    def chunks_of_nodes(self, nodes: Int64) -> dict[int, list[int]]:
        """For each node, the chunks of its part of the text, in order; nodes that are gone are left out."""
        query = (
            _trees()
            .join(TreeNodeRow, TreeNodeRow.tree_key == TreeRow.key)
            .where(TreeNodeRow.key.in_(nodes.tolist()))
            .with_only_columns(
                TreeNodeRow.key, DocumentRow.key, TreeNodeRow.first_sentence, TreeNodeRow.end_sentence
            )
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        found: dict[int, list[int]] = {}
        for node, document, first, end in rows:
            if document not in self._chunks:
                self._chunks[document] = self._chunks_of(document)
            chunks = self._chunks[document]
            # Chunks are in order and overlap by a few sentences at most.
            start = bisect_right(chunks.ends, first)
            found[node] = chunks.keys[start : bisect_left(chunks.firsts, end)]
        return found

    def _chunks_of(self, document: int) -> _Chunks:
        query = (
            select(ChunkRow.key, ChunkRow.first_sentence, ChunkRow.end_sentence)
            .where(ChunkRow.document_key == document)
            .order_by(ChunkRow.ordinal)
        )
        if (part := self.read.get(document)) is not None:
            query = query.where(ChunkRow.key <= part.last_chunk)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return _Chunks([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


@dataclass(frozen=True, slots=True)
class _Chunks:
    """The chunks of a document in order: keys, first sentences, and one past the last."""

    keys: list[int]
    firsts: list[int]
    ends: list[int]


def _trees() -> Select[int]:
    """Keys of the trees that are ready, of documents as they are now."""
    of_version = and_(DocumentRow.id == TreeRow.document_id, DocumentRow.content_hash == TreeRow.content_hash)
    joined = select(TreeRow.key).join(DocumentRow, of_version)
    return joined.where(TreeRow.state == "ready", DocumentRow.state == "ready")
