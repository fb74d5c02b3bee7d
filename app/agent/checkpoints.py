"""Checkpoints of questions that are being answered, in their own SQLite file.

They are there so that an interrupted question goes on where it was. What is worth keeping of a finished one
is in the database, and its checkpoints go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.errors import CheckpointError

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

__all__ = ["forget", "forget_old", "named_errors", "open_checkpoints", "unfinished"]

KEPT: Final = timedelta(days=7)
PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "secure_delete=ON",
    # Every step is overwritten by the next one: a long journal would hold nothing but what is gone.
    "wal_autocheckpoint=64",
    "journal_size_limit=262144",
)


def open_checkpoints(path: Path) -> SqliteSaver:
    """The checkpoints in the file at `path`, which is made if it is not there.

    Only plain values are read from it: no class is ever made from what the file says.

    Raises:
        CheckpointError: If it is not a database, or cannot be written.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    with named_errors(path):
        connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        saver.setup()
    return saver


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Inside, what SQLite finds wrong with the file is a CheckpointError.

    Raises:
        CheckpointError: In place of what SQLite raises.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise CheckpointError(
            f"The checkpoints in {path} cannot be used: {error}. They hold nothing but questions that are "
            "being answered, so the file can be deleted."
        ) from error


def unfinished(saver: SqliteSaver, thread: str) -> list[tuple[str, dict[str, object]]]:
    """Runs of a thread that were interrupted, each with its state, the latest first.

    A run that was answered and not yet forgotten is not among them.
    """
    found: dict[str, dict[str, object]] = {}
    for each in saver.list(None, filter={"clew_thread": thread}):
        run = str(each.config["configurable"]["thread_id"])
        found.setdefault(run, dict(each.checkpoint["channel_values"]))
    return [(run, state) for run, state in found.items() if "answer" not in state]


def forget(saver: SqliteSaver, thread: str) -> None:
    """Forget the runs of a thread that were interrupted."""
    for run, _ in unfinished(saver, thread):
        saver.delete_thread(run)


def forget_old(saver: SqliteSaver, now: datetime | None = None) -> int:
    """Forget runs that were interrupted more than a week ago; returns how many."""
    latest: dict[str, str] = {}
    for each in saver.list(None):
        run = str(each.config["configurable"]["thread_id"])
        latest[run] = max(latest.get(run, ""), each.checkpoint["ts"])
    limit = ((now or datetime.now(UTC)) - KEPT).isoformat()
    old = [run for run, written in latest.items() if written < limit]
    for run in old:
        saver.delete_thread(run)
    return len(old)
