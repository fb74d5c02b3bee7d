"""Tasks of a job in SQL: written with what they need, ended with what that means for the others.

All functions run inside the caller's transaction, whose first statement has written already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection, bindparam, case, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from memory.job_events import note, storable
from memory.tables import JobRow, TaskNeedRow, TaskRow

__all__ = [
    "PlannedTask",
    "fail_task",
    "lock_job",
    "release_dependents",
    "reopen_tasks",
    "settle",
    "write_tasks",
]

BATCH: Final = 500
"""Names in one IN clause; older builds of SQLite allow 999 variables."""

ENDED: Final = ("done", "failed", "cancelled")
OPEN_JOBS: Final = ("queued", "running", "paused")

_dependents = (
    select(TaskNeedRow.task_key)
    .where(TaskNeedRow.job_key == bindparam("job"), TaskNeedRow.name == bindparam("need"))
    .scalar_subquery()
)
_waiting_only = (
    select(TaskNeedRow.task_key)
    .where(
        TaskNeedRow.job_key == bindparam("job"),
        TaskNeedRow.name == bindparam("need"),
        TaskNeedRow.required.is_(False),
    )
    .scalar_subquery()
)
_one_need_less = {
    "needs_open": TaskRow.needs_open - 1,
    "state": case((TaskRow.needs_open == 1, "ready"), else_="waiting"),
}
RELEASE: Final = (
    update(TaskRow).where(TaskRow.key.in_(_dependents), TaskRow.state == "waiting").values(_one_need_less)
)
RELEASE_WAITING: Final = (
    update(TaskRow).where(TaskRow.key.in_(_waiting_only), TaskRow.state == "waiting").values(_one_need_less)
)
NEEDING: Final = (
    select(TaskRow.key, TaskRow.name)
    .join(TaskNeedRow, TaskNeedRow.task_key == TaskRow.key)
    .where(
        TaskNeedRow.job_key == bindparam("job"),
        TaskNeedRow.name == bindparam("need"),
        TaskNeedRow.required.is_(True),
        TaskRow.state == "waiting",
    )
    .order_by(TaskRow.key)
)
FAIL: Final = (
    update(TaskRow)
    .where(TaskRow.key == bindparam("task"))
    .values(
        state="failed",
        error=bindparam("why"),
        finished_at=bindparam("at"),
        worker=None,
        lease_until=None,
        not_before=None,
    )
)
STATES: Final = (
    select(TaskRow.state, func.count().label("tasks"))
    .where(TaskRow.job_key == bindparam("job"))
    .group_by(TaskRow.state)
)
FIRST_ERROR: Final = (
    select(TaskRow.error)
    .where(TaskRow.job_key == bindparam("job"), TaskRow.state == "failed")
    .order_by(TaskRow.finished_at, TaskRow.key)
    .limit(1)
)
_other = aliased(TaskRow)
SOMETHING_DONE: Final = (
    select(TaskRow.key)
    .where(
        TaskRow.job_key == bindparam("job"),
        TaskRow.state == "done",
        TaskRow.follow_ups == 0,
        ~exists().where(TaskNeedRow.job_key == TaskRow.job_key, TaskNeedRow.name == TaskRow.name),
    )
    .limit(1)
)
NEVER_PLANNED: Final = (
    select(TaskRow.key, TaskRow.name, func.min(TaskNeedRow.name))
    .join(TaskNeedRow, TaskNeedRow.task_key == TaskRow.key)
    .where(
        TaskRow.job_key == bindparam("job"),
        TaskRow.state == "waiting",
        ~exists().where(_other.job_key == TaskNeedRow.job_key, _other.name == TaskNeedRow.name),
    )
    .group_by(TaskRow.key, TaskRow.name)
    .order_by(TaskRow.key)
)


class PlannedTask(Protocol):
    """A task to be written, by its shape; `app.jobs.contract.NewTask` says what it means."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def payload(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def weight(self) -> float: ...  # noqa: D102
    @property
    def needs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def waits(self) -> tuple[str, ...]: ...  # noqa: D102


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
        waiting = sum(_is_open(known.get(name), required) for name, required in _needs(task).items())
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
        _end_dependents(connection, job, name, _error_of(connection, job, name), now)
    return len(new)


