"""Adding files as a job: a task for each file, one at a time, its result kept with the task."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.adding import AddedDocument, Adder, files_of, storable
from app.errors import SettingsError
from app.events import Event, Progress
from app.jobs.contract import NewTask, Outcome, Work
from app.jobs.estimates import Estimate
from app.jobs.running import Jobs
from app.jobs.worker import Ended
from app.uploads import Uploads
from memory.documents import DocumentRecord, DocumentStore
from memory.errors import UnknownJobError
from memory.job_records import JobRecord, TaskRecord
from memory.users import FIRST_USER
from reader.chat import Cancellation
from retrieval.errors import LoadError
from retrieval.loaders import content_hash
from retrieval.loaders.names import shown

__all__ = ["ADD", "AddJobs", "AddTasks", "HeldAdder", "adding_task"]

ADD: Final = "add"
"""The kind of these jobs and of their tasks."""

EACH: Final = 50_000.0
"""Bytes that a file counts for besides its own: a process is started for the smallest, and without this a
few small files would tell that a book takes hours."""

HeldAdder = Callable[[str, Progress, Cancellation | None], AbstractContextManager[Adder]]
"""Gives the adder of a user, held against others that add or remove; waits for them until it is cancelled."""


class AddTasks:
    """Does the tasks of jobs that add files, of any user.

    Args:
        jobs: Of the home.
        uploads: Whose files go once they were added.
        adder: See `HeldAdder`.
    """

    def __init__(self, jobs: Jobs, uploads: Uploads, adder: HeldAdder) -> None:
        self._jobs, self._uploads, self._adder = jobs, uploads, adder

    def task(self, work: Work) -> Outcome:
        """Add one file; what is wrong with it fails the task."""
        path, owner = work.payload["path"], self._jobs.store.get(work.job).owner
        with self._adder(owner, work.progress, work.cancellation) as adder:
            added = adder.add_file(Path(path))
        return Outcome(_plain(added), self._uploads.removal(work.name, path))


class AddJobs:
    """Adds files to the library of one user.

    Args:
        jobs: Of the home.
        store: The user's documents.
        recipe: Of the adder; documents of another one are out of date.
        owner: The user.
    """

    def __init__(self, jobs: Jobs, store: DocumentStore, recipe: str, owner: str) -> None:
        self._jobs, self._store, self._recipe, self._owner = jobs, store, recipe, owner

    def estimate(self, paths: Sequence[Path]) -> Estimate:
        """What adding files, and the documents in folders, will take."""
        return self._jobs.estimate([adding_task(file, _name(file)) for file in files_of(paths)])

    def start(self, paths: Sequence[Path], last: str) -> JobRecord:
        """Write the job that adds files, for a worker to do; a task of kind `last` follows when all ended.

        Raises:
            SettingsError: If there is nothing to add.
        """
        files = list(files_of(paths))
        if not files:
            raise SettingsError("There is no file to add.")
        names = tuple(dict.fromkeys(map(_name, files)))
        return self._begun(paths, files, (NewTask(last, last, {}, 0.0, waits=names),))

    def add(self, paths: Sequence[Path], progress: Progress) -> Iterator[AddedDocument]:
        """Add files, and the documents in folders; gives each in their order, as soon as it is done.

        If the same was begun before, that job goes on: files that it has added and that have not changed
        since are not looked at again, those that failed are.
        """
        files = list(files_of(paths))
        job = self._begun(paths, files)
        ended = self._ended(job)
        given: set[str] = set()
        with closing(self._jobs.work(job.id, progress)) as work:
            for file in files:
                name = _name(file)
                while name not in ended and (end := _next(work)) is not None:
                    if end.task.kind != ADD:
                        continue
                    ended[end.task.name] = _added(end.result, end.error, end.seconds)
                    progress(Event("done", Path(end.task.name).name))
                if name not in ended:  # another process has done the rest of it
                    ended = self._ended(job) | ended
                if name not in ended:
                    ended[name] = _removed(file)
                added = replace(ended[name], path=storable(file))
                yield _repeated(added) if name in given else added
                given.add(name)
            # Files that were meant when the job was begun, and are not any more.
            while _next(work) is not None:
                pass

    def files(self, job: JobRecord | None = None) -> set[str]:
        """The files that a job, or any that is remembered, was to add."""
        jobs = self._jobs.store.records(owner=self._owner, kinds=[ADD]) if job is None else [job]
        return {each.name for job in jobs for each in self._jobs.store.tasks(job.id) if each.kind == ADD}

    def forget(self, record: DocumentRecord) -> None:
        """Forget the jobs that name a document that is removed, and that a job that goes on was to add it."""

        def meant(task: TaskRecord) -> bool:
            of_result = (task.result or {}).get("record") or {}
            return task.name == record.path or of_result.get("id") == record.id

        self._jobs.store.forget_tasks(ADD, meant, self._owner)
        self._jobs.store.forget_ended([record.id, record.path], self._owner)

    def _ended(self, job: JobRecord) -> dict[str, AddedDocument]:
        """What has become of the files of a job so far, by the names of their tasks."""
        return {
            each.name: _added(each.result, each.error, each.seconds)
            for each in self._jobs.store.tasks(job.id)
            if each.kind == ADD and each.state in ("done", "failed")
        }

    def _begun(self, paths: Sequence[Path], files: Sequence[Path], then: Sequence[NewTask] = ()) -> JobRecord:
        names = {_name(file): file for file in files}
        tasks = [adding_task(file, name) for name, file in names.items()]
        first = shown(files[0].name)
        title = f"Add {first}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        spec = {"paths": [storable(os.path.abspath(path)) for path in paths]}
        job = self._jobs.start(ADD, title, spec, [*tasks, *then], owner=self._owner)
        done = [each for each in self._jobs.store.tasks(job.id) if each.state == "done"]
        if changed := [each.name for each in done if each.name in names and not self._stands(each, names)]:
            self._jobs.store.again(job.id, changed)
        return job

    def _stands(self, task: TaskRecord, files: dict[str, Path]) -> bool:
        """Whether what a task has added is there still, and the file is what it was."""
        record = _record((task.result or {}).get("record"))
        try:
            ready = self._store.ready(content_hash(files[task.name]))
        except LoadError:
            return False
        return ready is not None and ready.id == record.id and ready.recipe == self._recipe


def adding_task(file: Path, name: str) -> NewTask:
    """The task that adds a file, for a job of any kind; its result holds the `record`."""
    return NewTask(name, ADD, {"path": os.path.abspath(file)}, weight=_size(file))


def _next(work: Iterator[Ended]) -> Ended | None:
    """The next task that has ended here, None when the job has, or was forgotten with what it has added."""
    try:
        return next(work, None)
    except UnknownJobError:
        return None


def _name(file: Path) -> str:
    return storable(os.path.abspath(file))


def _size(file: Path) -> float:
    """Bytes of a file, as a measure of its work; whether it can be read is for the task to find out."""
    return EACH + (file.stat().st_size if file.is_file() else 0)


def _repeated(added: AddedDocument) -> AddedDocument:
    """What becomes of a file that is given twice."""
    return added if added.error else replace(added, status="unchanged", chunks_encoded=0, seconds=0.0)


def _removed(file: Path) -> AddedDocument:
    """What becomes of a file whose task was forgotten with the document before this process did it."""
    error = f"The document {shown(file.name)} was removed meanwhile; add it again."
    return AddedDocument("", "failed", 0.0, error=error)


def _plain(added: AddedDocument) -> dict[str, Any]:
    """As JSON."""
    plain = asdict(added)
    if added.record is not None:
        plain["record"] |= {
            "added_at": added.record.added_at.isoformat(),
            "pages_unread": list(added.record.pages_unread),
        }
    return plain


def _added(result: Any, error: str | None, seconds: float | None) -> AddedDocument:
    if result is None or error is not None:
        return AddedDocument("", "failed", seconds or 0.0, error=error or "It was not added.")
    return AddedDocument(**result | {"record": _record(result["record"])})


def _record(plain: Any) -> DocumentRecord:
    return DocumentRecord(
        # Of a task of an older version, whose documents had no owners.
        **{"owner": FIRST_USER}
        | plain
        | {
            "added_at": datetime.fromisoformat(plain["added_at"]),
            "pages_unread": tuple(plain["pages_unread"]),
        }
    )
