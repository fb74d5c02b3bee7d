"""A message in plain characters, so that no rule is passed by letters that only look different.

Full-width and other compatibility forms become the usual ones (NFKC, character by character) and what is not
seen, such as a zero-width space, is left out. Every place there is known in the message as it was typed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from retrieval.document import Span

__all__ = ["PlainText"]


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text in plain characters, and where each of them stands in the original; None if all are in place."""

    text: str
    places: tuple[int, ...] | None

    @classmethod
    def of(cls, original: str) -> PlainText:
        """The plain form of a text."""
        plain: list[str] = []
        places: list[int] = []
        for place, character in enumerate(original):
            if unicodedata.category(character) == "Cf":
                continue
            for each in unicodedata.normalize("NFKC", character):
                plain.append(each)
                places.append(place)
        text = "".join(plain)
        return cls(original, None) if text == original else cls(text, tuple(places))

    def typed(self, span: Span) -> Span:
        """The span of the original that a span of the plain text, not an empty one, stands for."""
        if self.places is None:
            return span
        return Span(self.places[span.start], self.places[span.end - 1] + 1)
