"""Which sentences of a message its user asserts: the gate that all memories pass (promise 7).

By rules, for English; a sentence of another language is asserted by nobody, unless it is asked to be
remembered in English. Only what the user says of himself or of what is his counts ("I", "we", "my", "our"),
in a statement of his own: no question, no condition, no words of others, no instruction, nothing that only
repeats what he was shown. "Remember that ..." at the start of a sentence of his own asks for more: that is
kept whoever it is about. What is said with a doubt is not certain, and has to wait for the user's yes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from memory.foreign_words import LABELS_OF_ONES_OWN, THINGS, foreign_spans
from retrieval.document import Span
from retrieval.sentences import split_sentences
from retrieval.words import content_words, words

__all__ = ["Assertion", "assertions"]


@dataclass(frozen=True, slots=True)
class Assertion:
    """A sentence that its user asserts.

    Attributes:
        span: Of what is asserted, in the message; without "remember that".
        text: The words there, unchanged.
        certain: False if it is hedged or conditional, or may be somebody else's.
        requested: Whether the user asks for it to be remembered.
    """

    span: Span
    text: str
    certain: bool
    requested: bool


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


_LEAD: Final = (
    r"^[\W_]*(?:(?:please|pls|and|so|but|also|ok|okay|oh|well|hey|hi|hello|now|then|yes|no|actually|btw|"
    r"by the way|thanks|thank you|one more thing|ps|p\.s|fyi|correction|update|note|reminder)\b[\s,.:!–-]*)*"
)
_REQUEST: Final = re.compile(
    rf"{_LEAD}(?:(?:remember|(?:do not|don['’]?t|never) forget|keep in mind|bear in mind|(?:please )?note|"
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
_SUBJECT: Final = re.compile(r"\b(?:i(?!\.e\b)|we|my|our|mine|ours)\b", re.IGNORECASE)
_ASKING: Final = re.compile(
    rf"{_LEAD}(?:who|whose|whom|what|which|where|why|how|when(?!\s+(?:i|we|my)\b[^?]*,)|do|does|did|is|are|was|were|"
    r"am|can|could|will|would|should|shall|may|might|have|has|had|isn['’]?t|aren['’]?t|don['’]?t|doesn['’]?t|didn['’]?t|"
    r"can['’]?t|won['’]?t|wasn['’]?t|weren['’]?t|you|your|you['’]re|from now on)\b",
    re.IGNORECASE,
)
_ORDER: Final = re.compile(
    rf"{_LEAD}(?:kindly|just|always|never|first|next|finally|instead|henceforth)?\s*(?:add|allow|answer|append|apply|"
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
_TO_THE_ASSISTANT: Final = _any(
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
_CONDITION: Final = _any(
    *("if", "unless", "would", "wouldn['’]?t", "could", "should", "had i", "were i", "as if", "as though"),
    *("in case", "in theory", "wish", "dreamt", "dreamed", "dream that", "joking", "kidding", "just testing"),
    *("for example", "for instance", "e\\.g", "say that", "assum(?:e|ing)", r"i['’]d(?! been)", "whether"),
    *("fiction(?:al)?", "make-believe", "character", "narrator", "otherwise"),
)
_HEDGE: Final = _any(
    *("i think", "i guess", "i believe", "i suppose", "i feel", "i assume", "i hope", "i expect", "i reckon"),
    *("maybe", "perhaps", "probably", "possibly", "presumably", "supposedly", "apparently", "allegedly"),
    *("not sure", "unsure", "not certain", "uncertain", "might", "(?-i:may)", "seems?", "kind of", "sort of"),
    *("i doubt", "likely", "thinking of", "thinking about", "considering", "as far as i (?:know|remember)"),
    *("or so", "or something", "i may", "don['’]?t (?:really )?(?:know|remember)", "can['’]?t remember"),
)
_SAYING: Final = (
    r"(?:said|saying|wrote|written|told|claimed|stated|argued?|announced?|explained|replied|mentioned|insisted|remarked|"
    r"shouted|whispered|quoted|says?|writes?|tells?|insists|argues|claims?|dictated|declare[sd]|swears|swore|"
    r"confesse[sd]|sings|sang|cried|joked|complained|admits|admitted|denies|denied|alleges|alleged)"
)
_REPORTED: Final = re.compile(
    rf"\baccording to\b|\b{_SAYING}\b|\bas (?:seen|shown) in\b|\b(?:states|claims|reports|reads|notes|"
    r"believes|thinks|explains|suggests|mentions|answers|asks|goes)\s*(?:,|that\b)|"
    rf"\b(?:{THINGS})\b[^.?!]{{0,20}}\b(?:begins|starts|opens|goes|runs|reads|continues)\b",
    re.IGNORECASE,
)
_OWN_SAYING: Final = re.compile(
    rf"\b(?:i|we)(?:['’]ve| have| had| already| just)*\s+{_SAYING}\b", re.IGNORECASE
)
_OF_MEMORY: Final = _any(
    "remember (?:that|this|me|the)",
    "remember:",
    "don['’]?t forget",
    "memori[sz]e",
    "keep in mind that",
    "note that",
)
_LABEL: Final = re.compile(rf"(?!(?:{LABELS_OF_ONES_OWN})\s*:)([^:]*):\s", re.IGNORECASE)
_METADATA: Final = re.compile(
    r"\b(?:user|account|session|tenant|owner|speaker|role|scope|thread|memory|asserted by|valid from|"
    r"confidence|state|importance|timestamp|metadata|source)[ _-]?(?:id|name|key|level)?\s*[:=]|"
    r"\w_\w|[{}<>]|\$\(|\\[nux]",
    re.IGNORECASE,
)
_TITLE: Final = re.compile(
    r"\b(?:mr|mrs|ms|mx|dr|prof|st|mt|rev|capt|lt|col|gen|sgt|hon|vs|approx)\.$", re.IGNORECASE
)
FEW_WORDS: Final = 2
"""Content words that two sentences may well share by chance."""
NEARLY: Final = 0.8
"""Share of a sentence's content words that stand in one that was shown, from which on it repeats that."""


