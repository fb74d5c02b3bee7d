"""The steps of the agent, one function each: it is given the state, and what it returns changes that.

The walk is in `tree_nodes`, the look into all sections in `whole`, the answer in `reasoning`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from app.agent.context import AgentContext
from app.agent.leaf_passages import leaf_passages, without_held
from app.agent.lookups import (
    EVIDENCE,
    PART_EVIDENCE,
    candidates_of,
    interleaved,
    looked_up,
    passages_of,
    pooled,
    scored_candidates,
    stands,
)
from app.agent.memories import citation_place, memory_passages, memory_state
from app.agent.reasoning import reason
from app.agent.reranking import short_answers
from app.agent.shown import HISTORY, seen_places
from app.agent.state import AgentState, DraftState, FoundState
from app.agent.steps import Node, Update, shown, step
from app.agent.tree_nodes import walk
from app.agent.whole import whole
from app.remembering import remember_turn, told
from app.routing import suggest, with_topic
from app.turn_texts import to_look_up
from memory.errors import NotAwaitedError
from memory.threads import Turn
from reader.contract import Exchange, RouteChoice
from reader.errors import BudgetError, StoppedError
from reader.remembering import asks_for_what_was_said
from retrieval.evidence import DocumentOrigin
from retrieval.verify import Verdict

__all__ = ["NODES", "enough", "recall", "remember", "retrieve", "route", "select", "verify"]


@step
def recall(state: AgentState, context: AgentContext) -> Update:
    """What was said before: in this thread, where the question refers to it, and in all others."""
    question = context.asked
    if context.memory is not None and context.thread is not None:
        reply = told(question)
        if reply:
            return {"query": question, "draft": _acknowledged(reply)}, "nothing is asked: it is remembered"
    if context.memory is None:
        query, detail = _standalone(question, context)
        return {"query": query}, detail
    query, detail = _standalone(to_look_up(question), context)
    alone = not context.documents
    recalled = context.memory.recall(query, context.row(query), context.reader, alone=alone)
    detail = f"{detail}; {recalled.detail}"
    if not recalled.needed:
        return {"query": query}, detail
    return {"query": query, "memory": memory_state(recalled)}, detail


def _standalone(question: str, context: AgentContext) -> tuple[str, str]:
    """The question in words that need no earlier turn of its thread, and what is to be said of it."""
    if context.thread is None:
        return question, "no thread"
    hides = context.reading.hides if context.reading is not None else lambda details: False
    turns = [
        Exchange(turn.question, "" if hides(turn.details) else turn.answer)
        for turn in context.threads.turns(context.thread, HISTORY)
    ]
    if not context.reader.needs_history(question, turns):
        return question, f"{len(turns)} turns, not needed"
    query = with_topic(context.reader.standalone(question, turns), question)
    return query, f"{len(turns)} turns, read as: {shown(query)}"


def _acknowledged(reply: str) -> DraftState:
    return {
        "text": reply,
        "abstained": False,
        "cited": [],
        "made_from": [],
        "confidence": None,
        "notes": [],
        "packed": None,
    }


@step
def route(state: AgentState, context: AgentContext) -> Update:
    """How to look, and for what: a question of several parts is looked up part by part, and pooled."""
    query = state["query"]
    if not context.documents:
        parts = list(context.reader.parts(query))
        return {"route": "search", "open": parts}, "search in memory alone: there is no document"
    if context.route == "auto" and "memory" in state and asks_for_what_was_said(context.asked):
        chosen = RouteChoice("search", "it asks for what was said")
    else:
        chosen = _chosen_route(context.asked, query, context)
    parts = [query] if chosen.route == "whole" else list(context.reader.parts(query))
    count = len(context.documents)
    detail = f"{chosen.route} over {count} document{'s' * (count != 1)}: {chosen.reason}"
    if len(parts) > 1:
        detail += f", in {len(parts)} parts: {'; '.join(shown(part) for part in parts)}"
    if context.reading is not None:
        detail += f"; {context.reading.note}"
    return {"route": chosen.route, "open": parts}, detail


@step
def retrieve(state: AgentState, context: AgentContext) -> Update:
    """The passages for each open query; in the first round after a walk, those of its leaves before them."""
    leaves = state["walk"]["leaves"] if "walk" in state and not state.get("rounds", 0) else []
    found: list[FoundState] = []
    said = [] if state.get("rounds", 0) else memory_passages(state, context)
    for query in state["open"]:
        pooled_leaves = leaf_passages(query, leaves, context) if leaves else []
        more = without_held(passages_of(query, context), pooled_leaves)
        found.append(FoundState(query=query, passages=[*said, *pooled_leaves, *more]))
    count = sum(len(each["passages"]) for each in found)
    detail = f"{count} passages"
    if said:
        detail += f", first {len(said)} turns of memory"
    if leaves:
        detail += f", first those of {len(leaves)} leaves"
    if state.get("rounds", 0):
        detail += f" for: {'; '.join(shown(query) for query in state['open'])}"
    return {
        "found": found,
        "open": [],
        "asked": [*state.get("asked", []), *state["open"]],
        "passages": pooled(state.get("passages", []), [p for each in found for p in each["passages"]]),
        "rounds": state.get("rounds", 0) + 1,
    }, detail


@step
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
        scored = scored_candidates(candidates, rows, found["query"], context)
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


@step
def enough(state: AgentState, context: AgentContext) -> Update:
    """Whether something is missing; if so, a follow-up query is what to look up next."""
    if state["rounds"] > context.limits.rounds:
        return {}, f"{state['rounds']} rounds, no more allowed"
    positions = interleaved(state["evidence"])
    evidence = [context.evidence(state["evidence"][n]) for n in positions]
    short = short_answers([state["evidence"][n] for n in positions], state["asked"], context)
    found = context.reader.enough(state["query"], evidence, state["asked"], short)
    unseen = (
        f", {found.left_out} of {len(evidence)} quotes not shown: its window is full"
        if found.left_out
        else ""
    )
    if found.enough:
        return {}, f"yes{unseen}"
    if not found.missing:
        return {}, f"no, and nothing to look for{unseen}"
    return {"open": [found.missing]}, f"no, looking for: {shown(found.missing)}{unseen}"


@step
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


@step
def remember(state: AgentState, context: AgentContext) -> Update:
    """The turn, kept in its thread with what it asserts; once, however often this step is begun.

    Raises:
        StoppedError: If the answer was stopped, or its thread deleted, meanwhile; then nothing is kept.
    """
    if context.thread is None:
        return {}, "no thread"
    answer = state["answer"]
    evidence = [context.evidence(state["evidence"][n]) for n in answer["cited"]]
    turn = Turn(
        run=context.run,
        question=state["question"],
        answer=answer["text"],
        abstained=answer["abstained"],
        asked_at=datetime.now(UTC),
        seconds=sum(step["seconds"] for step in state["steps"]),
        details={
            "model": context.reader.name,
            "scope": dict(context.scope),
            "query": state.get("query", context.asked),
            "citations": [citation_place(each.origin) for each in evidence],
            "shown": seen_places(state, context),
            "prompt_tokens": state["prompt_tokens"],
            "completion_tokens": state["completion_tokens"],
        },
    )
    read = [each.quote for each in evidence if isinstance(each.origin, DocumentOrigin)]
    try:
        if context.memory is None:
            return {}, f"turn {context.threads.append(context.thread, turn)} of {context.thread}"
        return {}, remember_turn(context.memory, context.thread, turn, context.reader, read, context.encoded)
    except NotAwaitedError as error:
        raise StoppedError(str(error)) from error


NODES: Final[dict[str, Node]] = {
    "recall": recall,
    "route": route,
    "walk": walk,
    "retrieve": retrieve,
    "select": select,
    "enough": enough,
    "whole": whole,
    "reason": reason,
    "verify": verify,
    "remember": remember,
}


def _chosen_route(question: str, query: str, context: AgentContext) -> RouteChoice:
    """The route that was wished for; else what the rules say, or the reader where they are not sure.

    The rules go by the question alone: its query may have words of an earlier one, which had its own route.
    """
    if context.route != "auto":
        return RouteChoice(context.route, "as asked for")
    suggestion = suggest(question)
    if suggestion.certain:
        return suggestion.choice
    if query != question and suggestion.choice.route == "search":
        # A follow-up says little by itself; with what it refers to it may plainly ask for a place.
        read = suggest(query)
        if read.certain and read.choice.route == "search":
            return read.choice
    try:
        return context.reader.choose_route(query, suggestion.choice)
    except BudgetError:
        return suggestion.choice  # what is left belongs to the answer
