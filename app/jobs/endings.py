"""How an attempt at a task ends: with its outcome, or with an error and whose fault that is."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.errors import SettingsError
from app.jobs.contract import Handler, Outcome, Work
from memory.errors import DatabaseError
from reader.errors import (
    EndpointBusyError,
    EndpointTimeoutError,
    EndpointUnreachableError,
    ModelLoadError,
    ModelNotFoundError,
)
from retrieval.errors import ClewError, EncoderError

__all__ = ["Done", "Ending", "Fault", "Faulted", "attempt"]

PASSING: Final = (EndpointBusyError, EndpointTimeoutError)
MACHINE: Final = (DatabaseError, EncoderError, ModelLoadError, ModelNotFoundError, SettingsError)


class Fault(StrEnum):
    """Whose fault an error is.

    TASK: the task's own; it fails. PASSING: another attempt may well succeed. AWAY: the endpoint cannot be
    reached; so will all other tasks find. MACHINE: this machine or its settings; the job waits for a person.
    STOPPED: it was asked to stop. INTERRUPTED: Ctrl-C, or a request to exit. LOST: where it ran is gone.
    """

    TASK = "task"
    PASSING = "passing"
    AWAY = "away"
    MACHINE = "machine"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Done:
    """It was done, in so many seconds."""

    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Faulted:
    """It was not.

    Attributes:
        error: One sentence.
        fault: What to do about it.
        seconds: That it took.
        cause: The exception itself, where the attempt ran in this process.
    """

    error: str
    fault: Fault
    seconds: float
    cause: BaseException | None = None


Ending = Done | Faulted


def attempt(handler: Handler, work: Work) -> Ending:
    """Do a task once; whatever goes wrong comes back as a `Faulted`."""
    began = time.perf_counter()

    def seconds() -> float:
        return time.perf_counter() - began

    try:
        outcome = handler(work)
        _check_plain(outcome)
        return Done(outcome, seconds())
    except (KeyboardInterrupt, SystemExit) as stop:
        return Faulted("It was interrupted.", Fault.INTERRUPTED, seconds(), stop)
    except ClewError as error:
        return Faulted(str(error), _fault(error, work.cancellation.by_hand), seconds(), error)
    except Exception as error:  # the outermost place of a task: a bug fails this task and no other
        fault = Fault.STOPPED if work.cancellation.by_hand else Fault.TASK
        text = f"An unexpected {type(error).__name__}: {error}"
        return Faulted(text, fault, seconds(), error)


def _fault(error: ClewError, stopped: bool) -> Fault:
    if stopped:
        return Fault.STOPPED
    if isinstance(error, EndpointUnreachableError):
        return Fault.AWAY
    if isinstance(error, PASSING):
        return Fault.PASSING
    return Fault.MACHINE if isinstance(error, MACHINE) else Fault.TASK


def _check_plain(outcome: Outcome) -> None:
    """Here rather than in the transaction that would store it.

    Raises:
        TypeError: If a result or payload is not plain JSON.
        ValueError: If a number in it is not finite.
    """
    for value in (outcome.result, *(task.payload for task in outcome.tasks)):
        json.dumps(dict(value), allow_nan=False)
