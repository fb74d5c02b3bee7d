"""What can be opened beside an answer: its citations, what was dropped from it, the places closest to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.shown_answers import ShownAnswer, ShownCitation, ShownPlace

__all__ = ["Kind", "Reference", "opened", "reference_of", "references"]

_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,8})\.(c|d|p)([1-9][0-9]{0,5})")


class Kind(StrEnum):
    """Of what is opened, by its letter in the address."""

    CITATION = "c"
    DROPPED = "d"
    PLACE = "p"


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of one turn; written as "3.c1", the first citation of turn 3."""

    turn: int
    kind: Kind
    position: int

    def __str__(self) -> str:
        return f"{self.turn}.{self.kind}{self.position}"


def reference_of(text: str) -> Reference | None:
    """What is written, None if that is nothing."""
    match = _WRITTEN.fullmatch(text)
    return Reference(int(match[1]), Kind(match[2]), int(match[3])) if match else None


def references(answer: ShownAnswer, turn: int) -> list[Reference]:
    """All that can be opened of an answer, in the order in which one goes through it."""
    lists: list[tuple[Kind, Sequence[ShownCitation | ShownPlace]]] = [
        (Kind.CITATION, answer.citations),
        (Kind.DROPPED, answer.dropped),
    ]
    if answer.abstained:
        lists.append((Kind.PLACE, answer.closest))
    return [Reference(turn, kind, position) for kind, found in lists for position in range(1, len(found) + 1)]


def opened(answer: ShownAnswer, reference: Reference) -> ShownCitation | ShownPlace | None:
    """What a reference means in its answer, None if there is no such thing any more."""
    found: tuple[ShownCitation | ShownPlace, ...]
    match reference.kind:
        case Kind.CITATION:
            found = answer.citations
        case Kind.DROPPED:
            found = answer.dropped
        case Kind.PLACE:
            found = answer.closest
    return found[reference.position - 1] if reference.position <= len(found) else None
