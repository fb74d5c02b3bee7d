"""The hot index of the memory stream: which turns of a user a question activates, of any number of users.

A user's turns are read from SQL when they are first asked for and kept in step from then on, so there is
nothing on disk: what is deleted or forgotten in SQL is gone here, and what is lost here comes back equal.
The index has a capacity (LongMem, arXiv 2306.07174): users who have not been asked for the longest leave
first, and one who has more turns than all of it keeps the newest and most important. SQL keeps all.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import Engine

from memory.activation import ActivationWeights, Asked, Remembered, activate
from memory.hot_rows import HotRowStore, StreamState
from memory.hot_shard import HotShard
from memory.question_cues import asked_speaker, question_terms
from memory.time_words import Period, asked_periods
from memory.turn_keys import MAX_KEYS
from retrieval.hits import Float32, Int64

__all__ = ["CAPACITY", "ActivatedTurn", "StreamIndex"]

CAPACITY: Final = 2_500_000
"""Embeddings held at most, of all users together: about 1.3 GB at 384 dimensions, all else included."""


@dataclass(frozen=True, slots=True)
class ActivatedTurn:
    """A turn that a question activates.

    Attributes:
        key: Of the turn.
        score: The weighted sum of the three, higher is better.
        relevance: By meaning and words, 0 to 1.
        recency: 0 to 1.
        importance: 0 to 1.
    """

    key: int
    score: float
    relevance: float
    recency: float
    importance: float


class _Slot:
    """A user's place in the index; the lock lets one thread at a time at the shard."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shard: HotShard | None = None
        self.size = 0


