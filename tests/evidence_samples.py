"""Evidence for the tests of readers: pieces far apart in one document, or following one another."""

from __future__ import annotations

from retrieval.document import Span
from retrieval.evidence import Candidate, DocumentOrigin, Evidence, ScoredCandidate
from retrieval.verify import Verdict

FAR = 500


def apart(*texts: str, title: str = "The Salt House", document: str = "d") -> list[Evidence]:
    """Pieces that do not follow one another."""
    return _pieces(texts, FAR, title, document)


def adjacent(*texts: str, title: str = "The Salt House", document: str = "d") -> list[Evidence]:
    """Sentences of one paragraph."""
    return _pieces(texts, 1, title, document)


def _pieces(texts: tuple[str, ...], gap: int, title: str, document: str) -> list[Evidence]:
    found, place = [], 0
    for text in texts:
        origin = DocumentOrigin(document, title, "", None, Span(place, place + len(text)))
        found.append(Evidence(origin, text, 1.0, 0.5, 0.5, Verdict.VERIFIED))
        place += len(text) + gap
    return found


def candidates(*passages: list[str], scores: list[float] | None = None) -> list[ScoredCandidate]:
    """Sentences by passage; each with its score, or one that falls from sentence to sentence."""
    found: list[ScoredCandidate] = []
    for passage, texts in enumerate(passages, start=1):
        for text in texts:
            n = len(found)
            score = scores[n] if scores else 1.0 / (n + 1)
            span = Span(n * 1000, n * 1000 + len(text))
            found.append(ScoredCandidate(Candidate(1, n, span, text, passage), score, score, score))
    return found
