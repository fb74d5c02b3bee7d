"""The parts of a document as rows: what is written of a new one, and what of it is not encoded yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, insert, select

from memory.tables import ChunkRow, EmbeddingRow, PageRow, SectionRow, SentenceRow, TextRow
from memory.texts import text_rows
from memory.units import PlannedUnit
from retrieval.chunking import ChunkedText
from retrieval.document import Document

__all__ = ["NewDocument", "insert_parts", "without_embedding"]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """All that is written before the first text is encoded.

    Attributes:
        document: As loaded.
        chunked: Its sentences and chunks.
        sentence_hashes: For each sentence the hash of what the encoder is given.
        chunk_hashes: For each chunk, likewise.
        content_hash: Hex SHA-256 of the file's bytes.
        recipe: How it was cut and encoded; another recipe makes another version.
        path: Where the file was, absolute; or another name of its origin.
        units: Batches still to be encoded.
    """

    document: Document
    chunked: ChunkedText
    sentence_hashes: Sequence[bytes]
    chunk_hashes: Sequence[bytes]
    content_hash: str
    recipe: str
    path: str
    units: Sequence[PlannedUnit]


def insert_parts(connection: Connection, key: int, new: NewDocument) -> None:
    """Write the text, sections, pages, chunks and sentences of a document under its key."""
    chunked = new.chunked
    tables = (
        (TextRow, text_rows(new.document.text)),
        (
            SectionRow,
            [
                {"ordinal": n, "title": s.title, "level": s.level, "start": s.span.start, "end": s.span.end}
                for n, s in enumerate(new.document.sections)
            ],
        ),
        (
            PageRow,
            [
                {"number": p.number, "start": p.span.start, "end": p.span.end, "unread": p.unread}
                for p in new.document.pages
            ],
        ),
        (
            ChunkRow,
            [
                {
                    "ordinal": n,
                    "start": chunk.span.start,
                    "end": chunk.span.end,
                    "first_sentence": chunk.first_sentence,
                    "end_sentence": chunk.end_sentence,
                    "token_count": chunk.token_count,
                    "context": chunk.context,
                    "text_hash": text_hash,
                }
                for n, (chunk, text_hash) in enumerate(zip(chunked.chunks, new.chunk_hashes, strict=True))
            ],
        ),
        (
            SentenceRow,
            [
                {
                    "ordinal": n,
                    "start": span.start,
                    "end": span.end,
                    "chunk": chunk,
                    "token_count": token_count,
                    "text_hash": text_hash,
                }
                for n, (span, chunk, token_count, text_hash) in enumerate(
                    zip(
                        chunked.sentences,
                        chunked.sentence_chunks(),
                        chunked.token_counts,
                        new.sentence_hashes,
                        strict=True,
                    )
                )
            ],
        ),
    )
    for table, rows in tables:
        if rows:
            connection.execute(insert(table), [{"document_key": key, **row} for row in rows])


def without_embedding(connection: Connection, key: int, encoder: int) -> dict[bytes, int]:
    """Texts of a document that this encoder has not encoded, by hash, with their token counts."""
    lacking: dict[bytes, int] = {}
    for table in (ChunkRow, SentenceRow):
        joined = and_(EmbeddingRow.text_hash == table.text_hash, EmbeddingRow.encoder_key == encoder)
        query = (
            select(table.text_hash, table.token_count)
            .outerjoin(EmbeddingRow, joined)
            .where(table.document_key == key, EmbeddingRow.text_hash.is_(None))
        )
        lacking.update((text_hash, tokens) for text_hash, tokens in connection.execute(query))
    return lacking
