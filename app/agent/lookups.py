"""What the steps look up: passages, their sentences, and whether a quote stands in its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.agent.context import AgentContext
from app.agent.reranking import reranked, sentence_bonus
from app.agent.state import EvidenceState, PassageState
from retrieval.document import Span
from retrieval.evidence import Candidate, ScoredCandidate, score_candidates, select_evidence
from retrieval.hits import Float32
from retrieval.verify import Verdict, verify_quote

__all__ = [
    "EVIDENCE",
    "PART_EVIDENCE",
    "PASSAGES",
    "candidates_of",
    "interleaved",
    "looked_up",
    "passages_of",
    "pooled",
    "scored_candidates",
    "searched",
    "stands",
]

PASSAGES: Final = 10
"""Passages for one query."""
EVIDENCE: Final = 8
"""Sentences for a question, or, of a question in parts and of a follow-up, PART_EVIDENCE for each."""
PART_EVIDENCE: Final = 4


def passages_of(query: str, context: AgentContext) -> list[PassageState]:
    """The passages for one query that are still there, best first."""
    ranking = reranked(context.hits(query), context.read_chunks(query))
    passages = context.search.passages_of(ranking, PASSAGES)
    return [each for passage in passages if (each := context.passage(passage)) is not None]


def pooled(known: Sequence[PassageState], more: Sequence[PassageState]) -> list[PassageState]:
    """Passages of all queries, each once."""
    pooled = {(each["document"], each["first"], each["last"]): each for each in [*more, *known]}
    return sorted(pooled.values(), key=lambda each: -each["score"])


def candidates_of(
    passages: Sequence[PassageState], context: AgentContext
) -> tuple[list[Candidate], Float32, list[str]]:
    """The sentences of passages, their embeddings, and the place of each passage."""
    candidates: list[Candidate] = []
    rows, places = [np.empty((0, context.rows.dim), np.float32)], list[str]()
    for rank, passage in enumerate(passages, start=1):
        document = passage["document"]
        stored = context.sentences(document, passage["first"], passage["last"])
        rows.append(stored.rows)
        places.append(" / ".join(context.titles(document, passage["start"])))
        candidates += [
            Candidate(document, number, span, text, rank)
            for number, span, text in zip(stored.numbers, stored.spans, stored.texts, strict=True)
        ]
    return candidates, np.concatenate(rows), places


def searched(
    queries: Sequence[str], context: AgentContext, said: Sequence[PassageState] = ()
) -> list[ScoredCandidate]:
    """The sentences that a search for these queries alone has to offer, by their scores.

    `said` are passages of memory, looked at first.
    """
    best: list[ScoredCandidate] = []
    for query in queries:
        candidates, rows, _ = candidates_of([*said, *passages_of(query, context)], context)
        scored = scored_candidates(candidates, rows, query, context)
        best += select_evidence(scored, rows, EVIDENCE if len(queries) == 1 else PART_EVIDENCE)
    return best


def scored_candidates(
    candidates: Sequence[Candidate], rows: Float32, query: str, context: AgentContext
) -> list[ScoredCandidate]:
    """The candidates with their scores; those from memory for the question as its speaker would ask it.

    A turn says "I" where the question has a name, and seldom names the one who says it.
    """
    row, words = context.row(query), context.words(query)
    scored = score_candidates(candidates, rows, row, words)
    said = [n for n, candidate in enumerate(candidates) if candidate.document < 0]
    if said and context.memory is not None:
        spoken = context.memory.spoken(query)
        own = score_candidates(
            [candidates[n] for n in said], rows[said], context.row(spoken.text), words.without(spoken.names)
        )
        for n, each in zip(said, own, strict=True):
            scored[n] = each
    turns = list(dict.fromkeys(-candidates[n].document for n in said))
    return sentence_bonus(scored, [*context.read_chunks(query), *context.read_said(query, turns)])


def looked_up(chosen: ScoredCandidate, query: int, context: AgentContext) -> EvidenceState:
    """The candidate as evidence, its quote looked up in the stored text."""
    candidate = chosen.candidate
    source = context.text(candidate.document, candidate.span)
    return EvidenceState(
        document=candidate.document,
        start=candidate.span.start,
        end=candidate.span.end,
        score=float(chosen.score),
        relevance=float(chosen.relevance),
        coverage=float(chosen.coverage),
        verdict=verify_quote(candidate.text, source, Span(0, len(source))).verdict.value,
        query=query,
    )


def interleaved(evidence: Sequence[EvidenceState]) -> list[int]:
    """Positions of the evidence that may be used, the first of each query, then the second of each, and on.

    What does not fit into a window is left out from the end, so none of the queries is left out whole.
    """
    ranks: dict[int, int] = {}
    keyed: list[tuple[int, int, int]] = []
    for position, each in enumerate(evidence):
        if each["verdict"] != Verdict.DROPPED:
            rank = ranks[each["query"]] = ranks.get(each["query"], -1) + 1
            keyed.append((rank, each["query"], position))
    return [position for _, _, position in sorted(keyed)]


def stands(state: EvidenceState, context: AgentContext) -> bool:
    """Whether the quote that was shown to the reader stands in the text as it is stored now."""
    quote = context.evidence(state).quote
    return bool(quote) and context.text(state["document"], Span(state["start"], state["end"])) == quote
