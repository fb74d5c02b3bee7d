"""Whether a question needs memory at all: the controller's first decision, by a calibrated rule.

A logistic function of what the question says about the conversation (English) and of how well the best
remembered turns speak to it; its coefficients are fitted by tests/benchmarks/need_choice.py and kept in
need.json.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from memory.errors import MemoryStoreError
from memory.stream_index import ActivatedTurn
from retrieval.words import content_words, naming_words

__all__ = ["NEED_SIGNALS", "MemoryNeed", "NeedEstimate", "need_signals"]

CALIBRATION: Final = Path(__file__).with_name("need.json")
NEED_SIGNALS: Final = ("own", "spoken", "past", "relevance", "held", "named")

_OWN: Final = re.compile(r"\b(?:i|i'm|i've|i'd|me|my|mine|myself|we|us|our|ours)\b", re.IGNORECASE)
_SPOKEN: Final = re.compile(
    r"\b(?:you (?:\w+ )?(?:said|told|mentioned|answered|suggested|recommended|advised|explained|gave|wrote)"
    r"|(?:did|have|had) (?:you|i|we) (?:\w+ )?(?:say|said|tell|told|mention(?:ed)?|talk(?:ed)?"
    r"|discuss(?:ed)?)"
    r"|(?:last|previous|earlier|other) (?:time|conversations?|chats?|sessions?|question|answer)"
    r"|remember|recall|remind|as (?:i|we) (?:said|discussed)"
    r"|(?:i|we) (?:told|mentioned|talked|spoke|discussed))\b",
    re.IGNORECASE,
)
_PAST: Final = re.compile(
    r"\b(?:yesterday|ago|(?:last|past|this|that) (?:\w+ )?(?:week|weekend|month|year|spring|summer|autumn"
    r"|fall|winter|night|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may"
    r"|june|july|august|september|october|november|december)|recently|lately|nowadays|these days)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NeedEstimate:
    """Whether memory is needed, how likely, whether that is sure enough not to ask a model, and why."""

    needed: bool
    probability: float
    certain: bool
    reason: str


class MemoryNeed(BaseModel):
    """Fitted numbers.

    Attributes:
        intercept: Of the logistic function.
        coefficients: By signal, those of `NEED_SIGNALS`.
        threshold: Probability from which memory is needed.
        unsure: Between these two probabilities a language model is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    intercept: float
    coefficients: dict[str, float]
    threshold: float
    unsure: tuple[float, float]

    @classmethod
    def load(cls, path: Path = CALIBRATION) -> Self:
        """Read the numbers that ship with the package.

        Raises:
            MemoryStoreError: If they are missing or malformed.
        """
        try:
            found = cls.model_validate(json.loads(path.read_text(encoding="utf-8"))["calibration"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise MemoryStoreError(f"The numbers in {path.name} cannot be read: {error}") from error
        if set(found.coefficients) != set(NEED_SIGNALS):
            raise MemoryStoreError(f"The numbers in {path.name} are not for the signals {NEED_SIGNALS}.")
        return found

    def estimate(
        self, question: str, activated: Sequence[ActivatedTurn], texts: Sequence[str]
    ) -> NeedEstimate:
        """Whether a question needs memory; see `need_signals` for what it is given."""
        found = need_signals(question, activated, texts)
        total = self.intercept + sum(self.coefficients[name] * found[name] for name in NEED_SIGNALS)
        probability = 1 / (1 + math.exp(-max(min(total, 50.0), -50.0)))
        low, high = self.unsure
        return NeedEstimate(
            needed=probability >= self.threshold,
            probability=probability,
            certain=not low <= probability <= high,
            reason=f"probability {probability:.2f}",
        )


def need_signals(question: str, activated: Sequence[ActivatedTurn], texts: Sequence[str]) -> dict[str, float]:
    """What the probability is made of, each 0 to 1.

    Whether the question has a word of the first person, speaks of what was said, of a time counted from now;
    the best relevance; and how many of its content words, and of its names, the best turns hold.

    Args:
        question: In words that need no earlier turn.
        activated: The turns that it activates, best first.
        texts: What the best of them say.
    """
    asked, names = set(content_words(question)), naming_words(question)
    held = set[str]().union(*map(content_words, texts))
    named = {word.casefold() for text in texts for word in re.findall(r"\w+", text)}
    return {
        "own": float(_OWN.search(question) is not None),
        "spoken": float(_SPOKEN.search(question) is not None),
        "past": float(_PAST.search(question) is not None),
        "relevance": activated[0].relevance if activated else 0.0,
        "held": len(asked & held) / len(asked) if asked else 0.0,
        "named": sum(name.casefold() in named for name in names) / len(names) if names else 0.0,
    }
