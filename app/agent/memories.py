"""What memory gives to a question: passages whose sentences can be cited, and words to understand it by."""

from __future__ import annotations

from typing import Final

from app.agent.context import AgentContext
from app.agent.state import AgentState, MemoryState, PassageState
from app.recollection import Recalled
from app.turn_texts import said_when, shown_turn
from memory.facts import Fact
from reader.contract import Remembered
from retrieval.evidence import MemoryOrigin, Origin
from retrieval.question import QuestionWords
from retrieval.words import content_words

__all__ = ["citation_place", "memory_passages", "memory_state", "remembered", "words_with_memory"]

PASSAGES: Final = 8
"""Turns whose sentences may be cited: the best of those that are given."""


def citation_place(origin: Origin) -> dict[str, object]:
    """Where a citation stands, as its turn keeps it."""
    span: dict[str, object] = {"start": origin.span.start, "end": origin.span.end}
    if isinstance(origin, MemoryOrigin):
        return {"thread": origin.thread, "turn": origin.turn, "side": origin.side, **span}
    return {"document": origin.document, **span}


def memory_state(recalled: Recalled) -> MemoryState:
    """What was recalled, as ids."""
    return MemoryState(
        turns=[{"turn": each.key, "form": each.form, "score": each.score} for each in recalled.turns],
        facts=[each.id for each in recalled.facts],
    )


def memory_passages(state: AgentState, context: AgentContext) -> list[PassageState]:
    """The turns that may be cited, best first: those that facts are from, then the others by their scores."""
    if context.memory is None or "memory" not in state:
        return []
    found = state["memory"]
    scores = {each["turn"]: each["score"] for each in found["turns"]}
    best = sorted(scores, key=lambda key: (-scores[key], key))
    of_facts = [fact.turn_key for fact in _facts(state, context)]
    keys = list(dict.fromkeys([*of_facts, *best]))[:PASSAGES]
    top = max(scores.values(), default=1.0)
    passages: list[PassageState] = []
    for key in keys:
        stored = context.sentences(-key, 0, 0)
        if stored.spans:
            passages.append(
                PassageState(
                    document=-key,
                    first=0,
                    last=0,
                    start=stored.spans[0].start,
                    end=stored.spans[-1].end,
                    tokens=sum(stored.token_counts),
                    score=top if key in of_facts else scores[key],
                )
            )
    return passages


def remembered(state: AgentState, context: AgentContext) -> tuple[Remembered, ...]:
    """What the reader is shown besides the evidence: turns in the order of time, facts, the turn before."""
    if context.memory is None:
        return ()
    flash = context.memory.flash(context.thread) if context.thread is not None else ()
    if "memory" not in state:
        return flash
    forms = {each["turn"]: each["form"] for each in state["memory"]["turns"]}
    turns = [
        Remembered(said_when(turn), shown_turn(turn, "summary" if forms[turn.key] == "summary" else "raw"))
        for turn in context.memory.stream.turns(list(forms))
    ]
    facts = [Remembered(_said(fact), fact.text) for fact in _facts(state, context)]
    shown = {each.text for each in turns}
    return (*turns, *facts, *(each for each in flash if each.text not in shown))


def words_with_memory(words: QuestionWords, state: AgentState, context: AgentContext) -> QuestionWords:
    """A question's words, those being known that what is recalled holds, names of speakers too."""
    if context.memory is None or "memory" not in state:
        return words
    turns = context.memory.stream.turns([each["turn"] for each in state["memory"]["turns"]])
    said = [f"{said_when(turn)}: {shown_turn(turn)}" for turn in turns]
    said += [fact.text for fact in _facts(state, context)]
    return words.knowing({term for text in said for term in content_words(text)})


def _facts(state: AgentState, context: AgentContext) -> list[Fact]:
    if context.memory is None or "memory" not in state:
        return []
    known = {fact.id: fact for fact in context.memory.facts.named(state["memory"]["facts"])}
    return [known[id] for id in state["memory"]["facts"] if id in known]


def _said(fact: Fact) -> str:
    at = fact.asked_at.astimezone()
    return f"a fact that you asserted, {at.day} {at:%B %Y}"
