"""Words found in one document, in the order of its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.document_views import DocumentView

__all__ = ["Finding", "found_in"]

BLOCK: Final = 400_000
"""Characters that are read at a time."""
LONGEST: Final = 200
"""Characters of what can be looked for; a match may have more white space, up to `OVERLAP`."""
OVERLAP: Final = 1_000
MOST: Final = 200
AROUND: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where the words stand: offsets into the document's text, and the text around them."""

    start: int
    end: int
    around: str


def found_in(view: DocumentView, words: str) -> list[Finding]:
    """The first 200 places where words stand one after the other, in any case and over line ends.

    Args:
        view: Of the document.
        words: Characters beyond the 200th do not count; nothing finds nothing.
    """
    asked = words[:LONGEST].split()
    if not asked:
        return []
    pattern = re.compile(r"\s{1,50}".join(re.escape(word) for word in asked), re.IGNORECASE)
    found: list[Finding] = []
    for start in range(0, view.record.characters, BLOCK):
        text = view.text(start, start + BLOCK + OVERLAP)
        for match in pattern.finditer(text):
            if match.start() >= BLOCK:
                break  # the next block finds it
            first, last = max(0, match.start() - AROUND), match.end() + AROUND
            found.append(Finding(start + match.start(), start + match.end(), text[first:last]))
            if len(found) == MOST:
                return found
    return found
