"""What a question says about the turns it asks for: whose they are, and by which words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from memory.time_patterns import named_times
from retrieval.words import STOP_WORDS, content_words, words

__all__ = ["as_a_speaker_asks", "asked_speaker", "named_terms", "question_terms"]

_WORDS_TOO: Final = frozenset(
    str.split(
        """
    amber angel april art august autumn baby baker bill bob boss can chase cook dad daisy dawn day dean drew
    eve faith father fisher fox frank friday friend gene grace grant guy harmony heather hope hunter iris ivy
    jack jade joy june king lance lily mark mason may melody miles mom mother mum nick olive page pat patience
    pearl penny pierce pop ray rich rob robin rose rowan ruby rusty sandy serena sky sparks stone storm sue
    summer sunny sunday teacher teddy tiffany trip user victor violet wade ward will winter wolf woods young
    """
    )
)
"""Names that are also months, verbs or things: only a capital within a sentence makes names of them."""
_NO_NAME_BEFORE: Final = re.compile(
    r"\s+(?:i|you|he|she|it|we|they|there|the|this|that|these|those|my|your|his|her|its|our|their|an?)\b",
    re.IGNORECASE,
)
_BEGINNING: Final = re.compile(r"(?:^|[.?!:;])\W*$")


def asked_speaker(question: str, speakers: Collection[str]) -> str | None:
    """The one of `speakers` whom the question names, by one word of the name at least; else None.

    Two who are named are none: turns of either may be meant. "" is the user who asks, never named.
    """
    said = {word for found in _names(question, speakers) for word in _name_words(found["name"])}
    named = [speaker for speaker in speakers if _name_words(speaker) & said]
    return named[0] if len(named) == 1 else None


def as_a_speaker_asks(question: str, speakers: Collection[str]) -> str:
    """The question with every speaker's name as "I", which is how turns are put: the text to encode.

    "Where did Ines work before Ines's move?" becomes "Where did I work before my move?"; the embedding of a
    name is near to every turn that holds the name, and those are mostly of the other speaker. "Will it rain
    in May?" names neither Will nor May.
    """
    for found in reversed(_names(question, speakers)):
        put = "my" if found["possessive"] else "I"
        question = question[: found.start()] + put + question[found.end() :]
    return question


def question_terms(question: str, speakers: Collection[str]) -> list[str]:
    """The different terms of a question that count for BM25, in order.

    Names of speakers are left out, unless nothing else is said: a turn seldom names the one who says it.
    """
    rest = _without(question, speakers)
    return list(dict.fromkeys(content_words(rest) or content_words(question) or words(question)))


def named_terms(question: str, speakers: Collection[str]) -> frozenset[str]:
    """The terms that stand in a question as names of speakers, and only so."""
    said = frozenset(term for found in _names(question, speakers) for term in words(found["name"]))
    return said.difference(words(_without(question, speakers)))


def _without(question: str, speakers: Collection[str]) -> str:
    for found in reversed(_names(question, speakers)):
        question = f"{question[: found.start()]} {question[found.end() :]}"
    return question


def _names(question: str, speakers: Collection[str]) -> list[re.Match[str]]:
    """Where speakers are named, in order: by words of one name, with its possessive."""
    patterns = [
        _pattern(speaker) for speaker in sorted(speakers, key=len, reverse=True) if _name_words(speaker)
    ]
    if not patterns:
        return []
    name = rf"\b(?P<name>{'|'.join(patterns)})\b(?P<possessive>['\u2019](?:s\b|(?=\s)))?"
    found = list(re.finditer(name, question, re.IGNORECASE))
    times = [(time.start, time.end) for time in named_times(question)] if found else []
    return [
        match
        for match in found
        if not any(match.start("name") < end and start < match.end("name") for start, end in times)
        and _is_name(match, question)
    ]


def _pattern(speaker: str) -> str:
    """One or more words of a name."""
    name = f"(?:{'|'.join(sorted(_name_words(speaker)))})"
    more = len(re.findall(r"\w+", speaker)) - 1
    return rf"{name}(?:[\s.'\u2019-]+{name}){{0,{more}}}"


def _is_name(found: re.Match[str], question: str) -> bool:
    """Whether words that may be a name are one: a capital says so, unless all words or any would have it."""
    parts = re.findall(r"\w+", found["name"])
    if not all(part.casefold() in _WORDS_TOO for part in parts):
        return True
    if question.isupper() or not all(part[0].isupper() for part in parts):
        return False
    if _BEGINNING.search(question[: found.start()]):
        return len(parts) > 1 or found["possessive"] is not None
    return not _NO_NAME_BEFORE.match(question, found.end())


def _name_words(text: str) -> set[str]:
    """The words of a name, with and without their accents."""
    found = {
        word for word in re.findall(r"\w+", text.casefold()) if word in _WORDS_TOO or word not in STOP_WORDS
    }
    plain = {re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", word)) for word in found}
    return found | plain
