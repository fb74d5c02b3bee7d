"""Checkpoints of questions that are being answered, in their own SQLite file.

They are there so that an interrupted question goes on where it was. What is worth keeping of a finished one
is in the database, and its checkpoints go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.errors import CheckpointError
from memory.users import FIRST_USER

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.checkpoint.sqlite import SqliteSaver

__all__ = [
    "Unfinished",
    "conversation",
    "forget",
    "forget_old",
    "named_errors",
    "open_checkpoints",
    "readable",
    "unfinished",
]

KEPT: Final = timedelta(days=7)
PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "secure_delete=ON",
    # Every step is overwritten by the next one: a long journal would hold nothing but what is gone.
    "wal_autocheckpoint=64",
    "journal_size_limit=262144",
)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A question that was interrupted.

    Attributes:
        run: What its checkpoints are known by.
        question: As it was asked.
        documents: Ids of those that it was asked of, none for all.
        route: As it was wished for.
        no_spoilers: Whether only from what the user has read.
        remembered: Whether its turn is in the thread already, and only its checkpoints are left.
    """

    run: str
    question: str
    documents: tuple[str, ...]
    route: str
    no_spoilers: bool
    remembered: bool


def conversation(user: str, thread: str) -> str:
    """What a thread of a user is known by among those of all users; no name has a separator in it."""
    return thread if user == FIRST_USER else f"{user}\x1f{thread}"


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
        raise _damaged(path, error) from error


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Inside, where checkpoints are read and nothing else is done, a row that cannot be read is named too.

    Raises:
        CheckpointError: In place of whatever reading it raises.
    """
    try:
        yield
    except (sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise _damaged(path, error) from error


def unfinished(saver: BaseCheckpointSaver[Any], thread: str) -> list[Unfinished]:
    """The questions of a `conversation` whose checkpoints are there, the latest first."""
    found: dict[str, Unfinished] = {}
    for each in saver.list(None, filter={"clew_thread": thread}):
        run, metadata = str(each.config["configurable"]["thread_id"]), dict[str, Any](each.metadata)
        state = each.checkpoint["channel_values"]
        if run in found or "question" not in state:
            continue
        done = [step["name"] for step in state.get("steps", [])]
        found[run] = Unfinished(
            run=run,
            question=str(state["question"]),
            documents=tuple(str(metadata.get("clew_documents", "")).split()),
            route=str(metadata.get("clew_route", "auto")),
            no_spoilers=bool(metadata.get("clew_no_spoilers", False)),
            remembered="remember" in done,
        )
    return list(found.values())


def forget(saver: BaseCheckpointSaver[Any], thread: str) -> None:
    """Forget the runs of a `conversation`."""
    for each in unfinished(saver, thread):
        saver.delete_thread(each.run)


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


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).rstrip(".") or type(error).__name__
    return CheckpointError(
        f"The checkpoints in {path} cannot be used: {reason}. They hold nothing but questions that are being "
        "answered, so the file can be deleted."
    )
