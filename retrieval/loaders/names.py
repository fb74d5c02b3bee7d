"""File names as they may be shown: a name is data, it must not steer a terminal or hide what it is."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["readable_title", "shown"]

_LONGEST = 120


def shown(name: str) -> str:
    """Return `name` on one line, quoted, with everything invisible or misleading escaped.

    Control characters, line separators, bidirectional and zero-width marks, unassigned and private
    characters and lone surrogates become `\\x1b`-like escapes; a long name is cut in its middle.
    """
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST // 2]}…{name[-_LONGEST // 2 :]}"
    # Cc, Cf, Cs, Co, Cn and the line and paragraph separators; a plain space is the one separator kept.
    safe = (
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character)[0] == "C" or unicodedata.category(character) in ("Zl", "Zp")
        else character
        for character in name
    )
    return '"' + "".join(safe).replace('"', "'") + '"'


def readable_title(name: str) -> str:
    """Return a title made from a file name: no folder, no suffix, words apart; never empty."""
    stem = re.split(r"[/\\]", name)[-1]
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", stem) or stem
    words = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in stem)
    words = " ".join(re.sub(r"[_+]+|(?<=\w)-(?=\w)", " ", words).split())
    if not words:
        return "Untitled"
    return words[0].upper() + words[1:] if words.islower() else words
