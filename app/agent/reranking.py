"""What search found, read together with the question: another order, and where the answer seems to stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from app.agent.state import EvidenceState
from reader.contract import ShortAnswer
from reader.rules import same_answer
from reader.short_answers import asks_for_several, closed
from reader.spans.calibration import WIDEST, strength
from retrieval.document import Span
from retrieval.evidence import ScoredCandidate
from retrieval.hits import Hits
from retrieval.reranking import Reading

if TYPE_CHECKING:
    from app.agent.context import AgentContext

__all__ = [
    "DEPTH",
    "ReadChunk",
    "read_together",
    "read_turns_together",
    "reranked",
    "sentence_bonus",
    "short_answers",
]

DEPTH: Final = 50
"""Chunks of a search that are read."""
FIRST: Final = 16
"""Those that are read first; the others are left where these hold an answer that is certain."""
CERTAIN = 3.0
"""Margin of an answer that none further down overtakes, by tests/benchmarks/reranking_choice.py."""
RELEVANCE: Final = 0.4
ANSWERABLE: Final = 0.4
RANK: Final = 1.5
"""Weights of `chunk_score`, by tests/benchmarks/reranking_choice.py."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadChunk:
    """A chunk that was read together with a question, or what a turn can be cited for.

    Attributes:
        chunk: Its key; that of a turn, below 0.
        document: Key of its document; the same of a turn.
        span: Where it stands there.
        rank: Its rank in the search, from 1.
        reading: What came of it; its offsets are those of the chunk.
        score: What it is ranked by, in log-odds.
    """

    chunk: int
    document: int
    span: Span
    rank: int
    reading: Reading
    score: float


def read_together(query: str, context: AgentContext) -> list[ReadChunk]:
    """The best chunks of a search, read together with its query, best first."""
    if context.span_reader is None:
        return []
    hits = context.hits(query)
    found = context.rows.places(hits.ids[:DEPTH])
    keys = [int(key) for key in hits.ids[:DEPTH] if int(key) in found]
    places = [found[key] for key in keys]
    spans = context.rows.spans(places)
    read: list[ReadChunk] = []
    for some in (slice(0, FIRST), slice(FIRST, DEPTH)):
        texts = [
            context.rows.text(place.document, span)
            for place, span in zip(places[some], spans[some], strict=True)
        ]
        readings = context.span_reader.read(query, texts)
        for key, place, span, reading in zip(keys[some], places[some], spans[some], readings, strict=True):
            rank = len(read) + 1
            read.append(ReadChunk(key, place.document, span, rank, reading, chunk_score(reading, rank)))
        if not asks_for_several(query) and any(margin(each.reading) >= CERTAIN for each in read):
            break
    return sorted(read, key=lambda each: (-each.score, each.rank))


def read_turns_together(query: str, ranks: Mapping[int, int], context: AgentContext) -> list[ReadChunk]:
    """What turns can be cited for, read together with a query, of each the first `SAID` characters.

    Args:
        query: What is looked up.
        ranks: Of the turns by their keys, from 1.
        context: Of the question.
    """
    stored = {turn: context.sentences(-turn, 0, 0).spans for turn in ranks}
    spans = {
        turn: Span(each[0].start, min(each[-1].end, each[0].start + SAID))
        for turn, each in stored.items()
        if each
    }
    if context.span_reader is None or not spans:
        return []
    readings = context.span_reader.read(query, [context.text(-turn, span) for turn, span in spans.items()])
    return [
        ReadChunk(-turn, -turn, span, ranks[turn], reading, chunk_score(reading, ranks[turn]))
        for (turn, span), reading in zip(spans.items(), readings, strict=True)
    ]


def margin(reading: Reading) -> float:
    """Of the best span over "no answer", in log-odds: how sure it is that this is the answer."""
    return reading.spans[0].score if reading.spans else -WIDEST


