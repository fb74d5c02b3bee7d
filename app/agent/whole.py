"""The step that looks into all parts of the documents, a batch at a time, and takes something from each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from app.agent.context import MOST_PARTS, AgentContext
from app.agent.coverage import innermost_section
from app.agent.lookups import looked_up
from app.agent.sections import (
    look_into,
    parts_of,
    parts_shown,
    stand_for_sections,
    stands_for,
    supported_sentences,
)
from app.agent.state import AgentState, EvidenceState, WholeState
from app.agent.steps import Update, step, tight
from app.routing import whole_topic
from memory.trees import SummarySentence, TreeNode
from retrieval.evidence import Candidate, ScoredCandidate
from retrieval.question import QuestionWords
from retrieval.verify import Verdict

__all__ = ["whole"]

WHOLE_DOCUMENTS: Final = 100
BATCH: Final = 12
"""Parts that are selected from together."""
PER_PART: Final = 2
"""Sentences that are selected, for each part of a batch."""
OF_ROOT: Final = 1.0
OF_PART: Final = 0.5
"""Scores of what summaries rest on: what the root's does goes before what the sections' do."""

Part = tuple[int, TreeNode]
"""A document's key and a node of its tree."""


@step
def whole(state: AgentState, context: AgentContext) -> Update:
    """One batch of the parts of all documents, read for what they say to the question.

    A question that asks for nothing in particular is answered from what the summaries rest on, those of the
    roots and that of each part.
    """
    query = state["query"]
    words = context.words(whole_topic(query, context.asked))
    documents = context.best_documents(query, WHOLE_DOCUMENTS)
    parts = [
        (key, node)
        for key in documents
        for node in parts_of(context.tree(key)[0], MOST_PARTS // len(documents))
    ]
    before = state.get("whole")
    if before is None or before["parts"] != len(parts):
        before = WholeState(parts=len(parts), done=0, tokens=0, ended="")
    evidence = [] if before["done"] == 0 else list(state.get("evidence", []))
    if not parts:
        none: WholeState = {**before, "ended": "nothing"}
        return {"whole": none, "evidence": [], "found": []}, "there is no text to read"
    if evidence and (reason := tight(context)):
        after: WholeState = {**before, "ended": reason}
        text = f"ends: {reason}; {before['done']} of {len(parts)} parts read, the answer is from these"
        return {"whole": after, "evidence": evidence, "found": []}, text
    said = _said(documents, context)
    if coarse := sum(stand_for_sections(context.tree(key)[0], node) for key, node in parts):
        said += f"; {coarse} of the parts stand for several sections, there are too many"
    if not words.weights:
        return _of_summaries(before, parts, documents, query, words, context, said)
    return _batch(before, parts, evidence, query, words, context, said)


def _batch(
    before: WholeState,
    parts: Sequence[Part],
    evidence: list[EvidenceState],
    query: str,
    words: QuestionWords,
    context: AgentContext,
    said: str,
) -> Update:
    """Select from the next parts; those that the window had no room for are left to the next batch."""
    first = before["done"]
    batch = parts[first : first + BATCH]
    looked = look_into(batch, query, words, context)
    count = max(PER_PART * len(batch), 4)
    selection = context.reader.select(query, looked.candidates, looked.rows, count, looked.places)
    shown_parts = parts_shown(looked.sizes, selection.left_out)
    chosen = [looked.candidates[n] for n in selection.chosen]
    chosen += _passed_over(chosen, looked.candidates, batch, context)
    chosen = [each for each in chosen if each.candidate.passage <= shown_parts]
    known = {(each["document"], each["start"]) for each in evidence}
    for each in chosen:
        if (each.candidate.document, each.candidate.span.start) not in known:
            evidence.append(looked_up(each, first + each.candidate.passage - 1, context))
    done = first + shown_parts
    after: WholeState = {
        "parts": len(parts),
        "done": done,
        "tokens": before["tokens"] + sum(looked.tokens[:shown_parts]),
        "ended": "all" if done == len(parts) else "",
    }
    seen = sum(looked.sizes[:shown_parts])
    detail = f"parts {first + 1}-{done} of {len(parts)}: {len(chosen)} of {seen} sentences"
    detail += said if first == 0 else ""
    detail += f", {selection.note}" if selection.note else ""
    return {"whole": after, "evidence": evidence, "found": []}, detail


def _of_summaries(
    before: WholeState,
    parts: Sequence[Part],
    documents: Sequence[int],
    query: str,
    words: QuestionWords,
    context: AgentContext,
    said: str,
) -> Update:
    """What the summaries of the roots rest on, and of each part what its own rests on most."""
    found: dict[tuple[int, int], EvidenceState] = {}

    def take(document: int, sentences: Sequence[SummarySentence], score: float) -> None:
        for sentence in sentences:
            each = _rested_on(document, sentence, score, context)
            found.setdefault((document, each["start"]), each)

    for document in documents:
        take(document, supported_sentences(context.tree(document)[0].root), OF_ROOT)
    of_roots = len(found)
    for document, node in parts:
        most = sorted(supported_sentences(node), key=lambda each: -len(each.sources))[:PER_PART]
        take(document, most, OF_PART)
    usable = [each for each in found.values() if each["verdict"] != Verdict.DROPPED]
    held = {innermost_section(each["document"], each["start"], context) for each in usable}
    looked = look_into(parts, query, words, context)
    for best in _passed_over((), looked.candidates, parts, context, held):
        place = (best.candidate.document, best.candidate.span.start)
        found[place] = {**looked_up(best, 0, context), "score": OF_PART}
    evidence = list(found.values())
    tokens = sum(
        len(each) for each in context.encoder.token_offsets([context.evidence(e).quote for e in evidence])
    )
    after: WholeState = {**before, "done": len(parts), "tokens": tokens, "ended": "all"}
    detail = f"{of_roots} sentences that the summaries of {len(documents)} roots rest on, "
    detail += f"{len(evidence) - of_roots} more that those of {len(parts)} parts rest on{said}"
    return {"whole": after, "evidence": evidence, "found": []}, detail


def _passed_over(
    chosen: Sequence[ScoredCandidate],
    candidates: Sequence[ScoredCandidate],
    parts: Sequence[Part],
    context: AgentContext,
    held: Collection[tuple[int, int]] = (),
) -> list[ScoredCandidate]:
    """One sentence of each section that has candidates and none that was chosen: the answer draws on all."""

    def section(each: ScoredCandidate) -> tuple[int, int]:
        return innermost_section(each.candidate.document, each.candidate.span.start, context)

    known = {*held, *map(section, chosen)}
    left: dict[tuple[int, int], list[ScoredCandidate]] = {}
    for each in candidates:
        place = section(each)
        # Beside the sections of a document stand title pages, licences and the like.
        beside = place[1] < 0 and bool(context.sections(place[0]))
        if place not in known and not beside:
            left.setdefault(place, []).append(each)
    return [stands_for(parts[own[0].candidate.passage - 1][1], own) for own in left.values()]


def _rested_on(
    document: int, sentence: SummarySentence, score: float, context: AgentContext
) -> EvidenceState:
    """The source of a summary's sentence as evidence.

    A sentence that was taken from the text must stand there; one that was written rests on what it was linked
    to, whose own words are shown.
    """
    span = sentence.sources[0]
    taken = context.reader.takes_sentences
    text = sentence.text if taken else context.rows.text(document, span)
    candidate = Candidate(document, 0, span, text, 1)
    return looked_up(ScoredCandidate(candidate, 0.0, 0.0, score), 0, context)


def _said(documents: Sequence[int], context: AgentContext) -> str:
    """What is to be said of the trees and of what they leave out."""
    said = sorted({note for document in documents if (note := context.tree(document)[1])})
    asked = sum(record.chunks > 0 for record in context.documents.values())
    if len(documents) < asked:
        said.append(f"the {len(documents)} of {asked} documents that search finds most in")
    return "".join(f"; {note}" for note in said)
