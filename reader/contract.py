"""What is asked of a reader, with or without a language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from retrieval.evidence import Evidence, ScoredCandidate
from retrieval.hits import Float32
from retrieval.question import QuestionWords

__all__ = [
    "DraftedFact",
    "Exchange",
    "LeafReading",
    "OnDraft",
    "Packed",
    "Reader",
    "ReaderAnswer",
    "Relation",
    "Remembered",
    "Route",
    "RouteChoice",
    "Selection",
    "ShortAnswer",
    "Sufficiency",
    "SummaryPart",
    "Triage",
    "TriageOption",
    "WrittenSummary",
]

OnDraft = Callable[[str | None], None]
"""Gets the answer as it is written, no unverified quote in it; None says that it begins anew."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What a model was shown, in its own tokens.

    Attributes:
        window: Tokens that prompt and reply may have together.
        parts: Tokens of each part of the prompt, by name, and of the room that is kept for the answer.
        left_out: Tokens of what had no room, by name.
    """

    window: int
    parts: tuple[tuple[str, int], ...]
    left_out: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """What a reader answers.

    Attributes:
        text: The answer, with [n] behind what `cited[n - 1]` supports; when it abstains, why.
        abstained: True if the evidence does not hold an answer.
        cited: Positions of the evidence that the answer rests on, from 0, in the order of the [n]; empty when
            it abstains.
        confidence: Probability, 0 to 1, that an answer of a few words is right, or that the evidence answers
            the question; None if the reader has none.
        notes: What checking the answer has shown and removed, what names were read as, how sure it is; each a
            few words.
        left_out: Pieces of usable evidence, counted from the end, that the reader was not shown because its
            window is too small.
        packed: What a model was shown; None where none was asked.
    """

    text: str
    abstained: bool
    cited: tuple[int, ...]
    confidence: float | None = None
    notes: tuple[str, ...] = ()
    left_out: int = 0
    packed: Packed | None = None


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A few words that may be the answer.

    Attributes:
        evidence: Position of the evidence in which they stand, from 0.
        text: As they stand there.
        score: In log-odds, of this against no answer; higher is better.
        answerable: In log-odds, that the answer stands in the text around them.
        query: What they were read for, as it was looked up.
        rank: That the search gave the text around them, from 1.
        closeness: Cosine of the question and the sentence in which they stand.
        coverage: Share of the question's words, by their weight, in that sentence, 0 to 1.
    """

    evidence: int
    text: str
    score: float
    answerable: float
    query: str = ""
    rank: int = 1
    closeness: float = 0.0
    coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of a conversation with its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """Something of earlier conversations, as a reader is shown it; `label` says by whom and when."""

    label: str
    text: str


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


Route = Literal["search", "walk", "whole"]
"""How a question is looked up: in the best places, along a summary tree, or over the whole."""


@dataclass(frozen=True, slots=True, eq=False)
class SummaryPart:
    """One of the consecutive parts that a summary is made of: a text, or the summary of one.

    Attributes:
        sentences: In order.
        rows: Their embeddings, unit rows, shape (n, dim); (0, dim) does for one that writes its own.
        title: Of the part, "" if it has none.
    """

    sentences: tuple[str, ...]
    rows: Float32
    title: str = ""


@dataclass(frozen=True, slots=True)
class WrittenSummary:
    """A summary as its reader made it.

    Attributes:
        sentences: In order.
        taken: For each sentence the (part, sentence) it was taken from unchanged; None if they were written.
        notes: What stayed wrong with it after it was asked for again, each a few words.
    """

    sentences: tuple[str, ...]
    taken: tuple[tuple[int, int], ...] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TriageOption:
    """A child of a node of a summary tree, as triage is shown it.

    Attributes:
        title: Of the part, or where it stands.
        summary: Of the part.
        score: The best retrieval score below it, 0 to 1, 1 being the best of the document.
    """

    title: str
    summary: str
    score: float


@dataclass(frozen=True, slots=True)
class Triage:
    """Which child to look into: its position, from 0; `invalid` replies came before.

    `note` says what the reader was not shown because its window is too small, "" if nothing.
    """

    position: int
    reason: str = ""
    invalid: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeafReading:
    """Whether a leaf holds what answers the question; if not, the walk goes back. As `Triage`."""

    commits: bool
    reason: str = ""
    invalid: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class RouteChoice:
    """A route, and why."""

    route: Route
    reason: str


