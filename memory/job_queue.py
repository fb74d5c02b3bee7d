"""The queue: ready tasks are leased to workers, and what they come to is stored exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Engine,
    Float,
    Select,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from memory.answer_tasks import ANSWER
from memory.job_endings import fail_task, release_dependents, settle
from memory.job_events import forget_drafts
from memory.job_leases import CANCEL_TASK, FREE, HELD, JOB_STATE, LEASE, TaskLeases
from memory.job_tasks import PlannedTask, lock_job, write_tasks
from memory.tables import JobRow, TaskRow

__all__ = ["ClaimedTask", "EndedTask", "TaskQueue"]

RUNNABLE: Final = ("queued", "running")

_task = TaskRow.__table__.alias()
_due = or_(
    _task.c.not_before.is_(None), _task.c.not_before <= bindparam("now", type_=DateTime(timezone=True))
)
_best = (
    select(_task.c.key)
    .where(
        _task.c.job_key == bindparam("job"),
        _task.c.state == "ready",
        _task.c.kind == bindparam("of_kind"),
        _due,
        exists().where(JobRow.key == bindparam("job"), JobRow.state.in_(RUNNABLE)),
    )
    .order_by(_task.c.key)
    .limit(bindparam("most"))
)
_earlier = JobRow.__table__.alias()
_BEFORE: Final = (
    _earlier.c.owner == JobRow.owner,
    _earlier.c.kind == JobRow.kind,
    _earlier.c.state.in_(RUNNABLE),
    _earlier.c.key < JobRow.key,
    _earlier.c.spec["thread"].as_string() == JobRow.spec["thread"].as_string(),
)
"""Whether a question of the same thread was asked before; its turn comes first."""
_leased = {
    "state": "running",
    "worker": bindparam("by"),
    "lease_until": bindparam("until", type_=DateTime(timezone=True)),
    "begun_at": bindparam("now", type_=DateTime(timezone=True)),
    "attempts": TaskRow.attempts + 1,
}
_claimed = (
    TaskRow.key,
    TaskRow.name,
    TaskRow.kind,
    TaskRow.payload,
    TaskRow.weight,
    TaskRow.attempts,
    TaskRow.retries,
)
CLAIM: Final = update(TaskRow).where(TaskRow.key.in_(_best)).values(_leased).returning(*_claimed)
LOCK_BEST: Final = _best.with_for_update(skip_locked=True)
CLAIM_LOCKED: Final = (
    update(TaskRow)
    .where(TaskRow.key.in_(bindparam("keys", expanding=True)))
    .values(_leased)
    .returning(*_claimed)
)
BEGIN_JOB: Final = (
    update(JobRow)
    .where(JobRow.key == bindparam("job"), JobRow.state == "queued")
    .values(state="running", started_at=func.coalesce(JobRow.started_at, bindparam("now")))
)
FINISH: Final = (
    update(TaskRow)
    .where(*HELD)
    .values(
        state="done",
        result=bindparam("came_to", type_=JSON),
        seconds=bindparam("took", type_=Float),
        finished_at=bindparam("at", type_=DateTime(timezone=True)),
        **FREE,
    )
)
GIVE_BACK: Final = (
    update(TaskRow)
    .where(*HELD)
    .values(
        state="ready",
        retries=TaskRow.retries + bindparam("counted"),
        not_before=bindparam("later", type_=DateTime(timezone=True)),
        **FREE,
    )
)
FOLLOWED: Final = (
    update(TaskRow).where(TaskRow.key == bindparam("task")).values(follow_ups=bindparam("written"))
)


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A task that a worker holds; `job` is the job's id, `attempt` numbers this holding from 1 on.

    `retries` counts how often it was given back for a passing error.
    """

    key: int
    job_key: int
    job: str
    name: str
    kind: str
    payload: dict[str, Any]
    weight: float
    attempt: int
    retries: int


@dataclass(frozen=True, slots=True)
class EndedTask:
    """A task that is done: its result, plain JSON, and the tasks that follow from it."""

    task: ClaimedTask
    seconds: float
    result: Mapping[str, Any]
    follow_ups: Sequence[PlannedTask] = ()


def _now() -> datetime:
    return datetime.now(UTC)


