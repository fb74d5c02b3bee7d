"""Long-term memory: what a user has asserted, remembered, recalled as of any date, revised.

Only what passes the gate (`memory.assertions`) becomes a fact. Said again, it is strengthened; contradicted,
it is closed and names its successor (as the edges of Graphiti, arXiv 2501.13956); uncertain, it waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np
from sqlalchemy import Engine

from memory.assertions import Assertion, assertions
from memory.doubts import without_hedges
from memory.errors import FactStateError, UnknownTurnError
from memory.fact_drafts import CheckedDraft, as_sentence, checked_draft, requested_draft
from memory.fact_index import FactIndex
from memory.fact_relations import SAME, FactReader, Related, relate, says_the_same
from memory.facts import Fact, FactStore, NewFact, StoredState
from memory.threads import ThreadStore, Turn
from memory.users import FIRST_USER
from retrieval.encoder import Encoder
from retrieval.hits import Float32
from retrieval.words import content_words, words

__all__ = ["NOTES", "LongTermMemory", "Noted", "RecalledFact"]

NOTES: Final = "notes"
"""The thread of what a user writes down without asking anything."""
BEFORE: Final = 3
"""Turns before one whose answers its user may repeat."""
LATEST: Final = 16
"""Turns of a thread among which one that was just stored is looked for first."""

# Chosen by tests/benchmarks/fact_thresholds.py.
SHARED: Final = 0.1
"""What the share of a question's content words in a fact adds to their cosine."""
GATE: Final = 0.43
"""Cosine plus that, from which on a fact is recalled."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of something that a user asserted; `closed` are ids of facts that it has ended."""

    fact: Fact
    outcome: Literal["added", "strengthened", "waiting", "known"]
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecalledFact:
    """A fact that was recalled, and how well it speaks to the question."""

    fact: Fact
    score: float


