"""The tables: documents with their parts, embeddings, units of work, threads, and calls of language models.

Offsets count characters in the document's text. Texts that an encoder has seen are known by the hash of
exactly what it was given, so equal texts share one embedding and an edited document finds its old ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "Base",
    "ChunkRow",
    "CompletionRow",
    "DocumentRow",
    "EmbeddingRow",
    "EncoderRow",
    "LibraryRow",
    "MeasurementRow",
    "ModelCallRow",
    "PageRow",
    "SectionRow",
    "SentenceRow",
    "TextRow",
    "ThreadRow",
    "TurnRow",
    "UnitRow",
]

Key: Final = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables, with names for every constraint so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class LibraryRow(Base):
    """One row: which library this is, and a number that grows with every change of what is searchable."""

    __tablename__ = "library"
    key: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str]
    revision: Mapped[int]


class EncoderRow(Base):
    """An encoder whose vectors are stored: its fingerprint (name and weights) and width."""

    __tablename__ = "encoders"
    key: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    dim: Mapped[int]


class DocumentRow(Base):
    """A document, or a version of one that is still being encoded (state "pending").

    `id` is what people see; it stays the same when the file changes. For a while the new version
    ("pending") and the one it replaces ("ready") share it. Counts of its parts are kept here, so that a list
    of documents does not count the rows of all of them.
    """

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("id", "state"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str]
    state: Mapped[str]
    content_hash: Mapped[str] = mapped_column(index=True)
    recipe: Mapped[str]
    path: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    media_type: Mapped[str]
    characters: Mapped[int]
    pages: Mapped[int]
    pages_unread: Mapped[list[int]] = mapped_column(JSON)
    sections: Mapped[int]
    chunks: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def _document_key() -> Mapped[int]:
    return mapped_column(ForeignKey("documents.key", ondelete="CASCADE"))


class TextRow(Base):
    """A stretch of a document's text, so that a span is read without the rest of a long book."""

    __tablename__ = "texts"
    document_key: Mapped[int] = mapped_column(
        ForeignKey("documents.key", ondelete="CASCADE"), primary_key=True
    )
    part: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class SectionRow(Base):
    """A titled part; `level` 1 is outermost."""

    __tablename__ = "sections"
    document_key: Mapped[int] = mapped_column(
        ForeignKey("documents.key", ondelete="CASCADE"), primary_key=True
    )
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    level: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]


class PageRow(Base):
    """A page; `unread` when it has content but no text layer."""

    __tablename__ = "pages"
    document_key: Mapped[int] = mapped_column(
        ForeignKey("documents.key", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int]
    end: Mapped[int]
    unread: Mapped[bool]


class ChunkRow(Base):
    """A run of sentences; `text_hash` is of what the encoder was given (titles and text)."""

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("document_key", "ordinal"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    document_key: Mapped[int] = _document_key()
    ordinal: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    first_sentence: Mapped[int]
    end_sentence: Mapped[int]
    token_count: Mapped[int]
    context: Mapped[str]
    text_hash: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)


class SentenceRow(Base):
    """A sentence, in the order of the document; `chunk` is the ordinal of the first chunk it lies in."""

    __tablename__ = "sentences"
    __table_args__ = (UniqueConstraint("document_key", "ordinal"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    document_key: Mapped[int] = _document_key()
    ordinal: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    chunk: Mapped[int]
    token_count: Mapped[int]
    text_hash: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)


class EmbeddingRow(Base):
    """The unit-length embedding of one text: `dim` float16 numbers, little-endian."""

    __tablename__ = "embeddings"
    encoder_key: Mapped[int] = mapped_column(
        ForeignKey("encoders.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    text_hash: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class UnitRow(Base):
    """A unit of model work, done at most once: here one batch of texts to encode.

    `digest` is the hash of its inputs and the model; `inputs` the text hashes, 16 bytes each; `attempts`
    counts how often it was begun, so a unit that a kill interrupted shows 2.
    """

    __tablename__ = "units"
    __table_args__ = (
        UniqueConstraint("document_key", "digest"),
        Index("ix_units_document_key_state", "document_key", "state"),
        {"sqlite_autoincrement": True},
    )
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    document_key: Mapped[int] = _document_key()
    kind: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    encoder_key: Mapped[int] = mapped_column(ForeignKey("encoders.key", ondelete="CASCADE"))
    inputs: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    attempts: Mapped[int]
    seconds: Mapped[float | None]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class MeasurementRow(Base):
    """A measurement of this machine that is remembered by name, such as its fastest number format."""

    __tablename__ = "measurements"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, object]] = mapped_column(JSON)


class ThreadRow(Base):
    """A conversation, by the name its user gave it."""

    __tablename__ = "threads"
    __table_args__ = ({"sqlite_autoincrement": True},)
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TurnRow(Base):
    """A question with its answer; `run` names the asking, so that one asking is stored once.

    `details` holds what the answer rests on as ids, spans and short quotes, never the text of a book.
    """

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("thread_key", "ordinal"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    thread_key: Mapped[int] = mapped_column(ForeignKey("threads.key", ondelete="CASCADE"))
    ordinal: Mapped[int]
    run: Mapped[str] = mapped_column(unique=True)
    question: Mapped[str]
    answer: Mapped[str]
    abstained: Mapped[bool]
    details: Mapped[dict[str, object]] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seconds: Mapped[float]


class CompletionRow(Base):
    """A reply of a language model, kept under the hash of all that it depends on.

    `bytes` is what the row counts for in the bound of the cache. The index holds all that eviction asks.
    """

    __tablename__ = "completions"
    __table_args__ = (Index("ix_completions_used_at", "used_at", "bytes"),)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    model: Mapped[str]
    text: Mapped[str]
    finish: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    enforced: Mapped[bool]
    bytes: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ModelCallRow(Base):
    """What one call of a language model took; `cached` if its reply was kept from an earlier one."""

    __tablename__ = "model_calls"
    __table_args__ = ({"sqlite_autoincrement": True},)
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    run: Mapped[str | None] = mapped_column(index=True)
    task: Mapped[str]
    model: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    seconds: Mapped[float]
    cached: Mapped[bool]
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
