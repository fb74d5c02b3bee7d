"""The embedded reader: answers with the book's own sentences, or abstains; no language model.

Whether the evidence answers the question is a probability: a logistic function of how close the best
sentences are in meaning, how many of the question's words stand there, and how many stand nowhere. Its
coefficients and its threshold are fitted by tests/benchmarks/calibrate_reader.py and kept in extractive.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from reader.central import CENTRAL_VERSION, central_summary
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
from reader.errors import CalibrationError
from reader.fact_rules import related_by_rule
from reader.look_alikes import without_look_alikes
from reader.remembering import central_sentence, words_suffice
from reader.rules import question_parts, refers_back, with_history
from reader.short_answers import (
    asked_again,
    asks_yes_or_no,
    chosen_answers,
    describes,
    ranked_answers,
)
from reader.spans.calibration import SpanCalibration, span_signals
from reader.walking import scored_triage
from reader.whole import spread_over
from retrieval.chunking import flat
from retrieval.evidence import Evidence, ScoredCandidate, select_evidence
from retrieval.hits import Float32
from retrieval.question import QuestionWords
from retrieval.verify import Verdict

__all__ = ["NO_EVIDENCE", "Calibration", "ExtractiveReader", "picked", "signals"]

CALIBRATION: Final = Path(__file__).with_name("extractive.json")
NO_EVIDENCE: Final = "Nothing in the documents or in memory speaks to this question."
UNANSWERED: Final = "Neither documents nor memory seem to answer this question."
MOST_SENTENCES: Final = 3
MOST_NAMED: Final = 8
SURE: Final = 0.5
"""Probability from which a short answer is given without a word on how sure it is."""
LEAF_SENTENCES: Final = 8
"""Sentences of a leaf that its probability is made of, as many as of a search."""

SIGNALS: Final = ("relevance", "mean_relevance", "coverage", "unknown")


class Calibration(BaseModel):
    """Fitted numbers.

    Attributes:
        intercept: Of the logistic function.
        coefficients: By signal, those of `signals`.
        threshold: Probability below which the reader abstains.
        most_unknown: Share of the question's weight in words that occur nowhere, from which it abstains
            whatever the rest says; a single name or long number that occurs nowhere is enough.
        close: A further sentence joins the answer if its score is at least this share of the best one's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    intercept: float
    coefficients: dict[str, float]
    threshold: float
    most_unknown: float
    close: float

    @classmethod
    def load(cls, path: Path = CALIBRATION) -> Self:
        """Read the numbers that ship with the package.

        Raises:
            CalibrationError: If they are missing or malformed.
        """
        try:
            calibration = cls.model_validate(json.loads(path.read_text(encoding="utf-8"))["calibration"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise CalibrationError(f"The thresholds in {path.name} cannot be read: {error}") from error
        if set(calibration.coefficients) != set(SIGNALS):
            raise CalibrationError(f"The thresholds in {path.name} are not for the signals {SIGNALS}.")
        return calibration

    def probability(self, found: dict[str, float]) -> float:
        """That the evidence answers the question, 0 to 1."""
        total = self.intercept + sum(self.coefficients[name] * value for name, value in found.items())
        return 1 / (1 + math.exp(-max(min(total, 50.0), -50.0)))


def signals(
    words: QuestionWords, evidence: Sequence[Evidence] | Sequence[ScoredCandidate]
) -> dict[str, float]:
    """What the probability is made of.

    The best and the mean of the three best relevances, the best coverage, and the share of the question's
    words that occur nowhere.
    """
    relevances = sorted((e.relevance for e in evidence), reverse=True)[:3]
    return {
        "relevance": relevances[0],
        "mean_relevance": sum(relevances) / len(relevances),
        "coverage": max(e.coverage for e in evidence),
        "unknown": words.unknown_share,
    }


def picked(candidates: Sequence[ScoredCandidate], rows: Float32, count: int) -> tuple[int, ...]:
    """Positions of the candidates that `select_evidence` takes, in the order of the documents."""
    position = {id(candidate): n for n, candidate in enumerate(candidates)}
    return tuple(position[id(each)] for each in select_evidence(candidates, rows, count))


@dataclass(frozen=True, slots=True)
class ExtractiveReader:
    """A `Reader` that quotes."""

    calibration: Calibration
    name: str = "extractive"
    spans: SpanCalibration | None = None

    def needs_history(self, question: str, turns: Sequence[Exchange]) -> bool:
        """By its pronouns and names (`reader.rules`)."""
        return bool(turns) and refers_back(question, told="?" not in turns[-1].question)

    def standalone(self, question: str, turns: Sequence[Exchange]) -> str:
        """The question before it and this one."""
        return with_history(question, turns)

    def parts(self, question: str) -> tuple[str, ...]:
        """Its sentences, if each is a question."""
        return question_parts(question)

    def select(
        self,
        question: str,
        candidates: Sequence[ScoredCandidate],
        rows: Float32,
        count: int,
        places: Sequence[str],
    ) -> Selection:
        """Those with the best scores that do not repeat one another, in the order of the documents."""
        return Selection(picked(candidates, rows, count))

    def enough(
        self,
        question: str,
        evidence: Sequence[Evidence],
        asked: Sequence[str],
        short: Sequence[ShortAnswer] = (),
    ) -> Sufficiency:
        """Whether a question that describes what it is about by something else has found an answer.

        If it has not, it is asked once more together with what was found. Of another question what there is
        counts as enough: a reader of sentences cannot tell what is missing.
        """
        if len(asked) > len(self.parts(question)) or not describes(question):
            return Sufficiency(True)
        again = asked_again(question, ranked_answers(short))
        return Sufficiency(not again, again)

    def distil(self, text: str) -> tuple[DraftedFact, ...]:
        """None: what matters in a text takes a language model to tell."""
        return ()

    def relate(self, statement: str, known: Sequence[str]) -> tuple[Relation, ...]:
        """By a rule that is sure of few things (`reader.fact_rules`)."""
        return tuple(related_by_rule(statement, each) for each in known)

    @property
    def takes_sentences(self) -> bool:
        """It does."""
        return True

    @property
    def summary_key(self) -> str:
        """How its sentences are chosen."""
        return f"extractive {CENTRAL_VERSION}"

    def summarise(
        self,
        parts: Sequence[SummaryPart],
        words: int,
        background: str = "",
        at_least: int = 0,
        spread: bool = False,
    ) -> WrittenSummary:
        """The most central sentences of the parts (`reader.central`)."""
        return central_summary(parts, words, spread)

    def triage(self, question: str, options: Sequence[TriageOption], notes: str = "") -> Triage:
        """The child with the best retrieval score and most of the question's words."""
        return scored_triage(question, options)

    def read_leaf(
        self,
        question: str,
        words: QuestionWords,
        leaf: Sequence[ScoredCandidate],
        rows: Float32,
        notes: str = "",
    ) -> LeafReading:
        """Whether its best sentences would be an answer, by the calibrated probability."""
        best = sorted(leaf, key=lambda each: -each.score)[:LEAF_SENTENCES]
        probability = self.calibration.probability(signals(words, best)) if best else 0.0
        commits = probability >= self.calibration.threshold
        return LeafReading(commits, f"probability of an answer {probability:.2f}")

    def choose_route(self, question: str, suggested: RouteChoice) -> RouteChoice:
        """What was suggested: it has no word of its own."""
        return suggested

    def needs_memory(self, question: str, suggested: bool) -> bool:
        """What was suggested."""
        return suggested

    def summary_suffices(self, question: str, summary: str, text: str) -> bool:
        """Whether the summary has all of the question's words that the text has."""
        return words_suffice(question, summary, text)

    def judge_memories(
        self, question: str, memories: Sequence[str]
    ) -> Sequence[Literal["drop", "summary", "raw"]]:
        """All of them: what has no room is left to their order."""
        return ["raw"] * len(memories)

    def one_sentence(self, text: str) -> str:
        """Its sentence that says most."""
        return central_sentence(text)

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
        """Answer in a few words with their sentence, or with the one to three sentences that answer best.

        In a few words where what was found has been read together with the question, and it does not ask for
        yes or no, which no words of a text are.

        About the whole of the documents, with up to ten that are spread over them. Whether to answer in a few
        words is told by how they were read, else by what a search has to offer, whatever else the evidence is
        from: more sentences to choose from make a best one that is closer to any question, nonsense too.
        """
        usable = [n for n, each in enumerate(evidence) if each.verdict is not Verdict.DROPPED]
        if not usable:
            return ReaderAnswer(NO_EVIDENCE, True, (), 0.0)
        if whole and not words.weights:
            return _quoting(evidence, spread_over(evidence, usable), None)
        alone = [usable[n] for n in without_look_alikes(question, words, [evidence[n] for n in usable])]
        found = signals(words, searched or [evidence[n] for n in usable])
        own = asked or question
        ranked = ranked_answers([each for each in self._own(question, own, short) if each.evidence in alone])
        yes_or_no = all(asks_yes_or_no(part) for part in self.parts(own))
        # What is known of short answers says nothing about a yes or a no.
        probability, least = self._chance(found, () if yes_or_no else ranked)
        strange = words.unknown and found["unknown"] >= self.calibration.most_unknown
        if words.names or (strange and (yes_or_no or not ranked)):
            unknown = sorted(set(words.unknown.values()))
            more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
            named = ", ".join(unknown[:MOST_NAMED]) + more
            text = f"Neither documents nor memory tell: words of the question occur nowhere there ({named})."
            return ReaderAnswer(text, True, (), probability)
        if probability < least:
            return ReaderAnswer(UNANSWERED, True, (), probability)
        notes = [f"“{asked_for}” read as “{other}”" for asked_for, other in words.read_as.items()]
        if whole:
            return _quoting(evidence, spread_over(evidence, usable), probability, notes)
        if ranked and not yes_or_no:
            if self.spans is not None and probability < SURE:
                notes.append(f"unsure, right with a probability of {probability:.0%}")
            return _in_short(self._chosen(own, ranked, found, evidence), probability, notes)
        best = max(alone, key=lambda n: evidence[n].score)
        floor = self.calibration.close * evidence[best].score
        close = sorted((n for n in alone if evidence[n].score >= floor), key=lambda n: -evidence[n].score)
        return _quoting(evidence, tuple(sorted(close[:MOST_SENTENCES])), probability, notes)

    def _own(self, question: str, own: str, short: Sequence[ShortAnswer]) -> list[ShortAnswer]:
        """The answers without those to a question before, which was put before this one to explain it."""
        parts, mine = {*self.parts(question)}, {*self.parts(own)}
        before = parts - mine if parts & mine else set()
        return [each for each in short if each.query not in before]

    def _chosen(
        self,
        own: str,
        ranked: Sequence[ShortAnswer],
        found: dict[str, float],
        evidence: Sequence[Evidence],
    ) -> list[ShortAnswer]:
        """The answers to give: of a question in parts those of each part that has a likely one.

        A part that asks for yes or no is answered with the sentence.
        """
        parts = self.parts(own)
        if len(parts) < 2:
            return chosen_answers(own, ranked)
        chosen: list[ShortAnswer] = []
        for part in parts:
            answers = [each for each in ranked if each.query == part]
            probability, least = self._chance(found, answers)
            if not answers or (probability < least and answers[0] is not ranked[0]):
                continue
            if asks_yes_or_no(part):
                chosen.append(replace(answers[0], text=evidence[answers[0].evidence].quote))
            else:
                chosen += chosen_answers(part, answers)
        return chosen or list(ranked[:1])

    def _chance(self, found: dict[str, float], ranked: Sequence[ShortAnswer]) -> tuple[float, float]:
        """The probability of an answer, and the least that is enough: of what was read, if anything was."""
        if self.spans is not None and ranked:
            return self.spans.probability(span_signals(ranked)), self.spans.threshold
        return self.calibration.probability(found), self.calibration.threshold


def _in_short(given: Sequence[ShortAnswer], probability: float, notes: Sequence[str]) -> ReaderAnswer:
    """The answers in a few words, each with the sentence that it stands in."""
    cited = tuple(dict.fromkeys(each.evidence for each in given))
    text = "; ".join(f"{flat(each.text)} [{cited.index(each.evidence) + 1}]" for each in given)
    return ReaderAnswer(text, False, cited, probability, tuple(notes))


def _quoting(
    evidence: Sequence[Evidence],
    cited: tuple[int, ...],
    probability: float | None,
    notes: Sequence[str] = (),
) -> ReaderAnswer:
    text = " ".join(f"{flat(evidence[n].quote)} [{place}]" for place, n in enumerate(cited, start=1))
    return ReaderAnswer(text, False, cited, probability, tuple(notes))
