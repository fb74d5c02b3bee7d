"""A worker: claims tasks, has them done some at once, stores what they came to, and leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final, cast

from app.events import Event, Progress, Stage, silent
from app.jobs.contract import TaskKind
from app.jobs.endings import Done, Ending, Fault, Faulted
from app.jobs.estimates import Rates
from app.jobs.executors import Executor
from app.jobs.pulse import Pulse
from app.jobs.workplaces import is_gone, worker_name
from memory.job_events import JobEventStore, NewJobEvent
from memory.job_queue import ClaimedTask, EndedTask, TaskQueue
from memory.jobs import JobStore
from reader.chat import Cancellation

__all__ = ["Ended", "Patience", "Worker"]

POLL: Final = 0.2
"""Seconds between two looks for new work, and between two writes of events: five a second for each task."""

IDLE_POLL: Final = 1.0
"""The same after a while without work."""

TAKE_OVER: Final = 1.0
"""Seconds between two looks for workers that are gone."""

GRACE: Final = 5.0
"""Seconds that tasks get to stop when they are asked to; after that they are left and given back."""

DRAIN: Final = 10.0
"""Seconds that tasks get to end by themselves when the worker is to stop; then they are asked to."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a task is tried again after a passing error, after pauses of which each is twice as long.

    After `away` attempts at an endpoint that cannot be reached its job is paused.
    """

    retries: int = 4
    away: int = 2
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that has ended here: with a result, or with an error."""

    task: ClaimedTask
    seconds: float
    result: Mapping[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    task: ClaimedTask
    event: Event


@dataclass(frozen=True, slots=True)
class _Came:
    task: ClaimedTask
    future: Future[Ending]


@dataclass(slots=True)
class _Inbox:
    """What other threads tell the loop; progress is kept to the newest of each stage until it is stored."""

    queue: SimpleQueue[_Told | _Came] = field(default_factory=SimpleQueue)
    unstored: dict[tuple[int, str], NewJobEvent] = field(default_factory=dict)
    stored_at: float = 0.0


class Worker:
    """Does tasks of jobs until there is no more, or it is stopped; one loop, to be iterated by one thread.

    Args:
        store: The jobs.
        queue: Their tasks.
        events: What they tell.
        rates: Where it is noted how long they take.
        kinds: The kinds of task that can be done here.
        executor: Does them.
        limit: Most tasks at once; each kind has a limit of its own besides.
        patience: With passing errors.
    """

    def __init__(
        self,
        store: JobStore,
        queue: TaskQueue,
        events: JobEventStore,
        rates: Rates,
        kinds: Mapping[str, TaskKind],
        executor: Executor,
        limit: int | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self.name = worker_name()
        self.halted: dict[str, Faulted] = {}
        self._store, self._queue, self._events, self._rates = store, queue, events, rates
        self._executor, self._patience = executor, patience
        self._rooms = {name: kind.at_once() for name, kind in kinds.items()}
        self._limit = limit
        self._running: dict[int, tuple[ClaimedTask, Cancellation]] = {}
        self._mine: set[str] = set()
        self._on_event: Progress = silent
        self._inbox = _Inbox()
        self._stop_at: float | None = None
        self._looked = self._taken_over = self._tailed = float("-inf")
        self._idle = 0

    @property
    def limit(self) -> int:
        """Most tasks at once, as things are now."""
        most = sum(self._rooms.values()) * self._executor.places
        return most if self._limit is None else min(self._limit, most)

    def close(self) -> None:
        """Free the executor."""
        self._executor.close()

    def stop(self) -> None:
        """Take no more tasks, and end when what runs has ended or had its time to; a signal handler may."""
        self._stop_at = time.monotonic() + DRAIN

    def work(
        self, job: str | None = None, until_idle: bool = False, on_event: Progress = silent
    ) -> Iterator[Ended]:
        """Do tasks; gives each that has ended here.

        Without `job` it goes on until `stop`, or with `until_idle` until nothing can be done any more. With
        the id of a job it does tasks of that one until it has ended or is paused, and waits for those that
        other workers do; `halted` then says if it was paused here, for what.

        Leaving the iterator, by an exception or by closing it, gives back what runs.

        Raises:
            DatabaseError: If the database cannot be used.
        """
        self._on_event = on_event
        after = 0 if job is None else self._events.last(self._store.get(job).key)
        with Pulse(self._store, self._queue, self.name, lambda: dict(self._running)) as pulse:
            try:
                while True:
                    if pulse.error is not None:
                        raise pulse.error
                    if job is not None:
                        after = self._tail(job, after)
                    self._take(job)
                    if self._drained() or (not self._running and self._over(job, until_idle)):
                        break
                    yield from self._settled(self._heard(job))
                if job is not None:
                    self._tailed = float("-inf")  # the last word, such as how it ended
                    self._tail(job, after)
            finally:
                self._leave(job)

    def _take(self, job: str | None) -> None:
        """Claim as many tasks as there is room for, if it is time to look, and begin them."""
        now = time.monotonic()
        free = self.limit - len(self._running)
        if self._stop_at is not None or free < 1 or now - self._looked < self._pause(job):
            return
        if now - self._taken_over >= TAKE_OVER:
            self._queue.leases.take_over(self.name, is_gone)
            self._taken_over = now
        self._looked = now
        room = {kind: number * self._executor.places for kind, number in self._rooms.items()}
        for task, _ in self._running.values():
            room[task.kind] -= 1
        claimed = self._queue.claim(self.name, room, free, job)
        self._mine.update(task.name for task in claimed if job is not None)
        self._idle = 0 if claimed else self._idle + 1
        for task in claimed:
            self._begin(task)

    def _begin(self, task: ClaimedTask) -> None:
        cancellation, inbox = Cancellation(), self._inbox.queue
        self._running[task.key] = task, cancellation
        future = self._executor.submit(task, lambda event: inbox.put(_Told(task, event)), cancellation)
        future.add_done_callback(lambda future: inbox.put(_Came(task, future)))

    def _pause(self, job: str | None) -> float:
        """Seconds until the next look; progress that is not stored yet does not wait for long."""
        idle = job is None and self._idle > 10 and not self._inbox.unstored
        return IDLE_POLL if idle else POLL

    def _drained(self) -> bool:
        """Whether the worker is to stop and nothing is waited for any more."""
        return self._stop_at is not None and (not self._running or time.monotonic() >= self._stop_at)

    def _over(self, job: str | None, until_idle: bool) -> bool:
        if job is not None:
            record = self._store.get(job)
            return record.ended or record.state == "paused"
        return until_idle and not self._store.busy(list(self._rooms))

    def _heard(self, job: str | None) -> list[tuple[ClaimedTask, Ending]]:
        """Wait until something is told, at most until the next look; the tasks that have ended."""
        endings: list[tuple[ClaimedTask, Ending]] = []
        try:
            told = self._inbox.queue.get(timeout=self._pause(job))
            while True:
                if isinstance(told, _Told):
                    self._tell(told.task, told.event)
                else:
                    endings.append((told.task, told.future.result()))
                told = self._inbox.queue.get_nowait()
        except Empty:
            pass
        if endings or time.monotonic() - self._inbox.stored_at >= POLL:
            self._store_events()
        return endings

    def _settled(self, endings: Sequence[tuple[ClaimedTask, Ending]]) -> Iterator[Ended]:
        """Store how tasks ended: what was done in one transaction, then the errors."""
        at_once = max(1, len(self._running))
        done = [
            EndedTask(task, ending.seconds, ending.outcome.result, ending.outcome.tasks)
            for task, ending in endings
            if isinstance(ending, Done)
        ]
        ended = []
        if done:
            for task in self._queue.finish(self.name, done):
                each = next(each for each in done if each.task is task)
                self._rates.note(task.kind, each.seconds, task.weight, at_once)
                ended.append(Ended(task, each.seconds, result=each.result))
        interrupted: BaseException | None = None
        for task, ending in endings:
            if isinstance(ending, Faulted):
                if ending.fault is Fault.INTERRUPTED:
                    interrupted = ending.cause
                if self._failed(task, ending):
                    ended.append(Ended(task, ending.seconds, error=ending.error))
        for task, _ in endings:
            # One that was lost, and claimed here again meanwhile, goes on under the same key.
            if self._running.get(task.key, (None, None))[0] is task:
                del self._running[task.key]
            self._looked = float("-inf")  # there is room, and perhaps new work
        yield from ended
        if interrupted is not None:
            raise interrupted

    def _failed(self, task: ClaimedTask, ending: Faulted) -> bool:
        """Store an error, or give the task back for another attempt; whether it has failed for good."""
        fault = ending.fault
        passing = fault in (Fault.PASSING, Fault.AWAY)
        most = self._patience.retries if fault is Fault.PASSING else self._patience.away
        if passing and task.retries < most:
            pause = self._patience.seconds * 2**task.retries
            self._tell(task, Event("wait", f"{ending.error} Tried again in {pause:.0f} s"))
            self._queue.fail(self.name, task, ending.error, retry_after=pause)
            return False
        if fault in (Fault.AWAY, Fault.MACHINE):
            self._queue.release(self.name, [task])
            if self._store.states([task.job]).get(task.job) in ("queued", "running"):
                self._store.pause(task.job, ending.error)
                self._on_event(Event("state", f"Job {task.job} is paused: {ending.error}"))
            self.halted.setdefault(task.job, ending)
            return False
        if fault is Fault.LOST:
            self._queue.leases.lost(self.name, task.key)
            return False
        if fault in (Fault.STOPPED, Fault.INTERRUPTED):
            self._queue.release(self.name, [task])
            return False
        return self._queue.fail(self.name, task, ending.error)

    def _tell(self, task: ClaimedTask, event: Event) -> None:
        self._on_event(event)
        new = NewJobEvent(task.job_key, task.name, event.stage, event.subject, event.done, event.total)
        self._inbox.unstored[task.key, event.stage] = new

    def _store_events(self) -> None:
        if self._inbox.unstored:
            self._events.append(list(self._inbox.unstored.values()))
            self._inbox.unstored.clear()
        self._inbox.stored_at = time.monotonic()

    def _tail(self, job: str, after: int) -> int:
        """Pass on what others tell of the job; the key of the last event."""
        now = time.monotonic()
        if self._on_event is silent or now - self._tailed < POLL:
            return after
        self._tailed = now
        for event in self._events.read(self._store.get(job).key, after):
            if event.task not in self._mine or event.stage in ("failed", "state"):
                self._on_event(Event(cast(Stage, event.stage), event.subject, event.done, event.total))
            after = event.key
        return after

    def _leave(self, job: str | None) -> None:
        """Give back what runs, after it had the time to stop; store what was noted."""
        if self._running:
            for _, cancellation in self._running.values():
                cancellation.cancel()
            deadline = time.monotonic() + GRACE
            while self._running and time.monotonic() < deadline:
                for task, ending in self._heard(job):
                    if isinstance(ending, Done):
                        done = EndedTask(task, ending.seconds, ending.outcome.result, ending.outcome.tasks)
                        self._queue.finish(self.name, [done])
                    else:
                        self._queue.release(self.name, [task])
                    del self._running[task.key]
            self._queue.release(self.name, [task for task, _ in self._running.values()])
            self._running.clear()
        self._store_events()
        self._rates.store()
