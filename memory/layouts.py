"""What never changes of a version of a document, kept in memory: where its sections and pages are, how long
its sentences are, and stretches of its text. Every question asks for it many times, in a statement each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, bindparam, select

from memory.tables import PageRow, SectionRow, SentenceRow
from memory.texts import STRETCH, read_text
from retrieval.document import Span

__all__ = ["Layout", "Layouts"]

MOST: Final = 2_000_000
"""Sentences of all documents that are kept, of 4 bytes each: some 200 long books."""
STRETCHES: Final = 512
"""Stretches of text that are kept, of 16,384 characters each."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Of one version of a document.

    Attributes:
        tokens: Of each sentence, by its number, shape (sentences,).
        sections: Title, start and end of each, those around others before them.
        page_starts: Where the pages begin that have text, ascending, shape (pages,).
        page_numbers: Their numbers, shape (pages,).
    """

    tokens: NDArray[np.int32]
    sections: tuple[tuple[str, int, int], ...]
    page_starts: NDArray[np.int64]
    page_numbers: NDArray[np.int64]

    def titles(self, offset: int) -> tuple[str, ...]:
        """Titles of the sections around an offset, outermost first."""
        return tuple(title for title, start, end in self.sections if start <= offset < end)

    def page(self, offset: int) -> int | None:
        """The page that an offset lies in, or the one before it; None without pages."""
        before = int(np.searchsorted(self.page_starts, offset, side="right"))
        return int(self.page_numbers[:before].max()) if before else None


class Layouts:
    """Those of one database, read when they are first asked for; safe to use from several threads.

    A version keeps its key and is never changed, and no key is given twice, so nothing here gets out of date.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Layout] = OrderedDict()
        self._texts: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._sentences = 0

    def of(self, document: int) -> Layout:
        """The layout of a version by its key; empty if there is none of that key."""
        with self._lock:
            if document in self._kept:
                self._kept.move_to_end(document)
                return self._kept[document]
        layout = self._read(document)
        with self._lock:
            if document not in self._kept and len(layout.tokens):
                self._kept[document] = layout
                self._sentences += len(layout.tokens)
            while self._sentences > MOST and len(self._kept) > 1:
                self._sentences -= len(self._kept.popitem(last=False)[1].tokens)
        return layout

    def text(self, document: int, span: Span) -> str:
        """The characters of one span, exactly; none if there is no version of that key."""
        first, last = span.start // STRETCH, max(span.end - 1, 0) // STRETCH
        text = "".join(self._stretch(document, part) for part in range(first, last + 1))
        offset = first * STRETCH
        return text[span.start - offset : span.end - offset]

    def _stretch(self, document: int, part: int) -> str:
        key = (document, part)
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return self._texts[key]
        with self._engine.connect() as connection:
            text = read_text(connection, document, Span(part * STRETCH, (part + 1) * STRETCH))
        with self._lock:
            if text:
                self._texts[key] = text
            while len(self._texts) > STRETCHES:
                self._texts.popitem(last=False)
        return text

    def _read(self, document: int) -> Layout:
        values = {"document": document}
        with self._engine.connect() as connection:
            sentences = connection.execute(_TOKENS, values).all()
            sections = connection.execute(_SECTIONS, values).all()
            pages = connection.execute(_PAGES, values).all()
        tokens = np.zeros(sentences[-1].ordinal + 1 if sentences else 0, np.int32)
        for number, count in sentences:
            tokens[number] = count
        return Layout(
            tokens,
            tuple((title, start, end) for title, start, end in sections),
            np.array([start for start, _ in pages], np.int64),
            np.array([number for _, number in pages], np.int64),
        )


_TOKENS: Final = (
    select(SentenceRow.ordinal, SentenceRow.token_count)
    .where(SentenceRow.document_key == bindparam("document"))
    .order_by(SentenceRow.ordinal)
)
_SECTIONS: Final = (
    select(SectionRow.title, SectionRow.start, SectionRow.end)
    .where(SectionRow.document_key == bindparam("document"))
    .order_by(SectionRow.ordinal)
)
_PAGES: Final = (
    select(PageRow.start, PageRow.number)
    .where(PageRow.document_key == bindparam("document"), PageRow.end > PageRow.start)
    .order_by(PageRow.start, PageRow.number)
)
