"""Replies of language models, kept under the hash of what they answer, within a number of bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update

from memory.forgotten_since import Begun, begin, forgotten_since, hold_off_forgetting
from memory.moments import in_utc
from memory.tables import CompletionRow
from memory.upserts import upsert

__all__ = ["ROW_BYTES", "CompletionStore", "StoredCompletion"]

ROW_BYTES: Final = 256
"""What an entry counts for besides its text: numbers, times, the model's fingerprint, two indexes."""

TOUCHED_AFTER: Final = timedelta(hours=1)
"""Reading an entry writes its time at most this often: a write lock per hit would cost more than it tells."""

BATCH: Final = 500
"""Digests in one IN clause; older builds of SQLite allow 999 variables."""


@dataclass(frozen=True, slots=True)
class StoredCompletion:
    """A reply as it was kept; `finish` is the word it was stored with."""

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    enforced: bool


def _now() -> datetime:
    return datetime.now(UTC)


class CompletionStore:
    """Completions of one database, the least recently used dropped when they grow too large.

    Args:
        engine: Of the database.
        max_bytes: Bound of what is kept, at least 0; texts in UTF-8 and `ROW_BYTES` for each. 0 turns the
            cache off: nothing is found and nothing is kept.
        now: The time, in UTC.
    """

    def __init__(self, engine: Engine, max_bytes: int, now: Callable[[], datetime] = _now) -> None:
        if max_bytes < 0:
            raise ValueError(f"max_bytes is {max_bytes}, below 0")
        self.engine = engine
        self.max_bytes = max_bytes
        self.now = now
        self._begun: Begun | None = None
        self._own: set[bytes] | None = None

    def for_question(self, fresh: bool = False) -> CompletionStore:
        """The same for a question that begins: it keeps nothing more once something is being forgotten.

        A `fresh` one finds only what it has kept itself, and that takes the place of what was kept before.
        """
        store = CompletionStore(self.engine, self.max_bytes, self.now)
        store._begun = begin(self.engine)
        store._own = set() if fresh else None
        return store

    def get(self, digest: bytes) -> StoredCompletion | None:
        """The reply kept under a digest of 16 bytes, or None; it counts as used now, to the hour."""
        if not self.max_bytes or (self._own is not None and digest not in self._own):
            return None
        table = CompletionRow.__table__
        with self.engine.connect() as connection:
            row = connection.execute(select(table).where(CompletionRow.digest == digest)).first()
        if row is None:
            return None
        now = self.now()
        if now - in_utc(row.used_at) >= TOUCHED_AFTER:
            with self.engine.begin() as connection:
                connection.execute(
                    update(CompletionRow).where(CompletionRow.digest == digest).values(used_at=now)
                )
        return StoredCompletion(
            row.text, row.finish, row.prompt_tokens, row.completion_tokens, bool(row.enforced)
        )

    def put(
        self,
        digest: bytes,
        *,
        model: str,
        text: str,
        finish: str,
        prompt_tokens: int,
        completion_tokens: int,
        enforced: bool,
    ) -> None:
        """Keep a reply under a digest of 16 bytes; one that is there already stays as it is.

        Not kept, without an error: what counts for more than a tenth of `max_bytes`, text that no
        database can hold (NUL, lone surrogates), and what may hold something forgotten (`for_question`).
        """
        size = _size(text)
        if size is None or size > self.max_bytes // 10:
            return
        now = self.now()
        values = {
            "digest": digest,
            "model": model,
            "text": text,
            "finish": finish,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "enforced": enforced,
            "bytes": size,
            "created_at": now,
            "used_at": now,
        }
        with self.engine.connect() as connection, connection.begin() as transaction:
            hold_off_forgetting(connection)
            if self._own is not None and digest not in self._own:
                connection.execute(delete(CompletionRow).where(CompletionRow.digest == digest))
            added = connection.execute(
                upsert(connection, CompletionRow)
                .values(values)
                .on_conflict_do_nothing(index_elements=["digest"])
            )
            if self._begun is not None and forgotten_since(connection, self._begun):
                transaction.rollback()
                return
            if self._own is not None:
                self._own.add(digest)
            if added.rowcount:
                self._drop_least_used(connection, digest)

    def size(self) -> int:
        """Bytes that all entries count for."""
        with self.engine.connect() as connection:
            return _total(connection)

    def clear(self) -> None:
        """Delete all entries."""
        with self.engine.begin() as connection:
            connection.execute(delete(CompletionRow))

    def _drop_least_used(self, connection: Connection, kept: bytes) -> None:
        """If there is too much, delete what was not used for longest until 90 % is left; never `kept`."""
        total = _total(connection)
        if total <= self.max_bytes:
            return
        excess = total - self.max_bytes * 9 // 10
        dropped: list[bytes] = []
        oldest = (
            select(CompletionRow.digest, CompletionRow.bytes)
            # A clock that was set back must not make the newest entry the oldest.
            .where(CompletionRow.digest != kept)
            .order_by(CompletionRow.used_at, CompletionRow.digest)
        )
        with connection.execute(oldest) as rows:
            for digest, size in rows:
                if excess <= 0:
                    break
                dropped.append(digest)
                excess -= size
        for start in range(0, len(dropped), BATCH):
            batch = dropped[start : start + BATCH]
            connection.execute(delete(CompletionRow).where(CompletionRow.digest.in_(batch)))


def _total(connection: Connection) -> int:
    query = select(func.coalesce(func.sum(CompletionRow.bytes), 0))
    return int(connection.execute(query).scalar_one())


def _size(text: str) -> int | None:
    """What an entry with that text counts for; None if the text cannot be stored."""
    if "\0" in text:
        return None
    try:
        return len(text.encode()) + ROW_BYTES
    except UnicodeEncodeError:
        return None