class StreamIndex:
    """The hot index of one database and one encoder; safe to call from several threads and processes.

    Args:
        engine: Of the database.
        encoder: Key of the encoder whose embeddings are searched.
        dim: Their width.
        capacity: Embeddings held at most.
    """

    def __init__(self, engine: Engine, encoder: int, dim: int, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}, below 1")
        self.dim, self.capacity = dim, capacity
        self._rows = HotRowStore(engine, encoder)
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def activate(
        self,
        user: str,
        question: str,
        row: Float32,
        now: datetime,
        *,
        k: int,
        threads: Collection[str] | None = None,
        periods: Sequence[Period] = (),
        weights: ActivationWeights | None = None,
        gate: float = 0.0,
    ) -> list[ActivatedTurn]:
        """The turns of a user that a question activates, best first; equal scores by key, the newest first.

        Args:
            user: Whose turns; no other's are looked at.
            question: In plain language.
            row: Its embedding, a unit row, shape (dim,).
            now: With its time zone; recency counts from it.
            k: Turns wanted, at least 1.
            threads: Only turns of threads of these names; None for all.
            periods: Times that raise the turns of them, besides those that the question names.
            weights: Of the parts of the score; None for the chosen ones.
            gate: Turns of no greater relevance stay out.
        """
        if k < 1:
            raise ValueError(f"k is {k}, below 1")
        with self._current(user) as shard:
            if shard is None or not len(shard):
                return []
            places = None
            if threads is not None:
                places = shard.places(self._rows.threads(shard.state, threads))
            asked = _asked(shard, question, row, now, places, periods)
            turns = shard.turns
            remembered = Remembered(
                turns["session"], turns["asked_at"], turns["importance"], shard.terms.lengths
            )
            found = activate(remembered, asked, weights)
            allowed = np.arange(len(shard)) if places is None else places
            best = _best(found.score, allowed[found.relevance[allowed] > gate], k)
            columns = (turns["key"], found.score, found.relevance, found.recency, found.importance)
            return [
                ActivatedTurn(*each) for each in zip(*(part[best].tolist() for part in columns), strict=True)
            ]

    def unencoded(self, user: str) -> int:
        """How many of a user's turns that are held have no embeddings."""
        with self._current(user) as shard:
            return shard.unencoded if shard else 0

    def catch_up(self, user: str) -> int:
        """Bring a user's turns into the index as they are in SQL now; how many it holds."""
        with self._current(user) as shard:
            return len(shard) if shard else 0

    def speakers(self, user: str) -> list[str]:
        """The names of those who speak in a user's turns, "" being the user."""
        with self._current(user) as shard:
            return list(shard.speakers) if shard else []

    def held(self) -> dict[str, int]:
        """Embeddings held of each user, who was asked for the longest ago first."""
        with self._lock:
            return {user: slot.size for user, slot in self._slots.items()}

    @contextmanager
    def _current(self, user: str) -> Iterator[HotShard | None]:
        """A user's shard as SQL is now, for this thread alone; None if nothing of the user is stored."""
        with self._lock:
            slot = self._slots.setdefault(user, _Slot())
            self._slots.move_to_end(user)
        with slot.lock:
            state = self._rows.state(user)
            slot.shard = self._caught_up(slot.shard, state) if state else None
            size = slot.shard.size if slot.shard else 0
            if size != slot.size or slot.shard is None:
                slot.size = size
                self._make_room(user)
            yield slot.shard

    def _caught_up(self, shard: HotShard | None, state: StreamState) -> HotShard:
        if shard is None or (shard.state.user, shard.state.revision) != (state.user, state.revision):
            return self._built(state)
        if state.newest > shard.state.newest:
            shard.add(self._rows.rows(state, after=shard.state.newest), state)
            # An eighth more, so that not every turn that is added makes all anew.
            if shard.size > self.capacity * (1.0 if shard.complete else 1.125):
                return self._built(state)
        return shard

    def _built(self, state: StreamState) -> HotShard:
        fits = self._rows.count(state) * MAX_KEYS <= self.capacity
        only = None if fits else self._most_useful(state)
        shard = HotShard(self.dim, state, complete=only is None)
        for rows in self._rows.blocks(state, only):
            shard.add(rows, state)
        return shard

    def _most_useful(self, state: StreamState) -> list[int] | None:
        """Keys of the turns to hold, ascending, by newness and importance alike; None if all fit."""
        found = self._rows.weights(state)
        sizes = np.array([max(length // (2 * self.dim), 1) for _, _, length in found])
        if sizes.sum() <= self.capacity:
            return None
        use = np.array([weight for _, weight, _ in found]) + np.arange(1, len(found) + 1) / len(found)
        order = np.argsort(-use, kind="stable")
        kept = order[np.cumsum(sizes[order]) <= self.capacity]
        return sorted(found[place][0] for place in kept)

    def _make_room(self, user: str) -> None:
        """Let users leave until the rest fits, those asked for the longest ago first, `user` never."""
        with self._lock:
            if user in self._slots and not self._slots[user].size:
                del self._slots[user]
            over = sum(slot.size for slot in self._slots.values()) - self.capacity
            for other in [each for each in self._slots if each != user]:
                if over <= 0:
                    return
                over -= self._slots.pop(other).size


def _asked(
    shard: HotShard,
    question: str,
    row: Float32,
    now: datetime,
    places: Int64 | None,
    periods: Sequence[Period],
) -> Asked:
    """A question compared with all of a user's turns, by meaning with those at `places` only."""
    speaker = asked_speaker(question, shard.speakers)
    return Asked(
        similarities=shard.similarities(row, places),
        counts=shard.terms.matrix(question_terms(question, shard.speakers)),
        now=now.timestamp(),
        of_speaker=None if speaker is None else shard.turns["speaker"] == shard.speakers[speaker],
        periods=(*asked_periods(question, now), *periods),
    )


def _best(scores: Float32, places: Int64, k: int) -> Int64:
    """Those of `places` with the `k` highest scores, best first; of equal ones the latest."""
    if len(places) > k:
        worst = np.partition(scores[places], len(places) - k)[len(places) - k]
        places = places[scores[places] >= worst]
    return places[np.lexsort((-places, -scores[places]))][:k]
