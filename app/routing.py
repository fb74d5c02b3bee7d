"""Which route a question takes: rules that can be read, and how sure they are.

A question for a place is searched, one whose answer is told in other words or indirectly is walked down the
summary tree, one about the whole is read in all sections. Plain questions are decided here alone; where the
wording leaves it open, the reader has a word of its own (`Reader.choose_route`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reader.contract import Route, RouteChoice

__all__ = ["Suggestion", "suggest", "topic"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A route with its reason, and whether the rules are sure of it."""

    choice: RouteChoice
    certain: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    route: Route
    certain: bool
    reason: str


def _rule(route: Route, certain: bool, reason: str, *patterns: str) -> _Rule:
    return _Rule(re.compile("|".join(patterns), re.IGNORECASE), route, certain, reason)


_TEXT: Final = (
    r"(?:book|story|novel|novella|text|document|report|paper|article|tale|narrative|play|plot|work)s?"
)
_CHANGE: Final = (
    r"(?:chang(?:e|es|ed|ing)|develop(?:s|ed|ing|ment)?|evolv(?:e|es|ed|ing)|grow(?:s|n)?|progress(?:es|ed)?"
    r"|transform(?:s|ed)?|unfold(?:s|ed)?|alter(?:s|ed)?|shift(?:s|ed)?)"
)
_DID: Final = r"(?:do|does|did|has|have|had|is|are|was|were)"
_SO: Final = r"^\W*(?:and |but |so )?"

# In this order: the first that fits decides.
_RULES: Final = (
    _rule(
        "whole",
        True,
        "a summary is asked for",
        r"^\W*(?:please\s+|can you\s+|could you\s+)*(?:summari[sz]e|sum up|outline|recap)\b",
        r"\b(?:summary|synopsis|overview|outline|gist) of\b",
        r"^\W*(?:a |an )?(?:summary|synopsis|overview)\b",
    ),
    _rule(
        "whole",
        True,
        "its themes or main points are asked for",
        rf"\bwhat (?:is|was) (?:the|this|that) (?:whole |entire )?{_TEXT} (?:all )?about\b",
        r"\b(?:main|central|major|principal|key) (?:events?|points?|ideas?|themes?|arguments?|characters?)\b",
        r"\b(?:main|central|major|principal|key) (?:plots?|findings?|conclusions?|messages?)\b",
        r"\b(?:themes?|plot|moral|message) of (?:the|this) \w+",
    ),
    _rule(
        "whole",
        True,
        "it asks for the course of the whole",
        r"\bfrom (?:the |its |his |her |their )?(?:very )?(?:beginning|start|outset|first|opening)\b.*"
        r"\b(?:end|last|close|finish|finale)\b",
        r"\b(?:throughout|overall)\b",
        rf"\bover the course of\b|\bin the course of the {_TEXT}\b",
        rf"\b(?:in|across|through) (?:all of |the whole |the entire |the )(?:whole |entire ){_TEXT}\b",
        rf"\bas (?:the|this) {_TEXT} (?:goes on|proceeds|progresses|unfolds)\b",
        rf"\bby the events of (?:the|this) {_TEXT}\b",
    ),
    _rule(
        "whole",
        True,
        "it asks how something changes",
        rf"^\W*(?:how|trace|to what extent|in what ways?|describe how)\b(?: {_DID}\b)?.*\b{_CHANGE}\b"
        r"(?! (?:hands|clothes|into|his|her|their|the|its|horses|trains|money))",
    ),
    _rule(
        "whole",
        False,
        "it asks for a part played or a change undergone",
        r"^\W*trace\b",
        r"^\W*what (?:part|role) (?:do|does|did) .* play\b",
    ),
    _rule(
        "whole",
        True,
        "it asks for all of something",
        r"^\W*(?:please\s+)?(?:list|name|enumerate|give|collect|find)\b.{0,20}\b(?:all|every|each)\b",
        r"\b(?:list|enumerate) (?:of )?the\b",
        r"^\W*(?:which|what|who) (?:are|were) all\b",
        r"\ball (?:of )?the (?:\w+ )?(?:people|persons|characters|places|times|occasions|ways|names)\b",
        r"\bevery (?:time|occasion|instance|mention)\b",
    ),
    _rule(
        "search",
        True,
        "it asks for a person, a place, a time, a number or a name",
        r"^\W*(?:who|whom|whose|when|where|which)\b",
        _SO + r"(?:in|on|at|by|with|from|to|into|for|of|under|upon|after|before|against|through) "
        r"(?:what|which|whom|whose|where)\b(?! reason)",
        r"\bhow (?:many|much|old|long|far|often|tall|large|big|heavy|high|deep|fast|wide|late|early)\b",
        r"\bwhat (?:is|was|were|are) (?:the|his|her|its|their) (?:name|age|date|year|number|price|cost)\b",
        r"\bwhat (?:colou?r|name|year|date|day|time|number|age|title|street|town|city|animal|instrument)\b",
    ),
    _rule(
        "walk",
        True,
        "it asks for a reason",
        _SO + r"(?:why|how come|for what reason)\b",
        r"\bwhat (?:\w+ )?(?:led|drove|caused|made|moved|prompted|induced|persuaded|brought)\b",
        r"\b(?:explain|account for) (?:why|how|what)\b",
        r"\bthe reasons? (?:why|for)\b",
    ),
    _rule(
        "walk",
        False,
        "it asks for what is told in many words",
        r"^\W*(?:describe|explain|discuss|compare|contrast|characteri[sz]e)\b",
        r"\bwhat (?:kind|sort|manner) of (?:person|man|woman|place|life|relationship)\b",
        r"\bwhat (?:does|do|did) .*\b(?:mean|suggest|reveal|imply|symboli[sz]e|feel|believe|think|learn)\b",
        rf"^\W*how {_DID} .*\b(?:feel|react|respond|treat|treated|regard|regarded|seen|come to|manage)\b",
        r"\b(?:attitude|impression|opinion|feelings?|relationship) (?:of|to|towards?|between|with)\b",
    ),
)
_NAME_OR_NUMBER: Final = re.compile(r"(?<=[\w,;] )[A-Z]\w+|\d|[\"“«]")
_FEW: Final = 4

