"""Names of a question that occur nowhere as they are asked for, and yet stand in the texts.

"Maastrich" for "Maastricht", "Superbowl" for "Super Bowl", "UMC" for "United Methodist Church": the typing
error, the space or the letters alone do not make it a question about something else. Another name does, and
many are but a letter apart: "Iceland" and "Ireland". A name that is known in the world was meant as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final
from unicodedata import combining, normalize

from rapidfuzz.distance import OSA

from retrieval.document import Span
from retrieval.words import part_with, words

__all__ = ["near_names"]

LEAST: Final = 6
"""Letters of a name that may be mistyped; shorter ones have too many neighbours (Anne, Anna, Hanna)."""
LONG: Final = 10
"""Letters of a name in which two may be wrong, not one."""
INITIALS: Final = 3
"""Letters of the shortest abbreviation; two stand at the beginning of too many words."""
_PIECE: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s'’-]|\n\s*(?:\n|[-*•])")
_POSSESSIVE: Final = re.compile(r"['’]s?$")
_ROMAN: Final = re.compile(r"[IVX]+")
_LINKING: Final = frozenset(str.split("a and at de des du for in la of on the to und von"))
"""Words without a capital within a name, which abbreviations mostly leave out."""
_ENDS: Final = '.!?…:"“”'
"""What a sentence begins behind, with a capital that says nothing."""


def near_names(
    names: Mapping[str, str], texts: Sequence[str], established: Callable[[str], bool]
) -> dict[str, str]:
    """How texts have names that do not occur there as they are asked for.

    Args:
        names: Terms of `retrieval.words`, each with the word of the question that it is from.
        texts: What was found.
        established: Whether a word or name is one that is known, and so was not mistyped.

    Returns:
        By term, the words of a text, as they stand there: two that are the name with a space between, those
        whose initials it is, or the only name that typing errors (`LONG`) make of it, which begins alike.
        Terms without any are left out, and so are numbers, of which each is another.
    """
    wanted = {term: part_with(word, term) for term, word in names.items() if term.isalpha()}
    strange = {term: part for term, part in wanted.items() if len(part) >= LEAST and not established(part)}
    found: dict[str, str] = {}
    near: dict[str, dict[str, int]] = {term: {} for term in strange}
    for text in texts if wanted else ():
        for run in _capitalised(text):
            whole = _joined(text, run) | _initials(run)
            for term, part in wanted.items():
                place = whole.get(part if part.isupper() else term)
                if place and term not in found:
                    found[term] = _name(text[place.start : place.end])
            for piece in run if strange else ():
                other = _name(piece[0])
                begins = text[: piece.start()].rstrip()[-1:] in _ENDS
                if not (begins and established(other)):
                    for term, part in strange.items():
                        if (distance := _errors(_letters(part), _letters(other))) is not None:
                            near[term][other] = distance
    return {term: other for term, others in near.items() if (other := _only_nearest(others))} | found


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


def _joined(text: str, run: Sequence[re.Match[str]]) -> dict[str, Span]:
    """By the term that two neighbouring words would be as one, where they stand."""
    return {
        terms[0]: Span(one.start(), two.end())
        for one, two in pairwise(run)
        if text[one.end() : two.start()].strip() in ("", "-") and len(terms := words(one[0] + two[0])) == 1
    }


def _initials(run: Sequence[re.Match[str]]) -> dict[str, Span]:
    """By their initials all words of a run, and those behind the first one: "The United Methodist Church"."""
    initials = "".join(piece[0][0] for piece in run)
    return {
        own: Span(run[first].start(), run[-1].end())
        for first in (1, 0)
        if len(own := initials[first:]) >= INITIALS and not _ROMAN.fullmatch(own)
    }


def _name(text: str) -> str:
    """On one line, without the possessive."""
    return _POSSESSIVE.sub("", " ".join(text.split()))


def _errors(name: str, other: str) -> int | None:
    """Typing errors that make one of the other; None if they are others."""
    most = 2 if len(name) >= LONG else 1
    distance = OSA.distance(name, other, score_cutoff=most)
    return distance if name[0] == other[:1] and distance <= most else None


def _letters(word: str) -> str:
    """Small, and without accents."""
    return "".join(letter for letter in normalize("NFKD", word.casefold()) if not combining(letter))


def _only_nearest(others: Mapping[str, int]) -> str:
    """The nearest name; "" if there is none, or two."""
    least = min(others.values(), default=0)
    nearest = {other.casefold(): other for other, distance in others.items() if distance == least}
    return next(iter(nearest.values())) if len(nearest) == 1 else ""
