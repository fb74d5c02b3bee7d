"""What may be seen of an answer while it is written: no quote that was not looked up, no made-up citation."""

from __future__ import annotations

import re
from typing import Final

from reader.contract import OnDraft
from reader.quote_book import QuoteBook
from reader.quotes import (
    CITATION,
    OPENING,
    UNESCAPES,
    WAIT,
    cited_numbers,
    plain_marks,
    quote_end,
    quoted_words,
)

__all__ = ["DraftGate"]

REMOVED: Final = "[a quote that was not found]"
_STOP_AT: Final = re.compile(rf"{OPENING.pattern}|[\[\]【】［］()]")
_ENTITY: Final = re.compile(r"&(?:#[0-9a-fA-FxX]*|[^\t\n\f <&#;]{0,32})\Z")
_LINE_ENDS: Final = str.maketrans(
    dict.fromkeys("\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n") | dict.fromkeys("\x00\r", "")
)
_OPEN_CITATION: Final = re.compile(r"[\[【［(][^\[\]【】［］()]*\Z")
_BRACKET_TOLD: Final = re.compile(r"[\[\]【】［］()\n]")
_REFUSAL_EDGE: Final = re.compile(r"[\W_]*")
_APOSTROPHE: Final = {"'": "’", "‘": "’", "‚": ","}
"""What is no quotation mark where it stands must not become one by what is taken out around it."""
_SINGLE: Final = "'‘’‚"
LEFT_OUT: Final = "…"
"""Keeps the marks beside a citation that was taken out from being read otherwise."""
LONGEST_OPEN: Final = 2_000
"""A quote that is open for longer is looked up at the end of the draft: each look goes through all of it."""
LONGEST_SHOWN: Final = 1_000
"""What was shown is forgotten by and by, but for so much as the marks that follow are judged by."""
CONTEXT: Final = 200
LONGEST_CITATION: Final = 80


class DraftGate:
    """Lets the text of a draft through as it comes and holds back what must be looked up first.

    Args:
        book: Where quotes are looked up.
        count: Pieces of evidence, those that a citation may name.
        refusal: The word that means no answer; a draft that begins like it is held back until it is clear.
        show: Gets what can be seen.
    """

    def __init__(self, book: QuoteBook, count: int, refusal: str, show: OnDraft) -> None:
        self._book, self._count, self._refusal, self._show = book, count, refusal, show
        self._begin()

    def _begin(self) -> None:
        self._raw, self._text, self._place, self._begun = [""] * len(UNESCAPES), "", 0, False
        self._open_bracket, self._marks = "", ""
        self._held: list[str] | None = None

    def __call__(self, text: str | None) -> None:
        """Take the next piece of the draft; None if it begins anew."""
        if text is None:
            self._begin()
            self._show(None)
            return
        if self._held is None:
            self._release(text, whole=False)
        else:
            self._held.append(text)

    def end(self) -> None:
        """The draft is complete."""
        self._release("".join(self._held or ()), whole=True)

    def _release(self, text: str, whole: bool) -> None:
        self._text += self._unescaped(text, whole).translate(_LINE_ENDS)
        if not self._begun:
            self._begun = self._is_no_refusal(whole)
        if not self._begun:
            return
        shown = []
        self._marks = plain_marks(self._text)
        while self._place < len(self._text):
            piece = self._next(whole)
            if piece is None:
                break
            shown.append(piece)
        if any(shown):
            self._show("".join(shown))
        if len(self._text) - self._place > LONGEST_OPEN:
            self._held = []
        if self._place > LONGEST_SHOWN:
            self._forget()

    def _unescaped(self, text: str, whole: bool) -> str:
        """What the text adds without entities; the begin of one stays until its end has come."""
        for n, unescape in enumerate(UNESCAPES):
            raw = self._raw[n] + text
            entity = None if whole else _ENTITY.search(raw, max(0, raw.rfind("&")))
            end = entity.start() if entity else len(raw)
            text, self._raw[n] = unescape(raw[:end]), raw[end:]
        return text

    def _forget(self) -> None:
        cut = self._place - CONTEXT
        within_line = "" if self._text[cut - 1] == "\n" else "."
        self._text = within_line + self._text[cut:]
        self._place += len(within_line) - cut

    def _is_no_refusal(self, whole: bool) -> bool:
        edge = _REFUSAL_EDGE.match(self._text)
        start = self._text[edge.end() if edge else 0 :][: len(self._refusal) + 1].upper()
        if not start.startswith(self._refusal):
            return whole or not self._refusal.startswith(start)
        return start[len(self._refusal) :].isalnum()

    def _next(self, whole: bool) -> str | None:
        """What can be shown of the next stretch of text; None if more must come first."""
        found = _STOP_AT.search(self._marks, self._place)
        start = found.start() if found else len(self._text)
        if start > self._place:
            return self._taken(start)
        mark = self._text[start]
        if mark in "[【［(":
            return self._bracket(whole)
        if mark in "]】］)":
            # Where a made-up citation was taken out, what stood around it must not become one.
            closes = CITATION.fullmatch(self._open_bracket + mark)
            self._place += 1
            if closes:
                return ""
            self._open_bracket = ""
            return mark
        end = quote_end(self._marks, start, whole)
        if end == WAIT:
            return None
        if end == start:
            self._place += 1
            before, after = self._marks[start - 1 : start], self._marks[start + 1 : start + 2]
            # Two of them side by side would be one mark.
            stays = before.isalnum() or "’" in (before, after)
            return self._plain(mark if stays else _APOSTROPHE.get(self._marks[start], mark))
        quote = self._text[start:end]
        self._place = end
        left_open = self._marks[start] in _SINGLE and (
            end == start + 1 or self._marks[end - 1] not in _SINGLE
        )
        if left_open and not any(c.isalnum() for c in quote):
            return LEFT_OUT + ("\n" if quote.endswith("\n") else "")
        # One that only the end of its line closes could be closed by an apostrophe further on.
        if left_open or self._book.find(quoted_words(quote), ()) is None:
            return REMOVED + ("\n" if quote.endswith("\n") else "")
        self._open_bracket = ""
        return CITATION.sub(self._citation, quote)

    def _bracket(self, whole: bool) -> str | None:
        """A citation, or the bracket as it stands."""
        citation = CITATION.match(self._text, self._place)
        if citation and (whole or citation.end() < len(self._text)):
            self._place = citation.end()
            return self._plain(self._citation(citation))
        ahead = self._text[self._place + 1 : self._place + LONGEST_CITATION]
        told = len(ahead) == LONGEST_CITATION - 1 or _BRACKET_TOLD.search(ahead)
        if not whole and (citation or not told):
            return None
        return self._taken(self._place + 1)

    def _taken(self, end: int) -> str:
        taken, self._place = self._text[self._place : end], end
        return self._plain(taken)

    def _plain(self, shown: str) -> str:
        opened = _OPEN_CITATION.search(self._open_bracket + shown)
        self._open_bracket = opened.group()[:LONGEST_CITATION] if opened else ""
        return shown

    def _citation(self, citation: re.Match[str]) -> str:
        shown = "".join(f"[{n}]" for n in cited_numbers(citation) if 1 <= n <= self._count)
        beside = citation.string[max(0, citation.start() - 1) : citation.start()]
        beside += citation.string[citation.end() : citation.end() + 1]
        return shown or (LEFT_OUT if OPENING.search(plain_marks(beside)) else "")
