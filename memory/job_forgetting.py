"""Jobs and tasks that are forgotten: the oldest, and those that name what is removed.

All functions run inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    cast,
    delete,
    false,
    null,
    or_,
    select,
    update,
)

from memory.answer_tasks import ANSWER
from memory.job_endings import settle
from memory.job_records import ALL_TASKS, ENDED, TaskRecord
from memory.tables import JobEventRow, JobRow, TaskRow
from memory.threads import storable
from memory.traces import Needles
from retrieval.chunking import flat

__all__ = [
    "KEPT",
    "KEPT_ANSWERS",
    "answers_held",
    "forget_all_answers",
    "forget_answer_jobs",
    "forget_ended",
    "forget_old",
    "forget_tasks",
    "tasks_meant",
]

KEPT: Final = 100
"""Ended jobs that are remembered; older ones go when new work is asked for, so that their tasks and events do
not pile up. What they came to is stored elsewhere."""

KEPT_ANSWERS: Final = 200
"""Ended answers that are remembered besides: how they were found. The answers themselves are in threads."""


def forget_old(connection: Connection, owner: str) -> None:
    """Forget the ended jobs of a user beyond the newest `KEPT`, and answers beyond `KEPT_ANSWERS`."""
    ended = select(JobRow.key).where(JobRow.owner == owner, JobRow.state.in_(ENDED))
    for kinds, kept in ((JobRow.kind != ANSWER, KEPT), (JobRow.kind == ANSWER, KEPT_ANSWERS)):
        old = ended.where(kinds).order_by(JobRow.key.desc()).offset(kept).limit(kept)
        for key in connection.execute(old).scalars().all():
            connection.execute(delete(JobRow).where(JobRow.key == key))


def forget_answer_jobs(
    connection: Connection,
    owner: str | None,
    texts: Collection[str] | None = None,
    thread: str | None = None,
) -> int:
    """Forget the answers of a user, of all users where that is None, that have ended; how many.

    All that they told goes with them, and what those have told that are on their way. What that was is not
    looked at: the answers themselves stay in their threads. Of one that was stopped, or has failed, only its
    question is left, so that it can be asked again.

    Args:
        connection: In the transaction of the forgetting.
        owner: Name of the user.
        texts: What is forgotten; questions that hold some of it go too, and all where it is not known.
        thread: Of this one those that are on their way go too; their workers hear of it as of a job that is
            cancelled.
    """
    answers = [JobRow.kind == ANSWER] + ([] if owner is None else [JobRow.owner == storable(owner)])
    here = JobRow.spec["thread"].as_string() == storable(thread) if thread is not None else false()
    kept = [] if texts is None else _questions_without(connection, answers, texts)
    ended = and_(JobRow.state.in_(ENDED), JobRow.key.not_in(kept))
    gone = connection.execute(delete(JobRow).where(*answers, or_(ended, here))).rowcount
    told = select(JobRow.key).where(*answers)
    connection.execute(delete(JobEventRow).where(JobEventRow.job_key.in_(told)))
    connection.execute(update(TaskRow).where(TaskRow.job_key.in_(kept)).values(result=null()))
    return gone


def _questions_without(
    connection: Connection, answers: Sequence[ColumnElement[bool]], texts: Collection[str]
) -> list[int]:
    """Keys of the answers that were stopped, or have failed, and whose rows hold none of the texts."""
    needles = Needles(map(_plain, texts))
    rows = (
        select(JobRow.key, JobRow.title, JobRow.reason, JobRow.spec, TaskRow.payload, TaskRow.error)
        .join(TaskRow, TaskRow.job_key == JobRow.key)
        .where(*answers, JobRow.state.in_(("cancelled", "failed")))
    )
    return [
        key
        for key, *cells in connection.execute(rows).all()
        if not needles.found_in_texts(_plain(each) for cell in cells for each in _strings(cell))
    ]


def _strings(value: object) -> Iterator[str]:
    """All texts in what JSON can hold."""
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _strings(each)
        case dict():
            for each in value.values():
                yield from _strings(each)
        case _:
            pass


def _plain(text: str) -> str:
    """A text however it is spaced, and in whichever case."""
    return flat(text).casefold()


def forget_all_answers(connection: Connection, owner: str) -> None:
    """Forget all answers of a user, those that are on their way too."""
    connection.execute(delete(JobRow).where(JobRow.kind == ANSWER, JobRow.owner == storable(owner)))


def answers_held(connection: Connection, owner: str, since: datetime) -> bool:
    """Whether an answer of a user is on its way whose worker had begun with it before that moment."""
    held = (
        select(TaskRow.key)
        .join(JobRow, JobRow.key == TaskRow.job_key)
        .where(
            JobRow.owner == storable(owner),
            TaskRow.kind == ANSWER,
            TaskRow.state == "running",
            TaskRow.begun_at < since,
        )
    )
    return connection.execute(held.limit(1)).first() is not None


def forget_ended(connection: Connection, names: Collection[str], owner: str) -> None:
    """Forget a user's jobs that have ended and name one of these, in what was asked or a task came to."""
    written = [json.dumps(name)[1:-1] for name in names]
    for column in (JobRow.spec, TaskRow.payload, TaskRow.result):
        named = or_(*(cast(column, Text).contains(each, autoescape=True) for each in written))
        of_a_task = select(TaskRow.job_key).where(named).scalar_subquery()
        meant = named if column is JobRow.spec else JobRow.key.in_(of_a_task)
        connection.execute(delete(JobRow).where(JobRow.owner == owner, JobRow.state.in_(ENDED), meant))


def tasks_meant(
    connection: Connection, kind: str, meant: Callable[[TaskRecord], bool], owner: str
) -> list[tuple[int, list[int]]]:
    """The tasks meant of a user's jobs of a kind: keys of jobs, each with keys of tasks, in their order."""
    found: dict[int, list[int]] = {}
    of_kind = ALL_TASKS.add_columns(JobRow.key).where(JobRow.owner == owner, JobRow.kind == kind)
    for row in connection.execute(of_kind):
        if meant(TaskRecord(*row[:-1])):
            found.setdefault(row[-1], []).append(row[0])
    return sorted(found.items())


def forget_tasks(connection: Connection, job: int, tasks: Sequence[int], now: datetime) -> None:
    """Forget tasks of a job that are not running; the job too, if it has ended or is empty then."""
    # Written to first: the job is locked before its tasks, as everywhere.
    connection.execute(update(JobRow).where(JobRow.key == job).values(reason=JobRow.reason))
    forgotten = 0
    for task in tasks:
        gone = delete(TaskRow).where(TaskRow.key == task, TaskRow.state != "running")
        forgotten += connection.execute(gone).rowcount
    if not forgotten:
        return
    empty = connection.execute(select(TaskRow.key).where(TaskRow.job_key == job).limit(1)).first() is None
    over = () if empty else (JobRow.state.in_(ENDED),)
    if not connection.execute(delete(JobRow).where(JobRow.key == job, *over)).rowcount:
        settle(connection, job, now)