def release_dependents(connection: Connection, job: int, name: str) -> None:
    """Note that a task is done: those that waited for nothing else are ready."""
    connection.execute(RELEASE, {"job": job, "need": name})


def fail_task(connection: Connection, job: int, key: int, name: str, error: str, now: datetime) -> None:
    """End a task with an error, and with it those that need it; those that only wait for it are released."""
    error = storable(error)
    connection.execute(FAIL, {"task": key, "why": error, "at": now})
    note(connection, job, "failed", error, now, task=name)
    _end_dependents(connection, job, name, error, now)


def settle(connection: Connection, job: int, now: datetime) -> str | None:
    """End a job that has no open task; its final state, or None if it goes on.

    It is "failed" if tasks failed and nothing came of the rest: of the tasks that end a line of work (no
    other waits for them, and they wrote none) not one is done. Else it is "done"; failed ones are counted.

    Tasks that wait for what will never come fail first, and say so.
    """
    while True:
        counts = {row.state: row.tasks for row in connection.execute(STATES, {"job": job})}
        if counts.get("ready") or counts.get("running"):
            return None
        if not counts.get("waiting"):
            break
        stuck = connection.execute(NEVER_PLANNED, {"job": job}).all()
        for key, name, need in stuck:
            fail_task(connection, job, key, name, f"It waits for {need!r}, which nothing has planned.", now)
        if not stuck:
            _fail_circle(connection, job, now)
    failed = counts.get("failed", 0)
    lost = failed and connection.execute(SOMETHING_DONE, {"job": job}).first() is None
    state, reason = "done", ""
    if lost:
        first = connection.execute(FIRST_ERROR, {"job": job}).scalar()
        state, reason = "failed", str(first)
    ended = connection.execute(
        update(JobRow)
        .where(JobRow.key == job, JobRow.state.in_(OPEN_JOBS))
        .values(state=state, reason=reason, finished_at=now)
    )
    if not ended.rowcount:
        return None
    note(connection, job, "state", state, now)
    return state


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
    todo = [name for name in names if name in tasks and tasks[name].state in ENDED]
    while todo:
        name = todo.pop()
        if name not in again and tasks[name].state != "running":
            again.add(name)
            todo += dependents[name]
    changed = []
    for name in sorted(again, key=lambda each: tasks[each].key):
        key = tasks[name].key
        waiting = sum(
            need in again or _is_open(tasks[need].state if need in tasks else None, required)
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


def _needs(task: PlannedTask) -> dict[str, bool]:
    """What it needs (True) or only waits for (False), by name."""
    return dict.fromkeys(task.waits, False) | dict.fromkeys(task.needs, True)


def _is_open(state: str | None, required: bool) -> bool:
    """Whether a task in that state, None if it is not there yet, is still waited for."""
    return state != "done" if required else state not in ENDED


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


def _end_dependents(connection: Connection, job: int, failed: str, error: str, now: datetime) -> None:
    """Release those that only waited for a failed task; fail those that need it, and so on up to the last."""
    why = f"It needs {failed!r}, which failed: {error}"
    todo = [failed]
    while todo:
        name = todo.pop()
        connection.execute(RELEASE_WAITING, {"job": job, "need": name})
        for key, dependent in connection.execute(NEEDING, {"job": job, "need": name}).all():
            connection.execute(FAIL, {"task": key, "why": why, "at": now})
            todo.append(dependent)


def _error_of(connection: Connection, job: int, name: str) -> str:
    query = select(TaskRow.error).where(TaskRow.job_key == job, TaskRow.name == name)
    return str(connection.execute(query).scalar() or "it was cancelled")


def _fail_circle(connection: Connection, job: int, now: datetime) -> None:
    query = select(TaskRow.key, TaskRow.name).where(TaskRow.job_key == job, TaskRow.state == "waiting")
    for key, name in connection.execute(query).all():
        connection.execute(
            FAIL, {"task": key, "why": "It and tasks that it waits for wait for each other.", "at": now}
        )
        note(connection, job, "failed", "It waits for itself.", now, task=name)
