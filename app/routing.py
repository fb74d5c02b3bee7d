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
from retrieval.words import content_words

__all__ = ["Suggestion", "suggest", "topic", "whole_topic", "with_topic"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A route with its reason, and whether the rules are sure of it."""

    choice: RouteChoice
    certain: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """`asked` are the words that the rule stands on: they ask for the whole, and claim nothing about it."""

    pattern: re.Pattern[str]
    route: Route
    certain: bool
    reason: str
    asked: re.Pattern[str] | None = None


def _rule(route: Route, certain: bool, reason: str, *patterns: str, asked: str = "") -> _Rule:
    words = re.compile(rf"\b(?:{asked})\b", re.IGNORECASE) if asked else None
    return _Rule(re.compile("|".join(patterns), re.IGNORECASE), route, certain, reason, words)


_TEXT: Final = r"(?:book|story|novel|novella|text|document|report|article|tale|narrative)s?"
_PIECE: Final = rf"(?:{_TEXT}|(?:paper|play|work)s?)"
_WHOLE: Final = r"(?:whole |entire |full )?"
_THIS: Final = rf"(?:the|this|that|its) {_WHOLE}"
_START: Final = r"(?:beginning|start|outset|opening)"
_END: Final = r"(?:end|close|finish|finale)"
_MAIN: Final = r"(?:main|central|major|principal|key)"
_POINTS: Final = (
    r"(?:events|points|ideas|themes|arguments|characters|plots|findings|conclusions|messages"
    r"|event|point|idea|theme|argument|character|plot|finding|conclusion|message)"
)
_CHANGE: Final = r"(?:chang|develop|evolv|transform)"
_CHANGES: Final = rf"{_CHANGE}(?:e|es|ed|s|ing)?"
_DID: Final = r"(?:do|does|did|has|have|had|is|are|was|were)"
_SO: Final = r"^\W*(?:and |but |so )?"
_PLEASE: Final = r"^\W*(?:and |but |so |now )?(?:please |can you |could you |would you |kindly )*"
_GIVE: Final = r"(?:(?:give|write|tell|make|show|provide)(?: me| us)? )?"
# What may follow a change that is asked for itself: time, or nothing. "Change the lock", "change at the inn"
# are one event.
_WITH_TIME: Final = (
    r"(?=\W*$|[,;]|\W+(?:over|from|throughout|during|between|until|since|as|up to|after|before|and"
    r"|in the (?:course|end|years)|with (?:time|age|the years))\b)"
)
# What is asked about in general, where a change of it is asked for.
_ASPECT: Final = (
    r"behaviou?rs?|attitudes?|opinions?|views?|feelings?|moods?|relationships?|positions?|situations?|status"
    r"|characters?|personality"
)

# In this order: the first that fits decides. First what can be nothing else than about the whole, then what
# asks for one thing, whatever words for a whole stand in it ("How many shifts did the miners work?").
_RULES: Final = (
    _rule(
        "whole",
        True,
        "a summary is asked for",
        _PLEASE + r"(?:summari[sz]e|sum up|outline|recap)\b",
        _PLEASE + _GIVE + r"(?:a |an |the )?(?:\w+ )?(?:summary|synopsis|overview|outline|gist|recap)"
        rf"(?=\W*$| of (?:all|{_THIS}{_PIECE})\b)",
        rf"^\W*what(?: is|\W?s) the (?:summary|synopsis|outline|gist|plot) of {_THIS}{_PIECE}\b",
        asked=r"please|can you|could you|would you|kindly|give|write|tell|make|show|provide|me|us"
        r"|summari[sz]e|sum up|outline|recap|summary|synopsis|overview|gist|plot|what|happens"
        rf"|all|whole|entire|full|{_PIECE}|(?:short|brief|detailed|long|quick)"
        r"|(?:in|with|of) (?:a few|one|two|three|four|five|six|seven|eight|nine|ten|\d+) \w+",
    ),
    _rule(
        "whole",
        True,
        "its themes or main points are asked for",
        rf"^\W*what (?:is|was) {_THIS}{_PIECE} (?:all )?about\W*$",
        rf"^\W*(?:what|who|which)(?: is| are| was| were) (?:the |its )?{_MAIN} {_POINTS}"
        rf"(?=\W*$| (?:of|in|from) {_THIS}{_PIECE}\W*$)",
        rf"^\W*what (?:is|are|was|were) the (?:themes?|plot|moral|message) of {_THIS}{_PIECE}\W*$",
        asked=rf"{_MAIN}|{_POINTS}|themes?|moral|about|all|whole|entire|full|{_PIECE}",
    ),
    _rule(
        "whole",
        True,
        "it asks for the course of the whole",
        rf"\bfrom (?:the |its )?(?:very )?{_START} of {_THIS}{_TEXT}\b.*\b{_END}\b",
        rf"\bfrom (?:the |its )?(?:very )?{_START} .*\b{_END} of {_THIS}{_TEXT}\b",
        rf"\bthroughout {_THIS}{_TEXT}\b",
        rf"\b(?:over|in) the course of {_THIS}{_TEXT}\b",
        rf"\b(?:in|across|through) (?:all of (?:the|this)|(?:the|this) (?:whole|entire)) {_TEXT}\b",
        rf"\bas {_THIS}{_TEXT} (?:goes on|proceeds|progresses|unfolds)\b",
        rf"\bby the events of {_THIS}{_TEXT}\b",
        r"^\W*overall,",
        asked=rf"throughout|overall|whole|entire|full|course|very|{_START}|{_END}|events"
        rf"|goes on|proceeds|progresses|unfolds|{_TEXT}",
    ),
    _rule(
        "whole",
        True,
        "it asks for all of something",
        _PLEASE + r"(?:give|tell|show|list|name|enumerate|collect|find) (?:me |us )?(?:all|every|each)\b",
        _PLEASE + r"(?:list|enumerate) (?:the|its) (?:\w+ ){0,2}\w+s\b",
        r"^\W*(?:which|what|who) (?:are|were) all\b",
        asked=r"please|can you|could you|would you|kindly|give|write|tell|make|show|provide|me|us"
        r"|list|name|enumerate|collect|find|all|every|each|mention(?:s|ed)?",
    ),
    _rule(
        "search",
        True,
        "it asks for a person, a place, a time, a number or a name",
        r"^\W*(?:who|whom|whose|when|where|which)\b",
        _SO + r"(?:in|on|at|by|with|from|to|into|for|of|under|upon|after|before|against|through) "
        r"(?:what|which|whom|whose|where)\b(?! (?:reason|ways?|respects?|extent|degree))",
        r"\bhow (?:many|much|old|long|far|often|tall|large|big|heavy|high|deep|fast|wide|late|early"
        r"|soon|quickly)\b",
        r"\bwhat (?:is|was|were|are) (?:the|his|her|its|their) (?:name|age|date|year|number|price|cost)\b",
        r"\bwhat (?:colou?r|name|year|date|day|time|number|age|title|street|town|city|animal|instrument)\b",
    ),
    _rule(
        "whole",
        True,
        "it asks how something changes",
        r"^\W*(?:and |but |so )?(?:how|to what extent|in what ways?|in (?:what|which) respects?) "
        rf"(?:do|does|did|has|have|had|will|would) .*\b{_CHANGES}\b{_WITH_TIME}",
        rf"^\W*(?:describe|explain|discuss|trace|show) how .*\b(?:{_CHANGES}|grows?|grew)\b{_WITH_TIME}",
        asked=rf"describe|explain|discuss|trace|show|to what extent|ways?|respects?|{_CHANGES}|{_ASPECT}"
        r"|throughout|over the course|in the course",
    ),
    _rule(
        "whole",
        False,
        "it asks for a part played or a change undergone",
        r"^\W*trace\b",
        r"^\W*what (?:part|role) (?:do|does|did) .* play\b",
        rf"^\W*how {_DID} .*\bthroughout\W*$",
        rf"\bfrom (?:the |its |his |her |their )?(?:very )?{_START} to (?:the|its) (?:very )?{_END}\W*$",
        asked=rf"trace|part|role|plays?|throughout|{_START}|{_END}|very",
    ),
    _rule(
        "whole",
        False,
        "its main points are asked for",
        rf"\b{_MAIN} (?:events|points|ideas|themes|arguments|characters|findings|conclusions)\b(?![’'])",
        asked=rf"{_MAIN}|{_POINTS}|describe|explain|discuss",
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
    """What a question about the whole is about: it without the words that the rules took it for one by.

    Each of these is put as an ellipsis, so that the other words stay where they are. Nothing is left of a
    question that asks for a summary of all, and all is left of one that no rule takes to be about the whole.
    """
    if suggest(question).choice.route != "whole":
        return question
    asked = [rule.asked for rule in _RULES if rule.asked is not None and rule.pattern.search(question)]
    for words in asked:
        question = words.sub("…", question)
    return question


def with_topic(query: str, question: str) -> str:
    """The query of a question with what was said before, without the wording that asked for a route then.

    Nothing is changed where the reader has put the question in words of its own.
    """
    if query == question or not query.endswith(question):
        return query
    before = topic(query[: -len(question)].strip())
    return f"{before} {question}" if content_words(before) else question


def whole_topic(query: str, question: str) -> str:
    """`topic` of a query that stands for a question: of the question where it ends with it."""
    if query.endswith(question):
        return query[: -len(question)] + topic(question)
    return topic(query)
