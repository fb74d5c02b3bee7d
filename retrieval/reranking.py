"""What is asked of a model that reads a question and a text together: does the text answer, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from retrieval.document import Span
from retrieval.hits import Float32

__all__ = ["FoundSpan", "Reading", "SpanReader"]


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """A piece of a text that may be the answer; `score` is its margin over "no answer", in log-odds."""

    span: Span
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What came of reading a text for a question; all but `spans` in log-odds.

    Attributes:
        relevance: That the text answers the question, as against another that was found for it.
        answerable: That the answer stands in it, as against one that only seems to.
        spans: The likeliest answers, best first, none of which overlap; their offsets are those of the text.
        starts: First character of each token, ascending, shape (tokens,).
        begins: Share of the answer's first token, by token, 0 to 1, shape (tokens,).
    """

    relevance: float
    answerable: float
    spans: tuple[FoundSpan, ...]
    starts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    begins: Float32 = field(default_factory=lambda: np.empty(0, np.float32))

    def share(self, span: Span) -> float:
        """How likely the answer begins in a stretch of the text, such as a sentence, 0 to 1."""
        first, end = np.searchsorted(self.starts, [span.start, span.end])
        return float(self.begins[first:end].sum())


class SpanReader(Protocol):
    """Reads a question and a text together."""

    @property
    def name(self) -> str:
        """What it is and which weights."""

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """What comes of reading each text for the question, in the order of `texts`."""
