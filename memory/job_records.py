"""What is stored of jobs and their tasks, as it is read."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Text, cast, func, or_, select, true

from memory.errors import AmbiguousJobError, UnknownJobError
from memory.moments import in_utc
from memory.storable import storable
from memory.tables import JobRow, TaskRow

__all__ = ["ALL_TASKS", "ENDED", "JobReader", "JobRecord", "Tally", "TaskRecord", "job_records"]

BATCH: Final = 500
ENDED: Final = ("done", "failed", "cancelled")
"""States that a job stays in, unless somebody resumes it."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it stands; see `JobRow` for its states."""

    key: int
    id: str
    owner: str
    kind: str
    title: str
    spec: dict[str, Any]
    state: str
    reason: str
    priority: int
    estimate: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as it stands; `result` only where it is done, `error` where it failed."""

    key: int
    name: str
    kind: str
    state: str
    weight: float
    attempts: int
    result: dict[str, Any] | None
    error: str | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tasks of a kind are in a state, and their weight."""

    kind: str
    state: str
    tasks: int
    weight: float


ALL_TASKS: Final = select(
    TaskRow.key,
    TaskRow.name,
    TaskRow.kind,
    TaskRow.state,
    TaskRow.weight,
    TaskRow.attempts,
    TaskRow.result,
    TaskRow.error,
    TaskRow.seconds,
).join(JobRow, JobRow.key == TaskRow.job_key)


class JobReader:
    """Reads the jobs of one database.

    Where an `owner` is named, jobs of other users are as if they were not there.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def get(self, id: str, owner: str | None = None) -> JobRecord:
        """The job with exactly that id.

        Raises:
            UnknownJobError: If there is none.
        """
        with self.engine.connect() as connection:
            found = job_records(connection, JobRow.id == id, _of(owner))
        if not found:
            raise UnknownJobError(f"There is no job {id!r}; `clew jobs list` shows all.")
        return found[0]

    def records(
        self,
        limit: int | None = None,
        owner: str | None = None,
        kinds: Collection[str] | None = None,
        naming: Collection[str] = (),
    ) -> list[JobRecord]:
        """Jobs, of some kinds or of all, newest first; with `naming`, whose spec holds one of these texts."""
        of_kinds = true() if kinds is None else JobRow.kind.in_(kinds)
        spec = cast(JobRow.spec, Text)
        holds = [spec.contains(json.dumps(each), autoescape=True) for each in naming]
        named = or_(*holds) if holds else true()
        with self.engine.connect() as connection:
            return job_records(connection, _of(owner), of_kinds, named, limit=limit)

    def resolve(self, reference: str, owner: str | None = None) -> JobRecord:
        """The job whose id begins so.

        Raises:
            UnknownJobError: If there is none.
            AmbiguousJobError: If there are several.
        """
        begins = JobRow.id.startswith(reference.strip().lower(), autoescape=True)
        with self.engine.connect() as connection:
            found = job_records(connection, begins, _of(owner)) if reference.strip() else []
        if not found:
            raise UnknownJobError(f"There is no job {reference!r}; `clew jobs list` shows all.")
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise AmbiguousJobError(f"{reference!r} is the beginning of several jobs: {ids}.")
        return found[0]

    def tasks(self, id: str, state: str | None = None) -> list[TaskRecord]:
        """The tasks of a job, or those in one state, in the order in which they were written."""
        query = _tasks(id).order_by(TaskRow.key)
        if state is not None:
            query = query.where(TaskRow.state == state)
        with self.engine.connect() as connection:
            return [TaskRecord(*row) for row in connection.execute(query)]

    def results(self, id: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The results of those of the tasks that are done."""
        found: dict[str, dict[str, Any]] = {}
        with self.engine.connect() as connection:
            for start in range(0, len(names), BATCH):
                query = _tasks(id).where(
                    TaskRow.state == "done", TaskRow.name.in_(names[start : start + BATCH])
                )
                found.update({row.name: row.result or {} for row in connection.execute(query)})
        return found

    def states(self, ids: Collection[str]) -> dict[str, str]:
        """The states of jobs, by id."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(JobRow.id, JobRow.state).where(JobRow.id.in_(ids)))
            return {row.id: row.state for row in rows}

    def busy(self, kinds: Collection[str]) -> bool:
        """Whether a job that goes on has tasks of those kinds that are ready or running."""
        query = (
            select(TaskRow.key)
            .join(JobRow, JobRow.key == TaskRow.job_key)
            .where(
                JobRow.state.in_(("queued", "running")),
                TaskRow.state.in_(("ready", "running")),
                TaskRow.kind.in_(kinds),
            )
        )
        with self.engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def tallies(self, id: str) -> list[Tally]:
        """Tasks and weights by kind and state."""
        query = (
            select(TaskRow.kind, TaskRow.state, func.count(), func.sum(TaskRow.weight))
            .join(JobRow, JobRow.key == TaskRow.job_key)
            .where(JobRow.id == id)
            .group_by(TaskRow.kind, TaskRow.state)
            .order_by(TaskRow.kind, TaskRow.state)
        )
        with self.engine.connect() as connection:
            return [Tally(*row) for row in connection.execute(query)]


def job_records(connection: Connection, *where: Any, limit: int | None = None) -> list[JobRecord]:
    """The jobs for which all of that holds, newest first."""
    query = select(JobRow.__table__).where(*where).order_by(JobRow.key.desc()).limit(limit)
    return [
        JobRecord(
            key=row.key,
            id=row.id,
            owner=row.owner,
            kind=row.kind,
            title=row.title,
            spec=row.spec,
            state=row.state,
            reason=row.reason,
            priority=row.priority,
            estimate=row.estimate,
            created_at=in_utc(row.created_at),
            started_at=row.started_at and in_utc(row.started_at),
            finished_at=row.finished_at and in_utc(row.finished_at),
        )
        for row in connection.execute(query)
    ]


def _of(owner: str | None) -> ColumnElement[bool]:
    """That a job belongs to a user, as SQL."""
    return true() if owner is None else JobRow.owner == storable(owner)


def _tasks(id: str) -> Any:
    return ALL_TASKS.where(JobRow.id == id)
