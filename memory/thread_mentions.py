"""Where a thread is named besides its own row: by what cites it, and by answers as they were given.

All functions run inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Text, cast, select, update

from memory.answer_tasks import ANSWER
from memory.conversation_tables import TurnRow
from memory.tables import JobRow, TaskRow

__all__ = ["rename_mentions"]

CITING: Final = ("citations",)
"""Of a turn's details; lists of places that each may name a thread."""
SHOWN: Final = ("citations", "dropped", "recalled")
"""Of an answer as it was given."""


def rename_mentions(connection: Connection, user: int, owner: str, old: str, new: str) -> None:
    """Have what names a thread name it by its new name.

    Args:
        connection: In the transaction of the renaming.
        user: Key of the user whose thread it is.
        owner: Name of that user.
        old: Name of the thread before.
        new: From now on.
    """
    citing = select(TurnRow.key, TurnRow.details).where(TurnRow.user_key == user)
    for key, details in connection.execute(citing.where(_names(TurnRow.details, old))).all():
        renamed = _renamed(details, CITING, old, new)
        connection.execute(update(TurnRow).where(TurnRow.key == key).values(details=renamed))
    given = (
        select(TaskRow.key, TaskRow.result)
        .join(JobRow, JobRow.key == TaskRow.job_key)
        .where(JobRow.owner == owner, JobRow.kind == ANSWER)
    )
    for key, result in connection.execute(given.where(_names(TaskRow.result, old))).all():
        answer = (result or {}).get("answer")
        if isinstance(answer, dict):
            values = {**(result or {}), "answer": _renamed(answer, SHOWN, old, new)}
            connection.execute(update(TaskRow).where(TaskRow.key == key).values(result=values))


def _names(column: Any, thread: str) -> ColumnElement[bool]:
    """Whether it holds the name at all, as JSON writes it."""
    return cast(column, Text).contains(json.dumps(thread), autoescape=True)


def _renamed(value: Mapping[str, Any], lists: tuple[str, ...], old: str, new: str) -> dict[str, Any]:
    changed = dict(value)
    for name in lists:
        if isinstance(value.get(name), list):
            changed[name] = [
                {**each, "thread": new} if isinstance(each, dict) and each.get("thread") == old else each
                for each in value[name]
            ]
    return changed
