"""Asking: route -> retrieve -> select -> verify -> answer, every step timed and named."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from memory.documents import DocumentRecord
from memory.search_rows import SearchRowStore
from reader.contract import Reader
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.encoder import Encoder
from retrieval.evidence import (
    Candidate,
    DocumentOrigin,
    Evidence,
    ScoredCandidate,
    score_candidates,
    select_evidence,
)
from retrieval.hits import Float32
from retrieval.passages import Passage
from retrieval.question import WordStatistics, question_words
from retrieval.search import HybridSearch
from retrieval.verify import Verdict, verify_quote

__all__ = ["Answer", "Asker", "FoundPassage", "Step"]

PASSAGES: Final = 10
EVIDENCE: Final = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, what came of it in a few words, and its seconds."""

    name: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage as others may count on it: the document's id and the span in its text."""

    document: str
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """All of an answer.

    Attributes:
        text: With [n] behind each quote, n counting `citations` from 1.
        citations: The evidence that the answer rests on, none of it dropped.
        evidence: All that was selected, dropped ones too.
        passages: Best first.
        tokens_read: Tokens of the passages.
        sections_read: Sections that passages were taken from.
        sections_total: Sections of all documents that were searched; one without sections counts as one.
    """

    text: str
    abstained: bool
    confidence: float
    route: str
    model: str
    citations: tuple[Evidence, ...]
    evidence: tuple[Evidence, ...]
    passages: tuple[FoundPassage, ...]
    steps: tuple[Step, ...]
    tokens_read: int
    sections_read: int
    sections_total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Asker:
    """Answers questions over some documents of a library."""

    search: HybridSearch
    words: WordStatistics
    rows: SearchRowStore
    encoder: Encoder
    reader: Reader
    progress: Callable[[Step], None]

    def ask(self, question: str, documents: Sequence[DocumentRecord], everything: bool) -> Answer:
        """Answer a question from `documents`; `everything` says that these are all there are."""
        began = last = time.perf_counter()
        steps: list[Step] = []

        def step(name: str, detail: str) -> None:
            nonlocal last
            now = time.perf_counter()
            steps.append(Step(name, detail, now - last))
            self.progress(steps[-1])
            last = now

        # A terminal may hand over bytes that are no text; neither the encoder nor SQL takes them.
        question = flat(question.encode("utf-8", "replace").decode())
        by_key = {record.key: record for record in documents}
        within = None if everything else np.array(sorted(by_key), np.int64)
        words = question_words(question, self.words, within)
        step("route", f"search over {len(documents)} document{'s' * (len(documents) != 1)}")
        row = self.encoder.encode([question])[0]
        passages = self.search.passages(question, row, PASSAGES, within)
        passages = [passage for passage in passages if passage.document in by_key]
        step("retrieve", f"{len(passages)} passages")
        candidates, rows, found, passages, tokens = self._candidates(passages, by_key)
        scored = score_candidates(candidates, rows, row, words)
        selected = select_evidence(scored, rows, EVIDENCE)
        step("select", f"{len(selected)} of {len(candidates)} sentences")
        evidence = [self._verified(each, by_key[each.candidate.document]) for each in selected]
        kept = [each for each in evidence if each.verdict is not Verdict.DROPPED]
        step("verify", f"{len(kept)} quotes verified, {len(evidence) - len(kept)} dropped")
        reply = self.reader.answer(question, words, kept)
        step("answer", f"{'abstained' if reply.abstained else 'answered'}, confidence {reply.confidence:.2f}")
        read = {
            (f.document, self.rows.place(p.document, f.span.start).sections)
            for p, f in zip(passages, found, strict=True)
        }
        return Answer(
            text=reply.text,
            abstained=reply.abstained,
            confidence=reply.confidence,
            route="search",
            model=self.reader.name,
            citations=tuple(kept[n] for n in reply.cited),
            evidence=tuple(evidence),
            passages=tuple(found),
            steps=tuple(steps),
            tokens_read=tokens,
            sections_read=len(read),
            sections_total=sum(max(record.sections, 1) for record in documents),
            seconds=time.perf_counter() - began,
        )

    def _candidates(
        self, passages: Sequence[Passage], by_key: dict[int, DocumentRecord]
    ) -> tuple[list[Candidate], Float32, list[FoundPassage], list[Passage], int]:
        """The sentences, their embeddings, spans of the passages, those still there, and their tokens."""
        candidates: list[Candidate] = []
        rows = [np.empty((0, self.rows.dim), np.float32)]
        found: list[FoundPassage] = []
        kept: list[Passage] = []
        tokens = 0
        for rank, passage in enumerate(passages, start=1):
            stored = self.rows.sentences(passage.document, passage.first, passage.end)
            if not stored.spans:
                continue  # removed by another process since it was found
            kept.append(passage)
            span = Span(stored.spans[0].start, stored.spans[-1].end)
            found.append(FoundPassage(by_key[passage.document].id, span, passage.score))
            rows.append(stored.rows)
            tokens += sum(stored.token_counts)
            candidates += [
                Candidate(passage.document, number, span, text, rank)
                for number, span, text in zip(stored.numbers, stored.spans, stored.texts, strict=True)
            ]
        return candidates, np.concatenate(rows), found, kept, tokens

    def _verified(self, selected: ScoredCandidate, record: DocumentRecord) -> Evidence:
        """The candidate as evidence, its quote looked up in the stored text."""
        candidate = selected.candidate
        source = self.rows.text(candidate.document, candidate.span)
        verdict = verify_quote(candidate.text, source, Span(0, len(source))).verdict
        place = self.rows.place(candidate.document, candidate.span.start)
        origin = DocumentOrigin(
            document=record.id,
            title=record.title,
            section=" / ".join(place.sections),
            page=place.page,
            span=candidate.span,
        )
        return Evidence(
            origin, candidate.text, selected.score, selected.relevance, selected.coverage, verdict
        )
