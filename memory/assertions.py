"""Which sentences of a message its user asserts: the gate that all memories pass (promise 7).

By rules, for English; a sentence of another language is asserted by nobody, unless it is asked to be
remembered in English. Only what the user says of himself or of what is his counts ("I", "we", "my", "our"),
in a statement of his own: no question, no condition, no words of others, no instruction, nothing that only
repeats what he was shown. "Remember that ..." at the start of a sentence of his own asks for more: that is
kept whoever it is about.

Rules never see all the ways to quote. So what is said with a doubt is not certain and has to wait for the
user's yes, and so is all that was not asked to be remembered, unless the whole message is the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from memory.doubts import doubtful, in_somebody_s_mind
from memory.foreign_words import foreign_spans
from memory.plain_text import PlainText
from memory.statement_words import (
    REQUEST,
    TITLE,
    conditional,
    is_pleasantry,
    is_reported,
    is_statement,
    speaks_to_somebody,
    to_be_kept,
)
from retrieval.document import Span
from retrieval.sentences import split_sentences
from retrieval.words import content_words, words

__all__ = ["Assertion", "assertions"]

_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A sentence that its user asserts.

    Attributes:
        span: Of what is asserted, in the message; without "remember that".
        text: The words there, unchanged.
        certain: False if it may be not so, or may be somebody else's.
        requested: Whether the user asks for it to be remembered.
    """

    span: Span
    text: str
    certain: bool
    requested: bool


FEW_WORDS: Final = 2
"""Content words that two sentences may well share by chance."""
NEARLY: Final = 0.8
"""Share of a sentence's content words that stand in one that was shown, from which on it repeats that."""


def assertions(message: str, shown: Sequence[str] = ()) -> list[Assertion]:
    """The sentences of a message that its user asserts, in their order.

    What is not requested is certain only in a message that holds statements of the user alone: where it asks,
    orders, quotes, speaks to somebody or tells of others, too, nobody can say whose "I" it is.

    Args:
        message: As the user has typed it.
        shown: What the user had before his eyes: the answer before it, the evidence, recalled memories.
    """
    plain = PlainText.of(message)
    text = plain.text
    foreign = foreign_spans(text)
    found: list[Assertion] = []
    tainted = -1  # what follows the words of others in their paragraph is theirs, too
    asked = True  # whether all sentences so far are statements of the user, or questions
    alone = True  # whether all sentences of the message are statements of the user
    for span in _sentences(text):
        sentence = text[span.start : span.end]
        if is_pleasantry(sentence):
            continue
        reported, request = is_reported(sentence), REQUEST.match(sentence)
        if any(each.overlaps(span) for each in foreign) or span.start < tainted:
            asked = alone = False
            continue
        if reported and request is None:
            gap = _BLANK_LINE.search(text, span.end)
            tainted, asked, alone = gap.start() if gap else len(text), False, False
            continue
        alone = alone and not speaks_to_somebody(sentence)
        kept = _requested(text, span, request.end(), shown) if request else _stated(text, span, shown)
        if kept is None:
            asked = asked and sentence.rstrip().endswith("?")
            alone = False
            continue
        inner, certain = kept
        if request:
            certain = certain and asked and not reported and not speaks_to_somebody(sentence)
        typed = plain.typed(inner)
        found.append(Assertion(typed, message[typed.start : typed.end], certain, request is not None))
    return [replace(each, certain=each.certain and (each.requested or alone)) for each in found]


def _requested(message: str, sentence: Span, offset: int, shown: Sequence[str]) -> tuple[Span, bool] | None:
    """What "remember that" asks for and whether it is certain, None where nothing of it can be kept."""
    span = _unpunctuated(message, sentence.start + offset, sentence.end)
    text = message[span.start : span.end]
    whole = message[sentence.start : sentence.end]
    if whole.rstrip(" \"'”’)").endswith("?") or not to_be_kept(text) or not content_words(text):
        return None
    if any(_stands_in(words(whole), words(each)) for each in shown):
        return None
    return span, not (doubtful(text) or conditional(text) or _repeats(text, shown))


def _stated(message: str, sentence: Span, shown: Sequence[str]) -> tuple[Span, bool] | None:
    """What a sentence states and whether it is certain, None where the user states nothing of himself."""
    span = _unpunctuated(message, sentence.start, sentence.end)
    text = message[span.start : span.end]
    asks = "?" in message[span.end : sentence.end]
    if asks or not is_statement(text) or not content_words(text) or _repeats(text, shown):
        return None
    return span, not (doubtful(text) or in_somebody_s_mind(text))


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
        if held is not None and TITLE.search(message, held.start, held.end):
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
    """Whether a sentence stands in what was shown, or nearly so in two sentences of it side by side."""
    terms, content = words(sentence), set(content_words(sentence))
    for text in shown:
        if _stands_in(terms, words(text)):
            return True
        if len(content) > FEW_WORDS:
            held = [set(content_words(text[span.start : span.end])) for span in split_sentences(text)]
            pairs = [one | other for one, other in pairwise([*held, set()])]
            if any(len(content & pair) >= NEARLY * len(content) for pair in pairs):
                return True
    return False


def _stands_in(terms: list[str], others: list[str]) -> bool:
    return any(others[n : n + len(terms)] == terms for n in range(len(others) - len(terms) + 1))
