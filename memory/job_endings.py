"""What the end of a task means for the others, and for its job.

All functions run inside the caller's transaction, whose first statement has written already.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, case, exists, func, select, update
from sqlalchemy.orm import aliased

from memory.job_events import note, storable
from memory.tables import JobRow, TaskNeedRow, TaskRow

__all__ = ["end_dependents", "fail_task", "release_dependents", "settle"]

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
GOING_ON: Final = (
    select(TaskRow.key)
    .where(TaskRow.job_key == bindparam("job"), TaskRow.state.in_(("ready", "running")))
    .limit(1)
)
STATES: Final = (
    select(TaskRow.state, func.count().label("tasks"))
    .where(TaskRow.job_key == bindparam("job"))
    .group_by(TaskRow.state)
)
FIRST_ERROR: Final = (
    select(TaskRow.error)
    .where(TaskRow.job_key == bindparam("job"), TaskRow.state == "failed")
    .order_by(case((TaskRow.attempts > 0, 0), else_=1), TaskRow.finished_at, TaskRow.key)
    .limit(1)
)
"""Of a task that was begun, if there is one: others only say that they need it."""

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


def release_dependents(connection: Connection, job: int, name: str) -> None:
    """Note that a task is done: those that waited for nothing else are ready."""
    connection.execute(RELEASE, {"job": job, "need": name})


def fail_task(connection: Connection, job: int, key: int, name: str, error: str, now: datetime) -> None:
    """End a task with an error, and with it those that need it; those that only wait for it are released."""
    error = storable(error)
    connection.execute(FAIL, {"task": key, "why": error, "at": now})
    note(connection, job, "failed", error, now, task=name)
    end_dependents(connection, job, name, error, now)


def settle(connection: Connection, job: int, now: datetime) -> str | None:
    """End a job that has no open task; its final state, or None if it goes on.

    It is "failed" if tasks failed and nothing came of the rest: of the tasks that end a line of work (no
    other waits for them, and they wrote none) not one is done. Else it is "done"; failed ones are counted.

    Tasks that wait for what will never come fail first, and say so.
    """
    while True:
        if connection.execute(GOING_ON, {"job": job}).first() is not None:
            return None
        counts = {row.state: row.tasks for row in connection.execute(STATES, {"job": job})}
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


def end_dependents(
    connection: Connection, job: int, failed: str, error: str, now: datetime, released: bool = False
) -> None:
    """Release those that only waited for a failed task; fail those that need it, and so on up to the last.

    Args:
        connection: In a transaction.
        job: Key of the job.
        failed: Name of the task.
        error: What it failed for.
        now: The time, in UTC.
        released: Those that only waited for it have been released when it failed.
    """
    why = f"It needs {failed!r}, which failed: {error}"
    todo = [failed]
    while todo:
        name = todo.pop()
        if name != failed or not released:
            connection.execute(RELEASE_WAITING, {"job": job, "need": name})
        for key, dependent in connection.execute(NEEDING, {"job": job, "need": name}).all():
            connection.execute(FAIL, {"task": key, "why": why, "at": now})
            todo.append(dependent)


def _fail_circle(connection: Connection, job: int, now: datetime) -> None:
    query = select(TaskRow.key, TaskRow.name).where(TaskRow.job_key == job, TaskRow.state == "waiting")
    for key, name in connection.execute(query).all():
        connection.execute(
            FAIL, {"task": key, "why": "It and tasks that it waits for wait for each other.", "at": now}
        )
        note(connection, job, "failed", "It waits for itself.", now, task=name)
