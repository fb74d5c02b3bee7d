"""What a user can do with what is remembered: see it, add to it, correct it, take it elsewhere, forget it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from app.errors import SettingsError
from app.events import Progress, silent
from app.turn_encoding import encode_turns
from memory.facts import Fact
from memory.inventory import Inventory, inventory
from memory.long_term import LongTermMemory, Noted, RecalledFact
from memory.memory_files import Imported, export_memory, import_memory
from memory.stream import StreamTurn
from reader.contract import DraftedFact, Reader, Relation
from reader.errors import ModelError

if TYPE_CHECKING:
    from app.library import Library

__all__ = ["Memories", "MemoryReport"]

LONGEST_FACT: Final = 1_000
LONGEST_USER: Final = 200
STALE_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """The state of a user's memory.

    Attributes:
        counts: Of everything, and sizes.
        inbox: Facts that wait for a yes.
        duplicates: Pairs that say nearly the same.
        stale: Facts that were asserted once, `stale_days` ago or longer.
    """

    counts: Inventory
    inbox: tuple[Fact, ...]
    duplicates: tuple[tuple[Fact, Fact], ...]
    stale: tuple[Fact, ...]
    stale_days: int


@dataclass(slots=True)
class _LateReader:
    """The library's reader, made when there is something to relate; the rule where its model is away.

    What a user writes down is not lost because a model cannot be asked.
    """

    make: Callable[[], Reader]
    rule: Callable[[], Reader]
    made: Reader | None = field(default=None)

    def distil(self, text: str) -> Sequence[DraftedFact]:
        """Nothing: what is written down is kept as it is."""
        return ()

    def relate(self, statement: str, known: Sequence[str]) -> Sequence[Relation]:
        """How a statement relates to each of those that are known."""
        if not known:
            return ()
        try:
            self.made = self.made or self.make()
            return self.made.relate(statement, known)
        except ModelError:
            return self.rule().relate(statement, known)


class Memories:
    """The memory of one user of a library.

    Args:
        library: Of the home.
        user: Whose memory; nobody else's can be reached from here.
        now: The time, with its zone.
        progress: Told what is waited for.

    Raises:
        SettingsError: If that cannot be the name of a user.
    """

    def __init__(
        self,
        library: Library,
        user: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Progress = silent,
    ) -> None:
        if not user.strip() or len(user) > LONGEST_USER:
            raise SettingsError(f"The name of a user has 1 to {LONGEST_USER} characters.")
        self.library, self.user, self.now = library, user, now
        backends = library.backends
        self._reader = _LateReader(
            lambda: backends.reader.for_job("memory", progress),
            lambda: backends.extractive.for_job("memory", progress),
        )

    @property
    def long_term(self) -> LongTermMemory:
        """The user's facts."""
        return self.library.memory.long_term(self.user)

    def facts(self, which: Literal["true", "waiting", "all"], as_of: datetime | None = None) -> list[Fact]:
        """Facts, oldest first: those that are kept and true at a moment (by now), those that wait, or all."""
        moment = as_of or self.now()
        found = self.long_term.store.facts()
        match which:
            case "true":
                return [fact for fact in found if fact.state == "kept" and fact.true_at(moment)]
            case "waiting":
                return [fact for fact in found if fact.state == "waiting"]
            case "all":
                return found

    def texts(self, ids: Collection[str]) -> dict[str, str]:
        """The texts of those of these facts that there are, by id."""
        return self.long_term.store.texts(ids)

    def search(
        self, query: str, k: int, as_of: datetime | None = None
    ) -> tuple[list[RecalledFact], list[tuple[StreamTurn, float]]]:
        """The facts and the turns that speak to a query, each best first, with their scores."""
        memory = self.library.memory
        row = memory.encode([query])[0]
        facts = self.long_term.scored(query, row, as_of or self.now(), k)
        recollector = memory.recollector(self.user)
        recollector.encode_missing()
        activated = recollector.reranked(query, recollector.activated(query, row))[:k]
        turns = {turn.key: turn for turn in memory.stream(self.user).turns([each.key for each in activated])}
        said = [(turns[each.key], each.score) for each in activated if each.key in turns]
        return facts, [each for each in said if as_of is None or each[0].asked_at <= as_of]

    def add(self, text: str) -> Noted:
        """Keep a statement; it becomes a turn of the thread "notes" as well, so that it has an origin.

        Raises:
            FactStateError: If it says nothing.
            SettingsError: If it is too long.
        """
        return self.long_term.add(_short(text), self._reader, self.now())

    def revise(self, id: str, text: str) -> Noted:
        """Say something else in place of a fact from now on.

        Raises:
            UnknownFactError: If there is none of that id.
            FactStateError: If it is closed or waiting, or the text says nothing.
            SettingsError: If it is too long.
        """
        return self.long_term.revise(id, _short(text), self._reader, self.now())

    def confirm(self, id: str) -> Noted:
        """Keep a fact that was waiting.

        Raises:
            UnknownFactError: If there is none of that id.
            FactStateError: If it is not waiting.
        """
        return self.long_term.confirm(id, self._reader, self.now())

    def decline(self, id: str) -> Fact:
        """Delete a fact that was waiting; errors as for `confirm`."""
        fact = self.long_term.store.fact(id)
        self.long_term.decline(id)
        return fact

    def export(self) -> Iterator[str]:
        """All of it as lines of JSON."""
        return export_memory(self.library.engine, self.user)

    def import_lines(self, lines: Iterable[str]) -> Imported:
        """Add what was exported, all or nothing.

        Raises:
            MemoryFileError: If a line cannot be read, or contradicts what is there.
        """
        return import_memory(self.library.engine, self.user, lines)

    def encode(self, progress: Progress = silent) -> int:
        """Encode all turns that have no embeddings yet, stored batch by batch; how many those were."""
        memory = self.library.memory
        stream = memory.stream(self.user)
        return encode_turns(stream, memory.encode, stream.count_without_vectors(), progress)

    def report(self, stale_days: int = STALE_DAYS) -> MemoryReport:
        """Its state."""
        memory = self.long_term
        return MemoryReport(
            counts=inventory(self.library.engine, self.user, memory.index.encoder_key()[0]),
            inbox=tuple(self.facts("waiting")),
            duplicates=tuple(memory.duplicates()),
            stale=tuple(memory.stale(self.now(), stale_days)),
            stale_days=stale_days,
        )


def _short(text: str) -> str:
    if len(text) > LONGEST_FACT:
        raise SettingsError(
            f"The text has {len(text):,} characters; a fact has at most {LONGEST_FACT:,}. "
            "Longer texts are documents: `clew add PATH`."
        )
    return text
