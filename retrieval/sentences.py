"""Sentences as exact spans of a text, in any language.

The splitter is sentencex (Wikimedia; rules per language, Rust). Two things are added around it: long
direct speech, which it keeps whole, is split inside the quotation marks as well; and text without any
full stop stays one sentence, which `chunking` then cuts by tokens.
"""

from __future__ import annotations

import itertools
import re

import sentencex

from retrieval.document import Span

__all__ = ["pieces", "split_sentences"]

LONGEST_PARAGRAPH = 10_000
"""Characters given to sentencex at once: its time grows with the square of the quotation marks in a
paragraph, and a file of nothing else must not hold everything up. Longer paragraphs are cut at a space."""

LONG_SPEECH = 240
"""Characters above which a sentence that holds quotation marks is split inside them."""

# Each mark is replaced by one character that no rule knows, so that offsets stay what they are.
QUOTES = str.maketrans(dict.fromkeys('“”«»„‟‹›「」『』"', "\u2063"))


def split_sentences(text: str, start: int = 0, end: int | None = None, language: str = "en") -> list[Span]:
    """Find the sentences of `text[start:end]`, in order, without the white space around them.

    Args:
        text: Any text; nothing in it is changed.
        start: First character to look at.
        end: One past the last; the end of the text when None.
        language: ISO 639-1 code of the abbreviations to know. Full stops of all scripts are known in
            any case, and an unknown code falls back to rules without abbreviations.

    Returns:
        Spans into `text`. Every character between `start` and `end` that is not white space lies in
        exactly one of them, and none holds a blank line.
    """
    piece = text[start:end]
    spans: list[Span] = []
    for found in _boundaries(piece, language):
        span = _trimmed(text, start + found.start, start + found.end)
        if span is None:
            continue
        if len(span) > LONG_SPEECH:
            spans.extend(_split_speech(text, span, language))
        else:
            spans.append(span)
    return spans


def _boundaries(piece: str, language: str) -> list[Span]:
    """What sentencex finds, paragraph by paragraph."""
    return [
        Span(stretch.start + found["start_index"], stretch.start + found["end_index"])
        for paragraph in _paragraphs(piece)
        for stretch in pieces(piece, paragraph, LONGEST_PARAGRAPH)
        for found in sentencex.get_sentence_boundaries(language, piece[stretch.start : stretch.end])
    ]


def _paragraphs(piece: str) -> list[Span]:
    """The piece cut behind its blank lines, those of "\\r\\n" files too."""
    # From a line end, not from the white space before it, which is quadratic in a run of spaces.
    cuts = [0, *(gap.end() for gap in re.finditer(r"\n\s*\n\s*", piece)), len(piece)]
    return [Span(start, end) for start, end in itertools.pairwise(cuts) if start < end]


def pieces(text: str, span: Span, limit: int) -> list[Span]:
    """The span of `text` cut into at most `limit` characters each, behind a space where there is one."""
    found: list[Span] = []
    start = span.start
    while span.end - start > limit:
        space = text.rfind(" ", start + limit // 2, start + limit)
        end = space + 1 if space >= 0 else start + limit
        found.append(Span(start, end))
        start = end
    return [*found, Span(start, span.end)]


def _split_speech(text: str, span: Span, language: str) -> list[Span]:
    """Split a long sentence again with its quotation marks hidden."""
    hidden = text[span.start : span.end].translate(QUOTES)
    parts: list[Span] = []
    for found in sentencex.get_sentence_boundaries(language, hidden):
        part = _trimmed(text, span.start + found["start_index"], span.start + found["end_index"])
        if part is None:
            continue
        if parts and (_is_only_marks(text, part) or text[part.start].islower()):
            parts[-1] = Span(parts[-1].start, part.end)
        else:
            parts.append(part)
    return parts


def _is_only_marks(text: str, span: Span) -> bool:
    return not any(character.isalnum() for character in text[span.start : span.end])


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """The span without the white space at its ends; None when nothing is left."""
    piece = text[start:end]
    kept = piece.strip()
    if not kept:
        return None
    start += len(piece) - len(piece.lstrip())
    return Span(start, start + len(kept))
