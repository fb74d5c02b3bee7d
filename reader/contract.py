"""What is asked of a reader, with or without a language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.evidence import Evidence, ScoredCandidate
from retrieval.hits import Float32
from retrieval.question import QuestionWords

__all__ = ["Exchange", "OnDraft", "Reader", "ReaderAnswer", "Selection", "Sufficiency"]

OnDraft = Callable[[str | None], None]
"""Gets the answer as it is written, no unverified quote in it; None says that it begins anew."""


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """What a reader answers.

    Attributes:
        text: The answer, with [n] behind what `cited[n - 1]` supports; when it abstains, why.
        abstained: True if the evidence does not hold an answer.
        cited: Positions of the evidence that the answer rests on, from 0, in the order of the [n]; empty when
            it abstains.
        confidence: Probability that the evidence answers the question, 0 to 1; None if the reader has none.
        notes: What checking the answer has shown and removed, each a few words.
    """

    text: str
    abstained: bool
    cited: tuple[int, ...]
    confidence: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of a conversation with its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Evidence that was selected.

    Attributes:
        chosen: Positions of candidates, from 0, each once, in the order in which `answer` wants them.
        left_out: Candidates that the reader was not shown because its window is too small.
        note: What else there is to say about it, "" if nothing.
    """

    chosen: tuple[int, ...]
    left_out: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """Whether evidence is enough, and if not a question whose answer is missing.

    Attributes:
        enough: Whether it is.
        missing: What to look up next, "" if nothing.
        left_out: Pieces of evidence that the reader was not shown because its window is too small.
    """

    enough: bool
    missing: str = ""
    left_out: int = 0


class Reader(Protocol):
    """Reads what was found; knows nothing but what it is given."""

    @property
    def name(self) -> str:
        """What `usage.model` says."""

    def needs_history(self, question: str, turns: Sequence[Exchange]) -> bool:
        """Whether a question refers to the turns before it, oldest first."""

    def standalone(self, question: str, turns: Sequence[Exchange]) -> str:
        """The question in words that can be looked up without the turns."""

    def parts(self, question: str) -> tuple[str, ...]:
        """The questions that a question is made of, at least one."""

    def select(
        self,
        question: str,
        candidates: Sequence[ScoredCandidate],
        rows: Float32,
        count: int,
        places: Sequence[str],
    ) -> Selection:
        """Select the sentences that support an answer.

        Args:
            question: What is asked.
            candidates: Sentences of the passages, those of one passage together and in order.
            rows: Their embeddings, unit rows, shape (n, dim).
            count: Most sentences to take.
            places: Title and section of each passage, `places[candidate.passage - 1]`.
        """

    def enough(self, question: str, evidence: Sequence[Evidence], asked: Sequence[str]) -> Sufficiency:
        """Whether evidence answers the question; `asked` are the queries that were looked up already."""

    def answer(
        self,
        question: str,
        words: QuestionWords,
        evidence: Sequence[Evidence],
        context: Sequence[str] = (),
        on_draft: OnDraft | None = None,
        asked: str | None = None,
    ) -> ReaderAnswer:
        """Answer a question from verified evidence, or abstain.

        Args:
            question: What is asked.
            words: Its words, as the documents know them.
            evidence: Verified quotes.
            context: Passages around them, best first, to understand them by.
            on_draft: Gets the answer as it is written.
            asked: The question in the user's own words, which alone may be quoted back; None if `question`
                is in these. A question that a model has rewritten is not.
        """

    def summarise(self, texts: Sequence[str], words: int, background: str = "") -> str:
        """A summary of consecutive parts of a text, at most `words` words.

        `background` is a summary of what came before them.
        """

    def triage(self, question: str, options: Sequence[str], notes: str = "") -> int:
        """The position, from 0, of the summary below which the answer most likely stands."""
