"""`clew eval needles`: whether a fact is found at every depth of haystacks of every length."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from app.answers import Answer
from app.errors import EvaluationError
from app.events import Event, Progress
from app.haystack_homes import HaystackHomes
from app.haystacks.hay import Hay, Placed, token_counts
from app.haystacks.needles import Fact, Needle, Several, make_needles, make_several
from app.library import Library
from retrieval.encoder import Encoder

__all__ = ["NeedleOptions", "evaluate_needles", "hay_of_each_length", "holds", "warm_up"]

SEVERAL: Final = 3
"""Questions with several answers for each length."""

LEAST_HAY: Final = 0.5
"""Of a haystack; the rest at most may be what is put in."""

WARM_UP: Final = "What was sold at the market?"


@dataclass(frozen=True, slots=True)
class NeedleOptions:
    """What is measured.

    Attributes:
        lengths: Tokens of each haystack, ascending.
        depths: How many, evenly from the very beginning to the very end; one alone is the middle.
        near: Look-alikes of each needle.
        seed: Of everything that is drawn.
    """

    lengths: tuple[int, ...]
    depths: int = 11
    near: int = 3
    seed: int = 0

    @property
    def shares(self) -> list[float]:
        """The depths, 0 to 1."""
        return [n / (self.depths - 1) for n in range(self.depths)] if self.depths > 1 else [0.5]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the questions of one length came to."""

    hit: list[float]
    near: list[float]
    several: float
    seconds: list[float]


def evaluate_needles(options: NeedleOptions, homes: HaystackHomes, progress: Progress) -> dict[str, Any]:
    """Add a haystack of each length with a needle at each depth, ask for each, and return DESIGN's report.

    Raises:
        EvaluationError: If a length has no room for what is put in.
        LoadError: If a haystack cannot be added.
    """
    needles = make_needles(options.seed, options.depths, options.near)
    several = make_several(options.seed, SEVERAL)
    placed = _placed(needles, several, options)
    encoder = homes.encoder(_home(options.lengths[0]))
    hays = hay_of_each_length(options.lengths, options.seed, placed, encoder, progress)
    report: dict[str, Any] = {
        "lengths": list(options.lengths),
        "depths": [round(100 * share, 1) for share in options.shares],
        "hit": [],
    }
    by_length: dict[str, dict[str, float]] = {
        name: {} for name in ("seconds_warm", "tokens", "multi", "distinct_sentences", "seconds_adding")
    }
    near: list[list[float]] = []
    within = sum(token_counts([each.sentence for each in placed], encoder))
    for length, hay in zip(options.lengths, hays, strict=True):
        with homes.added(_home(length), hay.with_placed(placed).text) as (library, seconds):
            found = _asked(library, needles, several, f"{length:,} tokens", progress)
        report["hit"].append(found.hit)
        near.append(found.near)
        for name, value in {
            "seconds_warm": median(found.seconds),
            "tokens": hay.tokens + within,
            "multi": found.several,
            "distinct_sentences": hay.distinct,
            "seconds_adding": seconds,
        }.items():
            by_length[name][str(length)] = value
    report["overall"] = _mean([share for row in report["hit"] for share in row])
    report["near_needle_errors"] = _mean([share for row in near for share in row])
    return report | by_length | {"near": near, "seed": options.seed, "near_needles": options.near}


def hay_of_each_length(
    lengths: Sequence[int], seed: int, placed: Sequence[Placed], encoder: Encoder, progress: Progress
) -> list[Hay]:
    """Hay that has each length together with what is put in.

    Raises:
        EvaluationError: If less than half of a length would be hay.
    """
    within = sum(token_counts([each.sentence for each in placed], encoder))
    for length in lengths:
        if length - within < LEAST_HAY * length:
            raise EvaluationError(
                f"A haystack of {length:,} tokens has no room for {len(placed)} sentences of {within:,} "
                f"tokens; ask for {int(within / LEAST_HAY) + 1:,} tokens or more."
            )
    progress(Event("write", f"a haystack of {lengths[-1]:,} tokens"))
    longest = Hay.grown(seed, lengths[-1] - within, encoder)
    progress(Event("done", ""))
    return [longest.beginning(length - within) for length in lengths]


def warm_up(library: Library) -> None:
    """Ask something once, so that what is loaded for the first question is loaded."""
    library.ask(WARM_UP)


def holds(answer: Answer, value: str) -> bool:
    """Whether a value stands in the answer."""
    said = "" if answer.abstained else re.sub(r"\s*\[\d+\]", "", answer.text)
    return re.search(rf"\b{re.escape(value)}\b", said, re.IGNORECASE) is not None


def _placed(needles: Sequence[Needle], several: Sequence[Several], options: NeedleOptions) -> list[Placed]:
    """The needles at their depths; look-alikes and facts of several anywhere."""
    chance = random.Random(f"places {options.seed}")
    placed = [
        Placed(needle.fact.sentence, depth) for needle, depth in zip(needles, options.shares, strict=True)
    ]
    others: list[Fact] = [fact for needle in needles for fact in needle.look_alikes]
    others += [fact for each in several for fact in each.facts]
    return placed + [Placed(fact.sentence, chance.random()) for fact in others]


def _asked(
    library: Library, needles: Sequence[Needle], several: Sequence[Several], subject: str, progress: Progress
) -> _Found:
    total = sum(len(needle.questions) for needle in needles) + len(several)
    hit, near, seconds = list[float](), list[float](), list[float]()
    done = 0

    def ask(question: str) -> Answer:
        nonlocal done
        progress(Event("question", subject, done, total))
        began = time.perf_counter()
        answer = library.ask(question)
        seconds.append(time.perf_counter() - began)
        done += 1
        return answer

    warm_up(library)
    for needle in needles:
        answers = [ask(question) for question in needle.questions]
        hit.append(_mean([float(holds(answer, needle.fact.value)) for answer in answers]))
        wrong = [any(holds(answer, fact.value) for fact in needle.look_alikes) for answer in answers]
        near.append(_mean([float(each) for each in wrong]))
    whole = []
    for each in several:
        answer = ask(each.question)
        whole.append(float(all(holds(answer, fact.value) for fact in each.facts)))
    progress(Event("done", ""))
    return _Found(hit, near, _mean(whole), seconds)


def _home(length: int) -> str:
    return f"needles-{length}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
