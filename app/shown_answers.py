"""Answers as a page shows them: plain values that a job keeps as JSON and a turn is made into again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from app.events import Step
from retrieval.evidence import DocumentOrigin, Evidence

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from app.answers import Answer

__all__ = [
    "ShownAnswer",
    "ShownBudget",
    "ShownCitation",
    "ShownMemory",
    "ShownPlace",
    "ShownTurn",
    "WalkOption",
    "WalkedStep",
    "answer_from_json",
    "answer_json",
    "shown_answer",
]


@dataclass(frozen=True, slots=True)
class ShownCitation:
    """A quote and where it stands; what only one of the two origins has is "", 0 or None for the other.

    Attributes:
        n: The [n] of the answer; 0 for evidence that it does not cite.
        origin: Whether it is from a document or from what was said.
        document: Id of the document.
        title: Of the document, or who said it and when.
        section: Titles of the sections around it, outermost first, joined by " / ".
        page: Number from 1, None where there are no pages.
        start: Of the quote, in characters of the document, or of that side of the turn.
        end: Behind it.
        quote: As the source says it now; "" where it cannot be read any more.
        verdict: What looking it up has shown.
        score: From the search for evidence, None where that is not kept.
        thread: The conversation.
        turn: Its number there.
        side: Whether it stands in what came in ("question") or in what was answered.
        at: When it was said.
    """

    n: int
    origin: Literal["document", "memory"]
    document: str
    title: str
    section: str
    page: int | None
    start: int
    end: int
    quote: str
    verdict: str
    score: float | None = None
    thread: str = ""
    turn: int = 0
    side: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A passage that was found, by its beginning."""

    document: str
    title: str
    page: int | None
    section: str
    start: int
    end: int
    score: float
    excerpt: str


@dataclass(frozen=True, slots=True)
class ShownMemory:
    """Something of earlier conversations that the reader was given.

    Attributes:
        thread: Where it was said.
        turn: Its number there.
        side: "turn" for a whole turn, "summary" for one that was given shortened, "fact" for a fact.
        at: When it was said.
        text: As it is kept; "" where it has been forgotten meanwhile.
        score: Of the turn, None for a fact.
        why: What the score is made of, by name: relevance, recency and importance, each from 0 to 1.
    """

    thread: str
    turn: int
    side: Literal["turn", "summary", "fact"]
    at: datetime | None
    text: str
    score: float | None
    why: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ShownBudget:
    """What the reader was given, in tokens.

    Attributes:
        window: Of the model, None for a reader without one.
        parts: What was given, by name, None where its tokens are not known.
        left_out: What had no room, by name, None likewise.
    """

    window: int | None
    parts: tuple[tuple[str, int | None], ...] = ()
    left_out: tuple[tuple[str, int | None], ...] = ()


@dataclass(frozen=True, slots=True)
class WalkOption:
    """A child that triage was shown."""

    node: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class WalkedStep:
    """A step of a walk; see `app.agent.state.TraceState`."""

    document: str
    node: str
    level: int
    title: str
    start: int
    end: int
    tokens: int
    options: tuple[WalkOption, ...]
    choice: str
    reason: str
    note: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """All of an answer that a person may want to see.

    Attributes:
        text: With [n] behind what citation n supports.
        abstained: Whether there was no answer.
        route: How it was looked up, "" where that is not kept.
        model: The reader's name.
        seconds: From the question to the answer.
        prompt_tokens: Of model calls that were not cached; 0 without a model.
        completion_tokens: Likewise.
        tokens_read: Of what was read, None where that is not kept; so are the next two.
        sections_read: See `app.answers.Answer`.
        sections_total: Sections of all documents that were searched.
        notes: What checking the answer has shown and removed.
        steps: All of them, () where they are not kept.
        citations: By their n.
        dropped: Evidence that was found not to stand in its source.
        closest: The best passages, best first.
        recalled: What memory gave.
        budget: What the reader was given, None where that is not kept.
        trace: Of a walk.
        ordinal: Number of the turn in its thread, None where it is in none.
    """

    text: str
    abstained: bool
    route: str
    model: str
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    tokens_read: int | None = None
    sections_read: int | None = None
    sections_total: int | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    citations: tuple[ShownCitation, ...] = ()
    dropped: tuple[ShownCitation, ...] = ()
    closest: tuple[ShownPlace, ...] = ()
    recalled: tuple[ShownMemory, ...] = ()
    budget: ShownBudget | None = None
    trace: tuple[WalkedStep, ...] = ()
    ordinal: int | None = None


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A question of a thread with its answer; `ordinal` counts from 1 in the thread."""

    ordinal: int
    question: str
    asked_at: datetime
    answer: ShownAnswer


def shown_answer(answer: Answer, ordinal: int | None) -> ShownAnswer:
    """An answer that has just been given, as a page shows it."""
    return ShownAnswer(
        text=answer.text,
        abstained=answer.abstained,
        route=answer.route,
        model=answer.model,
        seconds=answer.seconds,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        tokens_read=answer.tokens_read,
        sections_read=answer.sections_read,
        sections_total=answer.sections_total,
        notes=answer.notes,
        steps=answer.steps,
        citations=tuple(_citation(n, each) for n, each in enumerate(answer.citations, start=1)),
        dropped=tuple(_citation(0, each) for each in answer.evidence if each.verdict == "dropped"),
        closest=answer.closest,
        recalled=answer.recalled,
        budget=answer.budget,
        trace=_walk().validate_python(answer.trace),
        ordinal=ordinal,
    )


def answer_json(answer: ShownAnswer) -> dict[str, Any]:
    """An answer as plain JSON."""
    plain: dict[str, Any] = _adapter().dump_python(answer, mode="json")
    return plain


def answer_from_json(plain: object) -> ShownAnswer:
    """The answer that `answer_json` has written."""
    return _adapter().validate_python(plain)


@cache
def _walk() -> TypeAdapter[tuple[WalkedStep, ...]]:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[WalkedStep, ...])


@cache
def _adapter() -> TypeAdapter[ShownAnswer]:
    from pydantic import TypeAdapter

    return TypeAdapter(ShownAnswer)


def _citation(n: int, evidence: Evidence) -> ShownCitation:
    origin = evidence.origin
    if isinstance(origin, DocumentOrigin):
        return ShownCitation(
            n=n,
            origin="document",
            document=origin.document,
            title=origin.title,
            section=origin.section,
            page=origin.page,
            start=origin.span.start,
            end=origin.span.end,
            quote=evidence.quote,
            verdict=evidence.verdict.value,
            score=evidence.score,
        )
    return ShownCitation(
        n=n,
        origin="memory",
        document="",
        title=origin.title,
        section="",
        page=None,
        start=origin.span.start,
        end=origin.span.end,
        quote=evidence.quote,
        verdict=evidence.verdict.value,
        score=evidence.score,
        thread=origin.thread,
        turn=origin.turn,
        side=origin.side,
        at=origin.at,
    )
