"""Which questions ask to be answered only from what has been read: rules that can be read, for English.

The words that say so are taken out, so that they are not searched for. They stand apart, at the beginning or
the end of a sentence: a car can be without spoilers. A question such as "What has happened so far?" asks for
a recap of what has been read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from retrieval.words import content_words

__all__ = ["RECAP", "SpoilerWish", "spoiler_wish"]

RECAP: Final = "Summarize the story."
"""What is asked of what has been read, where a recap of all of it is wished for."""

_BEGINS: Final = r"(?:^\W*|(?<=[.,;:!?(\[–—-] )|(?<=[(\[–—]))(?:and |but |now )?(?:please )?"
_ENDS: Final = r"(?:,? please)?(?=\s*(?:$|[.,;:!?)\]–—-]))"
_GOES_ON: Final = (
    r"(?: please)?(?= (?:who|whom|whose|what|when|where|which|why|how|does|did|do|tell|explain|describe|give"
    r"|summari[sz]e|recap|please|(?:can|could|will|would) you)\b)"
)
_IN_THE_BOOK: Final = r"(?: (?:in|of) (?:the|this|my) (?:book|novel|story|text))?"
_SPOILERS: Final = r"(?: (?:any|all|a|the|big|major))* spoilers?"
_TOLD: Final = r"(?:me|anything|everything|the (?:rest|ending|end|story|book|novel|plot))(?: for me)?"
_MARKED: Final = re.compile(
    rf"{_BEGINS}(?:(?:(?:give|tell)(?:ing)? (?:me )?)?"
    rf"(?:with ?out(?: giving)?|with no|minus|no|avoid(?:ing)?){_SPOILERS}"
    rf"|i (?:don['’]?t|do not) want{_SPOILERS}"
    rf"|(?:don['’]?t|do not|without) spoil(?:ing)?(?: (?:it|the (?:surprise|fun)|{_TOLD}))?(?: for me)?"
    rf"|(?:in a )?spoiler[- ]?free(?: way| manner)?|spoilers? ?-?free)(?:{_ENDS}|{_GOES_ON})"
    r"|(?:(?<=^explain )|(?<=^describe )|(?<=^summari[sz]e ))(?:without|with no) spoilers"
    r"|\bspoiler[- ]?free(?= (?:\w+ )?(?:summary|recap|synopsis|overview|answer|explanation|description)\b)",
    re.IGNORECASE,
)
"""Words that can mean nothing else."""
_NOT_MARKED: Final = re.compile(
    rf"\b(?:(?:with ?out|with no|minus|avoiding){_SPOILERS}|without spoiling {_TOLD}"
    rf"|in a spoiler[- ]?free (?:way|manner)){_ENDS}"
    rf"|(?<!of )(?<!there )(?<!has )(?<!have )(?<!had )(?<!are )(?<!about )(?<!it )\bno spoilers?{_ENDS}",
    re.IGNORECASE,
)
_DOUBTFUL: Final = re.compile(
    r"\b(?:cars?|vehicles?|trucks?|wings?|trunks?|air(?:craft|planes?|foils?)|planes?|gliders?|drag|downforce"
    r"|avoiding)\b",
    re.IGNORECASE,
)
"""Where the end of a sentence may speak of the spoilers of a car or wing, or of avoiding them at all."""

_I_AM: Final = (
    r"i(?:['’]?m|['’]ve| am| have)?(?: (?:just|currently))?"
    r"(?: (?:read(?:ing)?|got(?:ten)?|stopped|left off|finished|at|to|now|so far))*"
)
_WHERE: Final = rf"(?:the (?:point|place|page|part|chapter) )?(?:where|that|which|what) {_I_AM}\b"
_UP_TO: Final = re.compile(
    rf"\b(?:but )?(?:only |just )?(?:from |in |of )?(?:(?:(?:up )?(?:to|until|till)|before|within) {_WHERE}"
    r"|(?:up to|until|till|before|within|to(?= my (?:current|reading|bookmark)))"
    r" my (?:current |reading )*(?:position|place|page|point|bookmark|progress)"
    r"|(?:from|in|of) what i(?:['’]ve| have) (?:already )?read(?: so far)?"
    r"|(?:as|so) far as i(?:['’]ve| have|['’]m| am)?(?: (?:read|got|gotten|come|now))*)"
    rf"{_IN_THE_BOOK}(?:{_ENDS}|{_GOES_ON})",
    re.IGNORECASE,
)

_SO_FAR: Final = re.compile(
    r"\b(?:so far|thus far|(?:up )?(?:to|until|till) (?:now|here|this point))\b(?! (?:as|from|away|that)\b)",
    re.IGNORECASE,
)
_ENDS_SO_FAR: Final = re.compile(
    rf"{_SO_FAR.pattern}{_IN_THE_BOOK}(?:,? please)?\s*(?:$|[.?!])|^\W*(?:so|thus) far\b", re.IGNORECASE
)
# What has happened so far is told in the perfect, or where "so far" ends the sentence ...
_PERFECT: Final = re.compile(r"\b(?:has|have|had|been)\b|\w['’](?:s|ve|d)\b", re.IGNORECASE)
# ... and is no distance: "Why did he go so far?"
_DISTANCE: Final = re.compile(
    r"\bhow far\b|\bwhy (?:is|are|was|were)\b"
    r"|\b(?:how|why)\b.* (?:get|got|see|reach|live|lie)(?: \w+)? so far\b"
    r"|\b(?:go(?:es|ing)?|went|c[oa]m(?:e|es|ing)|r[ua]n(?:ning)?|walk\w*|travel\w*|driv\w+|drove|fl(?:y|ew)"
    r"|flies|rid\w+|rode|sail\w*|sw[ia]m\w*|thr[oe]w\w*|jump\w*|wander\w*|mov\w+)(?: \w+)? so far\b"
    r"|\b(?:get|got|c[oa]me|go|went) (?:to|until|till) (?:here|this point)\b",
    re.IGNORECASE,
)

_ASKS: Final = r"^\W*(?:please |can you |could you |would you |so |now )*"
_PREVIOUSLY: Final = re.compile(
    r"^\W*(?:previously\b(?=\W*$|,? (?:on|in)\b)|(?:please )?catch me up\W*(?:please\W*)?$)", re.IGNORECASE
)
_HAPPENED: Final = re.compile(
    rf"{_ASKS}(?:(?:tell|remind|show) me (?:of )?)?what(?:['’]s| has| have|['’]ve)?(?: all| actually)?"
    r" (?:happened|occurred|taken place|gone on|been going on|been happening)\b",
    re.IGNORECASE,
)
_REMINDED: Final = re.compile(
    rf"{_ASKS}(?:remind me (?:of )?what(?:['’]s| has)? happened"
    r"|what(?: has)? happened (?:previously|before|earlier|last time))"
    rf"{_IN_THE_BOOK}\W*$"
    rf"|{_ASKS}(?:(?:tell|remind|show) me )?(?:where (?:was i|i was|did i (?:stop|leave off)(?: reading)?)"
    r"|what (?:did i|have i|i have|i['’]ve|i) read (?:so far|up to now|until now|previously|last time))"
    rf"{_IN_THE_BOOK}\W*$",
    re.IGNORECASE,
)
"""Recaps of what has been read, where anything is known to have been."""
_SUMMARY: Final = re.compile(
    r"\b(?:recap|summari[sz]e|sum up|summary|synopsis|catch me up|bring me up to (?:speed|date))\b"
    r"|\bthe (?:story|plot)$",
    re.IGNORECASE,
)
_STORY_SO_FAR: Final = re.compile(
    r"\b(?:story|plot|book|novel) (?:go(?:es|ing|ne)? )?(?:so|thus) far\b", re.IGNORECASE
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


def spoiler_wish(question: str, wished: bool = False) -> SpoilerWish | None:
    """The wish in a question, None if there is none.

    Args:
        question: In plain language.
        wished: Whether no spoilers are wished for anyway; "What happened?" is a recap then.
    """
    if _PREVIOUSLY.search(question):
        return SpoilerWish(RECAP, recap=True, sure=True)
    if _REMINDED.search(question):
        return SpoilerWish(RECAP, recap=True, sure=False)
    plain = _UP_TO.sub(" ", _MARKED.sub(" ", question))
    sure = plain != question
    plain = _NOT_MARKED.sub(" ", plain)
    said = plain != question
    sure = sure or (said and not _DOUBTFUL.search(question))
    if said or _means_until_here(question):
        plain = _SO_FAR.sub(" ", plain)
    told = bool(_HAPPENED.search(_tidied(plain)))
    if plain == question and not (wished and told):
        return None
    plain = _tidied(plain)
    recap = told or bool(_SUMMARY.search(plain.rstrip(" .?!")))
    if recap and not set(content_words(plain)) - _OF_RECAP:
        return SpoilerWish(RECAP, recap=True, sure=True)
    if plain == question:
        return None
    return SpoilerWish(plain if re.search(r"\w", plain) else question, recap, sure)


def _means_until_here(question: str) -> bool:
    """Whether "so far" in a question, if it is there, is a place in the text."""
    if any(said.search(question) for said in (_PERFECT, _SUMMARY, _STORY_SO_FAR, _HAPPENED)):
        return True
    return bool(_ENDS_SO_FAR.search(question)) and not _DISTANCE.search(question)


def _tidied(text: str) -> str:
    """A text out of which words were taken, without the blanks and marks that they leave behind."""
    text = re.sub(r"\(\W*\)|\[\W*\]", " ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+(?=[?.!,;:])", "", text)
    text = re.sub(r"[,;:–—-]+\s*(?=[?.!]|$)", "", text)
    text = re.sub(r"(?<=[?.!])[.,;:!]+", "", text)
    return re.sub(r"^[\s,;:.!?–—-]+(?:and |but |then )?", "", text).strip()
