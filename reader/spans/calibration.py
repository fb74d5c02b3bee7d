"""From what reading has shown to a probability: that a short answer is right.

A logistic function (Platt scaling) of several signals, fitted by tests/benchmarks/calibrate_spans.py on
articles that were never trained on; a raw score of the model means different things for different questions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from reader.contract import ShortAnswer
from reader.errors import CalibrationError
from reader.rules import same_answer
from reader.spans.adapter import WEIGHTS

__all__ = ["SIGNALS", "WIDEST", "SpanCalibration", "span_signals", "strength"]

FILE: Final = WEIGHTS / "calibration.json"
SIGNALS: Final = ("score", "answerable", "lead", "closeness", "coverage")
RANK: Final = 1.2
"""Log-odds that an answer loses where the rank of its text is e times as far down; by calibrate_spans.py."""
WIDEST: Final = 12.0
"""Log-odds beyond which more says nothing more."""


class SpanCalibration(BaseModel):
    """Fitted numbers.

    Attributes:
        intercept: Of the logistic function.
        coefficients: By signal, those of `span_signals`.
        threshold: Probability below which no answer is given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    intercept: float
    coefficients: dict[str, float]
    threshold: float

    @classmethod
    def load(cls, path: Path = FILE) -> Self:
        """Read the numbers that ship with the weights.

        Raises:
            CalibrationError: If they are missing or malformed.
        """
        try:
            calibration = cls.model_validate(json.loads(path.read_text(encoding="utf-8"))["calibration"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise CalibrationError(f"The numbers in {path} cannot be read: {error}") from error
        if set(calibration.coefficients) != set(SIGNALS):
            raise CalibrationError(f"The numbers in {path} are not for the signals {SIGNALS}.")
        return calibration

    def probability(self, found: Mapping[str, float]) -> float:
        """That the answer is right, 0 to 1."""
        total = self.intercept + sum(self.coefficients[name] * found[name] for name in SIGNALS)
        return 1 / (1 + math.exp(-max(min(total, 50.0), -50.0)))


def strength(answer: ShortAnswer) -> float:
    """What answers are ranked by: what was read, and the rank that the search gave the text, in log-odds."""
    return answer.score - RANK * math.log(answer.rank)


def span_signals(ranked: Sequence[ShortAnswer]) -> dict[str, float]:
    """What the probability is made of.

    Args:
        ranked: Short answers by `strength`, best first, at least one.
    """
    best = ranked[0]
    others = [strength(each) for each in ranked[1:] if not same_answer(each.text, best.text)]
    lead = strength(best) - max(others) if others else WIDEST
    return {
        "score": _within(best.score),
        "answerable": _within(best.answerable),
        "lead": _within(lead),
        "closeness": best.closeness,
        "coverage": best.coverage,
    }


def _within(value: float) -> float:
    return max(min(value, WIDEST), -WIDEST)
