"""What a language model drafts as a fact is checked word by word before it may become one.

A model may be wrong, or follow an instruction that it has read; it can then at most leave something out. Its
quote has to stand in a sentence that the user asserts, and its statement may say nothing that the quote does
not: no other content word, no other number, no other name, and "not" where the user says "not".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from memory.assertions import Assertion
from retrieval.document import Span
from retrieval.verify import verify_quote
from retrieval.words import content_words

__all__ = ["CheckedDraft", "FactDraft", "as_sentence", "checked_draft", "denies", "requested_draft"]

SURE: Final = 0.7
"""Confidence of a model from which on a fact is kept without asking."""
LONGEST: Final = 300
THE_USER: Final = frozenset(content_words("user"))

_DENIALS: Final = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|nor|neither|without|cannot|hardly|stopped|quit)\b|n['’]t\b",
    re.IGNORECASE,
)
_CLAUSE_END: Final = re.compile(
    r"[;:,—–]| (?:but|and|because|although|though|while|whereas|so) ", re.IGNORECASE
)
_SUBJECT: Final = re.compile(r"\b(?:i|we)\b", re.IGNORECASE)
_POSSESSIVE: Final = re.compile(r"\b(?:my|our|their|his|her)\b|\w['’]s\b|\w\w+s['’](?!\w)", re.IGNORECASE)


class FactDraft(Protocol):
    """What a reader drafts as a fact; nothing of it is believed yet."""

    @property
    def statement(self) -> str:
        """One sentence about the user."""

    @property
    def quote(self) -> str:
        """The user's words that it rests on."""

    @property
    def confidence(self) -> float:
        """0 to 1."""

    @property
    def since(self) -> int | None:
        """The year since which it is true, if the quote tells."""


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A fact that the user has asserted; `certain` if it may be kept without asking."""

    text: str
    quote: str
    certain: bool
    confidence: float
    valid_from: datetime


def requested_draft(assertion: Assertion, asked_at: datetime) -> CheckedDraft:
    """What the user asked to be remembered, in the user's own words."""
    return CheckedDraft(as_sentence(assertion.text), assertion.text, assertion.certain, 1.0, asked_at)


def checked_draft(draft: FactDraft, asserted: Sequence[Assertion], asked_at: datetime) -> CheckedDraft | None:
    """The draft as far as the user has said it, None if it says anything else.

    Args:
        draft: Of a reader.
        asserted: The sentences of a message that its user asserts.
        asked_at: When.
    """
    statement = " ".join(draft.statement.split())
    if not 0 < len(statement) <= LONGEST:
        return None
    for assertion in asserted:
        found = verify_quote(draft.quote, assertion.text).span
        if found is None:
            continue
        quote = assertion.text[found.start : found.end]
        clause = _clause(assertion.text, found)
        said = set(content_words(quote)) | THE_USER
        covered = set(content_words(statement)) <= said and bool(set(content_words(statement)) - THE_USER)
        same_sense = denies(statement) == denies(quote) == denies(clause)
        # "My brother lives in Rome" must not become "The user lives in Rome".
        whose = _SUBJECT.search(quote) is not None or (
            _POSSESSIVE.search(quote) is not None and _POSSESSIVE.search(statement) is not None
        )
        if covered and same_sense and whose:
            certain = assertion.certain and draft.confidence >= SURE
            confidence = min(max(draft.confidence, 0.0), 1.0)
            return CheckedDraft(
                as_sentence(statement), quote, certain, confidence, _since(draft, quote, asked_at)
            )
    return None


def denies(text: str) -> bool:
    """Whether a text says that something is not."""
    return len(_DENIALS.findall(text)) % 2 == 1


def _clause(sentence: str, quote: Span) -> str:
    """The clause, or the clauses, of a sentence that a quote is taken from."""
    start = max((m.end() for m in _CLAUSE_END.finditer(sentence, 0, quote.start)), default=0)
    after = _CLAUSE_END.search(sentence, quote.end)
    return sentence[start : after.start() if after else len(sentence)]


def _since(draft: FactDraft, quote: str, asked_at: datetime) -> datetime:
    """When it became true: the year that the quote itself names, else the moment it was said."""
    year = draft.since
    if year is None or not 1 <= year < asked_at.year or not re.search(rf"\b{year}\b", quote):
        return asked_at
    return datetime(year, 1, 1, tzinfo=UTC)


def as_sentence(text: str) -> str:
    """A text on one line, with a capital and a full stop."""
    shown = " ".join(text.split())
    return shown[:1].upper() + shown[1:].rstrip(".!; ") + "."
