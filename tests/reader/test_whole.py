"""Answers about the whole without a language model: sentences spread over the document, or silence."""

from __future__ import annotations

from dataclasses import replace

from reader.extractive import Calibration, ExtractiveReader
from reader.whole import MOST_SPREAD, spread_over
from retrieval.document import Span
from retrieval.evidence import Candidate, Evidence, ScoredCandidate
from retrieval.question import QuestionWords
from tests.evidence_samples import apart

SURE = Calibration(
    intercept=9.0,
    coefficients=dict.fromkeys(Calibration.load().coefficients, 0.0),
    threshold=0.5,
    most_unknown=0.5,
    close=0.9,
)
READER = ExtractiveReader(SURE)
NOTHING_ASKED = QuestionWords({}, {})
BOAT = QuestionWords({"boat": 1.0}, {})


def pieces(scores: list[float]) -> list[Evidence]:
    found = apart(*(f"Sentence number {n}." for n in range(len(scores))))
    return [replace(each, score=score) for each, score in zip(found, scores, strict=True)]


def test_the_best_of_each_stretch_in_the_order_of_the_document() -> None:
    scores = [0.7, 0.8] * MOST_SPREAD
    evidence = pieces(scores)
    usable = sorted(range(len(evidence)), reverse=True)
    assert spread_over(evidence, usable) == tuple(range(1, 2 * MOST_SPREAD, 2))


def test_what_is_much_worse_than_the_best_is_left_out() -> None:
    # 0.6 of the best one's 1.0 is 0.6.
    evidence = pieces([0.59, 1.0, 0.6, 0.1])
    assert spread_over(evidence, [0, 1, 2, 3]) == (1, 2)


def test_an_answer_about_the_whole_has_up_to_ten_sentences() -> None:
    evidence = pieces([1.0] * 40)
    whole = READER.answer("How does the boat change?", BOAT, evidence, whole=True)
    assert len(whole.cited) == MOST_SPREAD
    assert whole.text.startswith("Sentence number 0. [1] Sentence number 4. [2] ")
    assert len(READER.answer("Which boat?", BOAT, evidence).cited) == 3


def test_a_summary_is_asked_for_by_nothing_in_particular() -> None:
    doubtful = ExtractiveReader(SURE.model_copy(update={"intercept": -9.0}))
    evidence = pieces([0.0] * 4)
    summary = doubtful.answer("Summarise this book.", NOTHING_ASKED, evidence, whole=True)
    assert (summary.abstained, summary.cited, summary.confidence) == (False, (0, 1, 2, 3), None)
    assert doubtful.answer("How does the boat change?", BOAT, evidence, whole=True).abstained


def test_what_occurs_nowhere_is_not_answered_about() -> None:
    unknown = QuestionWords({"gandalf": 9.0}, {"gandalf": "Gandalf"}, frozenset({"gandalf"}))
    answer = READER.answer("How does Gandalf change?", unknown, pieces([1.0] * 4), whole=True)
    assert answer.abstained
    assert "Gandalf" in answer.text


def test_whether_to_answer_is_told_by_what_a_search_has_to_offer() -> None:
    """The evidence is close to the question, and what a search has found is not: nothing to be sure of."""
    careful = ExtractiveReader(
        SURE.model_copy(update={"intercept": -5.0, "coefficients": dict(SURE.coefficients, relevance=10.0)})
    )
    evidence = [replace(each, relevance=0.9) for each in pieces([1.0] * 4)]
    far = ScoredCandidate(Candidate(1, 0, Span(0, 9), "Far away.", 1), 0.1, 0.0, 0.1)
    near = replace(far, relevance=0.9)
    question = "How does the boat change?"
    # 10 * 0.1 - 5 = -4; 10 * 0.9 - 5 = 4.
    assert careful.answer(question, BOAT, evidence, whole=True, searched=[far]).abstained
    assert careful.answer(question, BOAT, evidence, searched=[far]).abstained
    assert not careful.answer(question, BOAT, evidence, whole=True, searched=[near]).abstained
    assert not careful.answer("Summarise it.", NOTHING_ASKED, evidence, whole=True, searched=[far]).abstained
