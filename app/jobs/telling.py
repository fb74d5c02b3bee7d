"""What tasks and other workers tell: passed on at once, stored not too often, the last of each always."""

from __future__ import annotations

import time
from typing import Final, cast

from app.events import Event, Progress, Stage, silent
from memory.job_events import JobEventStore, NewJobEvent
from memory.job_queue import ClaimedTask
from memory.job_records import JobRecord

__all__ = ["BETWEEN", "Teller"]

BETWEEN: Final = 0.2
"""Seconds between two writes of events, and between two looks at those of others: five a second for each
stage of a task, as often as a person can read."""

EACH: Final = "step"
"""Of this stage every event is stored, by its number; of the others the newest."""


class Teller:
    """Passes events on to whoever listens here, and stores those of tasks that run here.

    Args:
        events: Where they are stored.
        on_event: Who listens.
    """

    def __init__(self, events: JobEventStore, on_event: Progress = silent) -> None:
        self._events, self._on_event = events, on_event
        self._unstored: dict[tuple[int, str, int], NewJobEvent] = {}
        self._stored_at = self._tailed_at = float("-inf")
        self._after = 0
        self._own: set[str] | None = None

    @property
    def waiting(self) -> bool:
        """Whether there is something that is not stored yet."""
        return bool(self._unstored)

    def listen_from_now(self, job: JobRecord) -> None:
        """Leave out what the job has told until now."""
        self._after, self._own = self._events.last(job.key), set()

    def own(self, task: ClaimedTask) -> None:
        """Note that a task runs here: what it tells is not read back."""
        if self._own is not None:
            self._own.add(task.name)

    def tell(self, event: Event) -> None:
        """Pass on an event that is stored elsewhere."""
        self._on_event(event)

    def tell_of(self, task: ClaimedTask, event: Event) -> None:
        """Pass on an event of a task; until it is stored, a newer one of the same stage takes its place.

        A step is replaced by none but the same one, told again after an interruption.
        """
        self._on_event(event)
        new = NewJobEvent(task.job_key, task.name, event.stage, event.subject, event.done, event.total)
        self._unstored[task.key, event.stage, event.done if event.stage == EACH else 0] = new

    def store(self, now: bool = True) -> None:
        """Store what was told, now or only if it is time to."""
        if not now and time.monotonic() - self._stored_at < BETWEEN:
            return
        unstored, self._unstored = self._unstored, {}
        self._events.append(list(unstored.values()))
        self._stored_at = time.monotonic()

    def tail(self, job: JobRecord, now: bool = False) -> None:
        """Pass on what others have told of a job, now or only if it is time to."""
        if self._on_event is silent or (not now and time.monotonic() - self._tailed_at < BETWEEN):
            return
        self._tailed_at = time.monotonic()
        for event in self._events.read(job.key, self._after):
            if event.task not in (self._own or ()) or event.stage in ("failed", "state"):
                self._on_event(Event(cast(Stage, event.stage), event.subject, event.done, event.total))
            self._after = event.key
