"""How something new that a user asserts relates to what is known: said before, contradicting, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

import numpy as np

from memory.fact_drafts import FactDraft, denies
from memory.fact_index import KnownFacts
from memory.facts import Fact
from retrieval.hits import Float32
from retrieval.words import content_words, naming_words, words

__all__ = ["FactReader", "Related", "Relation", "relate", "says_the_same"]

# Chosen by tests/benchmarks/fact_thresholds.py on tests/memory/fact_pairs.json.
SAME: Final = 0.88
"""Cosine from which on two statements with the same names and numbers say the same."""
RELATED: Final = 0.4
"""Cosine from which on a reader is asked how two statements relate."""
MOST_RELATED: Final = 8
ONESELF: Final = frozenset({"I"})

Relation = Literal["same", "contradicts", "unrelated"]


class FactReader(Protocol):
    """Finds facts in a user's words, and says how two relate; nothing that it says is believed unchecked."""

    def distil(self, text: str) -> Sequence[FactDraft]:
        """The lasting facts about the user that a text holds."""

    def relate(self, statement: str, known: Sequence[str]) -> Sequence[Relation]:
        """How a statement relates to each of those that are known."""


@dataclass(frozen=True, slots=True)
class Related:
    """What a new fact means for those that are known.

    Attributes:
        same: The fact that says the same already.
        closes: Ids of facts that end with the new one, each with the moment.
        closed_by: The fact that ends the new one, if that was asserted before it, with the moment.
    """

    same: Fact | None = None
    closes: tuple[tuple[str, datetime], ...] = ()
    closed_by: tuple[str, datetime] | None = None


def relate(
    text: str,
    row: Float32,
    valid_from: datetime,
    asked_at: datetime,
    known: KnownFacts,
    reader: FactReader,
    certain: bool = True,
    besides: str = "",
) -> Related:
    """Compare a new fact with those that are open.

    Args:
        text: Of the new fact.
        row: Its embedding, unit length, shape (dim,).
        valid_from: Since when it is true.
        asked_at: When it was asserted.
        known: All facts of the user.
        reader: Says how two statements relate.
        certain: Whether it may end others; one that is not certain can only repeat them.
        besides: Id of a fact that is left out.
    """
    cosines = known.rows @ row
    near = [
        n
        for n in np.argsort(-cosines, kind="stable")
        if cosines[n] >= RELATED and known.facts[n].invalid_at is None and known.facts[n].id != besides
    ]
    kept = [n for n in near if known.facts[n].state == "kept"][:MOST_RELATED] if certain else []
    relations = dict(zip(kept, reader.relate(text, [known.facts[n].text for n in kept]), strict=True))
    for n in near:
        told = relations.get(n, "unrelated")
        alike = cosines[n] >= SAME or told == "same"
        if alike and told != "contradicts" and says_the_same(text, known.facts[n].text):
            return Related(same=known.facts[n])
    closes: list[tuple[str, datetime]] = []
    closed_by = None
    for n in kept:
        old = known.facts[n]
        if relations[n] != "contradicts":
            continue
        if asked_at >= old.asked_at:
            # What is said to be true since long was still believed otherwise until it was said.
            moments = [each for each in (valid_from, asked_at) if each > old.valid_from]
            closes.append((old.id, moments[0] if moments else old.valid_from))
        elif closed_by is None:
            closed_by = (old.id, max(valid_from, old.valid_from))
    return Related(None, tuple(closes), closed_by)


def says_the_same(one: str, other: str) -> bool:
    """Whether two statements that are close in meaning may say the same.

    They have the same names and numbers, both deny or neither does, and there is more between them than one
    word that says something: "two cats" and "three cats" are closer than most paraphrases.
    """
    first, second = words(one), words(other)
    if first == second:
        return True
    if naming_words(one) - ONESELF != naming_words(other) - ONESELF or denies(one) != denies(other):
        return False
    if len(first) != len(second):
        return True
    differing = [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]]
    return len(differing) > 1 or not all(content_words(word) for word in differing[0])
