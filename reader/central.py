"""Summaries without a language model: the most central sentences, taken as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reader.contract import SummaryPart, WrittenSummary
from reader.rules import central_sentences

__all__ = ["CENTRAL_VERSION", "central_summary"]

CENTRAL_VERSION: Final = 1


def central_summary(
    parts: Sequence[SummaryPart], words: int, at_least: int = 0, spread: bool = False
) -> WrittenSummary:
    """Take the most central sentences, at most `words` words."""
    picked = central_sentences([" ".join(part.sentences) for part in parts], words)
    taken = [
        (p, s)
        for p, part in enumerate(parts)
        for s, sentence in enumerate(part.sentences)
        if sentence in picked
    ]
    return WrittenSummary(tuple(parts[p].sentences[s] for p, s in taken), tuple(taken))
