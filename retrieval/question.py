"""A question's content words: how rare each is, and which of them the documents do not know."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from retrieval.hits import Int64
from retrieval.words import content_words, part_with

__all__ = ["QuestionWords", "WordStatistics", "question_words"]


LONG_NUMBER: Final = 3
"""Digits from which a number is taken for a year, a sum or a name."""


class WordStatistics(Protocol):
    """What is asked of a lexical index here."""

    def __len__(self) -> int: ...

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many entries each term occurs."""

    def occurring(self, terms: Sequence[str], within_documents: Int64 | None = None) -> frozenset[str]:
        """Those of the terms that occur in some documents."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """The content words of a question, as the lexical index knows them.

    Attributes:
        weights: By term, inverse document frequency as in BM25, >= 0.
        unknown: Terms that occur in no document that is searched, each with the word it stands for.
        names: Those of `unknown` that are names or long numbers: capitalised within the question, or with
            three digits or more. ("Which 3 things", "chapter 12" claim nothing about the words of a book.)
        naming: Terms, known or not, that say which one is meant: capitalised within the question, or numbers.
        read_as: Words of the question that stand otherwise in what was found, each with how it stands there.
    """

    weights: dict[str, float]
    unknown: dict[str, str]
    names: frozenset[str] = frozenset()
    naming: frozenset[str] = frozenset()
    read_as: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.names <= self.unknown.keys() <= self.weights.keys():
            raise ValueError(f"names {self.names} and unknown {self.unknown} must be among {self.weights}")
        if not self.naming <= self.weights.keys():
            raise ValueError(f"naming {self.naming} must be among {self.weights}")

    @property
    def unknown_share(self) -> float:
        """Share of the words' weight that is unknown, 0 to 1."""
        total = sum(self.weights.values())
        return sum(self.weights[term] for term in self.unknown) / total if total else 0.0

    def without(self, terms: Collection[str]) -> QuestionWords:
        """The same without these terms, unless nothing were left."""
        weights = {term: weight for term, weight in self.weights.items() if term not in terms}
        if not weights:
            return self
        unknown = {term: word for term, word in self.unknown.items() if term in weights}
        names, naming = self.names & weights.keys(), self.naming & weights.keys()
        return replace(self, weights=weights, unknown=unknown, names=names, naming=naming)

    def knowing(self, terms: Collection[str]) -> QuestionWords:
        """The same, these terms being known too, from elsewhere than the documents."""
        unknown = {term: word for term, word in self.unknown.items() if term not in terms}
        return replace(self, unknown=unknown, names=self.names & unknown.keys())

    def standing_as(self, found: Mapping[str, str]) -> QuestionWords:
        """The same, some unknown terms being known as other words (`retrieval.near_names`)."""
        read_as = {part_with(self.unknown[t], t): other for t, other in found.items() if t in self.unknown}
        return replace(self.knowing(found), read_as=self.read_as | read_as)


def question_words(
    question: str, statistics: WordStatistics, within_documents: Int64 | None = None
) -> QuestionWords:
    """Look the words of a question up, in some documents or (None) in all."""
    surfaces: dict[str, str] = {}
    names: set[str] = set()
    naming: set[str] = set()
    for position, word in enumerate(question.split()):
        bare = word.strip(".,;:!?\"'()[]“”‘’«»")
        for term in content_words(bare):
            surfaces.setdefault(term, bare)
            digits, capital = sum(map(str.isdigit, bare)), position > 0 and bare[:1].isupper()
            if digits or capital:
                naming.add(term)
            if digits >= LONG_NUMBER or capital:
                names.add(term)
    terms = list(surfaces)
    known = statistics.occurring(terms, within_documents)
    total = len(statistics)
    weights = {
        term: math.log(1 + max(total - count + 0.5, 0.5) / (count + 0.5))
        for term, count in zip(terms, statistics.frequencies(terms), strict=True)
    }
    unknown = {term: surfaces[term] for term in terms if term not in known}
    return QuestionWords(weights, unknown, frozenset(names & unknown.keys()), frozenset(naming))
