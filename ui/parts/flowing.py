"""Prose that was broken into lines of one length, read as it was meant."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["flowing"]

FULL: Final = 50
"""Characters of a line that was broken because it was full; those of verse, lists and tables are shorter."""

_BROKEN: Final = re.compile(rf"(?<=[^\n]{{{FULL}}})(?:\r\n|\n)(?=[^\s\d*•|-])")


def flowing(text: str) -> str:
    """The same text with a space in place of each break of a full line.

    Every character stays at its place, so that offsets mean the same. A line that something like a list or
    a paragraph begins with begins a line as before.
    """
    return _BROKEN.sub(lambda match: " " * len(match[0]), text)
