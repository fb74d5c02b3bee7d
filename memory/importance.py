"""How much of a turn is worth remembering, by rule, whatever will be asked.

What can be asked for later is what somebody tells of himself, with times and numbers, in some length;
greetings, thanks and questions back hold little. The rule knows English words; of other languages it sees the
numbers, the length and the question mark.
"""

from __future__ import annotations

import re
from typing import Final

from retrieval.words import content_words

__all__ = ["importance"]

MENTIONS: Final = 4
"""So many mentions of oneself count fully, and no further ones."""
LENGTH: Final = 16
"""The same of different words that say something."""

_OWN: Final = re.compile(
    r"\b(?:i|i['\u2019](?:m|ve|d|ll)|me|my|mine|myself|we|we['\u2019](?:re|ve|d|ll)|us|our|ours)\b", re.I
)
_WHEN: Final = re.compile(
    r"\d|\b(?:yesterday|today|tonight|tomorrow|morning|evening|ago|since|recently|birthday"
    r"|(?:day|week|weekend|month|year)s?|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|january|february|march|april|may|june|july|august|september|october|november|december)\b",
    re.I,
)
_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f")


def importance(said: str) -> float:
    """0 to 1: the mean of four signs in what was said: oneself, a time or number, substance, no question."""
    if not said.strip():
        return 0.0
    oneself = min(len(_OWN.findall(said)), MENTIONS) / MENTIONS
    dated = float(_WHEN.search(said) is not None)
    substance = min(len(set(content_words(said))), LENGTH) / LENGTH
    told = float(not said.rstrip().endswith(_QUESTION_MARKS))
    return (oneself + dated + substance + told) / 4
