"""What the sentences of a summary rest on: the closest sentences of what was summarised.

A sentence that stands there word for word rests on that; else it rests on those that are close in meaning and
words, and if none is close enough it is marked as unsupported. How close is chosen by
tests/benchmarks/linking_choice.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from memory.trees import SummarySentence
from retrieval.document import Span
from retrieval.hits import Float32
from retrieval.words import content_words

__all__ = ["LinkThresholds", "SourceSentence", "link_sentences"]

MOST_SOURCES: Final = 4
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class LinkThresholds:
    """When a written sentence rests on another.

    Attributes:
        words: What the share of its content words that stand there counts, next to the cosine.
        supported: Score of the best one from which it is supported.
        close: Share of the best score from which others are named as well.
    """

    words: float = 1.0
    supported: float = 0.53
    close: float = 0.85


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence that a summary was made from, and where in the document what it rests on stands."""

    text: str
    sources: tuple[Span, ...]


def link_sentences(
    written: Sequence[str],
    rows: Float32,
    sources: Sequence[SourceSentence],
    source_rows: Float32,
    thresholds: LinkThresholds | None = None,
) -> tuple[SummarySentence, ...]:
    """Give each sentence of a summary the places that it rests on, closest first.

    Args:
        written: The summary's sentences.
        rows: Their embeddings, unit rows, shape (n, dim).
        sources: What the summary was made from, in order; those without sources support nothing.
        source_rows: Their embeddings, unit rows, shape (m, dim).
        thresholds: How close is close enough.
    """
    thresholds = thresholds or LinkThresholds()
    usable = [n for n, source in enumerate(sources) if source.sources]
    texts = [_plain(sources[n].text) for n in usable]
    held = [set(content_words(sources[n].text)) for n in usable]
    cosines = rows @ source_rows[usable].T if usable else np.zeros((len(written), 0), np.float32)
    linked: list[SummarySentence] = []
    for text, row in zip(written, cosines, strict=True):
        best = _verbatim(_plain(text), texts)
        if not best and usable:
            words = set(content_words(text))
            shares = np.array([len(words & each) / max(len(words), 1) for each in held], np.float32)
            scores = row + thresholds.words * shares
            order = [int(n) for n in np.argsort(-scores, kind="stable")[:MOST_SOURCES]]
            if scores[order[0]] >= thresholds.supported:
                best = [n for n in order if scores[n] >= thresholds.close * scores[order[0]]]
        spans = dict.fromkeys(span for n in best for span in sources[usable[n]].sources)
        linked.append(SummarySentence(text, tuple(spans)[:MOST_SOURCES], bool(spans)))
    return tuple(linked)


def _plain(text: str) -> str:
    """The words alone, each between spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _verbatim(wanted: str, texts: Sequence[str]) -> list[int]:
    """The sentences that a text stands in, or is made of in their order."""
    if not wanted.strip():
        return []
    for n, text in enumerate(texts):
        if wanted in text:
            return [n]
    for first in range(len(texts)):
        joined = ""
        for n in range(first, min(first + MOST_SOURCES, len(texts))):
            joined = joined[:-1] + texts[n]
            if n > first and 0 <= joined.find(wanted) < len(texts[first]) - 1:
                return list(range(first, n + 1))
    return []
