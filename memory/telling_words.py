"""Words that give away what was forgotten, however it is said: codes, numbers, names, pieces of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from memory.traces import PIECE, SHORTEST, Needles
from retrieval.sentences import split_sentences

__all__ = ["TellingWords"]

CODE: Final = 4
"""Characters from which on a word of letters and digits says what it is about by itself."""
LONG_NUMBER: Final = 5
"""Digits from which on a number does; shorter ones are years and counts."""
NAME: Final = 3

_WORD: Final = re.compile(r"\w+")


class TellingWords:
    """What tells of some forgotten words.

    Codes tell wherever they stand. Numbers, names and pieces of the words tell where nothing else is known
    that an answer may have them from.

    Args:
        said: What was forgotten, as its user has said it.
    """

    def __init__(self, said: Iterable[str]) -> None:
        texts = list(said)
        found = {word for text in texts for word in _WORD.findall(text)}
        self._codes = {word.casefold() for word in found if _is_code(word)}
        self._others = {word.casefold() for text in texts for word in _names_and_numbers(text)}
        self._needles = Needles(text for text in texts if len(text) >= PIECE)
        self.codes = sorted(word for word in found if _is_code(word) and len(word.encode()) >= SHORTEST)

    def tell_in(self, text: str, known: str, codes_alone: bool = False) -> bool:
        """Whether a text tells of it by something that is not in `known`."""
        held = {word.casefold() for word in _WORD.findall(text)}
        held &= self._codes if codes_alone else self._codes | self._others
        if held and held - {word.casefold() for word in _WORD.findall(known)}:
            return True
        if codes_alone or not self._needles.pieces:
            return False
        return bool(self._needles.found(text.encode()) - self._needles.found(known.encode()))


def _is_code(word: str) -> bool:
    if word.isdigit():
        return len(word) >= LONG_NUMBER
    return len(word) >= CODE and any(map(str.isdigit, word)) and any(map(str.isalpha, word))


def _names_and_numbers(text: str) -> list[str]:
    """Words with a digit, and those with a capital that is not the first of a sentence."""
    found: list[str] = []
    for span in split_sentences(text):
        words = _WORD.findall(text[span.start : span.end])
        found += [word for word in words if len(word) > 1 and any(map(str.isdigit, word))]
        found += [word for word in words[1:] if len(word) >= NAME and word[0].isupper()]
    return found
