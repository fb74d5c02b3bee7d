"""Which questions ask to be answered only from what has been read: rules that can be read, for English.

The words that say so are taken out, so that they are not searched for. A question such as "What has happened
so far?" asks for a recap of what has been read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from retrieval.words import content_words

__all__ = ["RECAP", "SpoilerWish", "spoiler_wish"]

RECAP: Final = "Summarize the story."
"""What is asked of what has been read, where a recap of all of it is wished for."""

_I_AM: Final = (
    r"i(?:['’]?m|['’]ve| am| have)?(?: (?:just|currently))?"
    r"(?: (?:read(?:ing)?|got(?:ten)?|stopped|left off|finished|at|to|now|so far))*"
)
_END_OF_READING: Final = (
    rf"(?:the (?:point|place|page|part|chapter) )?(?:where|that|which|what) {_I_AM}\b"
    r"|my (?:current |reading )*(?:position|place|page|point|bookmark|progress)\b"
)
_WISHES: Final = re.compile(
    r"\b(?:(?:but )?(?:please )?(?:give|tell)(?:ing)? (?:me )?(?:no|without any) spoilers?"
    r"|(?:and )?(?:with ?out|with no|minus|no|avoid(?:ing)?)(?: (?:any|all|the|big|major))* spoilers?"
    r"|(?:in a )?spoiler[- ]?free(?: way| manner)?|spoilers? ?-?free"
    r"|(?:but )?(?:please )?(?:don['’]?t|do not|without) spoil(?:ing)?"
    r" (?:it|me|anything|everything|the (?:rest|ending|end|story|book|novel|plot|surprise|fun))\b(?: for me)?"
    r"|(?:(?<=[,;:.!?(] )|^|but |please )(?:don['’]?t|do not) spoil\b(?= *(?:[,;:.!)]|$))"
    rf"|(?:but )?(?:only |just )?(?:from |in |of )?(?:(?:up )?(?:to|until|till)|before|within) "
    rf"(?:{_END_OF_READING})"
    r"|(?:but )?(?:only |just )?(?:from|in|of) what i(?:['’]ve| have) (?:already )?read(?: so far)?"
    r"|(?:as|so) far as i(?:['’]ve| have|['’]m| am)?(?: (?:read|got|gotten|come|now))*\b)"
    r"(?:,? please)?",
    re.IGNORECASE,
)
_SO_FAR: Final = re.compile(
    r"\b(?:so far|thus far|(?:up )?(?:to|until|till) (?:now|here|this point))\b(?! (?:as|from|away|that)\b)",
    re.IGNORECASE,
)
# "Why did he go so far?" means a distance; what has happened so far is told in the perfect.
_PERFECT: Final = re.compile(r"\b(?:has|have|had|been)\b|\w['’](?:s|ve|d)\b", re.IGNORECASE)
_RECAPS: Final = (
    re.compile(
        r"^\W*(?:previously\b(?=\W*$|,? (?:on|in)\b)|(?:please )?catch me up\W*(?:please\W*)?$)",
        re.IGNORECASE,
    ),
    re.compile(
        r"^\W*(?:please |can you |could you |would you |so |now )*"
        r"(?:(?:tell|remind|show) me (?:of )?)?"
        r"what(?:['’]s| has| have|['’]ve)?(?: all| actually)?"
        r" (?:happened|occurred|taken place|gone on|been going on|been happening)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:recap|summari[sz]e|sum up|summary|synopsis|catch me up|bring me up to (?:speed|date))\b"
        r"|\bthe (?:story|plot)$",
        re.IGNORECASE,
    ),
)
_OF_RECAP: Final = frozenset(
    content_words(
        "previously happened occurred taken place gone going happening recap summarize summarise sum summary"
        " synopsis catch bring speed date story plot book novel tell remind show give write please all"
        " actually events everything"
    )
)


@dataclass(frozen=True, slots=True)
class SpoilerWish:
    """A question that is to be answered from what has been read alone.

    Attributes:
        question: Without the words that say so.
        recap: Whether it asks for what has happened until there.
        sure: Whether its wording can mean nothing else; "so far" can, where nothing is known of how far the
            user has read.
    """

    question: str
    recap: bool
    sure: bool


def spoiler_wish(question: str) -> SpoilerWish | None:
    """The wish in a question, None if there is none."""
    previously, happened, summary = _RECAPS
    if previously.search(question):
        return SpoilerWish(RECAP, recap=True, sure=True)
    plain = _WISHES.sub(" ", question)
    sure = plain != question
    if sure or _PERFECT.search(question) or summary.search(question) or _story_so_far(question):
        plain = _SO_FAR.sub(" ", plain)
    if plain == question:
        return None
    plain = _tidied(plain)
    recap = bool(happened.search(plain) or summary.search(plain.rstrip(" .?!")))
    if recap and not set(content_words(plain)) - _OF_RECAP:
        return SpoilerWish(RECAP, recap=True, sure=True)
    return SpoilerWish(plain if re.search(r"\w", plain) else question, recap, sure)


def _story_so_far(question: str) -> bool:
    return bool(re.search(r"\bthe (?:story|plot) (?:so|thus) far\b", question, re.IGNORECASE))


def _tidied(text: str) -> str:
    """A text out of which words were taken, without the blanks and marks that they leave behind."""
    text = re.sub(r"\(\W*\)|\[\W*\]", " ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+(?=[?.!,;:])", "", text)
    text = re.sub(r"[,;:–—-]+\s*(?=[?.!]|$)", "", text)
    text = re.sub(r"(?<=[?.!])[.,;:!]+", "", text)
    return re.sub(r"^[\s,;:.!?–—-]+(?:and |but |then )?", "", text).strip()
