"""Leases: how tasks stay with the workers that do them, and are taken over from those that are gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import DateTime, Engine, bindparam, func, select, update

from memory.job_endings import fail_task, settle
from memory.job_tasks import lock_job
from memory.moments import in_utc
from memory.tables import JobEventRow, JobRow, TaskRow

__all__ = ["CANCEL_TASK", "FREE", "HELD", "JOB_STATE", "LEASE", "MOST_INTERRUPTIONS", "TaskLeases"]

LEASE: Final = timedelta(seconds=60)
"""How long a worker that nobody hears of keeps its tasks. Longer than a database that is busy or a machine
that swaps keeps a heartbeat waiting; a worker that ended on this machine is not waited for at all. Clocks of
machines that share a database agree to within a part of it."""

MOST_INTERRUPTIONS: Final = 5
"""How often a task may lose its worker without having got on; after that it may be what ends the workers."""

FREE: Final[dict[str, Any]] = {"worker": None, "lease_until": None}
"""What a task is that no worker has."""

HELD: Final = (
    TaskRow.key == bindparam("task"),
    TaskRow.state == "running",
    TaskRow.worker == bindparam("by"),
    TaskRow.attempts == bindparam("attempt"),
)
"""Whether a worker still has a task, and has not lost and claimed it again meanwhile."""

JOB_STATE: Final = select(JobRow.state).where(JobRow.key == bindparam("job"))


LOSE: Final = (
    update(TaskRow)
    .where(*HELD)
    .values(state="ready", interruptions=bindparam("lost"), not_before=None, **FREE)
)
CANCEL_TASK: Final = (
    update(TaskRow)
    .where(TaskRow.key == bindparam("task"))
    .values(state="cancelled", finished_at=bindparam("at", type_=DateTime(timezone=True)), **FREE)
)
RENEW: Final = (
    update(TaskRow)
    .where(TaskRow.worker == bindparam("by"), TaskRow.state == "running")
    .values(lease_until=bindparam("until", type_=DateTime(timezone=True)))
    .returning(TaskRow.key)
)
LEASED: Final = select(
    TaskRow.key,
    TaskRow.name,
    TaskRow.job_key,
    TaskRow.worker,
    TaskRow.lease_until,
    TaskRow.attempts,
    TaskRow.interruptions,
    TaskRow.begun_at,
).where(TaskRow.worker.is_not(None), TaskRow.worker != bindparam("by"))


SINCE: Final = timedelta(seconds=5)
"""How long after its last sign of life a job that goes on may have no running task: between two tasks it
has none for a moment."""

OF_JOB: Final = select(TaskRow.worker, TaskRow.lease_until).where(
    TaskRow.job_key == bindparam("job"), TaskRow.state == "running"
)
LAST_SIGN: Final = select(func.max(TaskRow.finished_at), func.max(TaskRow.not_before)).where(
    TaskRow.job_key == bindparam("job")
)


def _now() -> datetime:
    return datetime.now(UTC)


class TaskLeases:
    """Leases of one database; see `TaskQueue` for the arguments."""

    def __init__(self, engine: Engine, lease: timedelta = LEASE, now: Callable[[], datetime] = _now) -> None:
        self.engine, self.lease, self.now = engine, lease, now

    def renew(self, worker: str) -> set[int]:
        """Renew all leases of a worker; the keys of the tasks that are still its own."""
        with self.engine.begin() as connection:
            until = self.now() + self.lease
            return set(connection.execute(RENEW, {"by": worker, "until": until}).scalars())

    def take_over(self, worker: str, gone: Callable[[str], bool]) -> int:
        """Make ready again what is held by workers that are gone, or whose lease has run out; how many tasks.

        A task that has lost its worker too often without getting on fails: it may be what ends them.
        """
        now = self.now()
        with self.engine.connect() as connection:
            leased = connection.execute(LEASED, {"by": worker}).all()
        verdict = {each: gone(each) for each in {row.worker for row in leased}}
        taken = 0
        for row in leased:
            if verdict[row.worker] or in_utc(row.lease_until) < now:
                taken += self._take(row, now)
        return taken

    def unattended(self, job: int, gone: Callable[[str], bool]) -> bool:
        """Whether no worker is at a job that goes on, by its key: those that held its tasks are gone."""
        now = self.now()
        with self.engine.connect() as connection:
            held = connection.execute(OF_JOB, {"job": job}).all()
            signs = connection.execute(LAST_SIGN, {"job": job}).one()
        if held:
            return all(in_utc(row.lease_until) < now or gone(row.worker) for row in held)
        return all(sign is None or in_utc(sign) + SINCE < now for sign in signs)

    def lost(self, worker: str, task: int) -> None:
        """Give back a task of this worker whose process was lost, which counts as an interruption."""
        with self.engine.connect() as connection:
            row = connection.execute(LEASED.where(TaskRow.key == task), {"by": ""}).first()
        if row is not None and row.worker == worker:
            self._take(row, self.now())

    def _take(self, row: Any, now: datetime) -> int:
        held = {"task": row.key, "by": row.worker, "attempt": row.attempts}
        lost = 1 if _got_on(self.engine, row) else row.interruptions + 1
        with self.engine.begin() as connection:
            lock_job(connection, row.job_key)
            if not connection.execute(LOSE, held | {"lost": lost}).rowcount:
                return 0
            state = connection.execute(JOB_STATE, {"job": row.job_key}).scalar()
            if state == "cancelled":
                connection.execute(CANCEL_TASK, {"task": row.key, "at": now})
            elif lost > MOST_INTERRUPTIONS:
                error = (
                    f"It was interrupted {lost} times without getting on, so it may be what ends the workers "
                    "(memory?); `clew jobs resume` tries it again."
                )
                fail_task(connection, row.job_key, row.key, row.name, error, now)
                settle(connection, row.job_key, now)
        return 1


def _got_on(engine: Engine, row: Any) -> bool:
    """Whether the task had got on in the attempt that was lost: it told of something done."""
    told = select(JobEventRow.key).where(
        JobEventRow.job_key == row.job_key,
        JobEventRow.task == row.name,
        JobEventRow.done > 0,
        JobEventRow.at >= row.begun_at,
    )
    with engine.connect() as connection:
        return connection.execute(told.limit(1)).first() is not None
