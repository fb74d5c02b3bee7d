"""A question before each of some texts, as token ids; a text that is too long is read in windows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_QUESTION", "Window", "windows_of", "with_marks"]

MOST_QUESTION: Final = 48
"""Tokens of a question that are read."""
OVERLAP: Final = 64
"""Tokens that two windows of a text share: an answer that is cut by one is whole in the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A question and a stretch of a text.

    Attributes:
        text: Position of the text.
        ids: Of all tokens, special ones included, shape (length,).
        begin: Position of the text's first token in `ids`; before the last one is a separator.
        offsets: First character of each token of the text and the one behind it, shape (tokens, 2).
    """

    text: int
    ids: NDArray[np.int64]
    begin: int
    offsets: NDArray[np.int32]


def windows_of(question: str, texts: Sequence[str], tokenizer: Any, length: int) -> list[Window]:
    """Windows of at most `length` tokens, those of one text next to each other.

    Args:
        question: Cut after `MOST_QUESTION` tokens.
        texts: What is read; an empty one gives a window without tokens of its own.
        tokenizer: Of the `tokenizers` library, without truncation and padding.
        length: Tokens that the model reads at once.
    """
    first, end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:MOST_QUESTION]
    head = [first, *asked, end]
    room = length - len(head) - 1
    windows: list[Window] = []
    for number, found in enumerate(tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        offsets = np.array(with_marks(texts[number], found.offsets), np.int32).reshape(-1, 2)
        at = 0
        while True:
            ids = np.array([*head, *found.ids[at : at + room], end], np.int64)
            windows.append(Window(number, ids, len(head), offsets[at : at + room]))
            if at + room >= len(found.ids):
                break
            at += room - OVERLAP
    return windows


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