def assertions(message: str, shown: Sequence[str] = ()) -> list[Assertion]:
    """The sentences of a message that its user asserts, in their order.

    Args:
        message: As the user has typed it.
        shown: What the user had before his eyes: the answer before it, the evidence, recalled memories.
    """
    foreign = foreign_spans(message)
    sentences = list(_sentences(message))
    found: list[Assertion] = []
    tainted = -1  # what follows the words of others in their paragraph is theirs, too
    alone = True  # whether all sentences so far are the user's own
    for span in sentences:
        sentence = message[span.start : span.end]
        if any(each.overlaps(span) for each in foreign) or span.start < tainted:
            alone = False
            continue
        reported = _REPORTED.search(sentence) is not None and not _OWN_SAYING.search(sentence)
        request = _REQUEST.match(sentence)
        if reported and request is None:
            gap = re.compile(r"\n[ \t]*\n").search(message, span.end)
            tainted, alone = gap.start() if gap else len(message), False
            continue
        assertion = (
            _requested(message, span, request.end(), shown) if request else _stated(message, span, shown)
        )
        if assertion is None:
            alone = alone and (sentence.rstrip().endswith("?") or _FIRST_PERSON.search(sentence) is not None)
            continue
        sure = alone or _FIRST_PERSON.search(assertion.text) is not None
        certain = assertion.certain and sure and not reported
        found.append(Assertion(assertion.span, assertion.text, certain, assertion.requested))
    return found


def _requested(message: str, sentence: Span, offset: int, shown: Sequence[str]) -> Assertion | None:
    """What "remember that" asks for, None where it asks for nothing that can be kept."""
    span = _unpunctuated(message, sentence.start + offset, sentence.end)
    text = message[span.start : span.end]
    whole = message[sentence.start : sentence.end]
    refused = (
        whole.rstrip(" \"'”’)").endswith("?"),
        _REMINISCING.match(text),
        re.match(r"(?:you|your|you['’]re)\b", text, re.IGNORECASE),
        _TO_THE_ASSISTANT.search(text),
        _METADATA.search(text),
        not content_words(text),
        _REQUEST.match(text),
        any(_stands_in(words(whole), words(each)) for each in shown),
    )
    if any(refused):
        return None
    return Assertion(span, text, not (_HEDGE.search(text) or _CONDITION.search(text)), True)


def _stated(message: str, sentence: Span, shown: Sequence[str]) -> Assertion | None:
    """What a sentence states, None where it is no statement of the user about himself."""
    span = _unpunctuated(message, sentence.start, sentence.end)
    text = message[span.start : span.end]
    refused = (
        message[span.end : sentence.end].count("?"),
        not _SUBJECT.search(text),
        _ASKING.match(text),
        _ORDER.match(text),
        _TO_THE_ASSISTANT.search(text),
        _CONDITION.search(text),
        _METADATA.search(text),
        _OF_MEMORY.search(text),  # asked for in the middle of a sentence, it is asked by whom?
        (label := _LABEL.match(text)) and not _FIRST_PERSON.search(label[1]),
        not content_words(text),
    )
    if any(refused) or _repeats(text, shown):
        return None
    return Assertion(span, text, not _HEDGE.search(text), False)


def _sentences(message: str) -> Iterator[Span]:
    """Its sentences; a line that goes on in the next one is not an end, a heading or an item of a list is."""
    start = 0
    for match in re.finditer(r"\n", message):
        line, rest = message[start : match.start()].rstrip(), message[match.end() :].lstrip(" \t")
        if (
            not line
            or line.endswith((".", "!", "?", ":", ";"))
            or not (rest[:1].islower() or line.endswith(","))
        ):
            yield from _joined(message, split_sentences(message, start, match.start()))
            start = match.end()
    yield from _joined(message, split_sentences(message, start, len(message)))


def _joined(message: str, spans: Sequence[Span]) -> Iterator[Span]:
    """The sentences, put together again where one was cut behind a title: "Ms. Ito"."""
    held: Span | None = None
    for span in spans:
        if held is not None and _TITLE.search(message, held.start, held.end):
            held = Span(held.start, span.end)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _unpunctuated(message: str, start: int, end: int) -> Span:
    """The span without the white space, bullets and full stops around it."""
    while end > start and (message[end - 1].isspace() or message[end - 1] in ".!?;,"):
        end -= 1
    while start < end and (message[start].isspace() or message[start] in "-*•.,;:!?"):
        start += 1
    return Span(start, end)


def _repeats(sentence: str, shown: Sequence[str]) -> bool:
    """Whether a sentence stands in what was shown, or nearly so."""
    terms, content = words(sentence), set(content_words(sentence))
    for text in shown:
        if _stands_in(terms, words(text)):
            return True
        if len(content) > FEW_WORDS:
            for span in split_sentences(text):
                held = content & set(content_words(text[span.start : span.end]))
                if len(held) >= NEARLY * len(content):
                    return True
    return False


def _stands_in(terms: list[str], others: list[str]) -> bool:
    return any(others[n : n + len(terms)] == terms for n in range(len(others) - len(terms) + 1))
