"""Evidence: the sentences of the passages that speak to the question, each checked in its source.

Chosen by meaning (cosine to the question), words (share of the question's content words, rare ones
counting more, half of it from the neighbouring sentences) and position (rank of the passage); redundant
ones are left out by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998);
what remains is put in the order of the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np

from retrieval.document import Span
from retrieval.hits import Float32
from retrieval.question import QuestionWords
from retrieval.verify import Verdict
from retrieval.words import content_words, naming_words

__all__ = [
    "Candidate",
    "DocumentOrigin",
    "Evidence",
    "EvidenceWeights",
    "MemoryOrigin",
    "Origin",
    "ScoredCandidate",
    "score_candidates",
    "select_evidence",
]


@dataclass(frozen=True, slots=True)
class DocumentOrigin:
    """Where in which document a quote stands.

    Attributes:
        document: The id that people see.
        title: Of the document.
        section: Titles of the sections around it, outermost first, joined by " / "; "" outside of all.
        page: Number from 1, None where the format has no pages.
        span: In the document's text.
    """

    document: str
    title: str
    section: str
    page: int | None
    span: Span

    @property
    def source(self) -> tuple[int, str, int, str]:
        """The text that the span counts in; documents come before what was said."""
        return 0, self.document, 0, ""

    @property
    def place(self) -> tuple[str, ...]:
        """Title, section and page, as far as there are any."""
        page = f"page {self.page}" if self.page is not None else ""
        return tuple(part for part in (self.title, self.section, page) if part)


@dataclass(frozen=True, slots=True)
class MemoryOrigin:
    """Who has said a quote, and when.

    Attributes:
        thread: The conversation.
        turn: Its number there, from 1.
        side: Whether it stands in what came in ("question") or in what was answered.
        speaker: Who said it, "" for the user.
        at: When, with its time zone.
        span: In the text of that side.
        run: Names the asking, which the number does not: a turn that was taken back leaves it to another.
    """

    thread: str
    turn: int
    side: Literal["question", "answer"]
    speaker: str
    at: datetime
    span: Span
    run: str = ""

    @property
    def title(self) -> str:
        """Who and when, as a citation shows it: "you, 12 May 2026"."""
        who = "Clew" if self.side == "answer" else self.speaker or "you"
        return f"{who}, {self.at.day} {self.at:%B %Y}"

    @property
    def source(self) -> tuple[int, str, int, str]:
        """The text that the span counts in."""
        return 1, self.thread, self.turn, self.side

    @property
    def place(self) -> tuple[str, ...]:
        """Who and when, and in which conversation."""
        return self.title, f"thread {self.thread}"


Origin = DocumentOrigin | MemoryOrigin


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote, where it is from, how well it speaks to the question, and whether it was found there.

    Attributes:
        origin: Its source.
        quote: The source's own characters.
        score: From `score_candidates`, higher is better.
        relevance: Cosine of the sentence and the question, -1 to 1.
        coverage: Share of the question's words in the sentence and its neighbours, 0 to 1.
        verdict: What looking it up has shown.
    """

    origin: Origin
    quote: str
    score: float
    relevance: float
    coverage: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage.

    Attributes:
        document: Key of its document.
        number: Of the sentence in the document.
        span: In the document's text.
        text: The characters of the span.
        passage: Rank of its passage, from 1.
    """

    document: int
    number: int
    span: Span
    text: str
    passage: int


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A candidate with what speaks for it; `score` is the weighted sum."""

    candidate: Candidate
    relevance: float
    coverage: float
    score: float


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """How much meaning, words and position count; chosen by tests/benchmarks/evidence_choice.py."""

    relevance: float = 1.0
    coverage: float = 1.5
    position: float = 0.25


NEIGHBOUR_SHARE: Final = 0.5
REDUNDANT: Final = 0.92
"""Cosine from which two sentences say the same."""


def score_candidates(
    candidates: Sequence[Candidate],
    rows: Float32,
    question: Float32,
    words: QuestionWords,
    weights: EvidenceWeights | None = None,
) -> list[ScoredCandidate]:
    """Score sentences for a question.

    Args:
        candidates: Sentences, those of one passage together and in order.
        rows: Their embeddings, unit rows, shape (n, dim).
        question: The question's, shape (dim,).
        words: The question's words.
        weights: How much each side counts.

    Returns:
        In the order of `candidates`.
    """
    weights = weights or EvidenceWeights()
    relevance = rows @ question
    total = sum(words.weights.values())
    held = [set(content_words(candidate.text)) & words.weights.keys() for candidate in candidates]
    scored: list[ScoredCandidate] = []
    for n, candidate in enumerate(candidates):
        beside: set[str] = set()
        for other in (n - 1, n + 1):
            if 0 <= other < len(candidates) and _adjacent(candidate, candidates[other]):
                beside |= held[other]
        own = sum(words.weights[word] for word in held[n])
        near = sum(words.weights[word] for word in beside - held[n])
        coverage = (own + NEIGHBOUR_SHARE * near) / total if total else 0.0
        score = (
            weights.relevance * float(relevance[n])
            + weights.coverage * coverage
            + weights.position / candidate.passage
        )
        scored.append(ScoredCandidate(candidate, float(relevance[n]), coverage, score))
    return scored


def _names_no_other(one: ScoredCandidate, other: ScoredCandidate) -> bool:
    """Whether all names and numbers of a sentence stand in the other: embeddings hardly tell them apart."""
    return naming_words(one.candidate.text) <= naming_words(other.candidate.text)


def _adjacent(one: Candidate, other: Candidate) -> bool:
    return one.document == other.document and abs(one.number - other.number) == 1


def select_evidence(scored: Sequence[ScoredCandidate], rows: Float32, count: int) -> list[ScoredCandidate]:
    """Take the best `count` candidates that do not repeat one another, in the order of the documents.

    Args:
        scored: From `score_candidates`.
        rows: Their embeddings, unit rows, shape (n, dim).
        count: Most sentences to take.
    """
    taken: list[int] = []
    places: set[tuple[int, int]] = set()
    for n in sorted(range(len(scored)), key=lambda n: -scored[n].score):
        if len(taken) == count:
            break
        place = (scored[n].candidate.document, scored[n].candidate.number)
        alike = [m for m in taken if float(rows[m] @ rows[n]) >= REDUNDANT]
        repeats = any(_names_no_other(scored[n], scored[m]) for m in alike)
        if place in places or repeats or not any(c.isalnum() for c in scored[n].candidate.text):
            continue
        taken.append(n)
        places.add(place)
    best_of: dict[int, float] = {}
    for n in taken:
        document = scored[n].candidate.document
        best_of[document] = max(best_of.get(document, -np.inf), scored[n].score)
    taken.sort(
        key=lambda n: (
            -best_of[scored[n].candidate.document],
            scored[n].candidate.document,
            scored[n].candidate.number,
        )
    )
    return [scored[n] for n in taken]
