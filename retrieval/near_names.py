"""Names of a question that occur nowhere as they are asked for, and yet stand in the texts.

"Maastrich" for "Maastricht", "Superbowl" for "Super Bowl", "UMC" for "United Methodist Church": the typing
error, the space or the letters alone do not make it a question about something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from rapidfuzz.distance import OSA

from retrieval.document import Span
from retrieval.words import words

__all__ = ["near_names"]

LEAST: Final = 6
"""Letters of a name that may be mistyped; shorter ones have too many neighbours (Anne, Anna, Hanna)."""
LONG: Final = 10
"""Letters of a name in which two may be wrong, not one."""
INITIALS: Final = 3
"""Letters of the shortest abbreviation; two stand at the beginning of too many words."""
_PIECE: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s'’-]")
_POSSESSIVE: Final = re.compile(r"['’]s?$")
_LINKING: Final = frozenset(str.split("a and at de des du for in la of on the to und von"))
"""Words without a capital within a name, which abbreviations mostly leave out."""


def near_names(names: Mapping[str, str], texts: Sequence[str]) -> dict[str, str]:
    """How texts have names that do not occur there as they are asked for.

    Args:
        names: Terms of `retrieval.words`, each with the word of the question that it is from.
        texts: What was found.

    Returns:
        By term, the words of a text, as they stand there: those with the same letters, those whose initials
        it is, or the name that one typing error (`LONG`: two) makes of it, which begins alike. Terms without
        any are left out, and so are numbers, of which each is another.
    """
    wanted = {term: word for term, word in names.items() if term.isalpha()}
    found: dict[str, str] = {}
    mistyped: dict[str, tuple[int, str]] = {}
    for text in texts if wanted else ():
        for run in _capitalised(text):
            for term, word in wanted.items():
                place = _joined(term, run) or _initials(term, word, run)
                if place and term not in found:
                    found[term] = _POSSESSIVE.sub("", " ".join(text[place.start : place.end].split()))
            for piece in run:
                _note_neighbours(_POSSESSIVE.sub("", piece[0]), wanted, mistyped)
    return {term: other for term, (_, other) in mistyped.items()} | found


def _capitalised(text: str) -> Iterator[list[re.Match[str]]]:
    """Runs of words with a capital, the small ones that link them left out."""
    run: list[re.Match[str]] = []
    for piece in _PIECE.finditer(text):
        if piece[0][0].isupper():
            run.append(piece)
        elif run and piece[0] not in _LINKING:
            yield run
            run = []
    if run:
        yield run


def _joined(term: str, run: Sequence[re.Match[str]]) -> Span | None:
    """Two words that are the term if nothing stands between them."""
    for one, two in pairwise(run):
        if words(one[0] + two[0]) == [term]:
            return Span(one.start(), two.end())
    return None


def _initials(term: str, word: str, run: Sequence[re.Match[str]]) -> Span | None:
    """The words that an abbreviation stands for; None if it is none, or of others."""
    own = next((piece for piece in re.findall(r"\w+", word) if words(piece) == [term]), "")
    at = "".join(piece[0][0] for piece in run).find(own)
    if at < 0 or len(own) < INITIALS or not own.isupper():
        return None
    return Span(run[at].start(), run[at + len(own) - 1].end())


def _note_neighbours(other: str, wanted: Collection[str], mistyped: dict[str, tuple[int, str]]) -> None:
    """Keep the word of a text for each name that it is nearest to."""
    for term in words(other):
        for name in wanted:
            if len(name) < LEAST or name[0] != term[0]:
                continue
            most = 2 if len(name) >= LONG else 1
            distance = OSA.distance(name, term, score_cutoff=most)
            if distance <= most and distance < mistyped.get(name, (most + 1, ""))[0]:
                mistyped[name] = (distance, other)
