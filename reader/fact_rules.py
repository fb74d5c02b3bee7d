"""How two statements about a user relate, by rule: conservative, for English.

Two contradict each other if they fill the same frame, one that takes a single value at a time ("my X is A",
"I live in A", "I work at A"), with different values of the same kind; or if they say the same and one of them
denies it. All else counts as unrelated: a fact that is wrongly kept open can be revised, one that is wrongly
closed is missed.
"""

from __future__ import annotations

import re
from typing import Final

from reader.contract import Relation
from retrieval.words import content_words

__all__ = ["related_by_rule"]

_I: Final = re.IGNORECASE
_LEAD: Final = re.compile(
    r"^(?:remember that|actually|now|currently|by now|since \w+|as of \w+|these days|today|yes|no|well|ok|"
    r"okay|hi|hello|from now on|correction|update)\b[\s,:]*",
    _I,
)
_TAIL: Final = re.compile(
    r"[\s,]*\b(?:now|currently|at the moment|these days|any ?more|any longer|again)\b", _I
)
_SHORT: Final = (
    (re.compile(r"['’]m\b", _I), " am"),
    (re.compile(r"\bcan(?:['’]t|not)\b", _I), "can not"),
    (re.compile(r"\bwon['’]t\b", _I), "will not"),
    (re.compile(r"n['’]t\b", _I), " not"),
    (re.compile(r"['’]ve\b", _I), " have"),
    (re.compile(r"['’]re\b", _I), " are"),
    (re.compile(r"['’]ll\b", _I), " will"),
    (re.compile(r"\b(my [\w ]+)['’]s (?!name|birthday|favou?rite|phone|address)(?=\w+)", _I), r"\1 is "),
    (re.compile(r"\b(?:the )?user['’]s\b", _I), "my"),
    (re.compile(r"\b(?:the )?user is\b", _I), "i am"),
    (re.compile(r"\b(?:the )?user has\b", _I), "i have"),
    (re.compile(r"\b(?:the )?user does not\b", _I), "i do not"),
    (re.compile(r"\b(?:the )?user\b", _I), "i"),
    (re.compile(r"\bno longer\b", _I), "not"),
    (re.compile(r"\b(?:do|does|did) not\b", _I), "not"),
    (re.compile(r"\bwe\b", _I), "i"),
    (re.compile(r"\bour\b", _I), "my"),
)
_VERB: Final = re.compile(
    r"\bi (?P<adverb>(?:also |always |usually |just |recently |not )?)(?P<verb>[a-z]{2,}?)s\b"
)
_DENIAL: Final = re.compile(r"\b(?:not|never|no|stopped|quit)\b")
_AUXILIARIES: Final = frozenset({"use", "do", "go", "am", "have"})
ONE_AT_A_TIME: Final = (
    (
        re.compile(r"^i (?:live|reside|stay|am living|have moved|moved|am based) (?:in|at|to|near) (.+)$"),
        "live",
    ),
    (re.compile(r"^i (?:work|am working|am employed) (?:at|for|with) (.+)$"), "work at"),
    (re.compile(r"^i (?:started|joined|am now at) (?:working )?(?:at|for|with )?(.+)$"), "work at"),
    (re.compile(r"^i (?:work|am working) as (?:an? |the )?(.+)$"), "work as"),
    (re.compile(r"^i am (?:called|named) (.+)$"), "my name"),
    (re.compile(r"^(?:people |everybody |friends )?call me (.+)$"), "my name"),
    (re.compile(r"^i am (\d+)(?: years old)?$"), "age"),
    (re.compile(r"^i was born (?:on|in) (.+)$"), "born"),
    (re.compile(r"^i weigh (.+)$"), "weigh"),
    (re.compile(r"^i am (?:married|engaged) to (.+)$"), "married to"),
    (re.compile(r"^i (?:study|am studying) at (.+)$"), "study at"),
    (re.compile(r"^i am (married|single|divorced|engaged|widowed)$"), "marriage"),
    (re.compile(r"^i am (left-handed|right-handed|left handed|right handed)$"), "hand"),
    (re.compile(r"^i prefer (.+?)(?: to .+| over .+)?$"), "prefer"),
)
_OWNED: Final = re.compile(r"^my (?P<what>[\w' -]+?) (?:is|are|was|were|will be|has become) (?P<value>.+)$")
_TIMED: Final = re.compile(
    r"^(?P<what>(?:my|the) [\w' -]+?) (?P<verb>lives|works|leaves|departs|arrives|starts|begins|ends|expires|"
    r"comes) (?:in|at|on|for) (?P<value>.+)$"
)
SINGLE: Final = frozenset(
    str.split(
        """
    name nickname surname birthday age address email mail phone number telephone mobile job employer
    profession occupation title boss manager city town country hometown home nationality username password
    code pin doctor dentist wife husband partner spouse height weight size type deadline appointment flight
    train departure arrival goal budget salary major school university team timezone zone pronouns anniversary
    """
    )
)
"""What a person has one of at a time, mostly."""
_FAVOURITE: Final = re.compile(r"\b(?:favou?rite|preferred|current|best|least favou?rite)\b")
_PLACE: Final = re.compile(r"^(?:at|on|in|called|named|from|to|the|an?|about|now|by|with)\s+")


