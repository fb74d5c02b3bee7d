"""Looks up whether what an answer quotes stands in the evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reader.quotes import CITATION
from retrieval.document import Span
from retrieval.evidence import Evidence
from retrieval.verify import verify_quote

__all__ = ["QuoteBook"]

_GAP: Final = re.compile(r"[\[(]?(?:\.\s?\.\s?\.|…)\.?[\])]?|\[[^\[\]]{0,30}\]")
_MARKS: Final = re.compile(r"[\"“”„‟«»‹›「」『』｢｣〝〞〟＂`´*_]|(?<![^\W_])['‘’‚‛′]|['‘’‛′](?![^\W_])")
"""An apostrophe within a word is none of them."""
_DASH: Final = re.compile(r"\s*(?:[—–―]|--+)\s*")
_CITED: Final = re.compile(rf"\s{{0,3}}(?:{CITATION.pattern})")
ADJACENT: Final = 4
"""Characters between two sentences that follow one another; a blank line has up to four."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Text as it is compared, its letters alone, and which evidence each of its stretches is."""

    text: str
    letters: str
    holders: tuple[tuple[int, Span], ...]


class QuoteBook:
    """Looks quotes up in the evidence, sentences that follow one another taken together.

    Args:
        evidence: None of it dropped.
        question: What it quotes itself may be quoted back, and so may the titles of the evidence.
    """

    def __init__(self, evidence: Sequence[Evidence], question: str) -> None:
        self._singles = [_source([(n, each.quote)]) for n, each in enumerate(evidence)]
        titles = {name for e in evidence for name in (e.origin.title, *e.origin.section.split(" / "))}
        self._known = [_source([(0, text)]) for text in (question, *sorted(titles))]
        self._runs: list[_Source] = []
        self._kept: dict[tuple[str, tuple[int, ...]], tuple[int, ...] | None] = {}
        order = sorted(
            range(len(evidence)),
            key=lambda n: (evidence[n].origin.document, evidence[n].origin.span.start),
        )
        run: list[int] = []
        for n in order:
            if run and not _follows(evidence[run[-1]], evidence[n]):
                self._join(run, evidence)
                run = []
            run.append(n)
        self._join(run, evidence)

    def find(self, quote: str, cited: Sequence[int]) -> tuple[int, ...] | None:
        """Evidence that holds a quote, that among `cited` first; () if the question does; None if nothing.

        A quote with gaps ("...", "[he]") is found where its pieces follow one another.
        """
        key = (quote, tuple(cited))
        if key not in self._kept:
            self._kept[key] = self._find(quote, set(cited))
        return self._kept[key]

    def _find(self, quote: str, cited: set[int]) -> tuple[int, ...] | None:
        pieces = [_plain(piece).strip(" \t\n.,;:—-") for piece in _GAP.split(quote)]
        pieces = [piece for piece in pieces if any(c.isalnum() for c in piece)]
        if not pieces:  # nothing, or nothing but what someone put in brackets
            return None if any(c.isalnum() for c in quote) else ()
        letters = [_letters(piece) for piece in pieces]
        singles = sorted(self._singles, key=lambda source: source.holders[0][0] not in cited)
        for source in (*singles, *self._runs):
            holders = _holders(pieces, letters, source)
            if holders is not None:
                return holders
        known = any(_holders(pieces, letters, source) is not None for source in self._known)
        return () if known else None

    def _join(self, run: Sequence[int], evidence: Sequence[Evidence]) -> None:
        if len(run) > 1:
            self._runs.append(_source([(n, evidence[n].quote) for n in run]))


def _holders(pieces: Sequence[str], letters: Sequence[str], source: _Source) -> tuple[int, ...] | None:
    """The evidence of the source that the pieces touch, in their order; None if one is not there."""
    if not all(each in source.letters for each in letters):
        return None
    place, touched = 0, set[int]()
    for piece in pieces:
        span = verify_quote(piece, source.text[place:]).span
        if span is None:
            return None
        here = Span(place + span.start, place + span.end)
        touched.update(n for n, held in source.holders if held.overlaps(here))
        place = here.end
    return tuple(n for n, _ in source.holders if n in touched)


def _source(parts: Sequence[tuple[int, str]]) -> _Source:
    text, holders = "", []
    for n, part in parts:
        text += " " if text else ""
        plain = _plain(part)
        holders.append((n, Span(len(text), len(text) + len(plain))))
        text += plain
    return _Source(text, _letters(text), tuple(holders))


def _plain(text: str) -> str:
    """Without quotation marks, emphasis and footnotes, which people set as they like."""
    return _DASH.sub(" — ", _MARKS.sub("", _CITED.sub("", text)))


def _letters(text: str) -> str:
    """Letters and digits alone: what is not in these is not in the text, and that is seen at once."""
    folded = (unicodedata.normalize("NFKC", character).casefold() for character in text)
    return "".join(c for c in "".join(folded) if c.isalnum())


def _follows(one: Evidence, other: Evidence) -> bool:
    gap = other.origin.span.start - one.origin.span.end
    return one.origin.document == other.origin.document and 0 <= gap <= ADJACENT
