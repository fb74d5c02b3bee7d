"""What is asked of a reader, with or without a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.evidence import Evidence
from retrieval.question import QuestionWords

__all__ = ["Reader", "ReaderAnswer"]


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """What a reader answers.

    Attributes:
        text: The answer, with [n] behind what evidence number n (from 1) supports; when it abstains, why.
        abstained: True if the evidence does not hold an answer.
        cited: Positions of the evidence that the answer rests on, from 0; empty when it abstains.
        confidence: Probability that the evidence answers the question, 0 to 1.
    """

    text: str
    abstained: bool
    cited: tuple[int, ...]
    confidence: float


class Reader(Protocol):
    """Answers from evidence alone."""

    @property
    def name(self) -> str:
        """What `usage.model` says."""

    def answer(self, question: str, words: QuestionWords, evidence: Sequence[Evidence]) -> ReaderAnswer:
        """Answer a question from verified evidence, or abstain."""
