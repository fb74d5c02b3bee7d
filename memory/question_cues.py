"""What a question says about the turns it asks for: whose they are, and by which words."""

from __future__ import annotations

import re
from collections.abc import Collection

from retrieval.words import STOP_WORDS, content_words, words

__all__ = ["as_a_speaker_asks", "asked_speaker", "question_terms"]


def asked_speaker(question: str, speakers: Collection[str]) -> str | None:
    """The one of `speakers` whom the question names, by one word of the name at least; else None.

    Two who are named are none: turns of either may be meant. "" is the user who asks, never named.
    """
    said = _name_words(question)
    named = [speaker for speaker in speakers if _name_words(speaker) & said]
    return named[0] if len(named) == 1 else None


def as_a_speaker_asks(question: str, speakers: Collection[str]) -> str:
    """The question with every speaker's name as "I", which is how turns are put: the text to encode.

    "Where did Ines work before Ines's move?" becomes "Where did I work before my move?"; the embedding of a
    name is near to every turn that holds the name, and those are mostly of the other speaker.
    """
    names = "|".join(sorted({re.escape(name) for each in speakers for name in _name_words(each)}))
    if not names:
        return question
    name = re.compile(rf"\b(?:{names})(?:\s+(?:{names}))*(['\u2019]s)?\b", re.IGNORECASE)
    return name.sub(lambda found: "my" if found[1] else "I", question)


def question_terms(question: str, speakers: Collection[str]) -> list[str]:
    """The different terms of a question that count for BM25, in order.

    Names of speakers are left out, unless nothing else is said: a turn seldom names the one who says it.
    """
    terms = dict.fromkeys(content_words(question) or words(question))
    names = {term for speaker in speakers for term in words(speaker)}
    return [term for term in terms if term not in names] or list(terms)


def _name_words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - STOP_WORDS
