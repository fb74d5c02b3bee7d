"""A user's memory as somebody looks through it: by words or by meaning, time, thread and who said it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from app.memories import Memories
from memory.facts import Fact
from memory.long_term import NOTES
from memory.memory_files import Imported
from memory.stream import StreamTurn
from memory.turn_pages import SaidBy, TurnFilter, said_by, turn_page

__all__ = [
    "Fact",
    "FoundFact",
    "FoundTurn",
    "Imported",
    "MemoryBrowser",
    "SaidBy",
    "StreamTurn",
    "TurnFilter",
    "said_by",
]

MOST_FOUND: Final = 100
"""Facts, and turns, that a search by meaning gives."""


@dataclass(frozen=True, slots=True)
class FoundFact:
    """A fact, and how well it speaks to what was looked for by meaning."""

    fact: Fact
    score: float | None = None


@dataclass(frozen=True, slots=True)
class FoundTurn:
    """A turn with the facts that came from it, and how well it speaks to what was looked for by meaning."""

    turn: StreamTurn
    score: float | None = None
    facts: tuple[Fact, ...] = field(default=())


class MemoryBrowser:
    """Looks through the memory of one user."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories

    def facts(
        self,
        wanted: TurnFilter,
        which: Literal["true", "waiting", "all"] = "true",
        as_of: datetime | None = None,
        by_meaning: bool = False,
    ) -> list[FoundFact]:
        """Facts, the newest first, or the best first where they are looked for by meaning.

        Args:
            wanted: Which turns they are from; its words stand in the fact or in its quote.
            which: As for `Memories.facts`; by meaning only those are found that are kept and true.
            as_of: The moment at which they were true, None for now.
            by_meaning: Whether the words are a question, and not to be found as they are.
        """
        if by_meaning and wanted.words.strip():
            recalled, _ = self._memories.search(wanted.words, MOST_FOUND, as_of)
            found = [FoundFact(each.fact, each.score) for each in recalled]
        else:
            facts = reversed(self._memories.facts(which, as_of))
            words = wanted.words.casefold().split()
            found = [FoundFact(each) for each in facts if _has(each, words)]
        return [each for each in found if self._meant(each.fact, wanted)]

    def turns(
        self, wanted: TurnFilter, limit: int, offset: int = 0, by_meaning: bool = False
    ) -> tuple[list[FoundTurn], int]:
        """Some turns, the newest first, or the best first by meaning, and how many there are in all."""
        memories = self._memories
        if by_meaning and wanted.words.strip():
            scored = memories.search(wanted.words, MOST_FOUND)[1]
            meant = [(turn, score) for turn, score in scored if wanted.holds(turn)]
            found = [FoundTurn(turn, score) for turn, score in meant[offset : offset + limit]]
            total = len(meant)
        else:
            turns, total = turn_page(memories.library.engine, memories.user, wanted, limit, offset)
            found = [FoundTurn(turn) for turn in turns]
        of_turns: dict[int, list[Fact]] = {}
        for fact in memories.facts("all") if found else ():
            of_turns.setdefault(fact.turn_key, []).append(fact)
        return [replace(each, facts=tuple(of_turns.get(each.turn.key, ()))) for each in found], total

    def _meant(self, fact: Fact, wanted: TurnFilter) -> bool:
        return (
            (wanted.since is None or fact.asked_at >= wanted.since)
            and (wanted.before is None or fact.asked_at < wanted.before)
            and (wanted.thread is None or fact.thread == wanted.thread)
            and (wanted.said_by is None or wanted.said_by == self.said_by(fact))
        )

    def said_by(self, fact: Fact) -> SaidBy:
        """Whose assertion it is."""
        if fact.asserted_by != self._memories.long_term.store.user:
            return "others"
        return "notes" if fact.thread == NOTES else "user"


def _has(fact: Fact, words: list[str]) -> bool:
    said = f"{fact.text}\n{fact.quote}".casefold()
    return all(word in said for word in words)
