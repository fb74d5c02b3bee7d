"""Answers, as the command line and the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.agent.context import AgentContext
from app.agent.coverage import sections_asked, sections_drawn_on
from app.agent.memories import recalled_facts
from app.agent.state import AgentState, TraceState
from app.events import Step
from app.shown_answers import ShownBudget, ShownMemory, ShownPlace
from app.turn_texts import shown_turn
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.evidence import Evidence

__all__ = ["Answer", "FoundPassage", "answer_of"]

CLOSEST: Final = 5
WHY: Final = ("relevance", "recency", "importance")
EXCERPT: Final = 280
"""Characters of a passage that are shown of it."""


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage as others may count on it: the document's id and the span in its text."""

    document: str
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """All of an answer.

    Attributes:
        text: With [n] behind what citation n supports, n counting `citations` from 1.
        confidence: See `reader.contract.ReaderAnswer`.
        model: The reader's name.
        citations: The evidence that the answer rests on, none of it dropped.
        evidence: All that was selected, dropped ones too.
        passages: Best first.
        tokens_read: Tokens of the passages, of leaves that a walk has read, and of the sentences that were
            selected from for the whole, as the encoder counts.
        sections_read: Sections that passages were taken from; about the whole, those that evidence was taken
            from and was before the reader when it answered.
        sections_total: Sections of all documents that were searched; one without sections counts as one.
        calls: Model calls, cached ones too.
        prompt_tokens: Of all calls that were not cached.
        completion_tokens: Of all calls that were not cached.
        seconds: Of all steps, before an interruption too.
        notes: What checking the answer has shown and removed, and what it was read as.
        trace: The steps of a walk as data, none on other routes.
        run: What the asking is known by; its turn has the same.
        closest: Where the best passages stand, best first.
        recalled: What memory gave.
        budget: What the reader was given.
    """

    text: str
    abstained: bool
    confidence: float | None
    route: str
    model: str
    citations: tuple[Evidence, ...]
    evidence: tuple[Evidence, ...]
    passages: tuple[FoundPassage, ...]
    steps: tuple[Step, ...]
    tokens_read: int
    sections_read: int
    sections_total: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    notes: tuple[str, ...] = ()
    trace: tuple[TraceState, ...] = ()
    run: str = ""
    closest: tuple[ShownPlace, ...] = ()
    recalled: tuple[ShownMemory, ...] = ()
    budget: ShownBudget | None = None


def answer_of(state: AgentState, context: AgentContext) -> Answer:
    """The answer that a question has come to."""
    final, passages = state["answer"], state.get("passages", [])
    evidence = [context.evidence(each) for each in state.get("evidence", [])]
    draft, whole, trace = state.get("draft"), state.get("whole"), state.get("trace", [])
    return Answer(
        text=final["text"],
        abstained=final["abstained"],
        confidence=draft["confidence"] if draft is not None else None,
        route=state.get("route", "search"),
        model=context.reader.name,
        citations=tuple(evidence[n] for n in final["cited"]),
        evidence=tuple(evidence),
        passages=tuple(
            FoundPassage(
                context.documents[each["document"]].id, Span(each["start"], each["end"]), each["score"]
            )
            for each in passages
            if each["document"] > 0
        ),
        steps=tuple(Step(each["name"], each["detail"], each["seconds"]) for each in state["steps"]),
        tokens_read=sum(each["tokens"] for each in [*passages, *trace]) + (whole["tokens"] if whole else 0),
        sections_read=_sections_read(state, context),
        sections_total=sections_asked(context),
        calls=state["calls"],
        prompt_tokens=state["prompt_tokens"],
        completion_tokens=state["completion_tokens"],
        seconds=sum(each["seconds"] for each in state["steps"]),
        notes=tuple(draft["notes"]) if draft is not None else (),
        trace=tuple(trace),
        run=context.run,
        closest=_closest(state, context),
        recalled=_recalled(state, context),
        budget=_budget(state, context),
    )


def _sections_read(state: AgentState, context: AgentContext) -> int:
    """Sections that passages stand in; about the whole, those that the answer was made from."""
    if "whole" in state:
        made_from = state["draft"]["made_from"] if "draft" in state else []
        return sections_drawn_on((state["evidence"][n] for n in made_from), context)
    places = {
        (each["document"], context.place(each["document"], each["start"]).sections)
        for each in state.get("passages", [])
        if each["document"] > 0
    }
    return len(places)


def _closest(state: AgentState, context: AgentContext) -> tuple[ShownPlace, ...]:
    """The best passages of documents that are there still."""
    found = [each for each in state.get("passages", []) if each["document"] > 0]
    places: list[ShownPlace] = []
    for each in sorted(found, key=lambda passage: -passage["score"])[:CLOSEST]:
        record, place = context.documents[each["document"]], context.place(each["document"], each["start"])
        beginning = Span(each["start"], min(each["end"], each["start"] + EXCERPT))
        places.append(
            ShownPlace(
                document=record.id,
                title=record.title,
                page=place.page,
                section=" / ".join(place.sections),
                start=each["start"],
                end=each["end"],
                score=each["score"],
                excerpt=flat(context.text(each["document"], beginning)),
            )
        )
    return tuple(places)


def _recalled(state: AgentState, context: AgentContext) -> tuple[ShownMemory, ...]:
    """What memory gave, turns in the order of time, then facts; what is forgotten by now is left out."""
    if context.memory is None or "memory" not in state:
        return ()
    facts = recalled_facts(state, context)
    recalled = {each["turn"]: each for each in state["memory"]["turns"]}
    stored = context.memory.stream.turns([*recalled, *(fact.turn_key for fact in facts)])
    turns = {turn.key: turn for turn in stored}
    given = [
        ShownMemory(
            thread=turns[key].thread,
            turn=turns[key].ordinal,
            side="summary" if each["form"] == "summary" else "turn",
            at=turns[key].asked_at,
            text=shown_turn(turns[key], "summary" if each["form"] == "summary" else "raw"),
            score=each["score"],
            why=tuple(zip(WHY, each["why"], strict=False)),
        )
        for key, each in recalled.items()
        if key in turns
    ]
    known = [
        ShownMemory(turn.thread, turn.ordinal, "fact", turn.asked_at, fact.text, None)
        for fact in facts
        if (turn := turns.get(fact.turn_key)) is not None
    ]
    return (*given, *known)


def _budget(state: AgentState, context: AgentContext) -> ShownBudget | None:
    """What the reader was given; one without a model has no window, and its tokens are the encoder's."""
    draft = state.get("draft")
    if draft is None:
        return None
    packed = draft["packed"]
    if packed is not None:
        return ShownBudget(packed["window"], _pairs(packed["parts"]), _pairs(packed["left_out"]))
    quotes = [context.evidence(state["evidence"][n]).quote for n in draft["made_from"]]
    parts = [("evidence", sum(map(len, context.encoder.token_offsets(quotes))))] if quotes else []
    memory = state.get("memory")
    if memory is not None and memory["tokens"]:
        parts.append(("memory", memory["tokens"]))
    left_out = (("memory", None),) if memory is not None and memory["dropped"] else ()
    return ShownBudget(None, tuple(parts), left_out)


def _pairs(amounts: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Lists are what a checkpoint makes of pairs."""
    return tuple((name, tokens) for name, tokens in amounts)
