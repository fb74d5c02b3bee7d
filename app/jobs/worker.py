"""A worker: claims tasks, has them done some at once, stores what they came to, and leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, assert_never

from app.events import Event, Progress, silent
from app.jobs.contract import TaskKind
from app.jobs.endings import Done, Ending, Fault, Faulted
from app.jobs.estimates import Rates
from app.jobs.executors import Executor
from app.jobs.pulse import Pulse
from app.jobs.telling import Teller
from app.jobs.workplaces import is_gone, worker_name
from memory.job_events import JobEventStore
from memory.job_queue import ClaimedTask, EndedTask, TaskQueue
from memory.jobs import JobStore
from reader.chat import Cancellation

__all__ = ["Ended", "Patience", "Worker"]

POLL: Final = 0.2
"""Seconds between two looks for new work."""

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
class _Woken:
    """There is new work."""


@dataclass(frozen=True, slots=True)
class _Came:
    task: ClaimedTask
    future: Future[Ending]


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
        self._impatient = {name for name, kind in kinds.items() if not kind.patient}
        self._limit = limit
        self._running: dict[int, tuple[ClaimedTask, Cancellation]] = {}
        self._inbox: SimpleQueue[_Told | _Came | _Woken] = SimpleQueue()
        self._teller = Teller(events)
        self._stop_at: float | None = None
        self._stopped = threading.Event()
        self._looked = self._taken_over = float("-inf")
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

    def work_until(self, stopped: threading.Event) -> None:
        """Do tasks until it is set and `wake` is called; what runs then is stopped at once and given back."""
        self._stopped = stopped
        for _ in self.work():
            pass

    def wake(self) -> None:
        """Look for new work at once; any thread may."""
        self._inbox.put(_Woken())

    def cancel(self, job: str) -> None:
        """Ask the tasks of a job that run here to stop, before they hear of it from the database."""
        for task, cancellation in list(self._running.values()):
            if task.job == job:
                cancellation.cancel()

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
        self._teller = Teller(self._events, on_event)
        record = None if job is None else self._store.get(job)
        if record is not None:
            self._teller.listen_from_now(record)
        with Pulse(self._store, self._queue, self.name, lambda: dict(self._running)) as pulse:
            try:
                while True:
                    if pulse.error is not None:
                        raise pulse.error
                    if record is not None:
                        self._teller.tail(record)
                    self._take(job)
                    if self._drained() or (not self._running and self._over(job, until_idle)):
                        break
                    yield from self._settled(self._heard(job))
                if record is not None:
                    self._teller.tail(record, now=True)  # the last word, such as how it ended
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
        self._idle = 0 if claimed else self._idle + 1
        for task in claimed:
            self._begin(task)

    def _begin(self, task: ClaimedTask) -> None:
        cancellation, inbox = Cancellation(), self._inbox
        self._running[task.key] = task, cancellation
        self._teller.own(task)
        future = self._executor.submit(task, lambda event: inbox.put(_Told(task, event)), cancellation)
        future.add_done_callback(lambda future: inbox.put(_Came(task, future)))

    def _pause(self, job: str | None) -> float:
        """Seconds until the next look; progress that is not stored yet does not wait for long."""
        idle = job is None and self._idle > 10 and not self._teller.waiting
        return IDLE_POLL if idle else POLL

    def _drained(self) -> bool:
        """Whether the worker is to stop and nothing is waited for any more."""
        if self._stopped.is_set():
            return True
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
            told = self._inbox.get(timeout=self._pause(job))
            while True:
                match told:
                    case _Told(task, event):
                        self._teller.tell_of(task, event)
                    case _Came(task, future):
                        endings.append((task, future.result()))
                    case _Woken():
                        self._looked, self._idle = float("-inf"), 0
                    case _:
                        assert_never(told)
                told = self._inbox.get_nowait()
        except Empty:
            pass
        self._teller.store(now=bool(endings))
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
        if task.kind in self._impatient and fault in (Fault.PASSING, Fault.AWAY, Fault.MACHINE):
            fault = Fault.TASK
        passing = fault in (Fault.PASSING, Fault.AWAY)
        most = self._patience.retries if fault is Fault.PASSING else self._patience.away
        if passing and task.retries < most:
            pause = self._patience.seconds * 2**task.retries
            self._teller.tell_of(task, Event("wait", f"{ending.error} Tried again in {pause:.0f} s"))
            self._queue.fail(self.name, task, ending.error, retry_after=pause)
            return False
        if fault in (Fault.AWAY, Fault.MACHINE):
            self._queue.release(self.name, [task])
            if self._store.states([task.job]).get(task.job) in ("queued", "running"):
                self._store.pause(task.job, ending.error)
                self._teller.tell(Event("state", f"Job {task.job} is paused: {ending.error}"))
            self.halted.setdefault(task.job, ending)
            return False
        if fault is Fault.LOST:
            self._queue.leases.lost(self.name, task.key)
            return False
        if fault in (Fault.STOPPED, Fault.INTERRUPTED):
            self._queue.release(self.name, [task])
            return False
        return self._queue.fail(self.name, task, ending.error)

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
        self._teller.store()
        self._rates.store()