def related_by_rule(new: str, known: str) -> Relation:
    """How a new statement relates to one that is known; in doubt, not at all."""
    first, second = _plain(new), _plain(known)
    denied = [bool(_DENIAL.search(each)) for each in (first, second)]
    bare = [_DENIAL.sub(" ", each) for each in (first, second)]
    words = [set(content_words(each)) or set(each.split()) for each in bare]
    if words[0] == words[1]:
        return "same" if denied[0] == denied[1] else "contradicts"
    if any(denied):
        return "unrelated"
    frames = [_frame(each) for each in (first, second)]
    if frames[0] is None or frames[1] is None or frames[0][0] != frames[1][0]:
        return "unrelated"
    values = [frame[1] for frame in frames if frame is not None]
    single = not _OWNED.match(first) or _is_single(frames[0][0])
    alike = _kind(values[0], new) == _kind(values[1], known)
    contents = [set(content_words(value)) for value in values]
    if not alike or contents[0] <= contents[1] or contents[1] <= contents[0]:  # "Rome", "Rome in Italy"
        return "unrelated"
    return "contradicts" if single or _kind(values[0], new) != "words" else "unrelated"


def _plain(statement: str) -> str:
    """The statement in small letters, in the first person, without contractions, openings and "now"."""
    text = " ".join(statement.split())
    for pattern, plain in _SHORT:
        text = pattern.sub(plain, text)
    previous = ""
    while previous != text:
        previous, text = text, _LEAD.sub("", text)
    text = _TAIL.sub("", text).strip(" .!,;").lower()
    return _VERB.sub(_first_person, text)


def _first_person(match: re.Match[str]) -> str:
    verb = match["verb"]
    if verb in {"wa", "hi", "thi"}:
        return match[0]
    return f"i {match['adverb']}{verb}"


def _frame(plain: str) -> tuple[str, str] | None:
    """What a statement speaks of and the value it gives to it."""
    for pattern, name in ONE_AT_A_TIME:
        found = pattern.match(plain)
        if found:
            return name, found[1]
    found = _TIMED.match(plain)
    if found:
        return f"{found['what']} {found['verb']}", found["value"]
    found = _OWNED.match(plain)
    return (f"my {found['what']}", found["value"]) if found else None


def _is_single(frame: str) -> bool:
    return frame.split()[-1] in SINGLE or bool(_FAVOURITE.search(frame))


def _kind(value: str, statement: str) -> str:
    """Whether a value is a number, a name, or neither."""
    value = _PLACE.sub("", _PLACE.sub("", value))
    if any(character.isdigit() for character in value):
        return "number"
    place = statement.lower().find(value)
    return "name" if place >= 0 and statement[place].isupper() else "words"
