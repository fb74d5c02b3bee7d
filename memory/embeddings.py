"""Embeddings in SQL, one for each text that an encoder has seen, known by the text's hash.

Stored as float16: a unit row loses less than 1e-6 of cosine by it and takes half the room.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, insert, select

from memory.tables import ChunkRow, EmbeddingRow, EncoderRow, SentenceRow

__all__ = [
    "delete_orphans",
    "delete_other_encoders",
    "embed_hash",
    "insert_embeddings",
    "known_encoder",
    "missing_hashes",
    "note_encoder",
    "rows_from_blobs",
]

BATCH: Final = 500
"""Hashes in one IN clause; SQLite allows 32,766 variables, older builds 999."""


def embed_hash(text: str) -> bytes:
    """16 bytes that name what an encoder is given."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def known_encoder(engine: Engine, fingerprint: str) -> tuple[int, int] | None:
    """Key and width of an encoder whose vectors are stored."""
    with engine.connect() as connection:
        query = select(EncoderRow.key, EncoderRow.dim).where(EncoderRow.fingerprint == fingerprint)
        row = connection.execute(query).first()
        return (row.key, row.dim) if row else None


def note_encoder(engine: Engine, fingerprint: str, name: str, dim: int) -> tuple[int, int]:
    """Key and width of an encoder, which is noted when it is new."""
    with engine.begin() as connection:
        query = select(EncoderRow.key).where(EncoderRow.fingerprint == fingerprint)
        key = connection.execute(query).scalar()
        if key is None:
            values = {"fingerprint": fingerprint, "name": name, "dim": dim}
            key = connection.execute(insert(EncoderRow).returning(EncoderRow.key), values).scalar_one()
        return key, dim


def missing_hashes(engine: Engine, encoder: int, hashes: Collection[bytes]) -> set[bytes]:
    """Those of `hashes` that this encoder has no embedding for yet."""
    missing = set(hashes)
    with engine.connect() as connection:
        for batch in _batches(hashes):
            missing.difference_update(
                connection.execute(
                    select(EmbeddingRow.text_hash).where(
                        EmbeddingRow.encoder_key == encoder, EmbeddingRow.text_hash.in_(batch)
                    )
                ).scalars()
            )
    return missing


def insert_embeddings(
    connection: Connection, encoder: int, hashes: Sequence[bytes], rows: NDArray[np.float32]
) -> None:
    """Store unit rows, shape (len(hashes), dim); what another process has stored meanwhile stays."""
    present = set(
        connection.execute(
            select(EmbeddingRow.text_hash).where(
                EmbeddingRow.encoder_key == encoder, EmbeddingRow.text_hash.in_(hashes)
            )
        ).scalars()
    )
    values = [
        {"encoder_key": encoder, "text_hash": text_hash, "vector": row.astype("<f2").tobytes()}
        for text_hash, row in zip(hashes, rows, strict=True)
        if text_hash not in present
    ]
    if values:
        connection.execute(insert(EmbeddingRow), values)


def delete_orphans(connection: Connection, hashes: Collection[bytes]) -> None:
    """Delete the embeddings of `hashes` that no chunk or sentence refers to any more."""
    for batch in _batches(hashes):
        kept = {
            text_hash
            for table in (ChunkRow, SentenceRow)
            for text_hash in connection.execute(
                select(table.text_hash).where(table.text_hash.in_(batch)).distinct()
            ).scalars()
        }
        orphans = [text_hash for text_hash in batch if text_hash not in kept]
        if orphans:
            connection.execute(delete(EmbeddingRow).where(EmbeddingRow.text_hash.in_(orphans)))


def delete_other_encoders(engine: Engine, encoder: int) -> None:
    """Delete the embeddings of all encoders but one, once no document uses them any more."""
    with engine.begin() as connection:
        connection.execute(delete(EncoderRow).where(EncoderRow.key != encoder))


def rows_from_blobs(blobs: Sequence[bytes], dim: int) -> NDArray[np.float32]:
    """Unit rows, shape (len(blobs), dim), of stored vectors."""
    rows = np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(blobs), dim).astype(np.float32)
    # float16 moves the length by up to 1e-3; what leaves the store is of unit length again.
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _batches(hashes: Iterable[bytes]) -> Iterable[list[bytes]]:
    ordered = list(hashes)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))
