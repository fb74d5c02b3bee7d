"""Answering a question that was asked from a page: what was asked, what is told on the way, what is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from app.events import Event, Progress, Step
from app.shown_answers import ShownAnswer, shown_answer
from app.shown_turns import shown_turns
from memory.answering import Answering, answer_run
from memory.cited_places import CitedPlaces
from memory.threads import Turn
from reader.chat import Cancellation
from reader.errors import StoppedError

if TYPE_CHECKING:
    from app.library import Library

__all__ = [
    "AnswerStage",
    "AnswerState",
    "AskedAnswer",
    "Heard",
    "Told",
    "answer_of_turn",
    "answered",
    "asked_from",
    "asked_of_turn",
]

BUILDING: Final = ("summarise", "link")
"""What is told while a tree is built."""

AnswerStage = Literal["waiting", "running", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class AskedAnswer:
    """What is asked.

    Attributes:
        question: On one line.
        thread: Name of the conversation.
        documents: Ids of those that were named, none for all.
        route: As it was wished for.
        no_spoilers: Whether only from what the user has read.
        fresh: Whether no reply of a model that is kept is to be taken for it.
        replaces: Ordinal and run of the turn that the answer takes the place of, None for none.
    """

    question: str
    thread: str
    documents: tuple[str, ...] = ()
    route: str = "auto"
    no_spoilers: bool = False
    fresh: bool = False
    replaces: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class AnswerState:
    """An answer on its way, as it stands now.

    Attributes:
        id: Of the answer.
        thread: The conversation that it belongs to.
        question: As it was asked.
        documents: Those that were named, none for all.
        route: As it was wished for.
        no_spoilers: Whether only from what the user has read.
        replaces: Ordinal and run of the turn that the answer takes the place of once it is there.
        incognito: Whether it is written nowhere.
        state: How far it is.
        error: Why it has failed, "" otherwise.
        waiting: What is waited for just now, "" if nothing.
        steps: All that are done, in order.
        draft: The text so far, "" once there is an answer.
        answer: None until it is there.
        seconds: Since it was asked, or that it took.
    """

    id: str
    thread: str
    question: str
    documents: tuple[str, ...]
    route: str
    no_spoilers: bool
    replaces: tuple[int, str] | None
    incognito: bool
    state: AnswerStage
    error: str
    waiting: str
    steps: tuple[Step, ...]
    draft: str
    answer: ShownAnswer | None
    seconds: float

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("answered", "stopped", "failed")


class Told:
    """Tells of an answer while it is made: its steps numbered, its text whole.

    Args:
        progress: Hears of it.
        cancellation: Stops the answer.
    """

    def __init__(self, progress: Progress, cancellation: Cancellation) -> None:
        self._progress, self.cancellation = progress, cancellation
        self._steps = 0
        self._draft = ""

    def step(self, step: Step) -> None:
        """A step is done."""
        self._steps += 1
        self._progress(Event("step", json.dumps(asdict(step)), done=self._steps))

    def draft(self, text: str | None) -> None:
        """The answer goes on, or begins anew."""
        self._draft = "" if text is None else self._draft + text
        self._progress(Event("draft", self._draft))

    def earlier(self, steps: Sequence[Step]) -> None:
        """These steps were done before an interruption; told again, because some may not have been stored."""
        self._steps = 0
        for each in steps:
            self.step(each)

    def event(self, event: Event) -> None:
        """Something is waited for.

        Raises:
            StoppedError: If the answer is stopped while a tree is built for it, which goes on another time.
        """
        self._progress(event)
        if event.stage in BUILDING and self.cancellation.by_hand:
            raise StoppedError("The question was stopped.")


class TellsOfIt(Protocol):
    """An event, stored or not."""

    @property
    def stage(self) -> str:
        """See `app.events.Event`; so are the others."""

    @property
    def subject(self) -> str:
        """Of the event."""

    @property
    def done(self) -> int:
        """Of the event."""


@dataclass(slots=True)
class Heard:
    """What an answer has told so far: its steps by their numbers, its text, what it waits for."""

    steps: dict[int, Step] = field(default_factory=dict)
    draft: str = ""
    waiting: str = ""

    def hear(self, event: TellsOfIt) -> None:
        """Take in the next event."""
        match event.stage:
            case "step":
                self.steps[event.done] = Step(**json.loads(event.subject))
                self.waiting = ""
            case "draft":
                self.draft, self.waiting = event.subject, ""
            case _:
                self.waiting = _waiting_for(event)

    def in_order(self) -> tuple[Step, ...]:
        """The steps."""
        return tuple(self.steps[n] for n in sorted(self.steps))


def answered(
    library: Library, asked: AskedAnswer, told: Told, job: str = "", incognito: bool = False
) -> tuple[ShownAnswer, str]:
    """Answer a question; what a page shows of it, and its run.

    What its job has put into the thread before it was killed is not answered once more.
    """
    threads = library.incognito if incognito else library.threads
    kept = threads.turn(answer_run(job)) if job else None
    if kept is not None and library.agents.interrupted(asked.thread, library.user) is None:
        return answer_of_turn(library, kept), kept.run
    answer = library.ask(
        asked.question,
        asked.documents,
        asked.route,
        progress=told.event,
        step=told.step,
        thread=asked.thread,
        draft=told.draft,
        cancellation=told.cancellation,
        incognito=incognito,
        no_spoilers=asked.no_spoilers,
        fresh=asked.fresh,
        earlier=told.earlier,
        answering=Answering(job, asked.replaces, lambda: told.cancellation.by_hand),
    )
    turn = threads.turn(answer.run)
    if turn is not None and turn.answer != answer.text:
        # Somebody else has answered it meanwhile; what stands in the thread counts.
        return answer_of_turn(library, turn), turn.run
    return shown_answer(answer, turn.ordinal if turn is not None else None), answer.run


def answer_of_turn(library: Library, turn: Turn) -> ShownAnswer:
    """The answer of a turn, as far as it is known without its job."""
    return shown_turns([turn], {}, CitedPlaces(library.engine, library.user))[0].answer


def asked_from(plain: Mapping[str, Any]) -> AskedAnswer:
    """What was asked, from a job."""
    replaces = plain.get("replaces")
    return AskedAnswer(
        question=plain["question"],
        thread=plain["thread"],
        documents=tuple(plain["documents"]),
        route=plain["route"],
        no_spoilers=plain["no_spoilers"],
        fresh=plain["fresh"],
        replaces=(replaces[0], replaces[1]) if replaces else None,
    )


def asked_of_turn(turn: Turn, thread: str) -> AskedAnswer:
    """What was asked in a turn of a thread, as far as it is known without its job."""
    match turn.details.get("scope"):
        case {"documents": [*documents], "route": str(route), "no_spoilers": bool(no_spoilers)}:
            return AskedAnswer(turn.question, thread, tuple(map(str, documents)), route, no_spoilers)
        case _:
            return AskedAnswer(turn.question, thread)


def _waiting_for(event: TellsOfIt) -> str:
    """What an event says is waited for, in words."""
    match event.stage:
        case "wait":
            return event.subject
        case "model":
            return f"{event.subject} is being loaded"
        case "load":
            return f"{event.subject} is being read"
        case "encode":
            return f"{event.subject} is being encoded"
        case "index":
            return f"{event.subject} is being indexed"
        case "measure":
            return "this machine is being measured"
        case "summarise" | "link":
            return f"a summary tree is being built: {event.subject}"
        case "resume":
            return "an interrupted answer is gone on with"
        case _:
            return ""
