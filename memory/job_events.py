"""What jobs tell while they run: stored in order, read on by any process from the last one it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, DateTime, Engine, Integer, String, bindparam, delete, func, insert, select

from memory.moments import in_utc
from memory.tables import JobEventRow, JobRow

__all__ = ["JobEvent", "JobEventStore", "NewJobEvent", "forget_drafts", "job_events", "note", "storable"]

DRAFT: Final = "draft"
"""Of this stage only the newest event of a task is kept: it holds all of the text so far."""

APPEND: Final = insert(JobEventRow).from_select(
    ["job_key", "task", "stage", "subject", "done", "total", "at"],
    select(
        JobRow.key,
        bindparam("task", type_=String),
        bindparam("stage", type_=String),
        bindparam("subject", type_=String),
        bindparam("done", type_=Integer),
        bindparam("total", type_=Integer),
        bindparam("at", type_=DateTime(timezone=True)),
    ).where(JobRow.key == bindparam("job")),
)
"""For a job that is forgotten meanwhile it writes nothing."""

READ: Final = (
    select(
        JobEventRow.key,
        JobEventRow.task,
        JobEventRow.stage,
        JobEventRow.subject,
        JobEventRow.done,
        JobEventRow.total,
        JobEventRow.at,
    )
    .where(JobEventRow.job_key == bindparam("job"), JobEventRow.key > bindparam("after"))
    .order_by(JobEventRow.key)
)


@dataclass(frozen=True, slots=True)
class NewJobEvent:
    """An event to be stored; `job` is the job's key, `task` None for what concerns the job as a whole."""

    job: int
    task: str | None
    stage: str
    subject: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event as it was stored; `key` grows with time."""

    key: int
    task: str | None
    stage: str
    subject: str
    done: int
    total: int
    at: datetime


def note(
    connection: Connection, job: int, stage: str, subject: str, now: datetime, task: str | None = None
) -> None:
    """Store an event of a job in the transaction of what it tells about."""
    row = {"job": job, "task": task, "stage": stage, "subject": storable(subject), "done": 0, "total": 0}
    connection.execute(APPEND, row | {"at": now})


def forget_drafts(connection: Connection, job: int) -> None:
    """Delete the text so far of what a job is writing."""
    connection.execute(delete(JobEventRow).where(JobEventRow.job_key == job, JobEventRow.stage == DRAFT))


def storable(text: str) -> str:
    """The text as every database takes it: no NUL, no halves of characters."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def job_events(connection: Connection, job: int, after: int = 0) -> list[JobEvent]:
    """The events of a job after the one with the key `after`, in order."""
    rows = connection.execute(READ, {"job": job, "after": after}).all()
    return [
        JobEvent(row.key, row.task, row.stage, row.subject, row.done, row.total, in_utc(row.at))
        for row in rows
    ]


class JobEventStore:
    """Events of the jobs of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def append(self, events: Sequence[NewJobEvent]) -> None:
        """Store events in their order; those of a job that has been forgotten are left out."""
        if events:
            now = datetime.now(UTC)
            rows = [
                {
                    "job": each.job,
                    "task": each.task,
                    "stage": each.stage,
                    "subject": storable(each.subject),
                    "done": each.done,
                    "total": each.total,
                    "at": now,
                }
                for each in events
            ]
            with self.engine.begin() as connection:
                for job in {each.job for each in events if each.stage == DRAFT}:
                    forget_drafts(connection, job)
                connection.execute(APPEND, rows)

    def read(self, job: int, after: int = 0) -> list[JobEvent]:
        """The events of a job after the one with the key `after`, in order."""
        with self.engine.connect() as connection:
            return job_events(connection, job, after)

    def last(self, job: int) -> int:
        """The key of a job's last event, 0 if it has told nothing."""
        with self.engine.connect() as connection:
            query = select(func.coalesce(func.max(JobEventRow.key), 0)).where(JobEventRow.job_key == job)
            return int(connection.execute(query).scalar_one())
