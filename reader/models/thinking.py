"""The reasoning that some models write before their reply is not part of it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ThinkingFilter", "without_thinking"]

OPENING: Final = ("<think>", "<thinking>", "<reasoning>", "<|channel|>analysis<|message|>")
CLOSING: Final = ("</think>", "</thinking>", "</reasoning>", "<|channel|>final<|message|>")
_LONGEST: Final = max(len(each) for each in OPENING + CLOSING)
_ANY_OPENING: Final = re.compile("|".join(map(re.escape, OPENING)))
_ANY_CLOSING: Final = re.compile("|".join(map(re.escape, CLOSING)))


def without_thinking(text: str) -> str:
    """The reply without blocks of reasoning.

    Some templates put the opening tag into the prompt, so a closing tag alone ends a block too; a block
    that is never closed hides all that follows.
    """
    filter = ThinkingFilter()
    return (filter.feed(text) + filter.end()).strip()


class ThinkingFilter:
    """Takes the reasoning out of a stream of text, piece by piece.

    What follows a closing tag without an opening one is kept and what came before it is not; where that was
    already given out, `restarted` tells so once.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._given = False
        self.restarted = False

    def feed(self, text: str) -> str:
        """Add a piece; returns what can be shown of it now."""
        self._held += text
        shown = ""
        while True:
            found = (_ANY_CLOSING if self._inside else _ANY_OPENING).search(self._held)
            early = None if self._inside else _ANY_CLOSING.search(self._held)
            if early is not None and (found is None or early.start() < found.start()):
                # The block was opened in the prompt: all before its end was reasoning.
                self._held = self._held[early.end() :]
                self.restarted = self.restarted or self._given or bool(shown)
                shown, self._given = "", False
            elif found is not None:
                if not self._inside:
                    shown += self._held[: found.start()]
                self._held = self._held[found.end() :]
                self._inside = not self._inside
            else:
                break
        keep = self._open_tail()
        if not self._inside:
            shown += self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        self._given = self._given or bool(shown.strip())
        return shown

    def end(self) -> str:
        """No more comes; returns what was held back."""
        shown = "" if self._inside else self._held
        self._held = ""
        return shown

    def _open_tail(self) -> int:
        """How many of the last characters may be the beginning of a tag."""
        for length in range(min(_LONGEST - 1, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(tag.startswith(tail) for tag in OPENING + CLOSING):
                return length
        return 0
