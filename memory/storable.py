"""Texts as databases hold them."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["storable"]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """A text in which what no database can hold (NUL, lone surrogates) is U+FFFD."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
