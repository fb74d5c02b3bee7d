"""How long work takes: rates measured from tasks that are done, estimates before, time left meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Engine

from app.jobs.contract import NewTask, TaskKind
from memory.job_records import JobRecord, Tally
from memory.measurements import read_measurement, write_measurement

__all__ = ["Estimate", "JobProgress", "Rates", "progress_of"]

REMEMBERED: Final = 20
"""Tasks after which half of what a rate says is new, once it rests on that many."""

UNKNOWN: Final = 0.5
"""Share of the work that is left of which nothing need be measured: in the first job of its sort, what comes
last is not measured before the end."""

STORE: Final = 2.0
"""Seconds between two writes of what was measured: time left is told while the first tasks are done."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What work will take.

    Attributes:
        units: Tasks.
        weight: Of all of them, in the unit of the job.
        tokens: That a model reads, None where none does or it is not known.
        minutes: Wall clock on this machine, None if tasks of a kind in `unmeasured` were never done here.
        unmeasured: Kinds without a rate.
    """

    units: int
    weight: float
    tokens: int | None = None
    minutes: float | None = None
    unmeasured: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """In a few words."""
        tokens = "" if self.tokens is None else f", {self.tokens:,} tokens"
        known = None if self.minutes is None else f"about {max(self.minutes, 0.1):.1f} min"
        return f"{self.units:,} task{'s' * (self.units != 1)}{tokens}, {known or 'not measured here yet'}"

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"unmeasured": list(self.unmeasured)}


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is.

    Attributes:
        tasks: All that are written so far; more may follow from them.
        done: Of these.
        failed: Of these.
        running: Of these.
        share: Weight that has ended, from 0 to 1.
        seconds_left: None where kinds that make up much of what is left were never measured here.
        unattended: Whether it is running as far as is known, but no worker is at it any more.
    """

    tasks: int
    done: int
    failed: int
    running: int
    share: float
    seconds_left: float | None
    unattended: bool = False


class Rates:
    """Seconds for a unit of weight, for each kind of task and what its speed depends on.

    What a task took is divided by how many ran at once, so that a rate tells wall clock. Newer tasks count
    for more.

    Args:
        engine: Of the database.
        kinds: The kinds of task that are known here.
        every: Seconds between two writes of what is noted.
    """

    def __init__(self, engine: Engine, kinds: Mapping[str, TaskKind], every: float = STORE) -> None:
        self._engine, self._kinds, self._every = engine, kinds, every
        self._stored_at = time.monotonic()
        self._lock = threading.Lock()
        self._new: dict[str, list[float]] = {}

    def note(self, kind: str, seconds: float, weight: float, at_once: int) -> None:
        """Note what a task took while so many ran; stored now and then, the rest by `store`."""
        with self._lock:
            found = self._new.setdefault(kind, [0.0, 0.0, 0.0])
            for position, value in enumerate((seconds / at_once, weight, 1.0)):
                found[position] += value
            due = time.monotonic() - self._stored_at >= self._every
        if due:
            self.store()

    def store(self) -> None:
        """Store what was noted."""
        with self._lock:
            new, self._new = self._new, {}
            self._stored_at = time.monotonic()
        for kind, (seconds, weight, tasks) in new.items():
            if weight > 0:
                old, before = self._measured(kind)
                share = tasks / (tasks + before)
                rate = old * (1 - share) + seconds / weight * share
                known = min(before + tasks, REMEMBERED)
                value: dict[str, object] = {"seconds_per_weight": rate, "tasks": known}
                write_measurement(self._engine, self._name(kind), value)

    def rate(self, kind: str) -> float | None:
        """Seconds per weight, None if no task of that kind was done here with these settings."""
        rate, tasks = self._measured(kind)
        return rate if tasks else None

    def estimate(self, tasks: Sequence[NewTask], tokens: int | None = None) -> Estimate:
        """What these tasks will take."""
        weights: dict[str, float] = {}
        for task in tasks:
            weights[task.kind] = weights.get(task.kind, 0.0) + task.weight
        seconds, unmeasured = self._seconds(weights)
        minutes = None if unmeasured else seconds / 60
        return Estimate(len(tasks), sum(weights.values()), tokens, minutes, unmeasured)

    def seconds_left(self, tallies: Sequence[Tally]) -> float | None:
        """What the tasks that have not ended will take; a lesser part never measured, like the rest."""
        weights: dict[str, float] = {}
        for tally in tallies:
            if tally.state in ("waiting", "ready", "running"):
                weights[tally.kind] = weights.get(tally.kind, 0.0) + tally.weight
        seconds, unmeasured = self._seconds(weights)
        unknown, weight = sum(weights[kind] for kind in unmeasured), sum(weights.values())
        if unknown > UNKNOWN * weight:
            return None
        return seconds * weight / (weight - unknown) if unknown else seconds

    def _measured(self, kind: str) -> tuple[float, float]:
        """Seconds per weight, and the tasks that this rests on; 0 if there is nothing."""
        found = read_measurement(self._engine, self._name(kind)) or {}
        rate, tasks = found.get("seconds_per_weight"), found.get("tasks", REMEMBERED)
        if isinstance(rate, int | float) and isinstance(tasks, int | float):
            return float(rate), float(tasks)
        return 0.0, 0.0

    def _seconds(self, weights: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
        """What so much of each kind takes, and the kinds without a rate; what weighs nothing takes none."""
        rates = {kind: self.rate(kind) for kind, weight in weights.items() if weight > 0}
        seconds = sum(weights[kind] * (rate or 0.0) for kind, rate in rates.items())
        return seconds, tuple(sorted(kind for kind, rate in rates.items() if rate is None))

    def _name(self, kind: str) -> str:
        known = self._kinds.get(kind)
        return f"rate of {kind} with {known.speed() if known else ''}"


def progress_of(
    record: JobRecord, tallies: Sequence[Tally], rates: Rates, unattended: bool = False
) -> JobProgress:
    """How far a job is, from its tallies; as long as these weigh nothing, by what was estimated before."""
    ended = sum(each.weight for each in tallies if each.state in ("done", "failed", "cancelled"))
    weight = sum(each.weight for each in tallies)
    minutes = (record.estimate or {}).get("minutes")

    def number(state: str) -> int:
        return sum(each.tasks for each in tallies if each.state == state)

    if record.ended:
        seconds: float | None = 0.0
    elif weight:
        seconds = rates.seconds_left(tallies)
    else:
        seconds = None if minutes is None else minutes * 60
    return JobProgress(
        tasks=sum(each.tasks for each in tallies),
        done=number("done"),
        failed=number("failed"),
        running=number("running"),
        share=ended / weight if weight else float(record.ended),
        seconds_left=seconds,
        unattended=unattended,
    )
