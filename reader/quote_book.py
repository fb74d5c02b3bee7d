"""Looks up whether what an answer quotes stands in the evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reader.quotes import CITATION, plain_marks
from retrieval.document import Span
from retrieval.evidence import Evidence
from retrieval.verify import verify_quote

__all__ = ["NEGATION", "QuoteBook"]

_ELLIPSIS: Final = re.compile(r"[\[(]?(?:\.\s?\.\s?\.|…)\.?[\])]?")
_BRACKET: Final = re.compile(r"\[([^\[\]]*)\]")
_CHANGED_LETTERS: Final = re.compile(r"\[([^\W\d_]{1,3})\](?=[^\W\d_])|(?<=[^\W\d_])\[([^\W\d_]{1,3})\]")
_PUT_IN: Final = re.compile(r"[^\W\d_]{1,15}(?:['’]s)?")
_PUT_IN_FREELY: Final = frozenset(
    str.split(
        """
    sic he she it they him her them his hers its their theirs i me my mine we us our you your who whom whose
    which that this these those the a an and
    """
    )
)
NEGATION: Final = re.compile(
    r"(?<![^\W_])(?:no|not|never|neither|nor|none|nobody|nothing|nowhere|noone|without|hardly|scarcely|barely"
    r"|seldom|rarely|cannot|\w+n['’]t"
    r"|nicht|kein\w*|nie|niemals|ne|pas|jamais|nunca|не|нет|ни|никогда)(?![^\W_])|没|沒|不|无|無|未|ない|ません",
    re.IGNORECASE,
)
"""Words that turn a sentence round."""
_MARKS: Final = re.compile(r"[\"“”„«»‹›「」『』｢｣〝〞〟＂`*_\x01]|(?<![^\W_])['‘’‚]|['‘’](?![^\W_])")
"""Plain quotation marks; an apostrophe within a word is none of them."""
_DASH: Final = re.compile(r"\s*(?:[—–―]|--+)\s*")
_CITED: Final = re.compile(rf"\s{{0,3}}(?:{CITATION.pattern})")
MOST_BRACKETS: Final = 2
MOST_PIECES: Final = 9
MOST_PLACES: Final = 12
LONGEST_GAP: Final = 300
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
        titles = {name for e in evidence for part in e.origin.place for name in part.split(" / ")}
        self._known = [_source([(0, text)]) for text in (question, *sorted(titles))]
        self._runs: list[_Source] = []
        self._kept: dict[tuple[str, tuple[int, ...]], tuple[int, ...] | None] = {}
        order = sorted(
            range(len(evidence)),
            key=lambda n: (evidence[n].origin.source, evidence[n].origin.span.start),
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

        A quote with gaps ("...", "[he]") is found where its pieces follow one another, nothing that turns
        them round left out between them, and with nothing in the gaps but a pronoun or a name that is known.
        """
        key = (quote, tuple(cited))
        if key not in self._kept:
            self._kept[key] = self._find(quote, set(cited))
        return self._kept[key]

    def _find(self, quote: str, cited: set[int]) -> tuple[int, ...] | None:
        if not any(c.isalnum() for c in quote):
            return ()
        plain = _CITED.sub("", quote)
        found = self._pieces_found(_ELLIPSIS.split(plain), cited)
        if found is not None or "[" not in plain:
            return found
        changed = _CHANGED_LETTERS.sub(lambda m: m.group(1) or m.group(2), _ELLIPSIS.sub("…", plain))
        brackets = _BRACKET.findall(changed)
        if len(brackets) > MOST_BRACKETS or not all(map(self._may_be_put_in, brackets)):
            return None
        return self._pieces_found(_BRACKET.sub("…", changed).split("…"), cited)

    def _may_be_put_in(self, words: str) -> bool:
        """Whether a bracket in a quote says nothing new: empty, [sic], a pronoun or a known name."""
        word = words.strip(" .!?")
        if not word or word.casefold() in _PUT_IN_FREELY:
            return True
        known = _PUT_IN.fullmatch(word) and not NEGATION.fullmatch(word)
        return bool(known) and any(
            re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", source.text, re.IGNORECASE)
            for source in (*self._singles, *self._known)
        )

    def _pieces_found(self, parts: Sequence[str], cited: set[int]) -> tuple[int, ...] | None:
        pieces = [_plain(part).strip(" \t\n.,;:—-") for part in parts]
        pieces = [piece for piece in pieces if any(c.isalnum() for c in piece)]
        if not 0 < len(pieces) <= MOST_PIECES:
            return None
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
    most = MOST_PLACES if len(pieces) > 1 else 1
    chains: list[tuple[Span, ...]] = [(place,) for place in _places(pieces[0], source.text, most)]
    for piece in pieces[1:]:
        chains = [
            (*chain, place) for chain in chains if (place := _following(piece, source.text, chain[-1].end))
        ]
    if not chains:
        return None
    return tuple(n for n, held in source.holders if any(held.overlaps(place) for place in chains[0]))


def _places(piece: str, text: str, most: int) -> list[Span]:
    found: list[Span] = []
    place = 0
    while len(found) < most and (span := verify_quote(piece, text[place:]).span):
        found.append(Span(place + span.start, place + span.end))
        place = found[-1].end
    return found


def _following(piece: str, text: str, end: int) -> Span | None:
    """Where a piece follows behind a gap that is short and leaves out nothing that turns it round."""
    behind = text.find(" ", end + LONGEST_GAP + 2 * len(piece))
    span = verify_quote(piece, text[end : behind if behind >= 0 else None]).span
    if span is None or span.start > LONGEST_GAP or NEGATION.search(text[end : end + span.start]):
        return None
    return Span(end + span.start, end + span.end)


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
    return _DASH.sub(" — ", _MARKS.sub("", plain_marks(_CITED.sub("", text))))


def _letters(text: str) -> str:
    """Letters and digits alone: what is not in these is not in the text, and that is seen at once."""
    folded = (unicodedata.normalize("NFKC", character).casefold() for character in text)
    return "".join(c for c in "".join(folded) if c.isalnum())


def _follows(one: Evidence, other: Evidence) -> bool:
    gap = other.origin.span.start - one.origin.span.end
    return one.origin.source == other.origin.source and 0 <= gap <= ADJACENT
