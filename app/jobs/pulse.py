"""A worker's heartbeat: its leases are renewed, and its tasks hear when they are cancelled or lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from memory.job_queue import ClaimedTask, TaskQueue
from memory.jobs import JobStore
from reader.chat import Cancellation

__all__ = ["LOOK", "Held", "Pulse"]

LOOK: Final = 0.4
"""Seconds between two looks at the jobs: a cancelled task hears of it well within a second."""

RENEWALS: Final = 6
"""Heartbeats in one lease: several may be late or lost before it runs out."""

Held = Mapping[int, tuple[ClaimedTask, Cancellation]]
"""Tasks that run here, by key."""


class Pulse:
    """Runs on a thread of its own while inside, because the worker's loop may wait for its caller.

    Args:
        store: The jobs.
        queue: Where the leases are.
        worker: Whose.
        held: Gives the tasks that run now.
    """

    def __init__(self, store: JobStore, queue: TaskQueue, worker: str, held: Callable[[], Held]) -> None:
        self._store, self._queue, self._worker, self._held = store, queue, worker, held
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        between = self._queue.lease.total_seconds() / RENEWALS
        renewed = time.monotonic()
        try:
            while not self._end.wait(min(LOOK, between)):
                held = self._held()
                if held and time.monotonic() - renewed >= between:
                    renewed = time.monotonic()
                    own = self._queue.leases.renew(self._worker)
                    # One that ends at this moment is not its own any more either; that does no harm.
                    _stop(held, {key for key, (task, _) in held.items() if task.key not in own})
                if held:
                    states = self._store.states({task.job for task, _ in held.values()})
                    gone = {job for job, state in states.items() if state == "cancelled"}
                    _stop(
                        held,
                        {k for k, (task, _) in held.items() if task.job in gone or task.job not in states},
                    )
        except Exception as error:  # the outermost place of this thread: the loop raises it
            self.error = error


def _stop(held: Held, keys: set[int]) -> None:
    for key in keys:
        held[key][1].cancel()