class LongTermMemory:
    """The facts of one user.

    Args:
        engine: Of the database.
        encoder: Loads the encoder, called only where a text has to be encoded.
        encoder_key: Key and width of the encoder in the database.
        user: Whose facts.
    """

    def __init__(
        self,
        engine: Engine,
        encoder: Callable[[], Encoder],
        encoder_key: Callable[[], tuple[int, int]],
        user: str = FIRST_USER,
    ) -> None:
        self.store, self.threads = FactStore(engine, user), ThreadStore(engine, user)
        self.index = FactIndex(self.store, encoder, encoder_key)

    def remember(
        self, thread: str, ordinal: int, reader: FactReader, shown: Sequence[str] = ()
    ) -> tuple[Noted, ...]:
        """Keep what the user asserts in a turn that is stored; nothing of what anybody else says in it.

        What the user asks to be remembered is kept as it was said; of the rest, what the reader distils.

        Args:
            thread: Name of the turn's thread.
            ordinal: Of the turn there.
            reader: One without a language model distils nothing.
            shown: What else the user had before his eyes when he typed it, such as the text of documents;
                the answers before it are known.
        """
        turn, before = self._turn(thread, ordinal)
        if turn is None or turn.speaker:
            return ()
        # The answer to this very turn may repeat the user's words, never the user those of the answer.
        seen = [*(each for each in shown if each != turn.answer), *(each.answer for each in before)]
        asserted = assertions(turn.question, seen)
        drafts = [requested_draft(each, turn.asked_at) for each in asserted if each.requested]
        drafts += _distilled([each for each in asserted if not each.requested], turn, reader)
        noted = [self._note(draft, turn, reader) for draft in drafts]
        return tuple(each for each in noted if each is not None)

    def add(self, text: str, reader: FactReader, now: datetime) -> Noted:
        """Keep what the user writes down as a fact; the words become a turn of the thread of notes.

        Raises:
            FactStateError: If there is no word in it, or it was forgotten at once.
        """
        turn, draft = self._written_down(text, now)
        noted = self._note(draft, turn, reader)
        if noted is None:
            raise FactStateError("What was written down has been forgotten before it could be kept.")
        return noted

    def revise(self, id: str, text: str, reader: FactReader, now: datetime) -> Noted:
        """Say from now on something else in place of a fact, which is closed and names the new one.

        What else the new one contradicts is closed, too; if it is known already, that is strengthened.

        Raises:
            UnknownFactError: If the user has none of that id.
            FactStateError: If it is closed already or waiting, or says the same, or the text has no word.
        """
        if words(self._open(id).text) == words(text):
            raise FactStateError(f"The fact {id!r} says that already.")
        turn, draft = self._written_down(text, now)
        row = self.index.row(draft.text)
        while True:
            known = self.index.current()
            closes: tuple[tuple[str, datetime], ...] = ((id, max(now, self._open(id).valid_from)),)
            found = relate(draft.text, row, now, now, known, reader, besides=id)
            if found.same is not None:
                fact = self.store.strengthen(found.same.id, keep=True, expected=known.state, closes=closes)
            else:
                closes += found.closes
                fact = self._add(draft, turn, row, Related(closes=closes), known.state)
            if fact is not None:
                outcome: Literal["added", "strengthened"] = "strengthened" if found.same else "added"
                return Noted(fact, outcome, tuple(closed for closed, _ in closes))

    def confirm(self, id: str, reader: FactReader, now: datetime) -> Noted:
        """Keep a fact that was waiting for the user's yes, without its hedges; what it contradicts ends now.

        One that is known already is strengthened instead.

        Raises:
            UnknownFactError: If the user has none of that id.
            FactStateError: If it is not waiting.
        """
        while True:
            known = self.index.current()
            fact = self.store.fact(id)
            text = as_sentence(without_hedges(fact.text))
            row = self.index.row(text)
            found = Related()
            if fact.state == "waiting" and fact.invalid_at is None:
                found = relate(text, row, fact.valid_from, now, known, reader, besides=id)
            if found.same is not None:
                stronger = self.store.strengthen(found.same.id, True, known.state, waiting=id)
                if stronger is not None:
                    return Noted(stronger, "strengthened")
                continue
            kept = self.store.keep(id, text, found.closes, known.state)
            if kept is not None:
                return Noted(kept, "added", tuple(closed for closed, _ in found.closes))

    def decline(self, id: str) -> None:
        """Delete a fact that was waiting, because the user says no; errors as of `FactStore.decline`."""
        self.store.decline(id)

    def recall(self, question: str, row: Float32, as_of: datetime, k: int) -> list[Fact]:
        """The kept facts that were true at a moment and speak to a question, best first.

        Args:
            question: In words that need no earlier turn.
            row: Its embedding, unit length, shape (dim,).
            as_of: The moment.
            k: Most of them.
        """
        return [each.fact for each in self.scored(question, row, as_of, k)]

    def scored(self, question: str, row: Float32, as_of: datetime, k: int) -> list[RecalledFact]:
        """The same with scores: the cosine, and the share of the question's content words in the fact."""
        known = self.index.current()
        terms = frozenset(content_words(question))
        cosines = known.rows @ row
        found = []
        for n, fact in enumerate(known.facts):
            if fact.state == "kept" and fact.true_at(as_of):
                share = len(terms & known.terms[n]) / max(len(terms), 1)
                score = float(cosines[n]) + SHARED * share
                if score >= GATE:
                    found.append(RecalledFact(fact, score))
        return sorted(found, key=lambda each: (-each.score, -each.fact.key))[:k]

    def named(self, ids: Sequence[str]) -> list[Fact]:
        """The facts of those ids, as many as are there, oldest first."""
        wanted = set(ids)
        return [fact for fact in self.index.current().facts if fact.id in wanted]

    def closed_quotes(self, turn: int) -> list[str]:
        """The words of a turn, by its key, on which only facts rest that are no longer true."""
        facts = [fact for fact in self.index.current().facts if fact.turn_key == turn]
        still = {fact.quote for fact in facts if fact.invalid_at is None}
        return [fact.quote for fact in facts if fact.invalid_at is not None and fact.quote not in still]

    def duplicates(self) -> list[tuple[Fact, Fact]]:
        """Pairs of facts that are kept and open and say nearly the same, the older one of a pair first."""
        known = self.index.current()
        open_ = [n for n, f in enumerate(known.facts) if f.state == "kept" and f.invalid_at is None]
        found = []
        for place, n in enumerate(open_):
            later = open_[place + 1 :]
            for m in (later[k] for k in np.flatnonzero(known.rows[later] @ known.rows[n] >= SAME)):
                if says_the_same(known.facts[n].text, known.facts[m].text):
                    found.append((known.facts[n], known.facts[m]))
        return found

    def stale(self, now: datetime, days: int) -> list[Fact]:
        """Facts that are kept and open and were asserted only once, so many days ago or longer."""
        return [
            fact
            for fact in self.store.facts()
            if fact.state == "kept" and fact.invalid_at is None
            if fact.strength == 1 and now - fact.asked_at >= timedelta(days=days)
        ]

    def _turn(self, thread: str, ordinal: int) -> tuple[Turn | None, list[Turn]]:
        """A turn, None if it has been forgotten, and those just before it."""
        turns = self.threads.turns(thread, last=LATEST)
        if not any(turn.ordinal == ordinal for turn in turns):
            turns = self.threads.turns(thread)
        before = [turn for turn in turns if turn.ordinal < ordinal][-BEFORE:]
        return next((turn for turn in turns if turn.ordinal == ordinal), None), before

    def _written_down(self, text: str, now: datetime) -> tuple[Turn, CheckedDraft]:
        """What a user writes down: as a turn of the thread of notes, and as what is to be kept."""
        if not content_words(text):
            raise FactStateError("There is nothing to remember in a text without a word that says something.")
        written = Turn(uuid.uuid4().hex, text.strip(), "", False, now, 0.0)
        turn, _ = self._turn(NOTES, self.threads.append(NOTES, written))
        if turn is None:
            raise FactStateError("What was written down has been forgotten before it could be kept.")
        return turn, CheckedDraft(as_sentence(turn.question), turn.question, True, 1.0, now)

    def _open(self, id: str) -> Fact:
        fact = self.store.fact(id)
        if fact.invalid_at is not None:
            raise FactStateError(f"The fact {id!r} cannot be revised: it is closed already.")
        if fact.state == "waiting":
            raise FactStateError(f"The fact {id!r} cannot be revised: it is waiting to be confirmed.")
        return fact

    def _note(self, draft: CheckedDraft, turn: Turn, reader: FactReader) -> Noted | None:
        """Store a fact, or strengthen the one it repeats; None if its turn has been forgotten meanwhile."""
        row = self.index.row(draft.text)
        while True:
            known = self.index.current()
            for fact in known.facts:
                # After a stop in the middle the turn is looked at once more.
                if fact.turn_key == turn.key and fact.text == draft.text:
                    return Noted(fact, "known")
            found = relate(draft.text, row, draft.valid_from, turn.asked_at, known, reader, draft.certain)
            if found.same is not None:
                if not draft.certain:
                    return Noted(found.same, "known")
                stronger = self.store.strengthen(found.same.id, keep=True, expected=known.state)
                if stronger is not None:
                    return Noted(stronger, "strengthened")
                continue
            try:
                added = self._add(draft, turn, row, found, known.state)
            except UnknownTurnError:
                return None
            if added is not None:
                closed = tuple(id for id, _ in found.closes)
                return Noted(added, "added" if draft.certain else "waiting", closed)

    def _add(
        self, draft: CheckedDraft, turn: Turn, row: Float32, found: Related, expected: StoredState
    ) -> Fact | None:
        new = NewFact(
            turn_key=turn.key,
            text=draft.text,
            quote=draft.quote,
            asserted_by=self.store.user,
            state="kept" if draft.certain else "waiting",
            confidence=draft.confidence,
            valid_from=draft.valid_from,
            closes=found.closes,
            closed_by=found.closed_by,
        )
        return self.store.add(new, (self.index.encoder_key()[0], row), expected)


def _distilled(asserted: Sequence[Assertion], turn: Turn, reader: FactReader) -> list[CheckedDraft]:
    """What a reader finds in the sentences that the user asserts; it is shown nothing else."""
    if not asserted:
        return []
    drafts = reader.distil("\n".join(each.text for each in asserted))
    checked = [checked_draft(each, asserted, turn.asked_at) for each in drafts]
    return [each for each in checked if each is not None]
