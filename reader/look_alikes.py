"""Sentences that run parallel to one that answers better, and speak of something else.

"The box in Hall Six holds a bell" is close to a question about Hall Four in meaning and in words, and would
be quoted beside the sentence about Hall Four, or instead of it. Of two sentences that share half of their
words, or half of those that are no names and numbers, one is a look-alike if the other knows more of the
question's names and numbers, for these say which one is meant; or if it has another word in a phrase of the
question ("the east tower", asked for the south tower) and the other has not; or if it knows fewer of the
question's words and none besides. Where none of this holds, both stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

from retrieval.evidence import Evidence
from retrieval.question import QuestionWords
from retrieval.words import content_words, naming_words, words

__all__ = ["without_look_alikes"]

PARALLEL: Final = 0.5
"""Share of their words, of both together, from which two sentences run parallel."""

LEAST_COMMON: Final = 2
"""Words that they must share; one alone is chance."""

ARTICLES: Final = frozenset({"the", "a", "an"})

_PAUSE: Final = re.compile(r"[^\w\s'’-]+(?:\s|$)")
"""Phrases do not reach across it; the full stop of an abbreviation is none too many."""

Pair = tuple[str, bool, str]
"""Two content words next to each other, or (True) with "of" in between."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What matters of a sentence.

    Attributes:
        content: Its content words.
        common: Those that are no names or numbers.
        asked: Those of the question, all kinds.
        naming: Names and numbers among these.
        departs: Whether it has another word in a phrase of the question.
    """

    content: frozenset[str]
    common: frozenset[str]
    asked: frozenset[str]
    naming: frozenset[str]
    departs: bool

    def better_than(self, other: _Said) -> bool:
        """Whether the other is a look-alike of this one."""
        if not (_parallel(self.content, other.content) or _parallel(self.common, other.common)):
            return False
        if self.naming != other.naming:
            return other.naming < self.naming
        if self.departs != other.departs:
            return other.departs
        return other.asked < self.asked


def without_look_alikes(question: str, known: QuestionWords, evidence: Sequence[Evidence]) -> list[int]:
    """Positions of the evidence, ascending, without the look-alikes of other evidence."""
    phrases = [each for each in _pairs(question) if _is_phrase(each, known.naming)]
    said = [_said(each.quote, known, phrases) for each in evidence]
    return [n for n, each in enumerate(said) if not any(other.better_than(each) for other in said)]


def _said(quote: str, known: QuestionWords, phrases: Sequence[Pair]) -> _Said:
    content = frozenset(content_words(quote))
    asked = content & known.weights.keys()
    names = content_words(" ".join(naming_words(quote)))
    return _Said(
        content,
        content.difference(names),
        asked,
        asked & known.naming,
        _departs(quote, content, asked, phrases),
    )


def _parallel(one: Set[str], other: Set[str]) -> bool:
    shared = len(one & other)
    return shared >= LEAST_COMMON and 2 * shared >= PARALLEL * (len(one) + len(other))


def _departs(quote: str, content: Set[str], asked: Set[str], phrases: Sequence[Pair]) -> bool:
    """Whether a phrase of the question stands in the quote with one word replaced."""
    pairs = [(one, of, two) for one, of, two in _pairs(quote) if (one in asked) != (two in asked)]
    for first, of, second in phrases:
        for one, linked, two in pairs:
            if linked != of:
                continue
            if (one == first and second not in content) or (two == second and first not in content):
                return True
    return False


def _is_phrase(pair: Pair, naming: Set[str]) -> bool:
    """Whether two words are likely one phrase: a name next to a common word mostly is not."""
    first, of, second = pair
    return of or (first in naming) == (second in naming)


def _pairs(text: str) -> Iterator[Pair]:
    for piece in _PAUSE.split(text):
        content = set(content_words(piece))
        before, of, article = "", False, False
        for word in words(piece):
            if word in content:
                if before and (of or not article):
                    yield before, of, word
                before, of, article = word, False, False
            elif word == "of" and not of:
                of, article = True, False
            elif word in ARTICLES and not article:
                article = True
            else:
                before = ""
