"""Summaries without a language model: the most central sentences, taken as they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reader.contract import SummaryPart, WrittenSummary
from retrieval.hits import Float32

__all__ = ["CENTRAL_VERSION", "CentralWeights", "central_summary"]

CENTRAL_VERSION: Final = 1
"""Raised when other sentences are chosen: summaries of an older version are made again."""

FEWEST_WORDS: Final = 5
MOST_WORDS: Final = 60
LETTERS: Final = 0.6
"""Share of a sentence's visible characters that are letters; tables and rows of marks have less."""
_END: Final = re.compile(r"[.!?…。！？।؟][\"'”’»)\]]*$|[:;—-]$")
_NOT_THE_TEXT: Final = re.compile(
    r"project gutenberg|gutenberg\.org|\be-?book\b|\bisbn\b|all rights reserved|transcriber.?s note|\bhttps?://",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CentralWeights:
    """How sentences are chosen; by tests/benchmarks/summary_choice.py.

    Attributes:
        damping: Of the random walk over the graph of cosines (LexRank); 0 takes the cosine to the centroid.
        floor: Cosines below it are no edges.
        redundancy: What the closest sentence already taken costs, in cosine.
        opening: What the first sentence of all counts more than the last.
    """

    damping: float = 0.85
    floor: float = 0.0
    redundancy: float = 0.5
    opening: float = 0.0


def central_summary(
    parts: Sequence[SummaryPart],
    words: int,
    at_least: int = 0,
    spread: bool = False,
    weights: CentralWeights | None = None,
) -> WrittenSummary:
    """Take the most central sentences that do not repeat one another, in their order."""
    weights = weights or CentralWeights()
    places = [(p, s) for p, part in enumerate(parts) for s in range(len(part.sentences))]
    texts = [parts[p].sentences[s] for p, s in places]
    usable = [n for n, text in enumerate(texts) if _is_sentence(text)]
    if not usable:
        usable = [n for n, text in enumerate(texts) if any(c.isalnum() for c in text)] or [0]
    rows = np.concatenate([part.rows for part in parts])[usable]
    lengths = [len(texts[n].split()) for n in usable]
    owners = [places[n][0] for n in usable]
    chosen = _chosen(_scores(rows, weights), rows, lengths, owners, words, spread, weights)
    taken = sorted(usable[n] for n in chosen)
    return WrittenSummary(tuple(texts[n] for n in taken), tuple(places[n] for n in taken))


def _is_sentence(text: str) -> bool:
    count = len(text.split())
    visible = [c for c in text if not c.isspace()]
    return (
        FEWEST_WORDS <= count <= MOST_WORDS
        and sum(map(str.isalpha, visible)) >= LETTERS * len(visible)
        and bool(_END.search(text))
        and not _NOT_THE_TEXT.search(text)
    )


def _scores(rows: Float32, weights: CentralWeights) -> Float32:
    """How central each sentence is, the most central 1."""
    count = len(rows)
    if weights.damping == 0:
        centroid = rows.mean(axis=0)
        scores = rows @ (centroid / max(float(np.linalg.norm(centroid)), 1e-9))
    else:
        # LexRank (Erkan and Radev, JAIR 2004), continuous, without the graph: cosine + 1 is a product of
        # rows, so a step of the walk costs n * dim and not n * n.
        sums = rows @ rows.sum(axis=0) + count
        scores = np.full(count, 1 / count, np.float32)
        for _ in range(30):
            flow = scores / sums
            scores = (1 - weights.damping) / count + weights.damping * (rows @ (rows.T @ flow) + flow.sum())
    scores = np.asarray(scores / max(float(scores.max()), 1e-9), np.float32)
    return scores + np.asarray(weights.opening * np.linspace(1, 0, count), np.float32)


def _chosen(
    scores: Float32,
    rows: Float32,
    lengths: Sequence[int],
    owners: Sequence[int],
    words: int,
    spread: bool,
    weights: CentralWeights,
) -> list[int]:
    left, chosen = words, list[int]()
    closest = np.zeros(len(scores), np.float32)
    open_ = np.array(lengths) <= left
    had = np.zeros(max(owners) + 1)
    while open_.any():
        gain = np.where(open_, scores - weights.redundancy * closest, -np.inf)
        if spread:
            gain = gain - had[owners]
        best = int(np.argmax(gain))
        chosen.append(best)
        left -= lengths[best]
        had[owners[best]] += 1
        closest = np.maximum(closest, rows @ rows[best])
        open_[best] = False
        open_ &= np.array(lengths) <= left
    return chosen or [int(np.argmax(scores))]
