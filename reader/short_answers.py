"""Which of the short answers that were found are given, and what kind of answer a question wants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from reader.contract import ShortAnswer
from reader.rules import same_answer
from reader.spans.calibration import strength
from retrieval.chunking import flat
from retrieval.document import Span

__all__ = [
    "asked_again",
    "asks_for_several",
    "asks_yes_or_no",
    "chosen_answers",
    "closed",
    "describes",
    "ranked_answers",
]

LEAD: Final = re.compile(
    r"\W*(?:(?:and|but|so|then)\b\W*)?"
    r"(?:(?:(?:can|could|do|will|would)\s+you\s+)?(?:please\s+)?(?:tell\s+(?:me|us)|say|know|remember)\b\W*)?"
    r"(?:(?:according|in|on|at|after|before|by|when|while)\b(?!\s+(?:what|which|whose)\b)[^,?]*,\s*)?"
    r"(?:(?<!me )(?<!us )(?<!say )(?<!know )(?<!remember )"
    r"if\b[^?]*?,\s+(?=\W?(?:\w+\s+)?(?:what|which|who|whom|whose|when|where|why|how)\b))?",
    re.IGNORECASE,
)
"""What may stand before the question itself: "Can you tell me", "According to it,", "If it rains," (who)."""
YES_OR_NO: Final = re.compile(
    r"(?:(?:if|whether)"
    r"|(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)(?:n['’]t)?)"
    r"\b(?!\s+\d)(?!\s+(?-i:[A-Z])\w+\s+(?:is|was|were|did|had|has|saw)\b)(?!.*\bor\b)",
    re.IGNORECASE,
)
PLURAL: Final = r"(?:\w+[^\W\d_s]s|people|children|men|women)\b"
SEVERAL: Final = re.compile(
    r"\b(?:what|which|who|name|list|give)\s+(?:\w+\s+){0,2}?"
    r"(?:two|three|four|five|six|seven|eight|nine|ten|all|several|some)\b"
    r"|\bwho\s+(?:are|were)\s"
    rf"|\bwhat\s+(?:are|were)\s+(?:[\w'’-]+\s+){{0,3}}?{PLURAL}"
    rf"|\b(?:what|which)\s+(?:\w+\s+)?{PLURAL}\s+(?:are|were|have|do)\b"
    r"|\b(?:which|what)\s+(?:people|children|men|women)\b"
    rf"|^\W*(?:please\s+)?(?:name|list)\s+(?:(?:the|all|some|his|her|their)\s+)?(?:\w+\s+)?{PLURAL}",
    re.IGNORECASE,
)
DESCRIBED: Final = re.compile(
    r"\b(?:the|a|an|that|those)\s+(?:[\w'’-]+\s+){1,3}?(?:who|whom|whose|that|which|where|in which|to whom)\b"
    r"|\b(?:the|[\w-]+['’]s)\s+[\w-]+\s+of\s+(?:the|[\w-]+['’]s)\s+[\w-]+\s+of\b",
    re.IGNORECASE,
)
SURE: Final = 0.0
"""Log-odds of an answer from which a described question is not asked again."""
CLOSE: Final = 2.0
"""Log-odds that a further answer may be below the best; set by hand, as is the one above."""
MOST: Final = 5
PAIRS: Final = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"), ('"', '"'))


def asks_yes_or_no(question: str) -> bool:
    """Whether the question is answered by yes or no: a span of a text is neither."""
    lead = LEAD.match(question)
    return bool(YES_OR_NO.match(question, lead.end() if lead else 0))


def asks_for_several(question: str) -> bool:
    """Whether the question asks for more than one thing."""
    return bool(SEVERAL.search(question))


def describes(question: str) -> bool:
    """Whether the question says what it is about by something else: "the man who bought the house"."""
    return bool(DESCRIBED.search(question))


def asked_again(question: str, ranked: Sequence[ShortAnswer]) -> str:
    """The question with what was found, which may be what it describes; "" if nothing was or all is clear."""
    if not ranked or strength(ranked[0]) >= SURE:
        return ""
    return f"{question} {flat(ranked[0].text)}"


def closed(text: str, span: Span) -> Span:
    """The span with the bracket or quotation mark beside it whose other half it has, or without that half.

    'the "mad scientist' becomes 'the "mad scientist"'; a half whose other one is further away is left alone,
    unless it is the first or last character.
    """
    start, end = span.start, span.end
    changed = True
    while changed:
        changed = False
        for opening, closing in PAIRS:
            opened, unopened = _halves(text[start:end], opening, closing)
            if opened and text.startswith(closing, end):
                end, changed = end + 1, True
            elif unopened and start and text[start - 1] == opening:
                start, changed = start - 1, True
    for opening, closing in PAIRS:
        opened, unopened = _halves(text[start:end], opening, closing)
        if opened and text.startswith(opening, start):
            start += 1
        elif (opened and text.endswith(opening, start, end)) or (
            unopened and text.endswith(closing, start, end)
        ):
            end -= 1
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _halves(said: str, opening: str, closing: str) -> tuple[bool, bool]:
    """Whether one is opened that is not closed, and one closed that is not opened; 6" is of inches."""
    if opening == closing:
        odd = len(re.findall(rf"(?<!\d){re.escape(opening)}", said)) % 2 == 1
        return odd, odd
    more = said.count(opening) - said.count(closing)
    return more > 0, more < 0


def ranked_answers(found: Sequence[ShortAnswer]) -> list[ShortAnswer]:
    """The answers by their strength, best first."""
    return sorted(found, key=lambda each: -strength(each))


def chosen_answers(question: str, ranked: Sequence[ShortAnswer]) -> list[ShortAnswer]:
    """The best answer, or, where several are asked for, those that are nearly as good, each said once.

    Args:
        question: In the user's words.
        ranked: From `ranked_answers`.
    """
    if not ranked or not asks_for_several(question):
        return list(ranked[:1])
    chosen: list[ShortAnswer] = []
    for each in ranked:
        close = strength(each) >= strength(ranked[0]) - CLOSE
        if close and not any(same_answer(each.text, kept.text) for kept in chosen):
            chosen.append(each)
    return chosen[:MOST]
