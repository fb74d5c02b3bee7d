"""The step that walks down the summary trees, one decision of the reader at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from app.agent.context import AgentContext
from app.agent.forest import EVERYTHING, Forest
from app.agent.state import AgentState
from app.agent.steps import Update, step, tight
from app.agent.walk import WalkState, begun_at, next_step
from app.agent.walk_trace import concluded, told, traced
from app.agent.working_memory import working_memory
from reader.contract import LeafReading, Triage, TriageOption
from reader.errors import BudgetError
from retrieval.evidence import Candidate, score_candidates

__all__ = ["walk"]

WALKED_DOCUMENTS: Final = 8
"""Documents whose roots a walk chooses among, those with the best hits: as many as a node has children."""

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
    if reason := tight(context):
        return _ended(before, reason)
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


def _ended(walk: WalkState, reason: str) -> Update:
    after: WalkState = {**walk, "ended": reason}
    return {"walk": after}, concluded(after)


def _noted(decided: Noted, short: bool) -> Noted:
    """The decision, saying so if working memory was cut short."""
    if not short:
        return decided
    note = "the oldest of working memory dropped"
    return replace(decided, note=f"{decided.note}, {note}" if decided.note else note)
