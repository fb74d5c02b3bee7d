"""How long a text is, counted in words as a person would."""

from __future__ import annotations

import re
from typing import Final

from retrieval.words import UNSPACED

__all__ = ["count_words"]

_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
CHARACTERS_PER_WORD: Final = 2
"""Of scripts written without spaces; Chinese and Japanese words have about two characters."""


def count_words(text: str) -> int:
    """Words of a text: what stands between white space, and pairs of characters of scripts without spaces."""
    if text.isascii():
        return len(text.split())
    spaced, characters = _UNSPACED.subn(" ", text)
    return len(spaced.split()) + -(-characters // CHARACTERS_PER_WORD)