def chunk_score(reading: Reading, rank: int) -> float:
    """What a chunk is ranked by: what reading it said, and the rank that the search gave it."""
    return RELEVANCE * reading.relevance + ANSWERABLE * reading.answerable - RANK * math.log(rank)


def reranked(hits: Hits, read: Sequence[ReadChunk]) -> Hits:
    """The hits with those that were read in the order of that, before all others."""
    if not read:
        return hits
    first = np.array([each.chunk for each in read], np.int64)
    others = ~np.isin(hits.ids, first)
    chances = np.array([1 / (1 + math.exp(-max(min(each.score, 50.0), -50.0))) for each in read], np.float32)
    behind = hits.scores[others] / max(float(hits.scores.max()), 1e-9) * float(chances.min())
    return Hits(np.concatenate([first, hits.ids[others]]), np.concatenate([chances, behind]))


BONUS: Final = 2.0
"""Of a sentence in which the answer is sure to stand, beside scores of mostly 0 to 2; set by hand."""
SAID: Final = 4000
"""Characters of a turn that are read, so that a few long ones do not keep a question waiting."""


def sentence_bonus(scored: Sequence[ScoredCandidate], read: Sequence[ReadChunk]) -> list[ScoredCandidate]:
    """The sentences with more for those in which the answer seems to stand."""
    by_document: dict[int, list[ReadChunk]] = {}
    for chunk in read:
        by_document.setdefault(chunk.document, []).append(chunk)
    found = list(scored)
    for n, each in enumerate(scored):
        span, best = each.candidate.span, 0.0
        for chunk in by_document.get(each.candidate.document, ()):
            if chunk.span.start <= span.start and span.end <= chunk.span.end:
                local = Span(span.start - chunk.span.start, span.end - chunk.span.start)
                share = chunk.reading.share(local)
                best = max(best, share / (1 + math.exp(-max(min(chunk.reading.relevance, 50.0), -50.0))))
        if best:
            found[n] = replace(each, score=each.score + BONUS * best)
    return found


def short_answers(
    evidence: Sequence[EvidenceState], queries: Sequence[str], context: AgentContext
) -> list[ShortAnswer]:
    """What may be the answer in a few words, found in the sentences of the evidence, once for each query."""
    found: dict[tuple[int, Span, str], ShortAnswer] = {}
    turns = list(dict.fromkeys(-each["document"] for each in evidence if each["document"] < 0))
    for query in queries:
        put_behind = _put_behind(query, queries)
        for chunk in [*context.read_chunks(query), *context.read_said(query, turns)]:
            for each in chunk.reading.spans:
                span = Span(chunk.span.start + each.span.start, chunk.span.start + each.span.end)
                holder = _holder(evidence, chunk.document, span)
                if holder is None:
                    continue
                start, end = evidence[holder]["start"], evidence[holder]["end"]
                sentence = context.text(chunk.document, Span(start, end))
                local = closed(sentence, Span(span.start - start, span.end - start))
                span = Span(start + local.start, start + local.end)
                text = sentence[local.start : local.end]
                if not text or (put_behind and same_answer(text, put_behind)):
                    continue
                answer = ShortAnswer(
                    evidence=holder,
                    text=text,
                    score=each.score,
                    answerable=chunk.reading.answerable,
                    query=query,
                    rank=chunk.rank,
                    closeness=evidence[holder]["relevance"],
                    coverage=evidence[holder]["coverage"],
                )
                known = found.get((chunk.document, span, query))
                if known is None or strength(known) < strength(answer):
                    found[chunk.document, span, query] = answer
    return list(found.values())


def _put_behind(query: str, queries: Sequence[str]) -> str:
    """What was found before and put behind a query to ask it again; "" if nothing was."""
    return next((query[len(each) + 1 :] for each in queries if query.startswith(f"{each} ")), "")


def _holder(evidence: Sequence[EvidenceState], document: int, span: Span) -> int | None:
    """The evidence in which a span stands."""
    for n, each in enumerate(evidence):
        if each["document"] == document and each["start"] <= span.start and span.end <= each["end"]:
            return n
    return None
