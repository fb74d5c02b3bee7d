"""The embedded reader: quotes or silence, and its stored numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reader.contract import Exchange
from reader.errors import CalibrationError
from reader.extractive import Calibration, ExtractiveReader, picked, signals
from retrieval.document import Span
from retrieval.evidence import DocumentOrigin, Evidence
from retrieval.question import QuestionWords
from retrieval.verify import Verdict
from tests.evidence_samples import candidates

NOTHING_UNKNOWN = QuestionWords({"fox": 2.0, "den": 1.0}, {})


def calibration(threshold: float = 0.5, close: float = 0.8, most_unknown: float = 0.9) -> Calibration:
    """Numbers of our own: whatever the shipped ones become, these are probabilities by hand."""
    coefficients = dict.fromkeys(Calibration.load().coefficients, 0.0) | {"relevance": 1.0}
    return Calibration(
        intercept=0.0,
        coefficients=coefficients,
        threshold=threshold,
        most_unknown=most_unknown,
        close=close,
    )


def quote(text: str, score: float, relevance: float = 0.0, verdict: Verdict = Verdict.VERIFIED) -> Evidence:
    origin = DocumentOrigin("d", "Title", "", None, Span(0, len(text)))
    return Evidence(origin, text, score, relevance, 0.5, verdict)


def test_best_sentence_alone_when_no_other_is_close() -> None:
    reader = ExtractiveReader(calibration())
    answer = reader.answer(
        "q", NOTHING_UNKNOWN, [quote("One.", 0.5), quote("Two.", 1.0), quote("Three.", 0.79)]
    )
    assert (answer.text, answer.cited, answer.abstained) == ("Two. [1]", (1,), False)


def test_close_sentences_join_in_the_order_of_the_evidence() -> None:
    evidence = [quote("One.", 0.8), quote("Two\nlines.", 1.0), quote("Three.", 0.9), quote("Four.", 0.85)]
    answer = ExtractiveReader(calibration()).answer("q", NOTHING_UNKNOWN, evidence)
    assert answer.cited == (1, 2, 3)  # three at most: the one with 0.8 is left out
    assert answer.text == "Two lines. [1] Three. [2] Four. [3]"


@pytest.mark.parametrize("evidence", [[], [quote("False.", 9.0, 9.0, Verdict.DROPPED)]])
def test_abstains_without_evidence_that_was_verified(evidence: list[Evidence]) -> None:
    answer = ExtractiveReader(calibration(threshold=0.0)).answer("q", NOTHING_UNKNOWN, evidence)
    assert (answer.abstained, answer.cited, answer.confidence) == (True, (), 0.0)


def test_dropped_evidence_is_never_cited() -> None:
    evidence = [quote("False.", 9.0, 1.0, Verdict.DROPPED), quote("True.", 0.5, 1.0)]
    answer = ExtractiveReader(calibration()).answer("q", NOTHING_UNKNOWN, evidence)
    assert (answer.text, answer.cited) == ("True. [1]", (1,))


def test_corrected_evidence_may_be_cited() -> None:
    answer = ExtractiveReader(calibration()).answer(
        "q", NOTHING_UNKNOWN, [quote("Moved.", 1.0, 1.0, Verdict.CORRECTED)]
    )
    assert answer.cited == (0,)


def test_confidence_is_the_logistic_function_of_the_signals() -> None:
    # relevance 1.0 alone counts: 1 / (1 + e**-1) = 0.731058...
    answer = ExtractiveReader(calibration()).answer("q", NOTHING_UNKNOWN, [quote("Yes.", 1.0, 1.0)])
    assert answer.confidence == pytest.approx(0.7310585786, abs=1e-9)


@pytest.mark.parametrize(("threshold", "abstained"), [(0.7, False), (0.75, True)])
def test_abstains_below_the_threshold(threshold: float, abstained: bool) -> None:
    answer = ExtractiveReader(calibration(threshold)).answer("q", NOTHING_UNKNOWN, [quote("Yes.", 1.0, 1.0)])
    assert answer.abstained is abstained
    assert bool(answer.cited) is not abstained


@pytest.mark.parametrize(("most_unknown", "abstained"), [(0.6, True), (0.7, False)])
def test_abstains_when_the_words_occur_nowhere_and_names_them(most_unknown: float, abstained: bool) -> None:
    words = QuestionWords({"radar": 2.0, "den": 1.0}, {"radar": "Radars"})  # two thirds of the weight
    reader = ExtractiveReader(calibration(threshold=0.0, most_unknown=most_unknown))
    answer = reader.answer("q", words, [quote("Yes.", 1.0, 1.0)])
    assert answer.abstained is abstained
    assert ("Radars" in answer.text) is abstained


def test_one_name_that_occurs_nowhere_is_enough_to_abstain() -> None:
    words = QuestionWords({"fox": 9.0, "zoltan": 1.0}, {"zoltan": "Zoltan"}, frozenset({"zoltan"}))
    reader = ExtractiveReader(calibration(threshold=0.0, most_unknown=1.0))
    answer = reader.answer("q", words, [quote("Yes.", 1.0, 1.0)])
    assert (answer.abstained, answer.cited) == (True, ())
    assert "Zoltan" in answer.text


def test_question_without_content_words_is_no_error() -> None:
    answer = ExtractiveReader(calibration()).answer("?", QuestionWords({}, {}), [quote("Yes.", 1.0)])
    assert 0.0 <= answer.confidence <= 1.0


def test_signals_are_as_documented() -> None:
    evidence = [quote("a", 1.0, relevance) for relevance in (0.1, 0.9, 0.6, 0.3)]
    found = signals(NOTHING_UNKNOWN, evidence)
    assert found["relevance"] == 0.9
    assert found["mean_relevance"] == pytest.approx(0.6)  # of 0.9, 0.6, 0.3
    assert found["coverage"] == 0.5
    assert found["unknown"] == 0.0


def test_probability_stays_a_number_for_absurd_signals() -> None:
    numbers = calibration()
    for relevance, expected in ((1e9, 1.0), (-1e9, 0.0)):
        found = dict.fromkeys(numbers.coefficients, 0.0) | {"relevance": relevance}
        assert numbers.probability(found) == pytest.approx(expected, abs=1e-12)


def test_shipped_numbers_are_sane() -> None:
    numbers = Calibration.load()
    assert 0 < numbers.threshold < 1
    assert 0 < numbers.most_unknown <= 1
    assert 0 < numbers.close <= 1


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "not json",
        "[]",
        "{}",
        '{"calibration": null}',
        '{"calibration": {"intercept": "high"}}',
        json.dumps({"calibration": calibration().model_dump() | {"coefficients": {"charm": 1.0}}}),
        json.dumps({"calibration": calibration().model_dump() | {"surprise": 1}}),
    ],
)
def test_unreadable_numbers_are_one_named_error(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "numbers.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CalibrationError, match=r"numbers\.json"):
        Calibration.load(file)


def test_history_matters_only_where_there_is_one() -> None:
    reader = ExtractiveReader(calibration())
    turns = [Exchange("Who is Corrie?", "The keeper.")]
    assert reader.needs_history("What did he paint red?", turns) is True
    assert reader.needs_history("What did he paint red?", []) is False
    assert reader.needs_history("When was the lighthouse built?", turns) is False
    assert reader.standalone("What did he paint?", turns) == "Who is Corrie? What did he paint?"


def test_selects_the_best_that_do_not_repeat_in_the_order_of_the_document() -> None:
    given = candidates(["Low.", "Best.", "Best again.", "Good."], scores=[0.1, 0.9, 0.8, 0.5])
    rows = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    selection = ExtractiveReader(calibration()).select("q", given, rows, 2, ["place"])
    assert (selection.chosen, selection.left_out, selection.note) == ((1, 3), 0, "")
    assert picked(given, rows, 9) == (0, 1, 3)
    assert ExtractiveReader(calibration()).select("q", [], rows[:0], 2, []).chosen == ()


def test_a_draft_is_not_needed_for_an_answer_that_quotes() -> None:
    drafts: list[str | None] = []
    evidence = [quote("Yes.", 1.0, 1.0)]
    answer = ExtractiveReader(calibration()).answer(
        "q", NOTHING_UNKNOWN, evidence, ["context"], drafts.append
    )
    assert answer.text == "Yes. [1]"
    assert "".join(each or "" for each in drafts) in {"", answer.text}
