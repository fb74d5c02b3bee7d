"""How much is held at once of what is kept nowhere: one bound for all users of a process."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from memory.threads import Turn

__all__ = ["IncognitoRoom", "IncognitoThread"]

MOST_CHARACTERS: Final = 16_000_000
"""Of all turns: thousands of long answers, and little beside what a server needs anyway."""

MOST_ANSWERS: Final = 500
"""Answers that are known with all their steps; of older ones only their turns are."""


@dataclass(slots=True)
class IncognitoThread:
    """A conversation; `characters` are those of its turns."""

    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    turns: list[Turn] = field(default_factory=list)
    characters: int = 0

    @property
    def last_at(self) -> datetime:
        """When it was used last."""
        return self.turns[-1].asked_at if self.turns else self.created_at

    def put(self, turn: Turn) -> None:
        """Put a turn at its end."""
        self.turns.append(turn)
        self.characters += _characters(turn)

    def take(self, place: int) -> int:
        """Take the turn at a place away; how many characters that were."""
        gone = _characters(self.turns.pop(place))
        self.characters -= gone
        return gone


class IncognitoRoom:
    """What the incognito threads of all users share; safe to use from several threads.

    Args:
        most: Characters of all turns.
        answers: See `MOST_ANSWERS`.

    Attributes:
        lock: Of all the threads in it.
    """

    def __init__(self, most: int = MOST_CHARACTERS, answers: int = MOST_ANSWERS) -> None:
        self.lock = threading.Lock()
        self._most, self._answers = most, answers
        self._of_users: list[dict[str, IncognitoThread]] = []
        self._ended: deque[Callable[[], object]] = deque()

    def threads(self) -> dict[str, IncognitoThread]:
        """The threads of one more user."""
        made: dict[str, IncognitoThread] = {}
        with self.lock:
            self._of_users.append(made)
        return made

    def make_room(self, used: IncognitoThread) -> None:
        """Drop the threads used the longest ago until there is room, at last turns of the one just used.

        Whoever calls holds the lock.
        """
        all_threads = [(name, each, mine) for mine in self._of_users for name, each in mine.items()]
        too_much = sum(each.characters for _, each, _ in all_threads) - self._most
        if too_much <= 0:
            return
        for name, each, mine in sorted(all_threads, key=lambda found: found[1].last_at):
            if too_much > 0 and each is not used:
                too_much -= mine.pop(name).characters
        while too_much > 0 and len(used.turns) > 1:
            too_much -= used.take(0)

    def ended(self, drop: Callable[[], object]) -> None:
        """Note an answer that has ended, and how it is dropped when there are too many."""
        with self.lock:
            self._ended.append(drop)
            too_many = [self._ended.popleft() for _ in range(len(self._ended) - self._answers)]
        for each in too_many:
            each()


def _characters(turn: Turn) -> int:
    return len(turn.question) + len(turn.answer) + len(json.dumps(turn.details))
