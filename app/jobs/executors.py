"""Where tasks run: the worker's loop hands a claimed task to an executor and is told how it ended."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Final, Protocol

from app.events import Progress
from app.jobs.contract import Handler, TaskKind, Work
from app.jobs.endings import Ending, attempt
from memory.job_queue import ClaimedTask
from memory.jobs import JobStore
from reader.chat import Cancellation

__all__ = ["Executor", "ThreadExecutor", "still_running", "work_of"]

THREAD: Final = "clew-task-"


class Executor(Protocol):
    """Runs tasks somewhere."""

    @property
    def places(self) -> int:
        """Processes that do tasks now, each as many at once as their kinds allow."""

    def submit(self, task: ClaimedTask, progress: Progress, cancellation: Cancellation) -> Future[Ending]:
        """Begin a task; the future never has an exception of the task itself.

        Args:
            task: What to do.
            progress: Told of its events, where it can be from another thread.
            cancellation: Cancelled when it is to stop.
        """

    def close(self) -> None:
        """Free what it holds; what still runs is left to itself."""


def work_of(task: ClaimedTask, store: JobStore, progress: Progress, cancellation: Cancellation) -> Work:
    """What the handler of a task is given."""
    return Work(
        job=task.job,
        name=task.name,
        payload=task.payload,
        progress=progress,
        cancellation=cancellation,
        results=lambda names: store.results(task.job, names),
    )


def still_running() -> bool:
    """Whether a thread of this process is busy with a task that was given up."""
    return any(each.name.startswith(THREAD) for each in threading.enumerate())


class ThreadExecutor:
    """Runs tasks on threads of this process, as many as there are tasks at once.

    The threads are daemons: leaving the process does not wait for a task that was given up.
    """

    def __init__(self, kinds: Mapping[str, TaskKind], store: JobStore) -> None:
        self._kinds, self._store = kinds, store
        self._todo: SimpleQueue[tuple[Future[Ending], Handler, Work] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = self._threads = 0

    @property
    def places(self) -> int:
        """This process."""
        return 1

    def submit(self, task: ClaimedTask, progress: Progress, cancellation: Cancellation) -> Future[Ending]:
        """Begin a task on an idle thread, or on a new one."""
        future: Future[Ending] = Future()
        work = work_of(task, self._store, progress, cancellation)
        handler = self._kinds[task.kind].handler
        with self._lock:
            self._idle -= 1
            if self._idle < 0:
                self._idle += 1
                self._threads += 1
                threading.Thread(target=self._run, name=f"{THREAD}{self._threads}", daemon=True).start()
        self._todo.put((future, handler, work))
        return future

    def close(self) -> None:
        """End the threads that are idle, the others after their task."""
        for _ in range(self._threads):
            self._todo.put(None)

    def _run(self) -> None:
        while (task := self._todo.get()) is not None:
            future, handler, work = task
            ending = attempt(handler, work)
            with self._lock:
                self._idle += 1  # before others hear of the ending and submit the next task
            future.set_result(ending)
