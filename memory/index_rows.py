"""What the indexes are made of, read from SQL in blocks, document by document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, and_, func, select

from memory.embeddings import rows_from_blobs
from memory.errors import DatabaseError
from memory.tables import ChunkRow, DocumentRow, EmbeddingRow, SentenceRow
from memory.texts import read_text
from retrieval.document import Span
from retrieval.hits import Float32, Int64

__all__ = ["ChunkTexts", "IndexRowStore"]


@dataclass(frozen=True, slots=True)
class ChunkTexts:
    """The chunks of one document: keys, and texts with those of the chunks before and after."""

    keys: Int64
    texts: tuple[str, ...]
    neighbourhoods: tuple[str, ...]


class IndexRowStore:
    """Everything that is searchable, for one encoder of one database."""

    def __init__(self, engine: Engine, encoder: int, dim: int) -> None:
        self.engine, self.encoder, self.dim = engine, encoder, dim

    def documents(self) -> list[int]:
        """Keys of the ready documents, ascending. A key is never used again, and its rows never change."""
        with self.engine.connect() as connection:
            query = select(DocumentRow.key).where(DocumentRow.state == "ready").order_by(DocumentRow.key)
            return list(connection.execute(query).scalars())

    def vectors(self, document: int, table: type[ChunkRow] | type[SentenceRow]) -> tuple[Int64, Float32]:
        """Keys, shape (n,), ascending, and embeddings, shape (n, dim), of the chunks or sentences.

        Raises:
            DatabaseError: If one of them has no embedding.
        """
        joined = and_(EmbeddingRow.text_hash == table.text_hash, EmbeddingRow.encoder_key == self.encoder)
        query = (
            select(table.key, EmbeddingRow.vector)
            .outerjoin(EmbeddingRow, joined)
            .where(table.document_key == document)
            .order_by(table.key)
        )
        with self.engine.connect() as connection:
            found = connection.execute(query).all()
        if not found:
            return np.empty(0, np.int64), np.empty((0, self.dim), np.float32)
        if any(row.vector is None for row in found):
            raise DatabaseError("A document lacks embeddings; remove it and add it again.")
        rows = rows_from_blobs([row.vector for row in found], self.dim)
        return np.array([row.key for row in found], np.int64), rows

    def keys(self, table: type[ChunkRow] | type[SentenceRow]) -> Int64:
        """Keys of all chunks or sentences of ready documents, ascending."""
        query = (
            select(table.key)
            .join(DocumentRow, DocumentRow.key == table.document_key)
            .where(DocumentRow.state == "ready")
        )
        with self.engine.connect() as connection:
            return np.sort(np.fromiter(connection.execute(query).scalars(), np.int64))

    def chunk_texts(self, document: int) -> Iterator[ChunkTexts]:
        """The chunks of a document in blocks of a few thousand."""
        size = 2_000
        with self.engine.connect() as connection:
            query = select(func.count()).select_from(ChunkRow).where(ChunkRow.document_key == document)
            total = connection.execute(query).scalar_one()
            for first in range(0, total, size):
                found = connection.execute(
                    select(ChunkRow.key, ChunkRow.ordinal, ChunkRow.start, ChunkRow.end)
                    .where(
                        ChunkRow.document_key == document,
                        ChunkRow.ordinal >= first - 1,
                        ChunkRow.ordinal <= first + size,
                    )
                    .order_by(ChunkRow.ordinal)
                ).all()
                whole = Span(found[0].start, max(row.end for row in found))
                text = read_text(connection, document, whole)
                inner = [n for n, row in enumerate(found) if first <= row.ordinal < first + size]
                yield ChunkTexts(
                    keys=np.array([found[n].key for n in inner], np.int64),
                    texts=tuple(
                        text[found[n].start - whole.start : found[n].end - whole.start] for n in inner
                    ),
                    neighbourhoods=tuple(
                        text[
                            found[max(n - 1, 0)].start - whole.start : found[min(n + 1, len(found) - 1)].end
                            - whole.start
                        ]
                        for n in inner
                    ),
                )
