"""What the agent works with while it answers one question; nothing of it is written to the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np

from app.agent.forest import Forest
from app.agent.reranking import ReadChunk, read_together, read_turns_together
from app.agent.state import EvidenceState, PassageState
from app.agent.walk import WalkLimits
from app.events import Step
from app.reading import Reading
from app.recollection import Recollector
from memory.documents import DocumentRecord
from memory.incognito import Threads
from memory.search_rows import Place, SearchRowStore, StoredSentences
from memory.trees import SummaryTree
from reader.budget import Budget
from reader.contract import OnDraft, Reader, Route
from reader.remembering import asks_about_answers
from retrieval.document import Span
from retrieval.encoder import Encoder
from retrieval.evidence import DocumentOrigin, Evidence, MemoryOrigin, Origin
from retrieval.hits import Float32, Hits, Int64
from retrieval.passages import Passage
from retrieval.question import QuestionWords, WordStatistics, question_words
from retrieval.reranking import SpanReader
from retrieval.search import ChunkPlace, HybridSearch
from retrieval.verify import Verdict

__all__ = ["AgentContext", "AgentLimits", "FindTree", "Spent"]

MOST_PARTS: Final = 240
"""Parts of documents that a question about the whole is read in."""

FindTree = Callable[[DocumentRecord], tuple[SummaryTree, str]]
"""Gives the tree of a document, built if it must be, and what is to be said of it, "" if nothing."""


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """What one question may take; looked at before it is spent.

    Attributes:
        rounds: Most follow-up queries after the first lookup.
        calls: Most model calls.
        tokens: Most tokens of their prompts and replies.
        seconds: Wall clock, from the loaded model on; counted anew where an interrupted question goes on.
        walk: Most steps of a walk, and leaves that it pools.
    """

    rounds: int = 2
    calls: int = 24
    tokens: int = 200_000
    seconds: float | None = 600.0
    walk: WalkLimits = field(default_factory=WalkLimits)

    def __post_init__(self) -> None:
        if min(self.rounds, self.calls, self.tokens) < 0:
            raise ValueError(f"limits below 0: {self}")

    @property
    def steps(self) -> int:
        """Most steps of the graph: what the rounds and a walk or a look into all parts allow, and one to see
        that they are over."""
        return 6 + 3 * (self.rounds + 1) + max(self.walk.steps, MOST_PARTS) + 1


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
        span_reader: Reads what was found together with the question; None where nothing is reranked.
        statistics: How often words occur.
        rows: Sentences and texts.
        encoder: Encodes queries.
        reader: Reads; bound to `budget`.
        threads: Conversations.
        memory: Earlier conversations of the user, None where nothing is to be remembered.
        find_tree: Gives the summary tree of a document.
        asked: The question in the user's own words, without those that say how to look.
        reading: What the user has read, where nothing else is to be told; what is looked at ends there.
        route: As it was wished for.
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
    span_reader: SpanReader | None
    statistics: WordStatistics
    rows: SearchRowStore
    encoder: Encoder
    reader: Reader
    threads: Threads
    memory: Recollector | None
    find_tree: FindTree
    asked: str
    reading: Reading | None
    route: Route | Literal["auto"]
    documents: Mapping[int, DocumentRecord]
    within: Int64 | None
    thread: str | None
    run: str
    limits: AgentLimits
    budget: Budget
    spent: Spent
    on_step: Callable[[Step], None]
    on_draft: OnDraft | None = None
    scope: Mapping[str, object] = field(default_factory=dict)
    _rows: dict[str, Float32] = field(default_factory=dict)
    _words: dict[str, QuestionWords] = field(default_factory=dict)
    _sentences: dict[tuple[int, int, int], StoredSentences] = field(default_factory=dict)
    _places: dict[tuple[int, int], Place] = field(default_factory=dict)
    _sections: dict[int, list[Span]] = field(default_factory=dict)
    _quotes: dict[tuple[int, int, int], Evidence] = field(default_factory=dict)
    _hits: dict[str, Hits] = field(default_factory=dict)
    _read: dict[str, list[ReadChunk]] = field(default_factory=dict)
    _said: dict[int, int] = field(default_factory=dict)
    _found: dict[str, list[tuple[ChunkPlace, float]]] = field(default_factory=dict)
    _trees: dict[int, tuple[SummaryTree, str]] = field(default_factory=dict)
    _forests: dict[tuple[str, tuple[int, ...]], Forest] = field(default_factory=dict)

    def row(self, query: str) -> Float32:
        """The embedding of a query, shape (dim,)."""
        if query not in self._rows:
            self._rows[query] = self.encoder.encode([query])[0]
        return self._rows[query]

    def encoder_knows(self, word: str) -> bool:
        """Whether a word is a token of the encoder by itself, as names are that are often written of."""
        return len(self.encoder.token_offsets([word])[0]) == 1

    @property
    def encoded(self) -> Mapping[str, Float32]:
        """The embeddings of queries so far, shape (dim,) each."""
        return self._rows

    def words(self, query: str) -> QuestionWords:
        """The content words of a query."""
        if query not in self._words:
            self._words[query] = question_words(query, self.statistics, self.within)
        return self._words[query]

    def hits(self, query: str) -> Hits:
        """The chunks that search finds for a query."""
        if query not in self._hits:
            self._hits[query] = self.search.hits(query, self.row(query), self.within)
        return self._hits[query]

    def read_chunks(self, query: str) -> list[ReadChunk]:
        """The chunks for a query that were read together with it, best first; none without a reader."""
        if query not in self._read:
            self._read[query] = [] if self.span_reader is None else read_together(query, self)
        return self._read[query]

    def read_said(self, query: str, turns: Sequence[int]) -> list[ReadChunk]:
        """What these turns can be cited for, read together with a query; nothing without a reader."""
        return read_turns_together(query, {turn: self._said.get(turn, 1) for turn in turns}, self)

    def places(self, query: str) -> list[tuple[ChunkPlace, float]]:
        """Where these chunks stand, with their scores, best first; those that are gone are left out."""
        if query not in self._found:
            hits = self.hits(query)
            places = self.rows.places(hits.ids)
            self._found[query] = [
                (place, float(score))
                for key, score in zip(hits.ids, hits.scores, strict=True)
                if (place := places.get(int(key))) is not None and place.document in self.documents
            ]
        return self._found[query]

    def passage(self, passage: Passage, more: float = 0.0) -> PassageState | None:
        """A passage as the state has it, its score so much greater; None if its document is gone."""
        if passage.document not in self.documents:
            return None
        stored = self.sentences(passage.document, passage.first, passage.end)
        if not stored.spans:
            return None
        return PassageState(
            document=passage.document,
            first=passage.first,
            last=passage.end,
            start=stored.spans[0].start,
            end=stored.spans[-1].end,
            tokens=sum(stored.token_counts),
            score=float(passage.score) + more,
        )

    def tree(self, document: int) -> tuple[SummaryTree, str]:
        """The tree of a document, and what is to be said of it."""
        if document not in self._trees:
            self._trees[document] = self.find_tree(self.documents[document])
        return self._trees[document]

    def forest(self, query: str, documents: Sequence[int]) -> Forest:
        """The trees of some documents with the scores of a query."""
        key = (query, tuple(sorted(set(documents))))
        if key not in self._forests:
            trees = {document: self.tree(document)[0] for document in key[1]}
            titles = {document: self.documents[document].title for document in trees}
            self._forests[key] = Forest.grown(trees, titles, self.places(query))
        return self._forests[key]

    def best_documents(self, query: str, most: int) -> list[int]:
        """The keys of the documents with the best hits, those without text left out; in their order."""
        score: dict[int, float] = {key: 0.0 for key, record in self.documents.items() if record.chunks}
        for place, found in self.places(query):
            score[place.document] = max(score.get(place.document, 0.0), found)
        return sorted(sorted(score, key=lambda key: (-score[key], key))[:most])

    def sentences(self, document: int, first: int, last: int) -> StoredSentences:
        """The sentences `first` to `last` (exclusive) of a document; of a turn, what it can be cited for."""
        key = (document, first, last)
        if key not in self._sentences:
            if document < 0:
                self.say([-document])
            else:
                self._sentences[key] = self.rows.sentences(*key)
        return self._sentences[key]

    def say(self, turns: Sequence[int]) -> None:
        """Read what some turns can be cited for, and encode it, all at once; the most promising first."""
        for turn in turns:
            self._said.setdefault(turn, len(self._said) + 1)
        unread = [turn for turn in turns if (-turn, 0, 0) not in self._sentences]
        if not unread:
            return
        found: dict[int, StoredSentences] = {}
        if self.memory is not None:
            found = self.memory.sentences(unread, self.asked, not self.documents, self.flash)
        nothing = StoredSentences((), (), (), (), np.empty((0, self.rows.dim), np.float32))
        for turn in unread:
            self._sentences[-turn, 0, 0] = found.get(turn, nothing)

    @property
    def flash(self) -> frozenset[int]:
        """The key of the turn before, where the question is about what was said in it; else none."""
        if self.memory is None or self.thread is None or not asks_about_answers(self.asked):
            return frozenset()
        return frozenset(turn.key for turn in self.threads.turns(self.thread, last=1) if turn.key)

    def text(self, document: int, span: Span) -> str:
        """The characters of a span of a document, or of a turn, as they are stored now."""
        if document < 0 and self.memory is not None:
            return self.memory.text(-document, span)
        return self.rows.text(document, span)

    def titles(self, document: int, offset: int) -> tuple[str, ...]:
        """Title and sections of a place in a document; of a turn, who said it and when."""
        if document < 0:
            return self._origin(document, Span(offset, offset)).place
        return self.documents[document].title, *self.place(document, offset).sections

    def place(self, document: int, offset: int) -> Place:
        """The sections and the page that an offset lies in."""
        if (document, offset) not in self._places:
            self._places[document, offset] = self.rows.place(document, offset)
        return self._places[document, offset]

    def sections(self, document: int) -> list[Span]:
        """Where the sections of a document stand, each before those within it."""
        if document not in self._sections:
            self._sections[document] = self.rows.sections(document)
        return self._sections[document]

    def evidence(self, state: EvidenceState) -> Evidence:
        """The evidence that a state stands for, its quote read from the stored text."""
        key = (state["document"], state["start"], state["end"])
        if key not in self._quotes:
            span = Span(state["start"], state["end"])
            self._quotes[key] = Evidence(
                origin=self._origin(state["document"], span),
                quote=self.text(state["document"], span),
                score=state["score"],
                relevance=state["relevance"],
                coverage=state["coverage"],
                verdict=Verdict(state["verdict"]),
            )
        return self._quotes[key]

    def _origin(self, document: int, span: Span) -> Origin:
        if document < 0:
            found = self.memory.origin(-document, span) if self.memory is not None else None
            # A turn can be forgotten by another process between these lines; its quote is empty then.
            return found or MemoryOrigin("", 0, "question", "", datetime.now(UTC), span)
        record, place = self.documents[document], self.place(document, span.start)
        return DocumentOrigin(record.id, record.title, " / ".join(place.sections), place.page, span)
