"""Answers in SQL: jobs of one task each, read as the pages need them, several times a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, delete, select, update

from memory.errors import JobStateError, ThreadNameError, UnknownJobError
from memory.job_events import JobEvent, job_events
from memory.job_records import ENDED, JobRecord, job_records
from memory.storable import storable
from memory.tables import JobRow, TaskRow

__all__ = ["ANSWER", "AnswerSnapshot", "AnswerTasks", "rename_asked"]

ANSWER: Final = "answer"
"""The kind of these jobs and of their tasks; `spec` names the question and its thread."""

MOST: Final = 200
"""Jobs of a thread that are looked at, the newest."""

_TASK: Final = select(TaskRow.result, TaskRow.error).where(TaskRow.job_key == bindparam("job"))
_RESULTS: Final = (
    select(JobRow.spec, TaskRow.result)
    .join(JobRow, JobRow.key == TaskRow.job_key)
    .where(
        JobRow.owner == bindparam("owner"),
        JobRow.kind == ANSWER,
        JobRow.state == "done",
        JobRow.spec["thread"].as_string() == bindparam("thread"),
    )
    .order_by(JobRow.key.desc())
    .limit(MOST)
)


@dataclass(frozen=True, slots=True)
class AnswerSnapshot:
    """An answer as it stands: its job, what its task came to once it has ended, and what it has told.

    Of one that is done, or was not begun, nothing is read that it told.
    """

    job: JobRecord
    result: Mapping[str, Any] | None
    error: str | None
    events: Sequence[JobEvent]


class AnswerTasks:
    """The answers of one user; those of others are as if they were not there."""

    def __init__(self, engine: Engine, owner: str) -> None:
        self._engine, self._owner = engine, storable(owner)

    def snapshot(self, id: str) -> AnswerSnapshot:
        """All of an answer, read in one transaction.

        Raises:
            UnknownJobError: If the user has no such answer.
        """
        with self._engine.connect() as connection:
            mine = [JobRow.id == id, JobRow.owner == self._owner, JobRow.kind == ANSWER]
            found = job_records(connection, *mine)
            if not found:
                raise UnknownJobError("This answer is not kept any more; ask again.")
            job = found[0]
            events = [] if job.state in ("queued", "done") else job_events(connection, job.key)
            if not job.ended:
                return AnswerSnapshot(job, None, None, events)
            task = connection.execute(_TASK, {"job": job.key}).one()
            return AnswerSnapshot(job, task.result, task.error, events)

    def of_thread(self, thread: str) -> list[JobRecord]:
        """The answers to questions of a thread, newest first."""
        of_thread = JobRow.spec["thread"].as_string() == storable(thread)
        with self._engine.connect() as connection:
            mine = [JobRow.owner == self._owner, JobRow.kind == ANSWER, of_thread]
            return job_records(connection, *mine, limit=MOST)

    def forget_thread(self, thread: str) -> int:
        """Forget what was asked in a thread; how many questions. Workers that are at it stop."""
        of_thread = JobRow.spec["thread"].as_string() == storable(thread)
        with self._engine.begin() as connection:
            mine = [JobRow.owner == self._owner, JobRow.kind == ANSWER, of_thread]
            return connection.execute(delete(JobRow).where(*mine)).rowcount

    def results(self, thread: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """What was asked in a thread and what it came to, where it was answered; newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(_RESULTS, {"owner": self._owner, "thread": storable(thread)})
            return [(asked, result) for asked, result in found if result is not None]


def rename_asked(connection: Connection, owner: str, old: str, new: str) -> int:
    """Have what was asked in a thread be known by its new name, in the transaction of the renaming.

    Returns:
        How many questions.

    Raises:
        JobStateError: If one of them is on its way.
        ThreadNameError: If one that is not answered was asked in a thread of the new name.
    """
    mine = select(JobRow.key, JobRow.spec, JobRow.state).where(
        JobRow.owner == owner,
        JobRow.kind == ANSWER,
    )
    thread = JobRow.spec["thread"].as_string()
    unanswered = mine.where(thread == new, JobRow.state != "done").limit(1)
    if new != old and connection.execute(unanswered).first() is not None:
        raise ThreadNameError(f"Another thread is called {new!r}.")
    asked = connection.execute(mine.where(thread == old)).all()
    if any(state not in ENDED for _, _, state in asked):
        raise JobStateError(f"The thread {old!r} has a question that is being answered; stop it first.")
    for key, spec, _ in asked:
        connection.execute(update(JobRow).where(JobRow.key == key).values(spec={**spec, "thread": new}))
    return len(asked)
