"""The reader that asks a language model; every task is a prompt of `reader.prompts`.

Retrieve-then-reason in two stages (ALR2, arXiv 2410.03227): `select` picks ids of numbered sentences, so that
nothing can be invented there, and `answer` writes from the selected sentences alone. What a model answers
badly is repaired once and then does without: selection by scores, evidence taken as enough, the question as
it stands. A model that is away is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from reader.answering import REFUSAL, AnswerRequest, answer_request, checked_answer, demonstration_of
from reader.chat import ChatModel, Finish, Message, Request
from reader.checking import QuoteBook
from reader.contract import (
    DraftedFact,
    Exchange,
    LeafReading,
    OnDraft,
    ReaderAnswer,
    Relation,
    Remembered,
    RouteChoice,
    Selection,
    ShortAnswer,
    Sufficiency,
    SummaryPart,
    Triage,
    TriageOption,
    WrittenSummary,
)
from reader.decisions import THINKING_TOKENS, reply_as
from reader.drafts import DraftGate
from reader.errors import BudgetError, InvalidReplyError, WindowError
from reader.extractive import NO_EVIDENCE, picked
from reader.facts import model_facts, model_relations
from reader.packing import asked_of, fitting, with_turns
from reader.prompts import render
from reader.remembering import model_judgement, model_need, model_sentence, model_suffices
from reader.selecting import shown_sentences
from reader.summarising import SUMMARY_VERSION, written_summary
from reader.walking import model_leaf, model_route, model_triage
from retrieval.evidence import Evidence, ScoredCandidate
from retrieval.hits import Float32
from retrieval.question import QuestionWords
from retrieval.verify import Verdict

__all__ = ["GenerativeReader"]

MOST_PARTS: Final = 4
QUERY_CHARACTERS: Final = 300


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NeedsHistory(_Form):
    """Whether a question refers to earlier turns."""

    needs_history: bool


class Standalone(_Form):
    """A question that can be understood alone."""

    question: Annotated[str, Field(max_length=QUERY_CHARACTERS)]


class Parts(_Form):
    """The parts of a question."""

    questions: Annotated[
        list[Annotated[str, Field(max_length=QUERY_CHARACTERS)]], Field(max_length=MOST_PARTS)
    ]


class Enough(_Form):
    """Whether evidence is enough, and what is missing."""

    enough: bool
    missing: Annotated[str, Field(max_length=QUERY_CHARACTERS)]


@dataclass(frozen=True, slots=True)
class GenerativeReader:
    """A `Reader` over a `ChatModel`.

    Attributes:
        models: The model of each task, by the task's name; the same one with another label, usually.
        reason: Whether decisions are reasoned first (`reader.decisions.reason_first`).
        demonstrations: Examples made from the passages and shown before an answer, 0 to 3 (arXiv 2406.13632).
        answer_tokens: Most tokens of an answer.
    """

    models: Callable[[str], ChatModel]
    reason: bool = False
    demonstrations: int = 0
    answer_tokens: int = 512
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.models("answer").name)

    def needs_history(self, question: str, turns: Sequence[Exchange]) -> bool:
        """Ask the model; without turns, no."""
        if not turns:
            return False
        model = self.models("needs_history")
        messages = with_turns(model, "needs_history", turns, question)
        try:
            return reply_as(model, messages, NeedsHistory).value.needs_history
        except InvalidReplyError:
            return False

    def standalone(self, question: str, turns: Sequence[Exchange]) -> str:
        """Ask the model; a reply that is empty leaves the question as it is."""
        model = self.models("standalone")
        messages = with_turns(model, "standalone", turns, question)
        try:
            written = reply_as(model, messages, Standalone).value.question
        except InvalidReplyError:
            return question
        return written.strip() or question

    def parts(self, question: str) -> tuple[str, ...]:
        """Ask the model, if the question looks as if it had parts: most have none, and a call is spared."""
        if not _looks_composite(question):
            return (question,)
        prompt = render("parts", question=question, most=MOST_PARTS)
        try:
            written = reply_as(self.models("parts"), asked_of(prompt), Parts).value.questions
        except InvalidReplyError:
            return (question,)
        found = tuple(dict.fromkeys(each.strip() for each in written if each.strip()))
        return found if len(found) > 1 else (question,)

    def select(
        self,
        question: str,
        candidates: Sequence[ScoredCandidate],
        rows: Float32,
        count: int,
        places: Sequence[str],
    ) -> Selection:
        """Let the model choose among numbered sentences; what does not fit is left out and counted."""
        if not candidates:
            return Selection(())
        model = self.models("select")
        for _ in range(2):
            window = model.window
            shown = shown_sentences(model, question, candidates, places, count)
            form = _ids_up_to(len(shown.positions), count)
            try:
                decided = reply_as(model, asked_of(shown.prompt), form, reason=self.reason)
            except InvalidReplyError:
                chosen = tuple(sorted(picked(candidates, rows, count), key=lambda n: -candidates[n].score))
                return Selection(
                    chosen, shown.left_out, "the model named no sentences, taken by their scores"
                )
            except WindowError:
                if model.window >= window:
                    raise
                continue  # the server has told its real window: pack again
            ids: list[int] = decided.value.model_dump()["ids"]
            chosen = tuple(dict.fromkeys(shown.positions[n - 1] for n in ids))
            return Selection(chosen, shown.left_out)
        raise WindowError(f"The window of {model.name} changes with every request.", model.window)

    def enough(
        self,
        question: str,
        evidence: Sequence[Evidence],
        asked: Sequence[str],
        short: Sequence[ShortAnswer] = (),
    ) -> Sufficiency:
        """Ask the model about the evidence that fits; an invalid reply counts as enough.

        `short` is not used.
        """
        model = self.models("enough")
        quotes = [each.quote for each in evidence]

        def messages(count: int) -> list[Message]:
            return asked_of(render("enough", evidence=quotes[:count], question=question, asked=list(asked)))

        count = fitting(model, len(quotes), messages)
        left_out = len(quotes) - count
        try:
            decided = reply_as(model, messages(count), Enough, reason=self.reason).value
        except InvalidReplyError:
            return Sufficiency(True, left_out=left_out)
        missing = decided.missing.strip()
        known = {each.casefold() for each in (*asked, question)}
        if decided.enough or not missing or missing.casefold() in known:
            return Sufficiency(decided.enough, left_out=left_out)
        return Sufficiency(False, missing, left_out)

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
        """Let the model write from the evidence, and check what it wrote.

        `words`, `searched` and `short` are not used.
        """
        usable = [n for n, each in enumerate(evidence) if each.verdict is not Verdict.DROPPED]
        if not usable:
            return ReaderAnswer(NO_EVIDENCE, True, ())
        model = self.models("answer")
        examples = self._demonstrations(context)
        for _ in range(2):
            window = model.window
            packed = answer_request(
                model, question, evidence, usable, context, examples, self.answer_tokens, whole, memories
            )
            try:
                return self._written(model, packed, evidence, asked or question, on_draft)
            except WindowError:
                if model.window >= window:
                    raise
        raise WindowError(f"The window of {model.name} changes with every request.", model.window)

    def distil(self, text: str) -> tuple[DraftedFact, ...]:
        """Ask the model (`reader.facts`)."""
        return model_facts(self.models("distil"), text)

    def relate(self, statement: str, known: Sequence[str]) -> tuple[Relation, ...]:
        """Ask the model (`reader.facts`)."""
        return model_relations(self.models("relate"), statement, known)

    @property
    def takes_sentences(self) -> bool:
        """It writes its own."""
        return False

    @property
    def summary_key(self) -> str:
        """The model and how it is asked."""
        return f"{self.models('summarise').fingerprint} summaries {SUMMARY_VERSION}"

    def summarise(
        self,
        parts: Sequence[SummaryPart],
        words: int,
        background: str = "",
        at_least: int = 0,
        spread: bool = False,
    ) -> WrittenSummary:
        """Let the model write a summary (`reader.summarising`)."""
        return written_summary(self.models("summarise"), parts, words, background, at_least)

    def triage(self, question: str, options: Sequence[TriageOption], notes: str = "") -> Triage:
        """Let the model choose a summary (`reader.walking`)."""
        return model_triage(self.models("triage"), question, options, notes, self.reason)

    def read_leaf(
        self,
        question: str,
        words: QuestionWords,
        leaf: Sequence[ScoredCandidate],
        rows: Float32,
        notes: str = "",
    ) -> LeafReading:
        """Let the model read the leaf (`reader.walking`)."""
        return model_leaf(self.models("leaf"), question, leaf, notes, self.reason)

    def choose_route(self, question: str, suggested: RouteChoice) -> RouteChoice:
        """Let the model choose; an invalid reply leaves what was suggested."""
        return model_route(self.models("route"), question, suggested, self.reason)

    def needs_memory(self, question: str, suggested: bool) -> bool:
        """Ask the model."""
        return model_need(self.models("needs_memory"), question, suggested)

    def summary_suffices(self, question: str, summary: str, text: str) -> bool:
        """Ask the model."""
        return model_suffices(self.models("suffices"), question, summary)

    def judge_memories(
        self, question: str, memories: Sequence[str]
    ) -> Sequence[Literal["drop", "summary", "raw"]]:
        """Ask the model, once for all."""
        return model_judgement(self.models("judge_memories"), question, memories)

    def one_sentence(self, text: str) -> str:
        """Let the model write it, if the text is long."""
        return model_sentence(self.models("one_sentence"), text)

    def _written(
        self,
        model: ChatModel,
        packed: AnswerRequest,
        evidence: Sequence[Evidence],
        asked: str,
        on_draft: OnDraft | None,
    ) -> ReaderAnswer:
        numbered = [evidence[n] for n in packed.positions]
        gate = None
        if on_draft is not None:
            gate = DraftGate(QuoteBook(numbered, asked), len(numbered), REFUSAL, on_draft)
        request = Request(packed.messages, max_tokens=packed.max_tokens)
        completion = model.complete(request, gate)
        if completion.finish is Finish.LENGTH and not completion.text:
            # All of it was reasoning, and there may be room for the model to come to its end.
            room = model.window - model.prompt_tokens(packed.messages)
            more = min(packed.max_tokens + THINKING_TOKENS, room)
            if more > packed.max_tokens:
                completion = model.complete(Request(packed.messages, max_tokens=more), gate)
        if gate is not None:
            gate.end()
        return checked_answer(completion, packed, numbered, asked)

    def _demonstrations(self, context: Sequence[str]) -> list[dict[str, Any]]:
        """Examples made from the least relevant passages, so that they do not give the answer away."""
        found: list[dict[str, Any]] = []
        for text in context[: -2 * self.demonstrations - 1 : -1]:  # not every passage makes one
            if len(found) == self.demonstrations:
                break
            try:
                example = demonstration_of(self.models("demonstration"), text)
            except BudgetError:
                break  # what is left belongs to the answer
            if example is not None:
                found.append(example)
        return found


def _looks_composite(question: str) -> bool:
    lowered = f" {question.lower()} "
    words = (" and ", " or ", ";", " both ", " each ", " respectively", " compare", " differ", " than ")
    return question.count("?") > 1 or any(word in lowered for word in words)


def _ids_up_to(last: int, most: int) -> type[BaseModel]:
    """A list of sentence numbers from 1 to `last`."""
    number = Annotated[int, Field(ge=1, le=last)]
    field: Any = (Annotated[list[number], Field(max_length=most)], ...)
    return create_model("SentenceNumbers", __config__=ConfigDict(extra="forbid"), ids=field)
