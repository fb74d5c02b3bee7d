"""What memory gives to a question: passages whose sentences can be cited, and words to understand it by."""

from __future__ import annotations

from typing import Final

from app.agent.context import AgentContext
from app.agent.state import AgentState, MemoryState, PassageState
from app.recollection import Recalled
from app.shown_memories import shown_memories
from app.turn_texts import said, said_when
from memory.facts import Fact
from reader.contract import Remembered
from retrieval.evidence import MemoryOrigin, Origin
from retrieval.question import QuestionWords
from retrieval.words import content_words

__all__ = [
    "citation_place",
    "memory_passages",
    "memory_state",
    "recalled_facts",
    "remembered",
    "words_with_memory",
]

PASSAGES: Final = 8
"""Turns whose sentences may be cited: the best of those that are given and state something, ..."""
LOOKED_AT: Final = 16
"""... among so many."""


def citation_place(origin: Origin) -> dict[str, object]:
    """Where a citation stands, as its turn keeps it."""
    span: dict[str, object] = {"start": origin.span.start, "end": origin.span.end}
    if isinstance(origin, MemoryOrigin):
        said = {"thread": origin.thread, "turn": origin.turn, "run": origin.run, "side": origin.side}
        return said | span
    return {"document": origin.document, **span}


def memory_state(recalled: Recalled) -> MemoryState:
    """What was recalled, as ids."""
    return MemoryState(
        turns=[
            {"turn": each.key, "form": each.form, "score": each.score, "why": list(each.why or ())}
            for each in recalled.turns
        ],
        facts=[each.id for each in recalled.facts],
        tokens=recalled.tokens,
        dropped=recalled.dropped,
    )


def memory_passages(state: AgentState, context: AgentContext) -> list[PassageState]:
    """The turns that may be cited, best first: those that facts are from, then the others by their scores."""
    if context.memory is None:
        return []
    found = state["memory"]["turns"] if "memory" in state else []
    scores = {each["turn"]: each["score"] for each in found}
    best = sorted(scores, key=lambda key: (-scores[key], key))
    first = [*(fact.turn_key for fact in recalled_facts(state, context)), *sorted(context.flash)]
    keys = list(dict.fromkeys([*first, *best]))[:LOOKED_AT]
    context.say(keys)
    keys = [key for key in keys if context.sentences(-key, 0, 0).spans][:PASSAGES]
    top = max(scores.values(), default=1.0)
    passages: list[PassageState] = []
    for key in keys:
        stored = context.sentences(-key, 0, 0)
        passages.append(
            PassageState(
                document=-key,
                first=0,
                last=0,
                start=stored.spans[0].start,
                end=stored.spans[-1].end,
                tokens=sum(stored.token_counts),
                score=top if key in first else scores[key],
            )
        )
    return passages


def remembered(state: AgentState, context: AgentContext) -> tuple[Remembered, ...]:
    """What the reader is shown besides the evidence: turns in the order of time, facts, the turn before."""
    if context.memory is None:
        return ()
    if "memory" not in state:
        return shown_memories(context.memory, {}, (), context.thread)
    forms = {each["turn"]: each["form"] for each in state["memory"]["turns"]}
    return shown_memories(context.memory, forms, recalled_facts(state, context), context.thread)


def words_with_memory(words: QuestionWords, state: AgentState, context: AgentContext) -> QuestionWords:
    """A question's words, those being known that can be cited from what is recalled, with who said it when.

    What the user has only asked, and what Clew has answered, tells of nothing.
    """
    if context.memory is None or "memory" not in state:
        return words
    turns = context.memory.stream.turns([each["turn"] for each in state["memory"]["turns"]])
    told = [(turn, said(turn)) for turn in turns]
    texts = [f"{said_when(turn)}: {text}" for turn, text in told if text]
    texts += [fact.text for fact in recalled_facts(state, context)]
    return words.knowing({term for text in texts for term in content_words(text)})


def recalled_facts(state: AgentState, context: AgentContext) -> list[Fact]:
    """The facts that the question needs, best first."""
    if context.memory is None or "memory" not in state:
        return []
    known = {fact.id: fact for fact in context.memory.facts.named(state["memory"]["facts"])}
    return [known[id] for id in state["memory"]["facts"] if id in known]
