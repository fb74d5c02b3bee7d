"""Tasks of a job in SQL, written with what they need.

All functions run inside the caller's transaction, whose first statement has written already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection, insert, select

from memory.job_endings import end_dependents
from memory.tables import JobRow, TaskNeedRow, TaskRow

__all__ = ["ENDED_TASKS", "PlannedTask", "is_open", "lock_job", "write_tasks"]

BATCH: Final = 500
"""Names in one IN clause; older builds of SQLite allow 999 variables."""

ENDED_TASKS: Final = ("done", "failed", "cancelled")


class PlannedTask(Protocol):
    """A task to be written, by its shape; `app.jobs.contract.NewTask` says what it means."""

    @property
    def name(self) -> str:
        """What other tasks of the job name it by."""

    @property
    def kind(self) -> str:
        """Who does it."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """What it is about, as JSON can hold it."""

    @property
    def weight(self) -> float:
        """How much of the job it is."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Tasks that must be done before."""

    @property
    def waits(self) -> tuple[str, ...]:
        """Tasks that must have ended before, done or not."""


def lock_job(connection: Connection, job: int) -> None:
    """Let one transaction at a time end and write tasks of a job.

    Without it a task could be written as waiting for one that another transaction ends at that moment, and
    would wait forever. SQLite has one writer in any case, and a SELECT here would keep it from becoming one.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(select(JobRow.key).where(JobRow.key == job).with_for_update())


def write_tasks(connection: Connection, job: int, tasks: Sequence[PlannedTask], now: datetime) -> int:
    """Write tasks and what they wait for, but none whose name is there already; how many were new."""
    wanted = {task.name: task for task in reversed(tasks)}
    known = _states(connection, job, {*wanted, *(name for each in tasks for name in _needs(each))})
    new = [task for task in tasks if task.name not in known and wanted.get(task.name) is task]
    if not new:
        return 0
    rows = []
    for task in new:
        waiting = sum(is_open(known.get(name), required) for name, required in _needs(task).items())
        rows.append(
            {
                "job_key": job,
                "name": task.name,
                "kind": task.kind,
                "payload": dict(task.payload),
                "weight": task.weight,
                "state": "waiting" if waiting else "ready",
                "needs_open": waiting,
                "attempts": 0,
                "retries": 0,
                "interruptions": 0,
                "follow_ups": 0,
            }
        )
    connection.execute(insert(TaskRow), rows)
    _write_needs(connection, job, [task for task in new if task.needs or task.waits])
    lost = {name for task in new for name in task.needs if known.get(name) in ("failed", "cancelled")}
    for name in sorted(lost):
        end_dependents(connection, job, name, _error_of(connection, job, name), now, released=True)
    return len(new)


def _needs(task: PlannedTask) -> dict[str, bool]:
    """What it needs (True) or only waits for (False), by name."""
    return dict.fromkeys(task.waits, False) | dict.fromkeys(task.needs, True)


def is_open(state: str | None, required: bool) -> bool:
    """Whether a task in that state, None if it is not there yet, is still waited for."""
    return state != "done" if required else state not in ENDED_TASKS


def _states(connection: Connection, job: int, names: Iterable[str]) -> dict[str, str]:
    """The states of those tasks that are there."""
    found: dict[str, str] = {}
    listed = sorted(names)
    for start in range(0, len(listed), BATCH):
        query = select(TaskRow.name, TaskRow.state).where(
            TaskRow.job_key == job, TaskRow.name.in_(listed[start : start + BATCH])
        )
        found.update({row.name: row.state for row in connection.execute(query)})
    return found


def _write_needs(connection: Connection, job: int, tasks: Sequence[PlannedTask]) -> None:
    needs = {task.name: _needs(task) for task in tasks}
    listed = list(needs)
    rows: list[dict[str, object]] = []
    for start in range(0, len(listed), BATCH):
        query = select(TaskRow.key, TaskRow.name).where(
            TaskRow.job_key == job, TaskRow.name.in_(listed[start : start + BATCH])
        )
        for key, name in connection.execute(query).all():
            rows += [
                {"task_key": key, "name": need, "job_key": job, "required": required}
                for need, required in needs[name].items()
            ]
    if rows:
        connection.execute(insert(TaskNeedRow), rows)


def _error_of(connection: Connection, job: int, name: str) -> str:
    query = select(TaskRow.error).where(TaskRow.job_key == job, TaskRow.name == name)
    return str(connection.execute(query).scalar() or "it was cancelled")
