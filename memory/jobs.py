"""Jobs in SQL: asked for once, then paused, resumed, cancelled and counted by any process."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, case, exc, select, update

from memory.errors import JobStateError
from memory.job_endings import settle
from memory.job_events import note, storable
from memory.job_forgetting import forget_ended, forget_old, forget_tasks, tasks_meant
from memory.job_records import ENDED, JobReader, JobRecord, TaskRecord, job_records
from memory.job_reopening import reopen_tasks
from memory.job_tasks import PlannedTask, lock_job, write_tasks
from memory.tables import JobRow, TaskRow
from memory.threads import storable as name_of
from memory.upserts import upsert
from memory.users import FIRST_USER

__all__ = ["JobStore", "job_digest"]

UNFINISHED: Final = ("queued", "running", "paused")


def _now() -> datetime:
    return datetime.now(UTC)


class JobStore(JobReader):
    """Jobs of one database, to be changed too."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = _now) -> None:
        super().__init__(engine)
        self.now = now

    def create(
        self,
        kind: str,
        title: str,
        spec: Mapping[str, Any],
        tasks: Sequence[PlannedTask],
        priority: int = 0,
        estimate: Mapping[str, Any] | None = None,
        owner: str = FIRST_USER,
    ) -> tuple[JobRecord, bool]:
        """Write a user's job with its first tasks; the record, and whether it is one that was begun before.

        An unfinished job of the same user, kind and spec is adopted: resumed, its failed tasks are tried
        again, and tasks that it does not have yet are added.
        """
        owner = name_of(owner)
        digest = job_digest(owner, kind, spec)
        while True:
            with self.engine.begin() as connection:
                now = self.now()
                values = {
                    "id": secrets.token_hex(4),
                    "owner": owner,
                    "kind": kind,
                    "title": storable(title),
                    "digest": digest,
                    "spec": dict(spec),
                    "state": "queued",
                    "reason": "",
                    "priority": priority,
                    "estimate": None if estimate is None else dict(estimate),
                    "created_at": now,
                }
                new = connection.execute(
                    upsert(connection, JobRow).values(values).on_conflict_do_nothing().returning(JobRow.key)
                ).scalar()
                same = select(JobRow.key).where(JobRow.digest == digest, JobRow.state.in_(UNFINISHED))
                key = connection.execute(same.with_for_update()).scalar() if new is None else new
                if key is None:
                    continue  # its id is taken, or the job that was in the way has ended just now
                write_tasks(connection, key, tasks, now)
                if new is None:
                    _go_on(connection, key, now)
                else:
                    forget_old(connection, owner)
                settle(connection, key, now)
                return job_records(connection, JobRow.key == key)[0], new is None

    def pause(self, id: str, reason: str = "") -> JobRecord:
        """Begin no more of its tasks; those that run may end.

        Raises:
            JobStateError: If it has ended.
        """
        return self._changed(id, "paused", ("queued", "running"), reason)

    def cancel(self, id: str) -> JobRecord:
        """End it: tasks that have not begun are cancelled now, those that run as soon as their worker hears.

        Raises:
            JobStateError: If it has ended.
        """
        return self._changed(id, "cancelled", UNFINISHED, "")

    def resume(self, id: str) -> JobRecord:
        """Go on with a job that is paused, and try again what failed, also of one that has ended.

        Raises:
            JobStateError: If it was cancelled, or there is nothing to do again.
        """
        record = self.get(id)
        state = case((JobRow.state.in_((*ENDED, "paused")), "queued"), else_=JobRow.state)
        try:
            with self.engine.begin() as connection:
                open = connection.execute(
                    update(JobRow)
                    .where(JobRow.id == id, JobRow.state != "cancelled")
                    .values(state=state, reason="", finished_at=None)
                )
                if not open.rowcount:
                    raise JobStateError(f"There is nothing to resume: job {id} was cancelled.")
                lock_job(connection, record.key)
                again = _go_on(connection, record.key, self.now())
                if not again and record.state != "paused":
                    raise JobStateError(f"There is nothing to resume: job {id} is {record.state}.")
                settle(connection, record.key, self.now())
        except exc.IntegrityError as error:
            raise _taken(id) from error
        return self.get(id)

    def again(self, id: str, names: Collection[str]) -> int:
        """Have tasks that have ended done again, with all that took something from them; how many it is.

        A job that has ended is queued again for them. One that was cancelled, or is forgotten, stays so.

        Raises:
            JobStateError: If it has ended and another one does the same.
        """
        try:
            with self.engine.begin() as connection:
                key = connection.execute(
                    update(JobRow)
                    .where(JobRow.id == id, JobRow.state != "cancelled")
                    .values(reason=JobRow.reason)
                    .returning(JobRow.key)
                ).scalar()
                if key is None:
                    return 0
                lock_job(connection, key)
                reopened = reopen_tasks(connection, key, names)
                if reopened:
                    connection.execute(
                        update(JobRow)
                        .where(JobRow.key == key, JobRow.state.in_(ENDED))
                        .values(state="queued", reason="", finished_at=None)
                    )
                return reopened
        except exc.IntegrityError as error:
            raise _taken(id) from error

    def forget_ended(self, names: Collection[str], owner: str = FIRST_USER) -> None:
        """Forget a user's jobs that have ended and name one of these, asked for or in what a task came to."""
        with self.engine.begin() as connection:
            forget_ended(connection, names, name_of(owner))

    def forget_tasks(self, kind: str, meant: Callable[[TaskRecord], bool], owner: str = FIRST_USER) -> None:
        """Forget tasks of a user's jobs of a kind, and of these jobs those that have ended or are empty then.

        A task that is running is left alone. A job that waited for nothing else has ended then.
        """
        with self.engine.connect() as connection:
            found = tasks_meant(connection, kind, meant, name_of(owner))
        for job, tasks in found:
            with self.engine.begin() as connection:
                forget_tasks(connection, job, tasks, self.now())

    def _changed(self, id: str, state: str, before: tuple[str, ...], reason: str) -> JobRecord:
        now = self.now()
        with self.engine.begin() as connection:
            values: dict[str, Any] = {"state": state, "reason": storable(reason)}
            if state in ENDED:
                values["finished_at"] = now
            key = connection.execute(
                update(JobRow)
                .where(JobRow.id == id, JobRow.state.in_(before))
                .values(values)
                .returning(JobRow.key)
            ).scalar()
            if key is not None:
                if state == "cancelled":
                    connection.execute(
                        update(TaskRow)
                        .where(TaskRow.job_key == key, TaskRow.state.in_(("waiting", "ready")))
                        .values(state="cancelled", finished_at=now)
                    )
                note(connection, key, "state", f"{state}: {reason}" if reason else state, now)
        record = self.get(id)
        if key is None and record.state != state:
            raise JobStateError(f"Job {id} has ended already: it is {record.state}.")
        return record


def _taken(id: str) -> JobStateError:
    return JobStateError(
        f"Another job does the same as job {id} and has not ended; `clew jobs list` shows it."
    )


def _go_on(connection: Connection, key: int, now: datetime) -> int:
    """Queue a job again if it is paused, its failed tasks with it; how many of these there are."""
    failed = select(TaskRow.name).where(TaskRow.job_key == key, TaskRow.state == "failed")
    again = reopen_tasks(connection, key, connection.execute(failed).scalars().all())
    # Somebody asks for it: what was interrupted before does not count against a task any more.
    connection.execute(update(TaskRow).where(TaskRow.job_key == key).values(interruptions=0, retries=0))
    connection.execute(
        update(JobRow).where(JobRow.key == key, JobRow.state == "paused").values(state="queued", reason="")
    )
    note(connection, key, "state", "resumed", now)
    return again


def job_digest(owner: str, kind: str, spec: Mapping[str, Any]) -> bytes:
    """16 bytes that name what is asked for, and by whom."""
    written = json.dumps([owner, kind, spec], sort_keys=True).encode()
    return hashlib.blake2b(written, digest_size=16).digest()
