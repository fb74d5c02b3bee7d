"""What the agent works with while it answers one question; nothing of it is written to the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.agent.state import EvidenceState
from app.events import Step
from memory.documents import DocumentRecord
from memory.search_rows import Place, SearchRowStore, StoredSentences
from memory.threads import ThreadStore
from reader.budget import Budget
from reader.contract import OnDraft, Reader
from retrieval.document import Span
from retrieval.encoder import Encoder
from retrieval.evidence import DocumentOrigin, Evidence
from retrieval.hits import Float32, Int64
from retrieval.question import QuestionWords, WordStatistics, question_words
from retrieval.search import HybridSearch
from retrieval.verify import Verdict

__all__ = ["AgentContext", "AgentLimits", "Spent"]


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """What one question may take; looked at before it is spent.

    Attributes:
        rounds: Most follow-up queries after the first lookup.
        calls: Most model calls.
        tokens: Most tokens of their prompts and replies.
        seconds: Wall clock, from the loaded model on; counted anew where an interrupted question goes on.
    """

    rounds: int = 2
    calls: int = 24
    tokens: int = 200_000
    seconds: float | None = 600.0

    def __post_init__(self) -> None:
        if min(self.rounds, self.calls, self.tokens) < 0:
            raise ValueError(f"limits below 0: {self}")

    @property
    def steps(self) -> int:
        """Most steps of the graph: what the rounds allow, and one to see that they are over."""
        return 6 + 3 * (self.rounds + 1)


@dataclass(slots=True)
class Spent:
    """Tokens of the model calls of one step."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    cached: int = 0

    def add(self, prompt_tokens: int, completion_tokens: int, cached: bool) -> None:
        """Count one call; a cached one costs nothing."""
        self.calls += 1
        self.cached += cached
        if not cached:
            self.prompt_tokens += prompt_tokens
            self.completion_tokens += completion_tokens


@dataclass(frozen=True, slots=True)
class AgentContext:
    """One question's surroundings.

    Attributes:
        search: Finds passages.
        statistics: How often words occur.
        rows: Sentences and texts.
        encoder: Encodes queries.
        reader: Reads; bound to `budget`.
        threads: Conversations.
        documents: Those that are asked, by key.
        within: Their keys, None if they are all there are.
        thread: Name of the conversation, None outside of one.
        run: What this question is known by, so that it is remembered once.
        limits: What it may take.
        budget: What it has taken of that.
        spent: Tokens of the step that runs.
        on_step: Told of each step when it is done.
        on_draft: Gets the answer as it is written.
    """

    search: HybridSearch
    statistics: WordStatistics
    rows: SearchRowStore
    encoder: Encoder
    reader: Reader
    threads: ThreadStore
    documents: Mapping[int, DocumentRecord]
    within: Int64 | None
    thread: str | None
    run: str
    limits: AgentLimits
    budget: Budget
    spent: Spent
    on_step: Callable[[Step], None]
    on_draft: OnDraft | None = None
    _rows: dict[str, Float32] = field(default_factory=dict)
    _words: dict[str, QuestionWords] = field(default_factory=dict)
    _sentences: dict[tuple[int, int, int], StoredSentences] = field(default_factory=dict)
    _places: dict[tuple[int, int], Place] = field(default_factory=dict)
    _quotes: dict[tuple[int, int, int], Evidence] = field(default_factory=dict)

    def row(self, query: str) -> Float32:
        """The embedding of a query, shape (dim,)."""
        if query not in self._rows:
            self._rows[query] = self.encoder.encode([query])[0]
        return self._rows[query]

    def words(self, query: str) -> QuestionWords:
        """The content words of a query."""
        if query not in self._words:
            self._words[query] = question_words(query, self.statistics, self.within)
        return self._words[query]

    def sentences(self, document: int, first: int, last: int) -> StoredSentences:
        """The sentences `first` to `last` (exclusive) of a document."""
        key = (document, first, last)
        if key not in self._sentences:
            self._sentences[key] = self.rows.sentences(*key)
        return self._sentences[key]

    def place(self, document: int, offset: int) -> Place:
        """The sections and the page that an offset lies in."""
        if (document, offset) not in self._places:
            self._places[document, offset] = self.rows.place(document, offset)
        return self._places[document, offset]

    def evidence(self, state: EvidenceState) -> Evidence:
        """The evidence that a state stands for, its quote read from the stored text."""
        key = (state["document"], state["start"], state["end"])
        if key not in self._quotes:
            record, span = self.documents[state["document"]], Span(state["start"], state["end"])
            place = self.place(state["document"], span.start)
            origin = DocumentOrigin(record.id, record.title, " / ".join(place.sections), place.page, span)
            self._quotes[key] = Evidence(
                origin=origin,
                quote=self.rows.text(state["document"], span),
                score=state["score"],
                relevance=state["relevance"],
                coverage=state["coverage"],
                verdict=Verdict(state["verdict"]),
            )
        return self._quotes[key]
