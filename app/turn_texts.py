"""The texts of turns: what is shown of one, what of it can be cited, and where that stands."""

from __future__ import annotations

import re
from typing import Final, Literal

from memory.controller import Form
from memory.stream import StreamTurn
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.evidence import MemoryOrigin
from retrieval.sentences import split_sentences

__all__ = [
    "answer_sentences",
    "asks_or_wishes",
    "opens",
    "overlap",
    "said_when",
    "shown_turn",
    "statements",
    "turn_origin",
    "turn_text",
]

_ASKS: Final = re.compile(
    r"[?\uff1f\u061f][\"”’'\s)]*$|^(?:please|tell|show|give|list|explain|summari[sz]e|describe|find|compare"
    r"|write|can you|could you|would you)\b",
    re.IGNORECASE,
)
_EMPTY: Final = re.compile(
    _ASKS.pattern
    + r"|^(?:hey|hi|hello|thanks|thank you|wow|woohoo|yay|bye|ok|okay|sure|congrats)\b[^,.;:]{0,24}"
    r"[!.]*$",
    re.IGNORECASE,
)
"""What states nothing: a question, a request, a greeting."""


def turn_text(turn: StreamTurn) -> str:
    """All that a turn says; the offsets of sentences from memory count in it."""
    return f"{turn.question}\n{turn.answer}" if turn.answer else turn.question


def asks_or_wishes(message: str) -> bool:
    """Whether a sentence of a message is a question or a request."""
    return any(
        _ASKS.search(message[span.start : span.end].strip()) is not None for span in split_sentences(message)
    )


def statements(turn: StreamTurn) -> list[Span]:
    """The sentences of what came in that state something, in its `turn_text`."""
    return [
        span
        for span in split_sentences(turn.question)
        if not _EMPTY.search(turn.question[span.start : span.end].strip())
    ]


def answer_sentences(turn: StreamTurn) -> list[Span]:
    """The sentences of what was answered, in its `turn_text`."""
    first = len(turn.question) + 1
    return [Span(first + span.start, first + span.end) for span in split_sentences(turn.answer)]


def shown_turn(turn: StreamTurn, form: Form = "raw") -> str:
    """A turn as a reader is shown it: who said what."""
    question, answer = turn.question, turn.answer
    if form == "summary":
        question, answer = turn.question_summary or question, turn.answer_summary or answer
    if turn.speaker:
        return f"{turn.speaker}: {question}"
    return f"They: {question} Answer: {answer}" if answer else f"They: {question}"


def turn_origin(turn: StreamTurn, span: Span) -> MemoryOrigin:
    """Where a span of `turn_text` stands."""
    answer = len(turn.question) + 1
    side: Literal["question", "answer"] = "answer" if span.start >= answer else "question"
    first = answer if side == "answer" else 0
    inside = Span(span.start - first, span.end - first)
    return MemoryOrigin(turn.thread, turn.ordinal, side, turn.speaker, turn.asked_at.astimezone(), inside)


def said_when(turn: StreamTurn) -> str:
    """Who said it and when."""
    return turn_origin(turn, Span(0, 0)).title


def opens(turn: StreamTurn) -> bool:
    """Whether a turn asks what the one after it answers, and has had no answer of its own."""
    return not turn.answer and turn.question.rstrip("\"”’' )").endswith("?")


def overlap(sentence: str, quote: str) -> bool:
    """Whether one stands in the other, however they are spaced."""
    one, other = flat(sentence).casefold().rstrip("."), flat(quote).casefold().rstrip(".")
    return one in other or other in one
