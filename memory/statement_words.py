"""The words by which a sentence is known as a statement of its user, or as none.

For English. What these rules do not know is settled by `memory.assertions`: in doubt it waits for a yes.
"""

from __future__ import annotations

import re
from typing import Final

from memory.foreign_words import LABELS_OF_ONES_OWN, THINGS

__all__ = [
    "LEAD",
    "OWN_SAYING",
    "REQUEST",
    "SAYING",
    "SUBJECT",
    "TITLE",
    "any_of",
    "conditional",
    "is_pleasantry",
    "is_reported",
    "is_statement",
    "speaks_to_somebody",
    "to_be_kept",
]


def any_of(*alternatives: str) -> re.Pattern[str]:
    """A pattern of whole words, in small or large letters."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


LEAD: Final = (
    r"^[\W_]*(?:(?:please|pls|and|so|but|also|ok|okay|oh|well|hey|hi|hello|now|then|yes|no|actually|btw|"
    r"by the way|thanks|thank you|one more thing|ps|p\.s|fyi|correction|update|note|reminder)\b[\s,.:!–-]*)*"
)
REQUEST: Final = re.compile(
    rf"{LEAD}(?:(?:remember|(?:do not|don['’]?t|never) forget|keep in mind|bear in mind|(?:please )?note|"
    r"(?:make|take) a note|(?:please )?memori[sz]e)"
    r"(?:\s*:\s*|\s+(?:this|that|these)\s*:\s*|\s+that\s+|\s+(?=(?:i|my|we|our)\b)))",
    re.IGNORECASE,
)
_REMINISCING: Final = re.compile(
    r"^(?:time|day|night|one|guy|girl|man|woman|book|story|thing|when|game|movie|film|song|place|trip|summer|winter|"
    r"year|evening|morning|who|what|where|how|why)\b",
    re.IGNORECASE,
)
_FIRST_PERSON: Final = re.compile(r"\b(?:i(?!\.e\b)|me|my|mine|myself|we|us|our|ours)\b", re.IGNORECASE)
SUBJECT: Final = re.compile(r"\b(?:i(?!\.e\b)|we|my|our|mine|ours)\b", re.IGNORECASE)
_ASKING: Final = re.compile(
    rf"{LEAD}(?:who|whose|whom|what|which|where|why|how|when(?!\s+(?:i|we|my)\b[^?]*,)|do|does|did|is|are|was|were|"
    r"am|can|could|will|would|should|shall|may|might|have|has|had|isn['’]?t|aren['’]?t|don['’]?t|doesn['’]?t|didn['’]?t|"
    r"can['’]?t|won['’]?t|wasn['’]?t|weren['’]?t|you|your|you['’]re|from now on)\b",
    re.IGNORECASE,
)
_ORDER: Final = re.compile(
    rf"{LEAD}(?:kindly|just|always|never|first|next|finally|instead|henceforth)?\s*(?:add|allow|answer|append|apply|"
    r"ask|assume|behave|believe|bring|build|buy|calculate|call|cancel|change|check|choose|cite|classify|clear|compare|"
    r"compose|compute|confirm|consider|continue|convert|copy|correct|count|create|decide|define|delete|describe|"
    r"disable|discard|disclose|disregard|do|draft|draw|edit|email|enable|enter|erase|execute|explain|extract|fetch|"
    r"fill|find|finish|fix|follow|forget|forward|generate|get|give|go|grant|guess|help|ignore|imagine|include|insert|"
    r"install|keep|learn|let|list|look|make|mark|name|note|obey|open|output|override|pick|plan|play|point|prepare|"
    r"pretend|print|proceed|process|quote|read|recall|recite|recommend|record|refer|remember|remind|remove|repeat|"
    r"rephrase|replace|reply|report|respond|return|reveal|review|rewrite|run|save|say|search|see|select|send|set|share|"
    r"show|skip|solve|start|state|stop|store|suggest|summari[sz]e|suppose|switch|take|teach|tell|think|translate|treat|"
    r"trust|try|turn|type|update|use|verify|wait|watch|write)\b",
    re.IGNORECASE,
)
_TO_THE_ASSISTANT: Final = any_of(
    r"(?:want|need|order|command|instruct|tell|ask|asking|authori[sz]e|expect|require|like|urge|advise) you",
    r"want to know",
    r"wonder(?:ing)?",
    r"(?:my|the|another) question",
    r"you (?:must|should|shall|will|have to|need to|are now|may)",
    r"(?:previous|prior|above|earlier) (?:instructions?|rules?|messages?)",
    r"(?:the|an?) (?:assistant|ai|chatbot|bot|language model)",
    r"obey(?:s|ed)?",
    r"your (?:owner|creator|developer|admin\w*|master|god|operator)",
)
_CONDITION: Final = any_of(
    *("if", "unless", "would", "wouldn['’]?t", "could", "should", "had i", "were i", "as if", "as though"),
    *("in case", "in theory", "wish", "dreamt", "dreamed", "dream that", "joking", "kidding", "just testing"),
    *("for example", "for instance", "e\\.g", "say that", "assum(?:e|ing)", r"i['’]d(?! been)", "whether"),
    *("fiction(?:al)?", "make-believe", "character", "narrator", "otherwise"),
)
SAYING: Final = (
    r"(?:said|saying|wrote|written|told|claimed|stated|argued?|announced?|explained|replied|mentioned|insisted|remarked|"
    r"shouted|whispered|quoted|says?|writes?|tells?|insists|argues|claims?|dictated|declare[sd]|swears|swore|"
    r"confesse[sd]|sings|sang|cried|joked|complained|admits|admitted|denies|denied|alleges|alleged)"
)
_REPORTED: Final = re.compile(
    rf"\baccording to\b|\b{SAYING}\b|\bas (?:seen|shown) in\b|\b(?:states|claims|reports|reads|notes|"
    r"believes|thinks|explains|suggests|mentions|answers|asks|goes)\s*(?:,|that\b)|"
    rf"\b(?:{THINGS})\b[^.?!]{{0,20}}\b(?:begins|starts|opens|goes|runs|reads|continues)\b",
    re.IGNORECASE,
)
OWN_SAYING: Final = re.compile(
    rf"\b(?:i|we)(?:['’]ve| have| had| already| just)*\s+{SAYING}\b", re.IGNORECASE
)
_OF_MEMORY: Final = any_of(
    "remember (?:that|this|me|the)",
    "remember:",
    "don['’]?t forget",
    "memori[sz]e",
    "keep in mind that",
    "note that",
)
_LABEL: Final = re.compile(rf"(?!(?:{LABELS_OF_ONES_OWN})\s*:)(.*?):\s", re.IGNORECASE)
_METADATA: Final = re.compile(
    r"\b(?:user|account|session|tenant|owner|speaker|role|scope|thread|memory|asserted by|valid from|"
    r"confidence|state|importance|timestamp|metadata|source)[ _-]?(?:id|name|key|level)?\s*[:=]|"
    r"\w_\w|[{}<>]|\$\(|\\[nux]",
    re.IGNORECASE,
)
TITLE: Final = re.compile(
    r"\b(?:mr|mrs|ms|mx|dr|prof|st|mt|rev|capt|lt|col|gen|sgt|hon|vs|approx)\.$", re.IGNORECASE
)
_PLEASANTRY: Final = re.compile(
    rf"{LEAD}(?:(?:thank you|many thanks|thanks|cheers|good (?:morning|afternoon|evening|day|night)|there|"
    r"again|all|everyone|very much|so much|a lot|great|nice|cool|sure|right|fine|bye|"
    r"(?:\w+ )?(?:things?|facts?|notes?|bits?) about (?:me|us|myself))[\s,.:!]*)*$",
    re.IGNORECASE,
)
_SECOND_PERSON: Final = re.compile(
    r"\b(?:you|your|yours|yourself|yourselves|thee|thou|thy)\b(?<!thank you)(?<!so you)(?<!as you)",
    re.IGNORECASE,
)


def is_statement(text: str) -> bool:
    """Whether a sentence, without its full stop, states something of its user."""
    label = _LABEL.match(text)
    refused = (
        not SUBJECT.search(text),
        _ASKING.match(text),
        _ORDER.match(text),
        _TO_THE_ASSISTANT.search(text),
        _CONDITION.search(text),
        _METADATA.search(text),
        _OF_MEMORY.search(text),  # asked for in the middle of a sentence, it is asked by whom?
        label and not SUBJECT.match(label[1].strip()),
    )
    return not any(refused)


def to_be_kept(text: str) -> bool:
    """Whether what somebody asks to be remembered can be: nothing about the assistant, no reminiscence."""
    refused = (
        _REMINISCING.match(text),
        re.match(r"(?:you|your|you['’]re)\b", text, re.IGNORECASE),
        _TO_THE_ASSISTANT.search(text),
        _METADATA.search(text),
        REQUEST.match(text),
    )
    return not any(refused)


def conditional(text: str) -> bool:
    """Whether something is only supposed."""
    return _CONDITION.search(text) is not None


def is_reported(sentence: str) -> bool:
    """Whether a sentence tells what others say."""
    return _REPORTED.search(sentence) is not None and not OWN_SAYING.search(sentence)


def is_pleasantry(sentence: str) -> bool:
    """Whether a sentence says nothing: "Hi there!", or that something about the user follows."""
    return _PLEASANTRY.match(sentence) is not None


def speaks_to_somebody(sentence: str) -> bool:
    """Whether somebody is spoken to in it."""
    return _SECOND_PERSON.search(sentence) is not None
