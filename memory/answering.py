"""Answers that may be stopped, taken away or asked again while they are made; what becomes of their turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from memory.errors import NotAwaitedError
from memory.tables import JobRow

__all__ = ["PLAIN_ANSWER", "Answering", "answer_run", "look_awaited"]


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer that is being made.

    Attributes:
        job: Id of its job, "" where it is none.
        replaces: Ordinal and run of the turn that it takes the place of if it is the last one; None for none.
        stopped: Whether it was stopped by hand.
    """

    job: str = ""
    replaces: tuple[int, str] | None = None
    stopped: Callable[[], bool] = lambda: False

    @property
    def replaced(self) -> str:
        """The run of the turn that is as if it had not been said, "" if none is."""
        return self.replaces[1] if self.replaces is not None else ""

    def look(self) -> None:
        """See that it has not been stopped here.

        Raises:
            NotAwaitedError: If it was.
        """
        if self.stopped():
            raise NotAwaitedError("The question was stopped.")


PLAIN_ANSWER: Final = Answering()
"""One that is no job and takes the place of no turn."""


def answer_run(job: str) -> str:
    """The run of the turn that a job comes to, however often it is begun."""
    return f"answer-{job}"


def look_awaited(connection: Connection, answering: Answering) -> None:
    """See that an answer is still waited for, in the transaction that keeps its turn.

    Raises:
        NotAwaitedError: If it was stopped, here or by its job, or its job is not there any more.
    """
    answering.look()
    if not answering.job:
        return
    state = connection.execute(select(JobRow.state).where(JobRow.id == answering.job)).scalar()
    if state in (None, "cancelled"):
        raise NotAwaitedError("The question was stopped.")
