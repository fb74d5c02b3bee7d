"""Jobs of a library: begun, worked on in this process, watched from any."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine

from app.errors import JobHaltedError
from app.events import Progress, silent
from app.jobs.contract import NewTask, TaskKind
from app.jobs.estimates import Estimate, JobProgress, Rates, progress_of
from app.jobs.executors import Executor, ThreadExecutor
from app.jobs.worker import Ended, Patience, Worker
from app.jobs.workplaces import is_gone
from memory.job_events import JobEvent, JobEventStore
from memory.job_queue import TaskQueue
from memory.job_records import JobRecord
from memory.jobs import JobStore
from memory.users import FIRST_USER
from retrieval.errors import ClewError

__all__ = ["Jobs"]

WATCH: Final = 0.25
"""Seconds between two looks of somebody who watches a job."""


class Jobs:
    """Jobs of one library; safe to use from several threads.

    Attributes:
        kinds: The kinds of task that can be done, by name; whoever has one to offer adds it.
        store: What is stored of jobs.
        rates: What tasks take here.
    """

    def __init__(self, engine: Engine) -> None:
        self.kinds: dict[str, TaskKind] = {}
        self.store, self.queue, self.events = JobStore(engine), TaskQueue(engine), JobEventStore(engine)
        self.rates = Rates(engine, self.kinds)
        self._workers: set[Worker] = set()

    def start(
        self,
        kind: str,
        title: str,
        spec: Mapping[str, Any],
        tasks: Sequence[NewTask],
        priority: int = 0,
        estimate: Estimate | None = None,
        owner: str = FIRST_USER,
    ) -> JobRecord:
        """Write a job, or adopt the unfinished one of the same kind and spec; nothing runs yet.

        Args:
            kind: What sort of work it is.
            title: What a person sees.
            spec: What exactly is asked for; plain JSON.
            tasks: The first tasks; others may follow from them.
            priority: Greater goes first.
            estimate: What all of it will take, if more is known than the first tasks tell.
            owner: Name of the user who asks for it.
        """
        expected = estimate or self.rates.estimate(tasks)
        record = self.store.create(kind, title, spec, tasks, priority, expected.plain(), owner)[0]
        self.wake()
        return record

    def wake(self) -> None:
        """Let the workers of this process look for new work at once."""
        for worker in list(self._workers):
            worker.wake()

    def cancel(self, id: str) -> JobRecord:
        """End a job; its tasks that run in this process hear of it at once.

        Raises:
            JobStateError: If it has ended.
        """
        record = self.store.cancel(id)
        for worker in list(self._workers):
            worker.cancel(id)
        return record

    def estimate(self, tasks: Sequence[NewTask], tokens: int | None = None) -> Estimate:
        """What tasks would take, as measured on this machine."""
        return self.rates.estimate(tasks, tokens)

    def run(self, id: str, on_event: Progress = silent) -> JobRecord:
        """Work on a job in this process until it has ended, also where other workers do a part; its record.

        Ctrl-C pauses it. So does an error of this machine rather than of a task, which is then raised.

        Raises:
            ClewError: What it was paused for, if that happened here.
            JobHaltedError: If somebody else has paused or cancelled it.
        """
        for _ in self.work(id, on_event):
            pass
        return self.store.get(id)

    def work(self, id: str, on_event: Progress = silent) -> Generator[Ended, None, None]:
        """As `run`; gives each task that has ended here. Closing the iterator early pauses the job."""
        worker = self.worker()
        try:
            yield from worker.work(id, on_event=on_event)
        except BaseException as error:  # raised again in any case
            if self.store.states([id]).get(id) in ("queued", "running"):
                self.store.pause(id, _why_left(error))
            if isinstance(error, KeyboardInterrupt | SystemExit):
                kept = f"Stopped; what was done is kept: job {id} is paused"
                raise type(error)(f"{kept}, and the same command goes on with it.") from error
            raise
        finally:
            worker.close()
        record = self.store.get(id)
        if record.state == "cancelled":
            raise JobHaltedError(f"Job {id} was cancelled.")
        if record.state == "paused":
            halted = worker.halted.get(id)
            if halted is not None and isinstance(halted.cause, ClewError):
                raise halted.cause
            reason = record.reason.rstrip(".") or "by hand"
            raise JobHaltedError(f"Job {id} is paused ({reason}); `clew jobs resume {id}` goes on with it.")

    def worker(
        self,
        limit: int | None = None,
        executor: Executor | None = None,
        patience: Patience | None = None,
    ) -> Worker:
        """A worker for all jobs, with at most so many tasks at once, on threads of this process."""
        return Worker(
            self.store,
            self.queue,
            self.events,
            self.rates,
            self.kinds,
            executor or ThreadExecutor(self.kinds, self.store),
            limit,
            patience or Patience(),
        )

    @contextmanager
    def awake(self, worker: Worker) -> Iterator[Worker]:
        """Inside, a worker of this process hears at once of jobs that are started or cancelled here."""
        self._workers.add(worker)
        try:
            yield worker
        finally:
            self._workers.discard(worker)

    def progress(self, record: JobRecord) -> JobProgress:
        """How far a job is."""
        unattended = record.state == "running" and self.queue.leases.unattended(record.key, is_gone)
        return progress_of(record, self.store.tallies(record.id), self.rates, unattended)

    def watch(
        self, id: str, after: int = 0, wait: Callable[[float], object] = time.sleep
    ) -> Iterator[JobEvent]:
        """What a job tells, from the event after the one with that key on, until it has ended."""
        key = self.store.get(id).key
        while True:
            ended = self.store.get(id).ended  # before reading, so that nothing told before it is missed
            for event in self.events.read(key, after):
                after = event.key
                yield event
            if ended:
                return
            wait(WATCH)


def _why_left(error: BaseException) -> str:
    """Why work on a job has stopped before its end."""
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        return "It was stopped by hand."
    return str(error) if isinstance(error, ClewError) else f"An unexpected {type(error).__name__}: {error}"
