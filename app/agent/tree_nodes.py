"""The steps that use summary trees: one decision of a walk, one batch of the parts of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from app.agent.context import MOST_PARTS, AgentContext
from app.agent.forest import EVERYTHING, Forest
from app.agent.lookups import looked_up
from app.agent.sections import look_into, parts_of, parts_shown, stand_for_sections, summary_sources
from app.agent.state import AgentState, EvidenceState, WholeState
from app.agent.steps import Update, step
from app.agent.walk import WalkState, begun_at, next_step
from app.agent.walk_trace import concluded, told, traced
from app.agent.working_memory import working_memory
from app.routing import topic
from memory.trees import TreeNode
from reader.contract import LeafReading, Triage, TriageOption
from reader.errors import BudgetError
from retrieval.evidence import Candidate, ScoredCandidate, score_candidates
from retrieval.question import QuestionWords

__all__ = ["walk", "whole"]

WALKED_DOCUMENTS: Final = 8
"""Documents whose roots a walk chooses among, those with the best hits: as many as a node has children."""
WHOLE_DOCUMENTS: Final = 100
BATCH: Final = 12
"""Parts that are selected from together."""
PER_PART: Final = 2
"""Sentences that are selected, for each part of a batch."""
KEPT_CALLS: Final = 3
"""Model calls that are left to the answer when the budget runs out before."""
KEPT_SHARE: Final = 0.25
"""Share of the tokens and of the time that is left to it."""

Noted = TypeVar("Noted", Triage, LeafReading)


@step
def walk(state: AgentState, context: AgentContext) -> Update:
    """One decision of the walk down the summary trees."""
    query = state["query"]
    documents = context.best_documents(query, WALKED_DOCUMENTS)
    if not documents:
        over: WalkState = {**begun_at(EVERYTHING), "path": [], "ended": "there is no text to walk in"}
        return {"walk": over}, concluded(over)
    forest = context.forest(query, documents)
    before = state.get("walk") or begun_at(forest.root)
    if tight := _tight(context):
        return _ended(before, tight)
    try:
        after, done = next_step(before, forest, _Decided(query, forest, context), context.limits.walk)
    except BudgetError as error:
        return _ended(before, str(error))
    detail = told(done, before, forest)
    if "walk" not in state:
        said = {note for document in documents if (note := context.tree(document)[1])}
        detail += "".join(f"; {note}" for note in sorted(said))
    if after["ended"]:
        detail += f"; {concluded(after)}"
    return {"walk": after, "trace": [traced(done, before, forest, context)]}, detail


@dataclass(frozen=True, slots=True)
class _Decided:
    """The reader's decisions on a forest."""

    query: str
    forest: Forest
    context: AgentContext

    def triage(self, walk: WalkState, options: Sequence[TriageOption]) -> Triage:
        notes, short = self._notes(walk)
        return _noted(self.context.reader.triage(self.query, options, notes), short)

    def leaf(self, walk: WalkState) -> LeafReading:
        notes, short = self._notes(walk)
        document, leaf = self.forest.node(walk["path"][-1])
        stored = self.context.sentences(document, leaf.first_sentence, leaf.end_sentence)
        words = self.context.words(self.query)
        candidates = [
            Candidate(document, number, span, text, 1)
            for number, span, text in zip(stored.numbers, stored.spans, stored.texts, strict=True)
        ]
        scored = score_candidates(candidates, stored.rows, self.context.row(self.query), words)
        reading = self.context.reader.read_leaf(self.query, words, scored, stored.rows, notes)
        return _noted(reading, short)

    def _notes(self, walk: WalkState) -> tuple[str, bool]:
        """What was read on the path, the root first, and why leaves were committed to."""
        inner = [name for name in walk["path"] if self.forest.children(name)]
        pieces = [f"{self.forest.title(name)}: {self.forest.summary(name)}" for name in inner]
        noted = zip(walk["leaves"], walk["notes"], strict=True)
        pieces += [f"Read: {self.forest.title(leaf)}. {reason}" for leaf, reason in noted if reason]
        return working_memory(pieces, self._tokens)

    def _tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(each) for each in self.context.encoder.token_offsets(texts)]