class TaskQueue:
    """Tasks of one database, from the side of the workers.

    All that ends a task is conditional on still holding it: what a worker brings that has lost it meanwhile
    is dropped, because another one does it again.

    Args:
        engine: Of the database.
        lease: How long a task stays with a worker that does not renew it.
        now: The time, in UTC.
    """

    def __init__(self, engine: Engine, lease: timedelta = LEASE, now: Callable[[], datetime] = _now) -> None:
        self.engine, self.lease, self.now = engine, lease, now
        self.leases = TaskLeases(engine, lease, now)

    def claim(
        self, worker: str, room: Mapping[str, int], most: int, job: str | None = None
    ) -> list[ClaimedTask]:
        """Lease ready tasks: of the job with the highest priority first, then of the oldest, oldest first.

        Of the kinds of a job, the one whose first task is oldest comes first. Of the questions of a thread
        only the first is taken.

        Args:
            worker: Who takes them.
            room: How many of each kind it can take; other kinds are left.
            most: How many in all.
            job: Id of the only job to take from.
        """
        kinds = tuple(sorted(kind for kind, number in room.items() if number > 0))
        if most < 1 or not kinds:
            return []
        now = self.now()
        with self.engine.connect() as connection:
            parameters = {"now": now} | ({} if job is None else {"id": job})
            jobs = connection.execute(_first_tasks(kinds, job is not None), parameters).all()
        claimed: list[ClaimedTask] = []
        for row in jobs:
            heads = sorted(
                (head, kind) for kind, head in zip(kinds, row[3:], strict=True) if head is not None
            )
            for _, kind in heads:
                number = min(room[kind], most - len(claimed))
                if number > 0:
                    claimed += self._claim(worker, row, kind, number, now)
        return claimed

    def finish(self, worker: str, ended: Sequence[EndedTask]) -> list[ClaimedTask]:
        """Store what tasks came to, and what follows from them, in one transaction; those that were stored.

        The others are no longer this worker's, or their job was cancelled.
        """
        now, stored = self.now(), []
        with self.engine.begin() as connection:
            cancelled: dict[int, bool] = {}
            for each in sorted(ended, key=lambda end: end.task.job_key):
                task, job = each.task, each.task.job_key
                if job not in cancelled:
                    lock_job(connection, job)
                found = connection.execute(
                    FINISH, _holder(worker, task) | _end(each.result, each.seconds, now)
                )
                if job not in cancelled:
                    cancelled[job] = connection.execute(JOB_STATE, {"job": job}).scalar() == "cancelled"
                if found.rowcount and cancelled[job]:
                    connection.execute(CANCEL_TASK, {"task": task.key, "at": now})
                elif found.rowcount:
                    self._follow(connection, each, now)
                    forget_drafts(connection, job)
                    stored.append(task)
            for job in cancelled:
                settle(connection, job, now)
        return stored

    def fail(self, worker: str, task: ClaimedTask, error: str, retry_after: float | None = None) -> bool:
        """End a task with an error, or give it back to be tried again some seconds later.

        Returns:
            Whether that was stored: it was still this worker's.
        """
        now = self.now()
        later = None if retry_after is None else now + timedelta(seconds=retry_after)
        with self.engine.begin() as connection:
            lock_job(connection, task.job_key)
            held = connection.execute(GIVE_BACK, _holder(worker, task) | {"counted": 1, "later": later})
            if held.rowcount and not self._cancelled(connection, task, now) and later is None:
                fail_task(connection, task.job_key, task.key, task.name, error, now)
                settle(connection, task.job_key, now)
        return bool(held.rowcount)

    def release(self, worker: str, tasks: Sequence[ClaimedTask]) -> None:
        """Give tasks back as if they had not been begun; those of cancelled jobs are cancelled."""
        now = self.now()
        with self.engine.begin() as connection:
            for task in tasks:
                given = connection.execute(GIVE_BACK, _holder(worker, task) | {"counted": 0, "later": None})
                if given.rowcount:
                    self._cancelled(connection, task, now)

    def _claim(self, worker: str, job: Any, kind: str, most: int, now: datetime) -> list[ClaimedTask]:
        which = {"job": job.key, "of_kind": kind, "most": most, "now": now}
        lease = {"by": worker, "until": now + self.lease, "now": now}
        with self.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                rows = connection.execute(CLAIM, which | lease).all()
            else:
                keys = connection.execute(LOCK_BEST, which).scalars().all()
                rows = connection.execute(CLAIM_LOCKED, lease | {"keys": keys}).all() if keys else []
            if rows and job.state == "queued":
                connection.execute(BEGIN_JOB, {"job": job.key, "now": now})
        return [
            ClaimedTask(
                row.key,
                job.key,
                job.id,
                row.name,
                row.kind,
                row.payload,
                row.weight,
                row.attempts,
                row.retries,
            )
            for row in sorted(rows, key=lambda each: each.key)
        ]

    def _follow(self, connection: Connection, ended: EndedTask, now: datetime) -> None:
        task = ended.task
        if ended.follow_ups:
            write_tasks(connection, task.job_key, ended.follow_ups, now)
            connection.execute(FOLLOWED, {"task": task.key, "written": len(ended.follow_ups)})
        release_dependents(connection, task.job_key, task.name)

    def _cancelled(self, connection: Connection, task: ClaimedTask, now: datetime) -> bool:
        """Whether the task's job is; then so is the task."""
        state = connection.execute(JOB_STATE, {"job": task.job_key}).scalar()
        if state == "cancelled":
            connection.execute(CANCEL_TASK, {"task": task.key, "at": now})
        return state == "cancelled"


@cache
def _first_tasks(kinds: tuple[str, ...], one_job: bool) -> Select[Any]:
    """Of each job that goes on, the most urgent first: key, id, state, the first ready task of each kind."""
    heads = [
        select(_task.c.key)
        .where(_task.c.job_key == JobRow.key, _task.c.state == "ready", _task.c.kind == kind, _due)
        .order_by(_task.c.key)
        .limit(1)
        .scalar_subquery()
        for kind in kinds
    ]
    query = select(JobRow.key, JobRow.id, JobRow.state, *heads).where(JobRow.state.in_(RUNNABLE))
    query = query.where(or_(JobRow.kind != ANSWER, ~exists().where(*_BEFORE)))
    if one_job:
        query = query.where(JobRow.id == bindparam("id"))
    return query.order_by(JobRow.priority.desc(), JobRow.key)


def _holder(worker: str, task: ClaimedTask) -> dict[str, Any]:
    return {"task": task.key, "by": worker, "attempt": task.attempt}


def _end(result: Mapping[str, Any], seconds: float, now: datetime) -> dict[str, Any]:
    return {"came_to": dict(result), "took": seconds, "at": now}
