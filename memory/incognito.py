"""Threads that live in memory alone and leave nothing behind."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.answering import PLAIN_ANSWER, Answering
from memory.errors import ThreadNameError, UnknownThreadError
from memory.incognito_room import IncognitoRoom, IncognitoThread
from memory.thread_search import holds_words
from memory.threads import ThreadRecord, ThreadStore, Turn, thread_name

__all__ = ["INCOGNITO", "IncognitoThreads", "Threads"]

INCOGNITO: Final = "incognito"
"""Before the name of a user, on a line of its own."""


class IncognitoThreads:
    """Threads of one user in one process, gone with it; to be used as a `ThreadStore` is, on several threads.

    Those that were used the longest ago go earlier where there is no room for all of all users.

    Args:
        user: Whose threads; `user` of these is no name that anything is stored under.
        room: Shared by all users; by default one of their own.
    """

    def __init__(self, user: str = "", room: IncognitoRoom | None = None) -> None:
        self.user: Final = f"{INCOGNITO}\n{user}"
        self.room = room or IncognitoRoom()
        self._threads = self.room.threads()
        self._lock = self.room.lock
        self._keys = itertools.count(1)
        self._answering = PLAIN_ANSWER

    def of_one_question(self) -> IncognitoThreads:
        """The same threads, as one question sees them from `begin` on."""
        return copy.copy(self)

    def begin(self, answering: Answering = PLAIN_ANSWER) -> bool:
        """Note that a question begins; see `ThreadStore.begin`. Nothing is kept anyway."""
        self._answering = answering
        return False

    def look(self) -> None:
        """What is forgotten changes nothing here."""

    def threads(self) -> list[ThreadRecord]:
        """All threads, the one that was used last first."""
        with self._lock:
            found = [
                ThreadRecord(
                    name, len(each.turns), each.created_at, each.turns[-1].asked_at if each.turns else None
                )
                for name, each in self._threads.items()
            ]
        return sorted(found, key=lambda each: each.last_at or each.created_at, reverse=True)

    def turns(self, name: str, last: int | None = None, until: int | None = None) -> list[Turn]:
        """The turns of a thread, oldest first; of a thread that is not there, none."""
        if last is not None and last < 0:
            raise ValueError(f"last is {last}, below 0")
        with self._lock:
            turns = self._threads[name].turns if name in self._threads else []
            turns = [turn for turn in turns if turn.run != self._answering.replaced]
        if until is not None:
            turns = [turn for turn in turns if turn.ordinal <= until]
        return turns[max(len(turns) - last, 0) :] if last is not None else turns

    def turn(self, run: str) -> Turn | None:
        """The turn of a run, None if there is none."""
        with self._lock:
            turns = [turn for each in self._threads.values() for turn in each.turns]
        return next((turn for turn in turns if turn.run == run), None)

    def append(self, name: str, turn: Turn, vectors: tuple[int, NDArray[np.float32]] | None = None) -> int:
        """Put a turn at the end of a thread, which is made if it is new; the turn's ordinal there.

        `vectors` are not kept. A run that the thread has already is left as it was.

        Raises:
            NotAwaitedError: If the answer was stopped since `begin`.
        """
        with self._lock:
            known = self._threads.get(name)
            for each in known.turns if known is not None else []:
                if each.run == turn.run:
                    return each.ordinal
            self._answering.look()
            thread = self._threads.setdefault(name, IncognitoThread())
            turns = thread.turns
            if turns and (turns[-1].ordinal, turns[-1].run) == self._answering.replaces:
                thread.take(-1)
            ordinal = turns[-1].ordinal + 1 if turns else 1
            thread.put(replace(turn, ordinal=ordinal, key=next(self._keys)))
            self.room.make_room(thread)
            return ordinal

    def rename(self, old: str, new: str) -> None:
        """Give a thread another name; errors as those of `ThreadStore.rename`."""
        new = thread_name(new)
        with self._lock:
            if new != old and new in self._threads:
                raise ThreadNameError(f"Another thread is called {new!r}.")
            if old not in self._threads:
                raise UnknownThreadError(f"No thread is called {old!r}.")
            self._threads[new] = self._threads.pop(old)

    def search(self, words: str) -> list[ThreadRecord]:
        """The threads that hold each of the words, in any case, the one that was used last first."""
        with self._lock:
            found = {
                name
                for name, each in self._threads.items()
                if holds_words(
                    [name, *(text for turn in each.turns for text in (turn.question, turn.answer))], words
                )
            }
        return [each for each in self.threads() if each.name in found]

    def remove(self, name: str) -> None:
        """Forget a thread with its turns.

        Raises:
            UnknownThreadError: If no thread goes by that name.
        """
        with self._lock:
            if self._threads.pop(name, None) is None:
                raise UnknownThreadError(f"No thread is called {name!r}.")


Threads = ThreadStore | IncognitoThreads
"""Conversations, kept or not."""
