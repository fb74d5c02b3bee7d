"""What a reader without a language model does by rules: history, parts, triage."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from reader.contract import Exchange
from retrieval.sentences import split_sentences
from retrieval.words import content_words, words

__all__ = ["held_words", "question_parts", "refers_back", "same_answer", "with_history"]

_BACK: Final = re.compile(
    r"\b(he|him|his|she|her|hers|it|its|they|them|their|theirs|this|that|these|those|there|then|former|latter)\b",
    re.IGNORECASE,
)
_OPENING: Final = re.compile(
    r"^\s*(and|but|so|what about|how about|why not|why so|who else|what else)\b", re.IGNORECASE
)
_OWN: Final = re.compile(r"\b(?:i|me|my|mine|we|us|our|ours)\b", re.IGNORECASE)
_NAME: Final = re.compile(r"(?<=\w )[A-Z]\w+")
FEW_WORDS: Final = 2
MOST_PARTS: Final = 4


def refers_back(question: str, told: bool = False) -> bool:
    """Whether a question seems to refer to what was said before.

    It does if it opens like a follow-up, or has hardly a content word and is not about the user ("Where is my
    desk?"), or has a pronoun and no name that the pronoun may stand for.

    Args:
        question: In the user's own words.
        told: Whether nothing was asked before, only told: then one content word is enough.
    """
    if _OPENING.search(question):
        return True
    count = len(content_words(question))
    if count < FEW_WORDS and not _OWN.search(question) and not (told and count):
        return True
    return bool(_BACK.search(question)) and not _NAME.search(question)


def with_history(question: str, turns: Sequence[Exchange]) -> str:
    """The question with the one before it, whose words say what it refers to."""
    return f"{turns[-1].question} {question}" if turns else question


def question_parts(question: str) -> tuple[str, ...]:
    """The questions of a text that asks several, each with its own question mark; else the text itself."""
    spans = split_sentences(question)
    asked = [question[span.start : span.end] for span in spans]
    parts = tuple(each for each in asked if each.rstrip("\"”’' )").endswith("?"))
    return parts if 1 < len(parts) == len(asked) <= MOST_PARTS else (question,)


def same_answer(one: str, other: str) -> bool:
    """Whether two short answers say the same, as far as content words tell: "Oke" and "Mr. Oke"."""
    first, second = set(content_words(one)), set(content_words(other))
    if first and second:
        return first <= second or second <= first
    return " ".join(words(one)) == " ".join(words(other))


def held_words(question: str, options: Sequence[str]) -> list[float]:
    """For each option the weight of the question's words in it, those that few options hold counting more."""
    held = [set(content_words(option)) for option in options]
    wanted = set(content_words(question))
    weights = {w: math.log(1 + len(options) / (1 + sum(w in each for each in held))) for w in wanted}
    return [sum(weights[word] for word in sorted(wanted & each)) for each in held]
