"""The steps of the agent, one function each: it is given the state, and what it returns changes that."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Final

from app.agent.context import AgentContext
from app.agent.lookups import candidates_of, interleaved, looked_up, passages_of, pooled, stands
from app.agent.state import AgentState, FoundState, StepState
from app.events import Step
from memory.threads import Turn
from reader.contract import Exchange
from reader.errors import BudgetError
from retrieval.document import Span
from retrieval.evidence import score_candidates
from retrieval.verify import Verdict

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

__all__ = ["NODES", "enough", "reason", "recall", "remember", "retrieve", "route", "select", "verify"]

EVIDENCE: Final = 8
"""Sentences for a question, or, of a question in parts and of a follow-up, PART_EVIDENCE for each."""
PART_EVIDENCE: Final = 4
HISTORY: Final = 4
CONTEXT_PASSAGES: Final = 4
QUERY_SHOWN: Final = 80

ENDING: Final = frozenset({"verify", "remember"})
"""Steps that a question ends in, whatever its limits say."""

Update = tuple[AgentState, str]
Node = Callable[[AgentState, "Runtime[AgentContext]"], AgentState]


def _step(node: Callable[[AgentState, AgentContext], Update]) -> Node:
    """A node of the graph: timed, its tokens counted, its step told; a spent budget ends the question."""

    @wraps(node)
    def run(state: AgentState, runtime: Runtime[AgentContext]) -> AgentState:
        context, began = runtime.context, time.perf_counter()
        spent = context.spent
        spent.prompt_tokens = spent.completion_tokens = spent.calls = spent.cached = 0
        try:
            if node.__name__ not in ENDING:
                context.budget.look()
            update, detail = node(state, context)
        except BudgetError as error:
            update, detail = {"stopped": str(error)}, f"stopped: {error}"
        if spent.calls:
            cached = f", {spent.cached} cached" if spent.cached else ""
            cost = f"{spent.prompt_tokens:,} + {spent.completion_tokens:,} tokens"
            detail += f" ({spent.calls} call{'s' * (spent.calls > 1)}{cached}, {cost})"
        step = Step(node.__name__, detail, time.perf_counter() - began)
        context.on_step(step)
        return {
            **update,
            "steps": [StepState(name=step.name, detail=step.detail, seconds=step.seconds)],
            "calls": context.budget.calls,
            "tokens": context.budget.tokens,
            "prompt_tokens": state.get("prompt_tokens", 0) + spent.prompt_tokens,
            "completion_tokens": state.get("completion_tokens", 0) + spent.completion_tokens,
        }

    # LangGraph reads the types of a node's arguments, and must not find those of the inner function.
    del run.__wrapped__
    return run


@_step
def recall(state: AgentState, context: AgentContext) -> Update:
    """What was said before, where the question refers to it."""
    question = state["question"]
    if context.thread is None:
        return {"query": question}, "no thread"
    turns = [Exchange(turn.question, turn.answer) for turn in context.threads.turns(context.thread, HISTORY)]
    if not context.reader.needs_history(question, turns):
        return {"query": question}, f"{len(turns)} turns, not needed"
    query = context.reader.standalone(question, turns)
    return {"query": query}, f"{len(turns)} turns, read as: {_shown(query)}"


@_step
def route(state: AgentState, context: AgentContext) -> Update:
    """How to look, and for what: a question of several parts is looked up part by part, and pooled."""
    parts = list(context.reader.parts(state["query"]))
    count = len(context.documents)
    detail = f"search over {count} document{'s' * (count != 1)}"
    if len(parts) > 1:
        detail += f", in {len(parts)} parts: {'; '.join(_shown(part) for part in parts)}"
    return {"route": "search", "open": parts}, detail


@_step
def retrieve(state: AgentState, context: AgentContext) -> Update:
    """The passages for each open query."""
    found = [FoundState(query=query, passages=passages_of(query, context)) for query in state["open"]]
    count = sum(len(each["passages"]) for each in found)
    detail = f"{count} passages"
    if state.get("rounds", 0):
        detail += f" for: {'; '.join(_shown(query) for query in state['open'])}"
    return {
        "found": found,
        "open": [],
        "asked": [*state.get("asked", []), *state["open"]],
        "passages": pooled(state.get("passages", []), [p for each in found for p in each["passages"]]),
        "rounds": state.get("rounds", 0) + 1,
    }, detail


@_step
def select(state: AgentState, context: AgentContext) -> Update:
    """The sentences that support an answer, each looked up in the stored text."""
    evidence = list(state.get("evidence", []))
    known = {(each["document"], each["start"]) for each in evidence}
    notes, seen, left_out = list[str](), 0, 0
    alone = state["rounds"] == 1 and len(state["found"]) == 1
    count = EVIDENCE if alone else PART_EVIDENCE
    query = 1 + max((each["query"] for each in evidence), default=-1)
    for number, found in enumerate(state["found"]):
        candidates, rows, places = candidates_of(found["passages"], context)
        if found["passages"] and not candidates:
            text = "what was found has been changed or removed meanwhile; ask again"
            return {"stopped": text, "evidence": evidence, "found": []}, text
        scored = score_candidates(
            candidates, rows, context.row(found["query"]), context.words(found["query"])
        )
        selection = context.reader.select(found["query"], scored, rows, count, places)
        seen, left_out = seen + len(candidates), left_out + selection.left_out
        notes += [selection.note] if selection.note else []
        for position in selection.chosen:
            chosen = scored[position]
            place = (chosen.candidate.document, chosen.candidate.span.start)
            if place not in known:
                known.add(place)
                evidence.append(looked_up(chosen, query + number, context))
    dropped = sum(each["verdict"] == Verdict.DROPPED for each in evidence)
    detail = f"{len(evidence)} of {seen} sentences, {len(evidence) - dropped} quotes verified"
    if left_out:
        detail += f", {left_out} not shown to the model: its window is full"
    return {"evidence": evidence, "found": []}, ", ".join([detail, *notes])


@_step
def enough(state: AgentState, context: AgentContext) -> Update:
    """Whether something is missing; if so, a follow-up query is what to look up next."""
    if state["rounds"] > context.limits.rounds:
        return {}, f"{state['rounds']} rounds, no more allowed"
    evidence = [context.evidence(state["evidence"][n]) for n in interleaved(state["evidence"])]
    found = context.reader.enough(state["query"], evidence, state["asked"])
    unseen = (
        f", {found.left_out} of {len(evidence)} quotes not shown: its window is full"
        if found.left_out
        else ""
    )
    if found.enough:
        return {}, f"yes{unseen}"
    if not found.missing:
        return {}, f"no, and nothing to look for{unseen}"
    return {"open": [found.missing]}, f"no, looking for: {_shown(found.missing)}{unseen}"


@_step
def reason(state: AgentState, context: AgentContext) -> Update:
    """The answer from the evidence alone."""
    positions = interleaved(state["evidence"])
    evidence = [context.evidence(state["evidence"][n]) for n in positions]
    best = sorted(state["passages"], key=lambda each: -each["score"])[:CONTEXT_PASSAGES]
    passages = [context.rows.text(each["document"], Span(each["start"], each["end"])) for each in best]
    words = context.words(state["query"])
    reply = context.reader.answer(
        state["query"], words, evidence, passages, context.on_draft, asked=state["question"]
    )
    detail = "abstained" if reply.abstained else "answered"
    if reply.confidence is not None:
        detail += f", confidence {reply.confidence:.2f}"
    return {
        "draft": {
            "text": reply.text,
            "abstained": reply.abstained,
            "cited": [positions[n] for n in reply.cited],
            "confidence": reply.confidence,
            "notes": list(reply.notes),
        }
    }, detail


@_step
def verify(state: AgentState, context: AgentContext) -> Update:
    """Nothing is shown that does not stand in its source now."""
    draft = state.get("draft")
    if draft is None:
        text = f"No answer was reached: {state['stopped']}."
        return {"answer": {"text": text, "abstained": True, "cited": []}}, "nothing to verify"
    cited = [state["evidence"][n] for n in draft["cited"]]
    gone = [each for each in cited if not stands(each, context)]
    notes = [f"{len(cited) - len(gone)} of {len(cited)} citations stand in their sources", *draft["notes"]]
    if gone:
        text = "What this answer rested on has been changed or removed meanwhile; ask again."
        return {"answer": {"text": text, "abstained": True, "cited": []}}, "; ".join(notes)
    answer = {"text": draft["text"], "abstained": draft["abstained"], "cited": draft["cited"]}
    return {"answer": answer}, "; ".join(notes)  # type: ignore[typeddict-item]


@_step
def remember(state: AgentState, context: AgentContext) -> Update:
    """The turn, kept in its thread; once, however often this step is begun."""
    if context.thread is None:
        return {}, "no thread"
    answer = state["answer"]
    citations = [context.evidence(state["evidence"][n]).origin for n in answer["cited"]]
    turn = Turn(
        run=context.run,
        question=state["question"],
        answer=answer["text"],
        abstained=answer["abstained"],
        asked_at=datetime.now(UTC),
        seconds=sum(step["seconds"] for step in state["steps"]),
        details={
            "model": context.reader.name,
            "query": state.get("query", state["question"]),
            "citations": [
                {"document": each.document, "start": each.span.start, "end": each.span.end}
                for each in citations
            ],
            "prompt_tokens": state["prompt_tokens"],
            "completion_tokens": state["completion_tokens"],
        },
    )
    return {}, f"turn {context.threads.append(context.thread, turn)} of {context.thread}"


NODES: Final[dict[str, Node]] = {
    "recall": recall,
    "route": route,
    "retrieve": retrieve,
    "select": select,
    "enough": enough,
    "reason": reason,
    "verify": verify,
    "remember": remember,
}


def _shown(query: str) -> str:
    return query if len(query) <= QUERY_SHOWN else query[: QUERY_SHOWN - 1] + "…"