_ASKED: Final = re.compile(
    r"\b(?:please|can|could|you|give|me|write|tell|us"
    r"|summari[sz](?:e|es|ing)|summary|synopsis|overview|outline|recap|sum up|gist"
    r"|throughout|overall|whole|entire|course|beginning|start|outset|opening|end|ending|first|last"
    r"|events?|happens?|main|central|major|principal|key|themes?|points?|ideas?|plots?|message"
    r"|list|enumerate|name|trace|every|each|all|about|ways?|extent|parts?|roles?|plays?"
    # What is asked about in general claims nothing about the words of a book.
    r"|behaviou?rs?|attitudes?|opinions?|views?|feelings?|moods?|relationships?|positions?|situations?|status"
    r"|characters?|characteri[sz]ation|personality|significance|importance|motifs?|symbols?|setting"
    rf"|{_TEXT}|{_CHANGE})\b",
    re.IGNORECASE,
)


def suggest(question: str) -> Suggestion:
    """The route that a question's wording asks for."""
    for rule in _RULES:
        found = rule.pattern.search(question)
        if found:
            return Suggestion(RouteChoice(rule.route, rule.reason), rule.certain)
    if _NAME_OR_NUMBER.search(question):
        return Suggestion(RouteChoice("search", "it has a name, a number or a quote to look for"), True)
    if len(question.split()) <= _FEW:
        return Suggestion(RouteChoice("search", "it has few words"), True)
    return Suggestion(RouteChoice("search", "nothing in its wording asks for more than a place"), False)


def topic(question: str) -> str:
    """What a question about the whole is about: it without the words that ask for the whole.

    Each of these is put as an ellipsis, so that the other words stay where they are. Nothing is left of a
    question that asks for a summary of all.
    """
    return _ASKED.sub("…", question)
