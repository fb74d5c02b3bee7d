"""The tables: documents with their parts, embeddings, units of work, calls of language models, jobs,
summaries and the trees made of them; those of conversations are in `conversation_tables`.

Offsets count characters in the document's text. Texts that an encoder has seen are known by the hash of
exactly what it was given, so equal texts share one embedding and an edited document finds its old ones.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from memory.base import Base, Key
from memory.users import FIRST_USER

__all__ = [
    "Base",
    "ChunkRow",
    "CollectionDocumentRow",
    "CollectionRow",
    "CompletionRow",
    "DocumentRow",
    "EmbeddingRow",
    "EncoderRow",
    "JobEventRow",
    "JobRow",
    "LibraryRow",
    "MeasurementRow",
    "ModelCallRow",
    "PageRow",
    "SectionRow",
    "SentenceRow",
    "SummaryRow",
    "SummaryUseRow",
    "SummaryVectorRow",
    "TaskNeedRow",
    "TaskRow",
    "TextRow",
    "TreeNodeRow",
    "TreeRow",
    "UnitRow",
]


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
    ("pending") and the one it replaces ("ready") share it. `owner` is the name of the user whose it is; the
    same file of two users is two documents. Counts of its parts are kept here, so that a list of documents
    does not count the rows of all of them.
    """

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("id", "state"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str]
    owner: Mapped[str] = mapped_column(index=True, server_default=FIRST_USER)
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


class CollectionRow(Base):
    """Documents that a user has put together under a name."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("owner", "name"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CollectionDocumentRow(Base):
    """A document in a collection, by its id, which stays when the file changes."""

    __tablename__ = "collection_documents"
    collection_key: Mapped[int] = mapped_column(
        ForeignKey("collections.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    document_id: Mapped[str] = mapped_column(primary_key=True, index=True)


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


class JobRow(Base):
    """Long work that somebody has asked for; its tasks are in `tasks`, what it tells in `job_events`.

    `owner` is the name of the user who has. `digest` names what was asked by whom, so that the same command
    finds the job it has begun: of those that have not ended there is one of each. `state` is "queued",
    "running", "paused", "cancelled", "done" or "failed"; `reason` says why it is paused or failed. A greater
    `priority` goes first.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_open_digest",
            "digest",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running', 'paused')"),
            postgresql_where=text("state IN ('queued', 'running', 'paused')"),
        ),
        {"sqlite_autoincrement": True},
    )
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str] = mapped_column(index=True, server_default=FIRST_USER)
    kind: Mapped[str]
    title: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    spec: Mapped[dict[str, object]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str]
    priority: Mapped[int]
    estimate: Mapped[dict[str, object] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TaskRow(Base):
    """A unit of a job that one worker does in one go.

    `name` is what other tasks of the job name it by. `state` is "waiting" (for `needs_open` other tasks),
    "ready" (from `not_before` on), "running" (leased to `worker` until `lease_until`), "done", "failed" or
    "cancelled". `attempts` counts how often it was begun, `retries` how often it was given back for a passing
    error, `interruptions` how often its worker was lost, both since somebody asked for it. `follow_ups`
    is how many tasks it has written.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("job_key", "name"),
        Index("ix_tasks_job_key", "job_key", "state", "kind", "key"),
        {"sqlite_autoincrement": True},
    )
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    job_key: Mapped[int] = mapped_column(ForeignKey("jobs.key", ondelete="CASCADE"))
    name: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[dict[str, object]] = mapped_column(JSON)
    weight: Mapped[float]
    state: Mapped[str]
    needs_open: Mapped[int]
    attempts: Mapped[int]
    retries: Mapped[int]
    interruptions: Mapped[int]
    worker: Mapped[str | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    begun_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    result: Mapped[dict[str, object] | None] = mapped_column(JSON)
    follow_ups: Mapped[int]
    error: Mapped[str | None]
    seconds: Mapped[float | None]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TaskNeedRow(Base):
    """A task that another one waits for, by its name, which may not be there yet.

    If a `required` one fails, so does the task that needs it; another one is only waited for.
    """

    __tablename__ = "task_needs"
    __table_args__ = (Index("ix_task_needs_job_key", "job_key", "name"),)
    task_key: Mapped[int] = mapped_column(ForeignKey("tasks.key", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    job_key: Mapped[int] = mapped_column(ForeignKey("jobs.key", ondelete="CASCADE"))
    required: Mapped[bool]


class JobEventRow(Base):
    """What a job told while it ran, in order; any process can read on from the last key it has seen."""

    __tablename__ = "job_events"
    __table_args__ = (Index("ix_job_events_job_key", "job_key", "key"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    job_key: Mapped[int] = mapped_column(ForeignKey("jobs.key", ondelete="CASCADE"))
    task: Mapped[str | None]
    stage: Mapped[str]
    subject: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SummaryRow(Base):
    """A summary, kept under the hash of all that it depends on: texts or the summaries below, reader, words.

    `sentences` is a list of {"text", "sources": [[start, end], ...], "supported"} whose offsets count from
    the start of the node's span, so that a text that has moved keeps its summaries. `notes` says what stayed
    wrong with it after it was asked for again. Until it is `linked`, no sentence has sources.
    """

    __tablename__ = "summaries"
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    reader: Mapped[str]
    sentences: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    notes: Mapped[list[str]] = mapped_column(JSON)
    linked: Mapped[bool]
    seconds: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SummaryVectorRow(Base):
    """The embeddings of a summary's sentences, `dim` float16 numbers each, little-endian, in turn."""

    __tablename__ = "summary_vectors"
    encoder_key: Mapped[int] = mapped_column(
        ForeignKey("encoders.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(16), ForeignKey("summaries.digest", ondelete="CASCADE"), primary_key=True
    )
    vectors: Mapped[bytes] = mapped_column(LargeBinary)


class SummaryUseRow(Base):
    """A summary that was made for a version of a document outside of any tree, and goes with it."""

    __tablename__ = "summary_uses"
    document_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(16), ForeignKey("summaries.digest", ondelete="CASCADE"), primary_key=True
    )
    content_hash: Mapped[str]


class TreeRow(Base):
    """A summary tree of one version of a document, made by one reader.

    It is known by the document's id and not by its key, so that the tree of the version before is there
    when the new one is planned; `anchors` are the boundaries of its leaves, 16 bytes each, by which they are
    found again. `state` is "building" or "ready".
    """

    __tablename__ = "trees"
    __table_args__ = (
        UniqueConstraint("document_id", "content_hash", "reader", "recipe"),
        {"sqlite_autoincrement": True},
    )
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    document_id: Mapped[str]
    content_hash: Mapped[str]
    reader: Mapped[str]
    recipe: Mapped[str]
    state: Mapped[str]
    anchors: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TreeNodeRow(Base):
    """A node of a tree; its summary is `summaries[digest]`, as soon as that is there.

    `ordinal` counts children before their parents, in the order of the text; the root is the last. `level` 0
    is a leaf. `kind` is "leaf", "group" (consecutive nodes), "section" (one of the document's own) or "root".
    """

    __tablename__ = "tree_nodes"
    __table_args__ = (UniqueConstraint("tree_key", "ordinal"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    tree_key: Mapped[int] = mapped_column(ForeignKey("trees.key", ondelete="CASCADE"))
    ordinal: Mapped[int]
    parent: Mapped[int | None]
    level: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    start: Mapped[int]
    end: Mapped[int]
    first_sentence: Mapped[int]
    end_sentence: Mapped[int]
    tokens: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)
