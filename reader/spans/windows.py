"""A question before each of some texts, as token ids; a text that is too long is read in windows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_QUESTION", "SHAPES", "Window", "readable", "shapes_of", "windows_of", "with_marks"]

MOST_QUESTION: Final = 48
"""Tokens of a question that are read."""
SHAPES: Final = 4
"""Kinds of `shapes_of`."""
OVERLAP: Final = 64
"""Tokens that two windows of a text share: an answer that is cut by one is whole in the other.

Half of a window's tokens where that is less.
"""
_NUMBER: Final = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|and|half|halves|quarters?"
    r"|first|second|thirds?|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|twentie|thirtie)ths?)"
)
COMPOUND: Final = re.compile(rf"\b{_NUMBER}(?:[-\u2010\u2011]{_NUMBER})+\b", re.IGNORECASE)
"""A number of several words: "twenty-two", "six-and-thirty", "two-thirds"."""
SEPARATOR: Final = re.compile(r"(?<=\d),(?=\d{2,3}(?!\d))|(?<=\d)(?<!\d{4})\.(?=\d)")
"""What separates the digits of one number: "1,847", "7.5"."""
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A question and a stretch of a text.

    Attributes:
        text: Position of the text.
        ids: Of all tokens, special ones included, shape (length,).
        begin: Position of the text's first token in `ids`; before the last one is a separator.
        shapes: Of each of these tokens (`shapes_of`), 0 for special ones, shape (length,).
        offsets: First character of each token of the text and the one behind it, shape (tokens, 2).
        inner: Whether each of these goes on with the word of the one before it, shape (tokens,).
        wordless: Whether each of them has neither letter nor digit, shape (tokens,).
    """

    text: int
    ids: NDArray[np.int64]
    shapes: NDArray[np.int64]
    begin: int
    offsets: NDArray[np.int32]
    inner: NDArray[np.bool_]
    wordless: NDArray[np.bool_]


def windows_of(question: str, texts: Sequence[str], tokenizer: Any, length: int) -> list[Window]:
    """Windows of at most `length` tokens, those of one text next to each other.

    Args:
        question: Cut after `MOST_QUESTION` tokens.
        texts: What is read; an empty one gives a window without tokens of its own.
        tokenizer: Of the `tokenizers` library, without truncation and padding.
        length: Tokens that the model reads at once.

    Raises:
        ValueError: If the question leaves no room for a text.
    """
    question, texts = readable(question), [readable(text) for text in texts]
    first, end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    put = tokenizer.encode(question, add_special_tokens=False)
    asked = put.ids[:MOST_QUESTION]
    head = [first, *asked, end]
    head_shapes = [0, *shapes_of(question, put.offsets[:MOST_QUESTION]), 0]
    room = length - len(head) - 1
    if room < 1:
        raise ValueError(f"A question of {len(asked)} tokens leaves no room for a text in {length} tokens.")
    windows: list[Window] = []
    for number, found in enumerate(tokenizer.encode_batch(texts, add_special_tokens=False)):
        offsets = np.array(with_marks(texts[number], found.offsets), np.int32).reshape(-1, 2)
        shapes = shapes_of(texts[number], found.offsets)
        joints = _joints(texts[number])
        goes_on = [
            token.startswith("##") or start in joints or start - 1 in joints
            for token, (start, _) in zip(found.tokens, found.offsets, strict=True)
        ]
        inner = np.array(goes_on, bool)
        said = [any(map(str.isalnum, texts[number][start:end])) for start, end in found.offsets]
        wordless = ~np.array(said, bool)
        at = 0
        while True:
            ids = np.array([*head, *found.ids[at : at + room], end], np.int64)
            looks = np.array([*head_shapes, *shapes[at : at + room], 0], np.int64)
            own = slice(at, at + room)
            windows.append(Window(number, ids, looks, len(head), offsets[own], inner[own], wordless[own]))
            if at + room >= len(found.ids):
                break
            at += room - min(OVERLAP, room // 2)
    return windows


def _joints(text: str) -> set[int]:
    """Where there are the hyphens, commas and points within numbers."""
    found = {separator.start() for separator in SEPARATOR.finditer(text)}
    for compound in COMPOUND.finditer(text):
        found |= {n for n in range(compound.start(), compound.end()) if not text[n].isalpha()}
    return found


def readable(text: str) -> str:
    """With U+FFFD for each half of a surrogate pair, which no tokenizer takes; offsets stay."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def shapes_of(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """How each token is written, which a model of small letters cannot see.

    1 if it begins with one capital, 2 with two or more, 3 with a digit, 0 for the rest.
    """
    shapes: list[int] = []
    for start, _ in offsets:
        first, second = text[start : start + 1], text[start + 1 : start + 2]
        shapes.append(3 if first.isdigit() else 0 if not first.isupper() else 2 if second.isupper() else 1)
    return shapes


def with_marks(text: str, offsets: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Offsets with the accents that a tokenizer took off, so that "cafe\u0301" is not quoted as "cafe"."""
    if text.isascii():
        return offsets
    widened: list[tuple[int, int]] = []
    borders = [*(start for start, _ in offsets[1:]), len(text)]
    for (start, end), border in zip(offsets, borders, strict=False):
        while end < border and unicodedata.category(text[end]).startswith("M"):
            end += 1
        widened.append((start, end))
    return widened
