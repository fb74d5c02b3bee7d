"""The tables of what was said: users, threads, turns with their embeddings, facts, reading positions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from memory.base import Base, Key

__all__ = [
    "CleanupRow",
    "FactRow",
    "FactVectorRow",
    "ReadingRow",
    "ThreadRow",
    "TurnRow",
    "TurnVectorRow",
    "UserRow",
]


class UserRow(Base):
    """Somebody whose memory this is; what one user has said is reachable by no other.

    `revision` grows with every change of what is there already, such as forgetting; a turn or a fact that is
    added has a greater key than all before, and needs none.
    """

    __tablename__ = "users"
    __table_args__ = ({"sqlite_autoincrement": True},)
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ThreadRow(Base):
    """A conversation, by the name its user gave it."""

    __tablename__ = "threads"
    __table_args__ = (UniqueConstraint("user_key", "name"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    user_key: Mapped[int] = mapped_column(ForeignKey("users.key", ondelete="CASCADE"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TurnRow(Base):
    """What came in (the question) and what went out (the answer); `run` names the asking, stored once.

    `speaker` is who said the question, "" for the user; one who is named comes from an imported conversation.
    The summaries are one sentence each, "" where the text is as short itself. `importance` is 0 to 1.
    `details` holds what the answer rests on as ids, spans and short quotes, never the text of a book.
    """

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("thread_key", "ordinal"),
        Index("ix_turns_user_key", "user_key", "key"),
        Index("ix_turns_asked_at", "user_key", "asked_at", "key"),
        {"sqlite_autoincrement": True},
    )
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    thread_key: Mapped[int] = mapped_column(ForeignKey("threads.key", ondelete="CASCADE"))
    user_key: Mapped[int] = mapped_column(ForeignKey("users.key", ondelete="CASCADE"))
    ordinal: Mapped[int]
    run: Mapped[str] = mapped_column(unique=True)
    speaker: Mapped[str]
    question: Mapped[str]
    answer: Mapped[str]
    question_summary: Mapped[str]
    answer_summary: Mapped[str]
    importance: Mapped[float]
    abstained: Mapped[bool]
    details: Mapped[dict[str, object]] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seconds: Mapped[float]


class TurnVectorRow(Base):
    """The embeddings of a turn's keys, `dim` float16 numbers each, little-endian, in turn."""

    __tablename__ = "turn_vectors"
    encoder_key: Mapped[int] = mapped_column(
        ForeignKey("encoders.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    turn_key: Mapped[int] = mapped_column(
        ForeignKey("turns.key", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    vectors: Mapped[bytes] = mapped_column(LargeBinary)


class FactRow(Base):
    """Something a user has asserted, with the words in which it was: true from `valid_from` to `invalid_at`.

    `quote` stands in the question of its turn. `state` is "kept", or "waiting" for the user's yes. A fact
    that another one contradicts is closed, never deleted, and names it in `replaced_by`. `strength` counts
    how often it was asserted.
    """

    __tablename__ = "facts"
    __table_args__ = (Index("ix_facts_user_key", "user_key", "key"), {"sqlite_autoincrement": True})
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    user_key: Mapped[int] = mapped_column(ForeignKey("users.key", ondelete="CASCADE"))
    turn_key: Mapped[int] = mapped_column(ForeignKey("turns.key", ondelete="CASCADE"), index=True)
    text: Mapped[str]
    quote: Mapped[str]
    asserted_by: Mapped[str]
    state: Mapped[str]
    confidence: Mapped[float]
    strength: Mapped[int]
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    invalid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    replaced_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class FactVectorRow(Base):
    """The embedding of a fact's text, `dim` float16 numbers, little-endian."""

    __tablename__ = "fact_vectors"
    encoder_key: Mapped[int] = mapped_column(
        ForeignKey("encoders.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    fact_key: Mapped[int] = mapped_column(
        ForeignKey("facts.key", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class ReadingRow(Base):
    """How far a user has read a document: up to `read_to`, in characters of the version that is there.

    `content_hash` is the version in which the user has said so; `read_to` moves with every later one.
    """

    __tablename__ = "readings"
    user_key: Mapped[int] = mapped_column(
        ForeignKey("users.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    document_id: Mapped[str] = mapped_column(primary_key=True)
    content_hash: Mapped[str]
    read_to: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CleanupRow(Base):
    """Something was forgotten, and its bytes may still lie in files; the row goes when they are cleaned.

    `owner` is the name of the user whose answers, as they were made, may have told of it; None where that is
    not known.
    """

    __tablename__ = "cleanups"
    __table_args__ = ({"sqlite_autoincrement": True},)
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    owner: Mapped[str | None]
