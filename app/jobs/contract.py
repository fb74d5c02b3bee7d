"""What a kind of task is to the workers that do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.events import Progress
from reader.chat import Cancellation

__all__ = ["Handler", "NewTask", "Outcome", "TaskKind", "Work"]


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be written.

    Attributes:
        name: What other tasks of the job name it by; a second one of the same name is left out.
        kind: Which handler does it.
        payload: What the handler is given; plain JSON.
        weight: Its share of the job's work, in any unit that the job's tasks have in common.
        needs: Names of tasks that must be done first; if one of them fails, so does this.
        waits: Names of tasks that must have ended first, one way or the other. They may not be there yet.
    """

    name: str
    kind: str
    payload: Mapping[str, Any]
    weight: float = 1.0
    needs: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A task that is being done.

    Attributes:
        job: Id of its job.
        name: Of the task.
        payload: What it was written with.
        progress: Stores events that any process can tail.
        cancellation: Cancelled when the job is, or when this worker is to stop at once.
        results: Gives the results of tasks of the same job that are done, by name.
    """

    job: str
    name: str
    payload: Mapping[str, Any]
    progress: Progress
    cancellation: Cancellation
    results: Callable[[tuple[str, ...]], dict[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task came to: its result, plain JSON, and the tasks that follow from it.

    Both are stored in the transaction that ends the task, so that a follow-up is written exactly once.
    """

    result: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[NewTask, ...] = ()


Handler = Callable[[Work], Outcome]
"""Does a task, again from the start if an earlier attempt was killed: what it stores, it stores under the
hash of its inputs, so that nothing is paid twice. A ClewError fails the task and leaves the rest of the job
alone."""


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of task: who does it, and how many of it a process does at once.

    Attributes:
        handler: Does it.
        at_once: How many at once, asked when a worker begins.
        speed: Names what its speed depends on, such as the reader; rates are measured for each.
        patient: Whether, where an endpoint or the machine is at fault, it is tried again and then its job
            paused. Otherwise any error ends it, because somebody waits for it.
    """

    handler: Handler
    at_once: Callable[[], int]
    speed: Callable[[], str] = lambda: ""
    patient: bool = True
