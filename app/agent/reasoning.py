"""The step that answers: from the evidence of a few places, or from that of all sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.agent.context import AgentContext
from app.agent.coverage import innermost_section, sections_asked, sections_drawn_on
from app.agent.evenly import evenly
from app.agent.lookups import interleaved, searched
from app.agent.memories import memory_passages, recalled_facts, remembered, words_with_memory
from app.agent.reranking import short_answers
from app.agent.state import AgentState, DraftState
from app.agent.steps import Update, step
from app.remembering import NOTED, may_have_told
from app.routing import whole_topic
from app.turn_texts import overlap
from reader.contract import ReaderAnswer
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.evidence import Evidence, MemoryOrigin
from retrieval.near_names import near_names
from retrieval.question import QuestionWords
from retrieval.verify import Verdict

__all__ = ["reason"]

CONTEXT_PASSAGES: Final = 4
WHOLE_EVIDENCE: Final = 60
"""Sentences that an answer about the whole is made from at most, or one of each section if there are more."""


@step
def reason(state: AgentState, context: AgentContext) -> Update:
    """The answer from the evidence alone."""
    if state["route"] == "whole":
        return _reason_whole(state, context)
    positions = interleaved(state["evidence"])
    evidence = [context.evidence(state["evidence"][n]) for n in positions]
    of_documents = [each for each in state["passages"] if each["document"] > 0]
    best = sorted(of_documents, key=lambda each: -each["score"])[:CONTEXT_PASSAGES]
    passages = [context.rows.text(each["document"], Span(each["start"], each["end"])) for each in best]
    words = _known_words(state["query"], evidence, passages, state, context)
    reply = context.reader.answer(
        state["query"],
        words,
        evidence,
        passages,
        context.on_draft,
        asked=context.asked,
        searched=(
            searched(state["asked"], context, memory_passages(state, context))
            if state["route"] == "walk"
            else ()
        ),
        memories=remembered(state, context),
        short=short_answers([state["evidence"][n] for n in positions], state["asked"], context),
    )
    if reply.abstained and context.reader.takes_sentences and not (words.names or words.read_as):
        reply = _of_a_fact(evidence, state, context) or reply
    draft = _draft(reply, positions)
    if reply.abstained and may_have_told(context.asked) and context.memory and context.thread is not None:
        # Nothing was found, and perhaps nothing was asked: what was told is kept.
        draft["text"] = NOTED
    return {"draft": draft}, _answered(reply)


def _known_words(
    query: str,
    evidence: Sequence[Evidence],
    passages: Sequence[str],
    state: AgentState,
    context: AgentContext,
) -> QuestionWords:
    """The words of a query, those known that were recalled or that stand otherwise in what was found."""
    words = words_with_memory(context.words(query), state, context)
    # A name of another document is not mistyped.
    asked = sorted(words.names)
    counts = context.statistics.frequencies(asked) if asked else []
    names = {term: words.unknown[term] for term, count in zip(asked, counts, strict=True) if not count}
    texts = [*(each.quote for each in evidence), *passages]
    return words.standing_as(near_names(names, texts, context.encoder_knows))


def _of_a_fact(evidence: Sequence[Evidence], state: AgentState, context: AgentContext) -> ReaderAnswer | None:
    """The best fact that was recalled, by the user's own words; None without one.

    Facts have a gate of their own, and are short: the probability of the embedded reader was fitted on books.
    """
    for fact in recalled_facts(state, context)[:1]:
        for n, each in enumerate(evidence):
            if isinstance(each.origin, MemoryOrigin) and overlap(each.quote, fact.quote):
                return ReaderAnswer(f"{flat(each.quote)} [1]", False, (n,))
    return None


def _reason_whole(state: AgentState, context: AgentContext) -> Update:
    """The answer from evidence of all sections, thinned evenly over them if it is too much."""
    evidence = state["evidence"]
    sections = [innermost_section(each["document"], each["start"], context) for each in evidence]
    numbers = {section: n for n, section in enumerate(sorted(set(sections)))}
    order = evenly([numbers[section] for section in sections], [each["score"] for each in evidence])
    usable = [n for n in order if evidence[n]["verdict"] != Verdict.DROPPED]
    kept = usable[: max(WHOLE_EVIDENCE, len(numbers))]
    about = whole_topic(state["query"], context.asked)
    quoted = [context.evidence(evidence[n]) for n in kept]
    reply = context.reader.answer(
        state["query"],
        _known_words(about, quoted, (), state, context),
        quoted,
        (),
        context.on_draft,
        asked=context.asked,
        whole=True,
        # What tells that the whole is asked for is said by no sentence, and would speak against all of them.
        searched=searched([about], context, memory_passages(state, context)),
        memories=remembered(state, context),
    )
    draft = _draft(reply, kept)
    made_from = [evidence[n] for n in draft["made_from"]]
    cited = [evidence[n] for n in draft["cited"]]
    detail = _answered(reply)
    if len(made_from) < len(usable):
        detail += f", from {len(made_from)} of {len(usable)} quotes, thinned evenly over the sections"
    detail += f", draws on {sections_drawn_on(made_from, context)} of {sections_asked(context)} sections"
    detail += f", cites {sections_drawn_on(cited, context)}"
    return {"draft": draft}, detail


def _draft(reply: ReaderAnswer, positions: list[int]) -> DraftState:
    """What the reader answered; `positions` are those of the evidence that it was given."""
    packed = reply.packed
    return {
        "text": reply.text,
        "abstained": reply.abstained,
        "cited": [positions[n] for n in reply.cited],
        "made_from": positions[: len(positions) - reply.left_out],
        "confidence": reply.confidence,
        "notes": list(reply.notes),
        "packed": None
        if packed is None
        else {"window": packed.window, "parts": list(packed.parts), "left_out": list(packed.left_out)},
    }


def _answered(reply: ReaderAnswer) -> str:
    detail = "abstained" if reply.abstained else "answered"
    return detail if reply.confidence is None else f"{detail}, confidence {reply.confidence:.2f}"
