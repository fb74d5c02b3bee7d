"""`clew eval threads`: whether a chain of facts, each naming the next, is followed to its end."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from app.events import Event, Progress
from app.haystack_homes import HaystackHomes
from app.haystacks.hay import Placed, token_counts
from app.haystacks.threads import Chain, make_chains
from app.library import Library
from app.needle_evaluation import hay_of_each_length, holds, warm_up

__all__ = ["ThreadOptions", "evaluate_threads"]


@dataclass(frozen=True, slots=True)
class ThreadOptions:
    """What is measured.

    Attributes:
        hops: Numbers of sentences to be read one after the other.
        lengths: Tokens of each haystack, ascending.
        chains: Chains of each number of hops in each haystack.
        seed: Of everything that is drawn.
    """

    hops: tuple[int, ...]
    lengths: tuple[int, ...]
    chains: int = 5
    seed: int = 0


def evaluate_threads(options: ThreadOptions, homes: HaystackHomes, progress: Progress) -> dict[str, Any]:
    """Add a haystack of each length with all chains in it, ask for the end of each, and return the report.

    Raises:
        EvaluationError: If a length has no room for what is put in.
        LoadError: If a haystack cannot be added.
    """
    chains: list[Chain] = []
    apart = 0
    for hops in options.hops:
        chains += make_chains(options.seed, hops, options.chains, apart)
        apart += hops * options.chains
    chance = random.Random(f"places {options.seed}")
    placed = [Placed(fact.sentence, chance.random()) for chain in chains for fact in chain.facts]
    encoder = homes.encoder(_home(options.lengths[0]))
    within = sum(token_counts([each.sentence for each in placed], encoder))
    by_length: dict[str, dict[str, float]] = {}
    tokens: dict[str, int] = {}
    seconds_warm: dict[str, float] = {}
    hays = hay_of_each_length(options.lengths, options.seed, placed, encoder, progress)
    for length, hay in zip(options.lengths, hays, strict=True):
        with homes.added(_home(length), hay.with_placed(placed).text) as (library, _):
            by_length[str(length)], seconds_warm[str(length)] = _asked(
                library, chains, f"{length:,} tokens", progress
            )
        tokens[str(length)] = hay.tokens + within
    return {
        "by_hops": {
            str(hops): sum(each[str(hops)] for each in by_length.values()) / len(by_length)
            for hops in options.hops
        },
        "by_length": by_length,
        "lengths": list(options.lengths),
        "chains": options.chains,
        "tokens": tokens,
        "seconds_warm": seconds_warm,
        "seed": options.seed,
    }


def _asked(
    library: Library, chains: Sequence[Chain], subject: str, progress: Progress
) -> tuple[dict[str, float], float]:
    """The share of chains followed, by hops, and the median of the seconds."""
    found: dict[str, list[float]] = {}
    seconds: list[float] = []
    warm_up(library)
    for done, chain in enumerate(chains):
        progress(Event("question", subject, done, len(chains)))
        began = time.perf_counter()
        answer = library.ask(chain.question)
        seconds.append(time.perf_counter() - began)
        found.setdefault(str(chain.hops), []).append(float(holds(answer, chain.value)))
    progress(Event("done", ""))
    return {hops: sum(each) / len(each) for hops, each in found.items()}, median(seconds)


def _home(length: int) -> str:
    return f"threads-{length}"
