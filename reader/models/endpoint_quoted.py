"""An error's words without those of a document: servers quote what they were sent, and that is data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

__all__ = ["unquoted"]

_WORD: Final = re.compile(r"\w+")
_SPELLED_OUT: Final = re.compile(r"\\[nrt\"'/\\]")
# As many words in a row that stand in what was sent are quoted from there.
RUN: Final = 3


def unquoted(text: str, sent: Iterable[str]) -> str:
    """A text without the runs of three or more words that stand in what was sent.

    Args:
        text: Of an error.
        sent: What a document or the user says in the request.
    """
    own = {run for each in sent for run in _runs([word for word, _, _ in _words(each)])}
    found = _words(text)
    kept = list(text)
    for number, run in enumerate(_runs([word for word, _, _ in found])):
        if run in own:
            start, end = found[number][1], found[number + RUN - 1][2]
            kept[start:end] = " " * (end - start)
    return "".join(kept)


def _words(text: str) -> list[tuple[str, int, int]]:
    """Each word of a text and where it stands; a line break that is spelled out as such ends a word."""
    plain = _SPELLED_OUT.sub("  ", text)
    return [(found[0].lower(), found.start(), found.end()) for found in _WORD.finditer(plain)]


def _runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1))
