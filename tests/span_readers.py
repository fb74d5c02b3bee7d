"""Span readers of tests: what they find is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrieval.document import Span
from retrieval.reranking import FoundSpan, Reading

LIKELY, UNLIKELY = 6.0, -6.0


@dataclass
class ListedSpanReader:
    """Finds for each question the phrases that are listed for it, the first one the likeliest.

    `margins` are those of phrases that are more or less likely than that.
    """

    phrases: Mapping[str, Sequence[str]]
    margins: Mapping[str, float] = field(default_factory=dict)
    name: str = "listed"
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        self.asked.append((question, tuple(texts)))
        return [self._one(question, text) for text in texts]

    def _one(self, question: str, text: str) -> Reading:
        flat = text.replace("\n", " ")
        found = [
            FoundSpan(
                Span(flat.index(phrase), flat.index(phrase) + len(phrase)),
                self.margins.get(phrase, LIKELY - n),
            )
            for n, phrase in enumerate(self.phrases.get(question, ()))
            if phrase in flat
        ]
        if not found:
            return Reading(UNLIKELY, UNLIKELY, (FoundSpan(Span(0, min(3, len(text))), UNLIKELY),))
        best = found[0]
        starts = np.array([best.span.start], np.int32)
        return Reading(best.score, best.score, tuple(found), starts, np.array([0.9], np.float32))
