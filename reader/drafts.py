"""What may be seen of an answer while it is written: no quote that was not looked up, no made-up citation."""

from __future__ import annotations

import html
import re
from typing import Final

from reader.checking import CITATION, QuoteBook
from reader.contract import OnDraft

__all__ = ["DraftGate"]

_PAIRS: Final = {"“": "”", "„": "“”", "«": "»", '"': '"', "‘": "’", "'": "'", "`": "`"}
_OPENING: Final = re.compile(r"[“„«\"`\[【]|(?<!\w)[‘']|^[ \t]*>", re.MULTILINE)
_ENTITY: Final = re.compile(r"&[#\w]{0,8}\Z")
REMOVED: Final = "[a quote that was not found]"


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
        self._held, self._begun, self._last = "", False, ""

    def __call__(self, text: str | None) -> None:
        """Take the next piece of the draft; None if it begins anew."""
        if text is None:
            self._held, self._begun, self._last = "", False, ""
            self._show(None)
            return
        self._held += text
        if not self._begun:
            start = self._held.strip().strip("*\"'").upper()
            if self._refusal.startswith(start[: len(self._refusal)]):
                return
            self._begun = True
        self._release(whole=False)

    def end(self) -> None:
        """The draft is complete."""
        if self._begun:
            self._release(whole=True)

    def _release(self, whole: bool) -> None:
        shown = ""
        while self._held:
            # The character before matters: an apostrophe within a word opens nothing.
            found = _OPENING.search(self._last + self._held, len(self._last))
            if found is None:
                entity = None if whole else _ENTITY.search(self._held)
                end = entity.start() if entity else len(self._held)
                shown += self._take(end)
                break
            shown += self._take(found.start() - len(self._last))
            closed = self._closed(self._held, whole)
            if closed is None:
                break
            shown += self._looked_up(self._held[:closed])
            self._take(closed)
        if shown:
            self._show(html.unescape(shown))

    def _take(self, end: int) -> str:
        taken, self._held = self._held[:end], self._held[end:]
        if taken:
            self._last = taken[-1]
        return taken

    def _closed(self, text: str, whole: bool) -> int | None:
        """Where what opens at the start of `text` ends, None if that has not come yet."""
        opening = text.lstrip(" \t")[0]
        if opening in "[【":
            end = re.search(r"[\]】]", text)
            # A bracket that is no citation does not stay open for long.
            return end.end() if end else (len(text) if whole or len(text) > 40 else None)
        if opening == ">":
            end = re.search(r"\n", text)
        elif opening in "‘'":
            end = re.search(rf"(?<=.){_PAIRS[opening]}(?!\w)(?=.|\n)", text, re.DOTALL)
        else:
            end = re.search(f"[{_PAIRS[opening]}]", text[1:])
            return end.end() + 1 if end else (len(text) if whole else None)
        return end.end() if end else (len(text) if whole else None)

    def _looked_up(self, text: str) -> str:
        """The quote or citation, if it may be shown."""
        citation = CITATION.fullmatch(text)
        if citation:
            numbers = [int(each) for each in re.findall(r"\d+", citation.group(1))]
            return "".join(f"[{n}]" for n in numbers if 1 <= n <= self._count)
        if text[0] in "[【":
            return text if not any(c in text for c in _PAIRS) else REMOVED
        words = CITATION.sub("", html.unescape(text)).strip(" \t\n>“”„«»\"‘’'`")
        return text if self._book.find(words, ()) is not None else REMOVED
