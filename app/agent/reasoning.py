"""The step that answers: from the evidence of a few places, or from that of all sections."""

from __future__ import annotations

from typing import Final

from app.agent.context import AgentContext
from app.agent.evenly import evenly
from app.agent.lookups import interleaved
from app.agent.state import AgentState, DraftState
from app.agent.steps import Update, step
from app.routing import topic
from reader.contract import ReaderAnswer
from retrieval.document import Span
from retrieval.verify import Verdict

__all__ = ["reason"]

CONTEXT_PASSAGES: Final = 4
WHOLE_EVIDENCE: Final = 60
"""Sentences that an answer about the whole is made from at most."""


@step
def reason(state: AgentState, context: AgentContext) -> Update:
    """The answer from the evidence alone."""
    if state["route"] == "whole":
        return _reason_whole(state, context)
    positions = interleaved(state["evidence"])
    evidence = [context.evidence(state["evidence"][n]) for n in positions]
    best = sorted(state["passages"], key=lambda each: -each["score"])[:CONTEXT_PASSAGES]
    passages = [context.rows.text(each["document"], Span(each["start"], each["end"])) for each in best]
    words = context.words(state["query"])
    reply = context.reader.answer(
        state["query"], words, evidence, passages, context.on_draft, asked=state["question"]
    )
    return {"draft": _draft(reply, positions)}, _answered(reply)


def _reason_whole(state: AgentState, context: AgentContext) -> Update:
    """The answer from evidence of all sections, thinned evenly over them if it is too much."""
    evidence = state["evidence"]
    order = evenly([each["query"] for each in evidence], [each["score"] for each in evidence])
    usable = [n for n in order if evidence[n]["verdict"] != Verdict.DROPPED]
    kept = usable[:WHOLE_EVIDENCE]
    reply = context.reader.answer(
        state["query"],
        context.words(topic(state["query"])),
        [context.evidence(evidence[n]) for n in kept],
        (),
        context.on_draft,
        asked=state["question"],
        whole=True,
    )
    draft = _draft(reply, kept)
    detail = _answered(reply)
    if len(kept) < len(usable):
        detail += f", from {len(kept)} of {len(usable)} quotes, thinned evenly over the sections"
    if not reply.abstained:
        cited = {
            context.place(each["document"], each["start"]).sections
            for each in map(evidence.__getitem__, draft["cited"])
        }
        detail += f", citing {len(cited)} sections"
    return {"draft": draft}, detail


def _draft(reply: ReaderAnswer, positions: list[int]) -> DraftState:
    """What the reader answered; `positions` are those of the evidence that it was given."""
    return {
        "text": reply.text,
        "abstained": reply.abstained,
        "cited": [positions[n] for n in reply.cited],
        "confidence": reply.confidence,
        "notes": list(reply.notes),
    }


def _answered(reply: ReaderAnswer) -> str:
    detail = "abstained" if reply.abstained else "answered"
    return detail if reply.confidence is None else f"{detail}, confidence {reply.confidence:.2f}"
