"""Sentences that compete with one that answers better, and speak of something else.

"The box in Hall Six holds a bell" is close to a question about Hall Four in meaning and in words, and would
be quoted beside the sentence about Hall Four, or instead of it. Two sentences compete if they have half of
the question's words in common. One of them is a look-alike if the other knows more of the question's names
and numbers, for these say which one is meant; or if it has another word in a phrase of the question ("the
east tower", asked for the south tower) and the other has not; or if it knows fewer of the question's words
and none besides. Where none of this holds, both stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

from retrieval.evidence import Evidence
from retrieval.question import QuestionWords
from retrieval.words import content_words, words

__all__ = ["without_look_alikes"]

COMPETING: Final = 0.5
"""Share of the question's words that two sentences must have in common."""

LEAST_COMMON: Final = 2
"""Words of the question that they must have in common; one alone is chance."""

DETERMINERS: Final = frozenset(
    str.split(
        """
    the a an this that these those my your his her its our their which what
    """
    )
)
AUXILIARIES: Final = frozenset(
    str.split(
        """
    did do does had has have can could may might will would should
    """
    )
)
"""What the subject of a question follows, and its verb after that."""

_PAUSE: Final = re.compile(r"[^\w\s'’-]+(?:\s|$)")
"""Phrases do not reach across it; the full stop of an abbreviation is none too many."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two neighbouring content words.

    Attributes:
        first: One of them.
        second: The one behind it.
        of: Whether "of" stands in between.
        perhaps_verb: Whether the second may be the verb of a question.
    """

    first: str
    second: str
    of: bool = False
    perhaps_verb: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """What matters of a sentence.

    Attributes:
        asked: Its words of the question.
        naming: Names and numbers among these.
        departs: Whether it has another word in a phrase of the question.
    """

    asked: frozenset[str]
    naming: frozenset[str]
    departs: bool

    def better_than(self, other: _Said) -> bool:
        """Whether the other, which competes with this one, is a look-alike of it."""
        if self.naming != other.naming:
            return other.naming < self.naming
        if self.departs != other.departs:
            return other.departs
        return other.asked < self.asked


def without_look_alikes(question: str, known: QuestionWords, evidence: Sequence[Evidence]) -> list[int]:
    """Positions of the evidence, ascending, without the look-alikes of other evidence."""
    phrases = [each for each in _pairs(question) if _is_phrase(each, known.naming)]
    said = [_said(each.quote, known, phrases) for each in evidence]
    enough = max(COMPETING * len(known.weights), LEAST_COMMON)

    def is_look_alike(one: _Said) -> bool:
        return any(len(one.asked & other.asked) >= enough and other.better_than(one) for other in said)

    return [n for n, each in enumerate(said) if not is_look_alike(each)]


def _said(quote: str, known: QuestionWords, phrases: Sequence[_Pair]) -> _Said:
    content = frozenset(content_words(quote))
    asked = content & known.weights.keys()
    return _Said(asked, asked & known.naming, _departs(quote, content, asked, phrases))


def _departs(quote: str, content: Set[str], asked: Set[str], phrases: Sequence[_Pair]) -> bool:
    """Whether a phrase of the question stands in the quote with one word replaced."""
    pairs = [each for each in _pairs(quote) if (each.first in asked) != (each.second in asked)]
    for phrase in phrases:
        for each in pairs:
            if each.of != phrase.of:
                continue
            if each.second == phrase.second and phrase.first not in content:
                return True
            if each.first == phrase.first and phrase.second not in content and not phrase.perhaps_verb:
                return True
    return False


def _is_phrase(pair: _Pair, naming: Set[str]) -> bool:
    """Whether two words are likely one phrase: a name next to a common word mostly is not."""
    return pair.of or (pair.first in naming) == (pair.second in naming)


def _pairs(text: str) -> Iterator[_Pair]:
    """Neighbouring content words that are linked by "of", or stand together behind a determiner."""
    for piece in _PAUSE.split(text):
        content = set(content_words(piece))
        before, of, opened, inverted, latest = "", False, False, False, ""
        for word in words(piece):
            if word in content:
                if before and (of or opened):
                    yield _Pair(before, word, of, inverted and not of)
                before, of = word, False
            elif word in DETERMINERS:
                before, opened, inverted = before if of else "", True, latest in AUXILIARIES
            else:
                of = word == "of" and before != ""
                before, opened, inverted = before if of else "", False, False
            latest = word
