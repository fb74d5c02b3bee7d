"""Which statements may be not so, not so yet, not meant so, or not the user's own opinion or words.

For English; whatever is not known to be sure counts as doubtful, and waits for the user's yes.
"""

from __future__ import annotations

import re
from typing import Final

from memory.statement_words import LEAD, OWN_SAYING, SAYING, SUBJECT, any_of

__all__ = ["doubtful", "in_somebody_s_mind", "without_hedges"]

_HEDGE: Final = any_of(
    *("i think", "i guess", "i believe", "i suppose", "i feel", "i assume", "i hope", "i expect", "i reckon"),
    *("maybe", "perhaps", "probably", "possibly", "presumably", "supposedly", "apparently", "allegedly"),
    *("not sure", "unsure", "not certain", "uncertain", "might", "(?-i:may)", "seems?", "kind of", "sort of"),
    *("i doubt", "likely", "thinking of", "thinking about", "considering", "as far as i (?:know|remember)"),
    *("or so", "or something", "i may", "don['’]?t (?:really )?(?:know|remember)", "can['’]?t remember"),
)
_HEDGES: Final = re.compile(
    r"[\s,]*\b(?:i (?:think|guess|believe|suppose|assume|reckon)(?: that)?|maybe|perhaps|probably|possibly|"
    r"presumably|supposedly|apparently|allegedly)\b,?",
    re.IGNORECASE,
)
# What may stand before "I" or "my" without a speaker or a believer of its own: adverbs, time, place, part.
_OPENING: Final = re.compile(
    rf"{LEAD}(?:(?:last|this|next|every|today|tonight|yesterday|tomorrow|nowadays|currently|recently|lately|usually|"
    r"normally|often|sometimes|originally|eventually|finally|honestly|frankly|unfortunately|luckily|fortunately|"
    r"sadly|personally|generally|mostly|always|never|still|already|once|both|all|most|some|many|none|half|each|one|"
    r"two|three|of|these days|at the moment|so far|just so you know|as you know|for the record|in general|"
    r"even|only|like|because|although|though|since|when|while|after|before|just|"
    r"(?:this|that|it|here|there|these|those)(?:['’]s| is| are| was| were)(?= (?:my|our)\b)|"
    r"(?:the|an?) (?:\w+ ){1,3}(?:of|in|at|on|for|to|with)|"
    r"(?:in|on|at|since|for|from|during|until|near|within|by|with|about|around|as|last|next|every|this)"
    r"(?: (?!that\b|who\b|it\b|i\b|we\b|my\b|our\b)[\w.'’-]+){1,4}?|"
    r"week|month|year|night|morning|summer|winter|spring|autumn)\b[\s,–-]*)*$",
    re.IGNORECASE,
)
LONGEST_OPENING: Final = 48
"""Characters; what stands before "I" or "my" in a longer one has a verb, mostly."""
_EMBEDDED: Final = re.compile(
    r"([\w'’-]+)[ \t]+(?:(?:i|we)(?!\.e\b)\b|(?<=that )(?:my|our)\b)", re.IGNORECASE
)
_JOINING: Final = frozenset(
    str.split(
        """
        and but so or because since when while where which who whom whose than although though until if as
        then
        """
    )
)
_NOT_YET: Final = re.compile(
    r"\b(?:when|whenever|once|until|till|as soon as|as long as|by the time|the day|after|before)\s+"
    r"(?:i|we|it|he|she|they|(?:my|our|the)\s+\w+)\b(?:['’](?:m|s|ve|re|ll))?\s*+"
    r"(?!was\b|were\b|had\b|did\b|got\b|left\b|came\b|went\b|became\b|\w+ed\b)",
    re.IGNORECASE,
)
_IRONY: Final = re.compile(
    r"\b(?:yeah,? right|lol|lmao|rofl|obviously|jk|haha\w*)\b|, not[\s.!]*$|(?<!\S)/s\b|;-?\)|[🙄😜😉😏]",
    re.IGNORECASE,
)
_ATTRIBUTED_BEHIND: Final = re.compile(
    rf"(?:,|\s[–—-]{{1,2}})\s*(?:as\s+)?(?!i\b|we\b)[\w.'’ -]{{1,40}}?\s(?:{SAYING}|"
    r"adds?|added|puts? it|has it|had it|goes|continue[sd]?|replies|answers|answered|asks|asked|thinks|"
    r"thought|laughs|laughed|sighs|sighed|murmured|muttered)"
    r"(?:\s+\w+){0,2}\W*$|"
    r"\s[-–—]{1,2}\s*(?-i:[A-Z]).*$|\((?-i:[A-Z])[\w.'’-]*\s(?-i:[A-Z])[^)]*\)\W*$",
    re.IGNORECASE,
)
_POWER: Final = any_of(
    "admin",
    "administrators?",
    "root",
    "superuser",
    "sudo",
    "sysadmin",
    "moderator",
    r"(?:owner|operator|developer|creator|maintainer) of (?:this|the|your) "
    r"(?:account|system|server|assistant|bot|app\w*)",
)


def doubtful(text: str) -> bool:
    """Whether something may be not so, not so yet, not meant so, or not the user's own words."""
    return any(
        (
            _HEDGE.search(text),
            _NOT_YET.search(text),
            _IRONY.search(text),
            _ATTRIBUTED_BEHIND.search(text),
            _POWER.search(text),
        )
    )


def in_somebody_s_mind(text: str) -> bool:
    """Whether what is said of the user hangs on what somebody else believes: "My boss thinks I am lazy"."""
    subject = SUBJECT.search(text)
    if subject is None:
        return False
    if subject.start() > LONGEST_OPENING or not _OPENING.match(text[: subject.start()]):
        return True
    if OWN_SAYING.search(text):
        return False
    return any(
        match[1].lower() not in _JOINING
        for match in _EMBEDDED.finditer(text, subject.start())
        if match.start(1) >= subject.start()
    )


def without_hedges(text: str) -> str:
    """What a statement says once it is sure: "I probably live in Oslo" says "I live in Oslo"."""
    sure = " ".join(_HEDGES.sub("", text).split())
    return sure if SUBJECT.search(sure) or not SUBJECT.search(text) else text