@step
def whole(state: AgentState, context: AgentContext) -> Update:
    """One batch of the parts of all documents, read for what they say to the question.

    A question that asks for nothing in particular is answered from what the summaries of the roots rest on.
    """
    query = state["query"]
    words = context.words(topic(query))
    documents = context.best_documents(query, WHOLE_DOCUMENTS)
    parts = [
        (key, node)
        for key in documents
        for node in parts_of(context.tree(key)[0], MOST_PARTS // len(documents))
    ]
    before = state.get("whole")
    if before is None or before["parts"] != len(parts):
        before = WholeState(parts=len(parts), done=0, read=[], tokens=0, ended="")
    evidence = [] if before["done"] == 0 else list(state.get("evidence", []))
    if not parts:
        return {
            "whole": {**before, "ended": "nothing"},
            "evidence": [],
            "found": [],
        }, "there is no text to read"
    if before["done"] == 0 and not words.weights:
        evidence = _of_summaries(documents, context)
        if evidence:
            read = [(key, *_ends(context.tree(key)[0].root)) for key in documents]
            after: WholeState = {**before, "done": len(parts), "read": read, "ended": "all"}
            detail = f"{len(evidence)} sentences that the summaries of {len(documents)} roots rest on, "
            detail += f"made of all {len(parts)} parts{_said(documents, context)}"
            return {"whole": after, "evidence": evidence, "found": []}, detail
    if evidence and (tight := _tight(context)):
        after = {**before, "ended": tight}
        text = f"ends: {tight}; {before['done']} of {len(parts)} parts read, the answer is from these"
        return {"whole": after, "evidence": evidence, "found": []}, text
    said = _said(documents, context)
    if coarse := sum(stand_for_sections(context.tree(key)[0], node) for key, node in parts):
        said += f"; {coarse} of the parts stand for several sections, there are too many"
    return _batch(before, parts, evidence, query, words, context, said)


def _batch(
    before: WholeState,
    parts: Sequence[tuple[int, TreeNode]],
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
    known = {(each["document"], each["start"]) for each in evidence}
    chosen = [
        each for n in selection.chosen if (each := looked.candidates[n]).candidate.passage <= shown_parts
    ]
    for each in chosen:
        if (each.candidate.document, each.candidate.span.start) not in known:
            evidence.append(looked_up(each, first + each.candidate.passage - 1, context))
    done = first + shown_parts
    after: WholeState = {
        "parts": len(parts),
        "done": done,
        "read": [*before["read"], *((key, *_ends(node)) for key, node in batch[:shown_parts])],
        "tokens": before["tokens"] + sum(looked.tokens[:shown_parts]),
        "ended": "all" if done == len(parts) else "",
    }
    seen = sum(looked.sizes[:shown_parts])
    detail = f"parts {first + 1}-{done} of {len(parts)}: {len(chosen)} of {seen} sentences"
    detail += said if first == 0 else ""
    detail += f", {selection.note}" if selection.note else ""
    return {"whole": after, "evidence": evidence, "found": []}, detail


def _of_summaries(documents: Sequence[int], context: AgentContext) -> list[EvidenceState]:
    """The sentences that the summaries of the roots rest on; each counts as of a part of its own."""
    found: list[EvidenceState] = []
    for document in documents:
        for span in summary_sources(context.tree(document)[0]):
            candidate = Candidate(document, 0, span, context.rows.text(document, span), 1)
            found.append(looked_up(ScoredCandidate(candidate, 0.0, 0.0, 0.0), len(found), context))
    return found


def _said(documents: Sequence[int], context: AgentContext) -> str:
    """What is to be said of the trees and of what they leave out."""
    said = sorted({note for document in documents if (note := context.tree(document)[1])})
    asked = sum(record.chunks > 0 for record in context.documents.values())
    if len(documents) < asked:
        said.append(f"the {len(documents)} of {asked} documents that search finds most in")
    return "".join(f"; {note}" for note in said)


def _tight(context: AgentContext) -> str:
    """Why what is left of the budget belongs to the answer, "" if there is more."""
    budget, limits = context.budget, context.limits
    if budget.calls and budget.calls + KEPT_CALLS > limits.calls:
        return f"of {limits.calls} model calls the last {KEPT_CALLS} are the answer's"
    if budget.tokens > (1 - KEPT_SHARE) * limits.tokens:
        return f"of {limits.tokens:,} tokens the last {KEPT_SHARE:.0%} are the answer's"
    left = budget.cancellation.remaining
    if left is not None and limits.seconds is not None and left < KEPT_SHARE * limits.seconds:
        return f"of {limits.seconds:g} seconds the last {KEPT_SHARE:.0%} are the answer's"
    return ""


def _ended(walk: WalkState, reason: str) -> Update:
    after: WalkState = {**walk, "ended": reason}
    return {"walk": after}, concluded(after)


def _noted(decided: Noted, short: bool) -> Noted:
    """The decision, saying so if working memory was cut short."""
    if not short:
        return decided
    note = "the oldest of working memory dropped"
    return replace(decided, note=f"{decided.note}, {note}" if decided.note else note)


def _ends(node: TreeNode) -> tuple[int, int]:
    return node.span.start, node.span.end
