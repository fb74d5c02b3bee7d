"""Tasks that are done again, with all that took something from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from memory.job_tasks import ENDED_TASKS, is_open
from memory.tables import TaskNeedRow, TaskRow

__all__ = ["reopen_tasks"]


def reopen_tasks(connection: Connection, job: int, names: Collection[str]) -> int:
    """Have tasks that have ended done again, and all that took something from them; how many there are."""
    rows = connection.execute(select(TaskRow.key, TaskRow.name, TaskRow.state).where(TaskRow.job_key == job))
    tasks = {row.name: row for row in rows}
    needs: dict[int, dict[str, bool]] = defaultdict(dict)
    dependents: dict[str, list[str]] = defaultdict(list)
    by_key = {row.key: row.name for row in tasks.values()}
    for need in connection.execute(
        select(TaskNeedRow)
        .where(TaskNeedRow.job_key == job)
        .with_only_columns(TaskNeedRow.task_key, TaskNeedRow.name, TaskNeedRow.required)
    ):
        needs[need.task_key][need.name] = need.required
        dependents[need.name].append(by_key[need.task_key])
    again: set[str] = set()
    todo = [name for name in names if name in tasks and tasks[name].state in ENDED_TASKS]
    while todo:
        name = todo.pop()
        if name not in again and tasks[name].state != "running":
            again.add(name)
            todo += dependents[name]
    changed = []
    for name in sorted(again, key=lambda each: tasks[each].key):
        key = tasks[name].key
        waiting = sum(
            need in again or is_open(tasks[need].state if need in tasks else None, required)
            for need, required in needs[key].items()
        )
        changed.append({"task": key, "new_state": "waiting" if waiting else "ready", "waiting": waiting})
    if changed:
        connection.execute(REOPEN, changed)
    return len(changed)


REOPEN: Final = (
    update(TaskRow)
    .where(TaskRow.key == bindparam("task"))
    .values(
        state=bindparam("new_state"),
        needs_open=bindparam("waiting"),
        retries=0,
        interruptions=0,
        error=None,
        seconds=None,
        finished_at=None,
        not_before=None,
    )
)
