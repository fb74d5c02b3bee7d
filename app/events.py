"""What long work tells while it runs; the command line draws it, later jobs store it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Event", "Progress", "Step", "silent"]

Stage = Literal[
    "wait",
    "measure",
    "load",
    "encode",
    "index",
    "model",
    "resume",
    "question",
    "step",
    "draft",
    "summarise",
    "link",
    "write",
    "vacuum",
    "search",
    "state",
    "failed",
    "done",
]
"""Of a job as a whole: "state", when it is paused, resumed or ends; "failed", a task with its error.

Of an answer: "step", each of which is kept, `done` being its number from 1; "draft", the text so far."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of work.

    Attributes:
        stage: What is being done.
        subject: To what: a file name, a question.
        done: Units done so far in this stage.
        total: Units there are; 0 when it is not known.
    """

    stage: Stage
    subject: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of answering: its name, what came of it in a few words, and its seconds."""

    name: str
    detail: str
    seconds: float


Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """A `Progress` that shows nothing."""