Relation = Literal["same", "contradicts", "unrelated"]
"""How what a user says now relates to something that the user has said before."""


@dataclass(frozen=True, slots=True)
class DraftedFact:
    """What a reader takes for a fact about the user; nothing of it has been looked up yet.

    Attributes:
        statement: One sentence.
        quote: The user's words that it rests on.
        confidence: 0 to 1.
        since: The year since which it is so, None if the quote names none.
    """

    statement: str
    quote: str
    confidence: float
    since: int | None = None


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

    def enough(
        self,
        question: str,
        evidence: Sequence[Evidence],
        asked: Sequence[str],
        short: Sequence[ShortAnswer] = (),
    ) -> Sufficiency:
        """Whether evidence answers the question.

        Args:
            question: What is asked.
            evidence: Verified quotes.
            asked: Queries that were looked up already.
            short: What may be the answer in a few words.
        """

    def answer(
        self,
        question: str,
        words: QuestionWords,
        evidence: Sequence[Evidence],
        context: Sequence[str] = (),
        on_draft: OnDraft | None = None,
        asked: str | None = None,
        whole: bool = False,
        searched: Sequence[ScoredCandidate] = (),
        memories: Sequence[Remembered] = (),
        short: Sequence[ShortAnswer] = (),
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
            whole: Whether the question is about the whole of the documents. The evidence then comes from all
                parts of them, in an order whose beginnings are spread over them evenly, and `words` are those
                of what is asked about alone: without any, a summary is asked for.
            searched: What a search alone has to offer, where the evidence is from elsewhere: a probability
                that was fitted on searches is made of these.
            memories: Of earlier conversations, oldest first, to understand the question by.
            short: What may be the answer in a few words, for readers that quote.
        """

    def needs_memory(self, question: str, suggested: bool) -> bool:
        """Whether a question needs what earlier conversations hold, where a rule only suggests it."""

    def summary_suffices(self, question: str, summary: str, text: str) -> bool:
        """Whether the summary of a long turn is enough to answer from."""

    def judge_memories(
        self, question: str, memories: Sequence[str]
    ) -> Sequence[Literal["drop", "summary", "raw"]]:
        """For each memory whether the question needs it, and in which form."""

    def one_sentence(self, text: str) -> str:
        """A text in one sentence, "" if it is as short itself."""

    def distil(self, text: str) -> Sequence[DraftedFact]:
        """The lasting facts about the user that the user's own words hold."""

    def relate(self, statement: str, known: Sequence[str]) -> Sequence[Relation]:
        """How a statement about the user relates to each of those that are known."""

    @property
    def takes_sentences(self) -> bool:
        """Whether its summaries are sentences taken unchanged, by their embeddings."""

    @property
    def summary_key(self) -> str:
        """What a summary depends on besides what it is made of: the reader, its model and its prompts."""

    def summarise(
        self,
        parts: Sequence[SummaryPart],
        words: int,
        background: str = "",
        at_least: int = 0,
        spread: bool = False,
    ) -> WrittenSummary:
        """A summary of consecutive parts of a text.

        Args:
            parts: In order, at least one.
            words: Most words of it.
            background: A summary of what came before them.
            at_least: Fewest words of it, where the parts have as many.
            spread: Whether it should draw on all of the parts evenly.

        Raises:
            WindowError: If not even one part fits into the model's window.
        """

    def triage(self, question: str, options: Sequence[TriageOption], notes: str = "") -> Triage:
        """The child below which the answer most likely stands.

        Args:
            question: What is asked.
            options: The children that are left, in the order of the text.
            notes: Working memory: what has been read on the way.

        Raises:
            InvalidReplyError: If the reader names none of them even after a repair (two invalid replies).
        """

    def read_leaf(
        self,
        question: str,
        words: QuestionWords,
        leaf: Sequence[ScoredCandidate],
        rows: Float32,
        notes: str = "",
    ) -> LeafReading:
        """Whether the sentences of a leaf hold what answers the question.

        Args:
            question: What is asked.
            words: Its words, as the documents know them.
            leaf: All sentences of the leaf, in order, scored for the question.
            rows: Their embeddings, unit rows, shape (n, dim).
            notes: Working memory: what has been read on the way.

        Raises:
            InvalidReplyError: If the reader decides neither even after a repair.
        """

    def choose_route(self, question: str, suggested: RouteChoice) -> RouteChoice:
        """The route for a question for which rules suggest one without being sure."""
