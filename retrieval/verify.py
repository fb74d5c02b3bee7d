"""A quote is looked up in its source before it may support anything (promise 2).

First character for character at the cited place, then normalised: white space, quotation marks, dashes,
ligatures, case and hyphens at line ends may differ, words may not. What is shown afterwards is always the
source's own text, never the quote as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from retrieval.document import Span
from retrieval.words import UNSPACED

__all__ = ["Verdict", "Verification", "verify_quote"]


class Verdict(StrEnum):
    """What looking a quote up has shown.

    VERIFIED: it stands at the cited place. CORRECTED: it stands elsewhere in the source, and the citation
    now points there. DROPPED: it does not stand in the source and must not be shown.
    """

    VERIFIED = "verified"
    CORRECTED = "corrected"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Verification:
    """A verdict; `span` is where the quote stands in the source, None when it was dropped."""

    verdict: Verdict
    span: Span | None


_MARKS = str.maketrans(
    dict.fromkeys("“”„‟«»‹›〝〞＂", '"') | dict.fromkeys("‘’‚‛′`´", "'") | dict.fromkeys("‐‑‒–—―−", "-")
)
_LETTER = rf"[^\W{UNSPACED}]"
_LINE_HYPHEN = re.compile(r"(?<=\w)[-\u00ad\u2010]\s*\n\s*(?=\w)")


def verify_quote(quote: str, source: str, cited: Span | None = None) -> Verification:
    """Look a quote up.

    Args:
        quote: Text that is said to stand in `source`.
        source: The document's text.
        cited: Where it is said to stand; None if no place was given.

    Returns:
        VERIFIED where `cited` holds the quote (exactly or normalised), or where it stands and no place was
        cited; CORRECTED with the occurrence nearest to the cited place; else DROPPED.
    """
    if cited is not None and source[cited.start : cited.end] == quote and quote.strip():
        # A cited place may end beyond the text.
        return Verification(Verdict.VERIFIED, Span(cited.start, cited.start + len(quote)))
    if not any(character.isalnum() for character in quote):
        return Verification(Verdict.DROPPED, None)
    # A hyphen at a line end is the typesetter's, or else the word's own ("well-known").
    places = _places(quote, source, keep_hyphens=False) or _places(quote, source, keep_hyphens=True)
    if not places:
        return Verification(Verdict.DROPPED, None)
    if cited is None:
        return Verification(Verdict.VERIFIED, places[0])
    best = min(places, key=lambda place: (abs(place.start - cited.start), place.start))
    verdict = Verdict.VERIFIED if best.overlaps(cited) else Verdict.CORRECTED
    return Verification(verdict, best)


def _places(quote: str, source: str, keep_hyphens: bool) -> list[Span]:
    wanted, _ = _normalised(quote, keep_hyphens)
    text, origins = _normalised(source, keep_hyphens)
    found = re.finditer(_whole(wanted), text)
    return [Span(origins[match.start()], origins[match.end() - 1] + 1) for match in found]


def _whole(wanted: str) -> str:
    """A pattern for the quote that neither begins nor ends inside a word of a script with spaces."""
    before = rf"(?<!{_LETTER})" if re.match(_LETTER, wanted[0]) else ""
    after = rf"(?!{_LETTER})" if re.match(_LETTER, wanted[-1]) else ""
    return before + re.escape(wanted) + after


def _normalised(text: str, keep_hyphens: bool) -> tuple[str, list[int]]:
    """The text as it is compared, and for each of its characters the offset that it came from."""
    hidden = {n for m in _LINE_HYPHEN.finditer(text) for n in range(m.start() + keep_hyphens, m.end())}
    characters: list[str] = []
    origins: list[int] = []
    for offset, character in enumerate(text):
        if offset in hidden or character == "\u00ad":
            continue
        if character.isspace():
            if characters and characters[-1] != " ":
                characters.append(" ")
                origins.append(offset)
            continue
        folded = unicodedata.normalize("NFKC", character.translate(_MARKS)).casefold()
        characters.extend(folded)
        origins.extend([offset] * len(folded))
    while characters and characters[-1] == " ":
        characters.pop()
        origins.pop()
    return "".join(characters), origins
