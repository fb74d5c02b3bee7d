"""The texts of turns: what is shown of one, what of it can be cited, and where that stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from memory.assertions import assertions
from memory.stream import StreamTurn
from memory.turn_keys import PIECE
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.evidence import MemoryOrigin
from retrieval.sentences import pieces, split_sentences

__all__ = [
    "all_sentences",
    "answer_sentences",
    "asks_or_wishes",
    "in_pieces",
    "opens",
    "overlap",
    "plainly_asks",
    "said",
    "said_when",
    "shown_turn",
    "statements",
    "to_look_up",
    "turn_origin",
    "turn_text",
    "turns_in_context",
]

CONTEXT: Final = 300
"""Characters of what was said before or after a turn, ..."""
LONG: Final = 1200
"""... and at most of the turn itself, where it is put in a rank: some 300 tokens."""

_ASKS: Final = re.compile(
    r"[?\uff1f\u061f][\"”’'\s)]*$|^(?:please|tell|show|give|list|explain|summari[sz]e|describe|find|compare"
    r"|write|can you|could you|would you|help)\b"
    # What stands for a question: "I need the name of ...", "I don't know who ...".
    r"|\b(?:i|we)(?:['’]d| would)? (?:also |just |really )?(?:need|want|like)"
    r" (?:you\b|help\b|to (?:know|see|hear|find|read|understand)\b|a (?:list|summary|quote)\b"
    r"|(?:the|all the|every|that) (?:names?|parts?|passages?|pages?|chapters?|lists?|answers?|quotes?"
    r"|places?)\b)"
    r"|\b(?:i|we)(?:['’](?:m|re)| am| are| was| were) (?:looking for|searching for|asking|wondering"
    r"|curious)\b"
    r"|\bi (?:wonder|mean the)\b|\bi have (?:a|another|one) question\b|^(?:my|the|one|another) question\b"
    r"|\b(?:don['’]?t|do not|didn['’]?t) (?:know|remember|recall|understand|see)"
    r" (?:who|whom|whose|what|where|when|which|why|how|if|whether)\b|\b(?:can['’]?t|cannot|could not) find\b",
    re.IGNORECASE,
)
_MAY_ASK: Final = re.compile(
    r"\b(?:i|we)\b.{0,24}\b(?:need|want|wonder|mean|look|search|ask|forgot|forget|help|question|know|find)",
    re.IGNORECASE,
)
"""What may stand for a question: it is looked up, and only what finds no answer was told."""
_EMPTY: Final = re.compile(
    _ASKS.pattern
    + r"|^(?:hey|hi|hello|thanks|thank you|wow|woohoo|yay|bye|ok|okay|sure|congrats)\b[^,.;:]{0,24}"
    r"[!.]*$",
    re.IGNORECASE,
)
"""What states nothing: a question, a request, a greeting."""
_WISH: Final = re.compile(r"\b(?:remember|forget|note|mind|memori[sz]e)\b", re.IGNORECASE)
"""What a sentence has that asks for something to be remembered; most need not be looked at closer."""


def turn_text(turn: StreamTurn) -> str:
    """All that a turn says; the offsets of sentences from memory count in it."""
    return f"{turn.question}\n{turn.answer}" if turn.answer else turn.question


def asks_or_wishes(message: str) -> bool:
    """Whether a message is, or may be, a question or request, in a sentence that is not to be remembered."""
    return any(_ASKS.search(text) or _MAY_ASK.search(text) for text in _without_wishes(message))


def plainly_asks(message: str) -> bool:
    """Whether a sentence of a message can be nothing but a question or a request (English)."""
    return any(_ASKS.search(text) for text in _without_wishes(message))


def to_look_up(message: str) -> str:
    """A message without the sentences that only ask for something to be remembered, unless these are all."""
    return " ".join(_without_wishes(message)) or message


def _without_wishes(message: str) -> list[str]:
    wished = [each.span for each in assertions(message) if each.requested]
    rest = [span for span in split_sentences(message) if not any(span.overlaps(each) for each in wished)]
    return [message[span.start : span.end].strip() for span in rest]


def statements(turn: StreamTurn) -> list[Span]:
    """The sentences of what came in that state something, in its `turn_text`.

    Of "Please remember that ...", what is to be remembered.
    """
    spans: list[Span] = []
    for span in split_sentences(turn.question):
        text = turn.question[span.start : span.end]
        wished = [each.span for each in assertions(text) if each.requested] if _WISH.search(text) else []
        if wished:
            spans += [Span(span.start + each.start, span.start + each.end) for each in wished]
        elif not _EMPTY.search(text.strip()):
            spans.append(span)
    return spans


def said(turn: StreamTurn) -> str:
    """What a turn tells, with who says it: no question, unless somebody else than Clew has answered it."""
    text = turn_text(turn)
    if turn.answer and not turn.answered_by:
        return text
    told = " ".join(text[span.start : span.end] for span in statements(turn))
    return f"{turn.speaker}: {told}" if turn.speaker and told else told


def all_sentences(turn: StreamTurn) -> list[Span]:
    """Every sentence of a turn, questions and answers too, in its `turn_text`."""
    return [*split_sentences(turn.question), *answer_sentences(turn)]


def in_pieces(text: str, sentences: Sequence[Span]) -> list[Span]:
    """Sentences, those that are longer than what is encoded at once (`PIECE`) cut behind spaces."""
    cut = [piece for sentence in sentences for piece in pieces(text, sentence, PIECE)]
    ends = [piece.start + len(text[piece.start : piece.end].rstrip()) for piece in cut]
    return [Span(piece.start, end) for piece, end in zip(cut, ends, strict=True) if end > piece.start]


def answer_sentences(turn: StreamTurn) -> list[Span]:
    """The sentences of what was answered, in its `turn_text`."""
    first = len(turn.question) + 1
    return [Span(first + span.start, first + span.end) for span in split_sentences(turn.answer)]


def shown_turn(turn: StreamTurn, form: Literal["raw", "summary"] = "raw") -> str:
    """A turn as a reader is shown it: who said what."""
    question, answer = turn.question, turn.answer
    if form == "summary":
        question, answer = turn.question_summary or question, turn.answer_summary or answer
    if turn.speaker:
        return f"{turn.speaker}: {question}"
    return f"They: {question} Answer: {answer}" if answer else f"They: {question}"


def turns_in_context(
    turn: StreamTurn, before: Sequence[StreamTurn], after: Sequence[StreamTurn]
) -> tuple[str, str]:
    """A turn behind the end of what was said before it, and between the turns beside it.

    By these "yes, on Monday" can be understood. A long one in its summary, or cut if it has none.
    """
    shown = shown_turn(turn)
    if len(shown) > LONG:
        shown = shown_turn(turn, "summary")[:LONG]
    behind = ["\n".join(map(shown_turn, before))[-CONTEXT:], shown]
    first, then = "".join(map(shown_turn, before[-1:])), "".join(map(shown_turn, after[:1]))
    between = [first[-CONTEXT:], shown, then[:CONTEXT]]
    return "\n".join(filter(None, behind)), "\n".join(filter(None, between))


def turn_origin(turn: StreamTurn, span: Span) -> MemoryOrigin:
    """Where a span of `turn_text` stands."""
    answer = len(turn.question) + 1
    side: Literal["question", "answer"] = "answer" if span.start >= answer else "question"
    first = answer if side == "answer" else 0
    inside = Span(span.start - first, span.end - first)
    at = turn.asked_at.astimezone()
    return MemoryOrigin(turn.thread, turn.ordinal, side, turn.speaker, at, inside, turn.run)


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
