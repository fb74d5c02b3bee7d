"""A fact as it is read, a fact to be stored, and the state of all of a user's facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Fact", "FactState", "NewFact", "StoredState"]

FactState = Literal["kept", "waiting"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a user has asserted.

    Attributes:
        text: The statement.
        quote: The words it rests on; they stand in the question of its turn.
        thread: Name of the thread of that turn, asked at `asked_at` as number `ordinal` there.
        state: "kept", or "waiting" for the user's yes, and until then never recalled.
        confidence: 0 to 1.
        strength: How often it was asserted, at least 1.
        invalid_at: When it ceased to be true, None while it is.
        replaced_by: Id of the fact that closed it.
        turn_key: Of its turn.
        key: Greater than that of all facts stored before.
    """

    id: str
    text: str
    quote: str
    thread: str
    ordinal: int
    asked_at: datetime
    asserted_by: str
    state: FactState
    confidence: float
    strength: int
    valid_from: datetime
    invalid_at: datetime | None
    replaced_by: str | None
    turn_key: int
    key: int

    def true_at(self, moment: datetime) -> bool:
        """Whether it was true then, as far as is known now."""
        return self.valid_from <= moment and (self.invalid_at is None or moment < self.invalid_at)


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact to be stored.

    `closes` names facts that end with it, each with the moment; `closed_by` one that ends it.
    """

    turn_key: int
    text: str
    quote: str
    asserted_by: str
    state: FactState
    confidence: float
    valid_from: datetime
    closes: tuple[tuple[str, datetime], ...] = ()
    closed_by: tuple[str, datetime] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence is {self.confidence}, not in 0 to 1")
        if self.valid_from.tzinfo is None:
            raise ValueError(f"valid_from is {self.valid_from.isoformat()}, without a time zone")


@dataclass(frozen=True, slots=True)
class StoredState:
    """What changes whenever a user's facts do: the user's key and revision, the greatest key of a fact."""

    user: int | None
    revision: int
    greatest: int
