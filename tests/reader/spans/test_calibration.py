"""From what was read to a probability, by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from reader.contract import ShortAnswer
from reader.errors import CalibrationError
from reader.spans.calibration import SIGNALS, WIDEST, SpanCalibration, span_signals, strength


def short(text: str, score: float, answerable: float = 0.0, rank: int = 1) -> ShortAnswer:
    return ShortAnswer(0, text, score, answerable, rank=rank, closeness=0.6, coverage=0.7)


def numbers(**coefficients: float) -> SpanCalibration:
    return SpanCalibration(
        intercept=0.0, coefficients=dict.fromkeys(SIGNALS, 0.0) | coefficients, threshold=0.5
    )


def test_what_ships_can_be_loaded_and_is_a_probability() -> None:
    shipped = SpanCalibration.load()
    assert 0 < shipped.threshold < 1
    sure = shipped.probability(span_signals([short("a", 12.0, 12.0)]))
    unsure = shipped.probability(span_signals([short("a", -12.0, -12.0)]))
    assert unsure < shipped.threshold < sure


def test_probability_is_the_logistic_function_of_the_signals() -> None:
    found = span_signals([short("a", 2.0)])
    assert numbers(score=0.5).probability(found) == pytest.approx(1 / (1 + math.exp(-1)))
    assert numbers(closeness=1.0).probability(found) == pytest.approx(1 / (1 + math.exp(-0.6)))
    assert numbers(score=1e9).probability(found) == pytest.approx(1.0)
    assert numbers(score=-1e9).probability(found) == pytest.approx(0.0)


def test_signals_of_the_best_and_its_lead_over_another_answer() -> None:
    ranked = [short("Ada Lund", 4.0, 2.0), short("Lund", 3.9, 2.0), short("Bo", 1.0, 2.0)]
    found = span_signals(ranked)
    assert (found["score"], found["answerable"]) == (4.0, 2.0)
    # "Lund" is the same answer in fewer words, so the lead is over "Bo".
    assert found["lead"] == pytest.approx(strength(ranked[0]) - strength(ranked[2]))
    assert (found["closeness"], found["coverage"]) == (0.6, 0.7)
    assert set(found) == set(SIGNALS)


def test_a_better_rank_is_never_worse() -> None:
    assert strength(short("a", 1.0, rank=1)) > strength(short("a", 1.0, rank=9))


def test_absurd_scores_are_cut() -> None:
    found = span_signals([short("a", 1e9, 1e9)])
    assert (found["score"], found["answerable"], found["lead"]) == (WIDEST, WIDEST, WIDEST)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"calibration": 3}', json.dumps({"calibration": {"intercept": 0, "threshold": 0.5}})],
)
def test_malformed_numbers_are_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CalibrationError, match="cannot be read"):
        SpanCalibration.load(file)


def test_missing_numbers_and_those_of_other_signals(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="cannot be read"):
        SpanCalibration.load(tmp_path / "none.json")
    file = tmp_path / "calibration.json"
    about = {"intercept": 0.0, "coefficients": {"score": 1.0}, "threshold": 0.5}
    file.write_text(json.dumps({"calibration": about}), encoding="utf-8")
    with pytest.raises(CalibrationError, match="not for the signals"):
        SpanCalibration.load(file)
