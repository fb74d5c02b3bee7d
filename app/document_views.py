"""A document to be looked at: pages, or stretches of its text, of which only what is shown is read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

from sqlalchemy import Engine

from memory.document_content import DocumentContent, PageRecord, SectionRecord
from memory.document_questions import AskedOfDocument, asked_of, walks_over
from memory.documents import DocumentRecord
from memory.trees import SummaryTree

__all__ = ["DocumentView", "Part"]

LENGTH: Final = 3_000
"""Characters of a part of a document without pages, about."""
REACH: Final = 600
"""Characters on either side of where a part would end in which a good end is looked for."""
ENDS: Final = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"[.!?\u2026][\"'\u2019\u201d)\]]*\s+|[\u3002\uff01\uff1f][\u300d\u300f\u201d]*\s*"),
    re.compile(r"\s+"),
)
"""Where a part ends best: after a paragraph, a line, a sentence, a word."""


@dataclass(frozen=True, slots=True)
class Part:
    """A page, or a stretch of text that is shown as one.

    Attributes:
        number: From 1.
        start: Where it begins in the document's text.
        end: Where it ends.
        text: The characters between, exactly.
        page: Its number, None in a document without pages.
        section: Titles of the sections that it begins in, outermost first, joined by " / "; "" outside.
    """

    number: int
    start: int
    end: int
    text: str
    page: int | None
    section: str


class DocumentView:
    """One version of a document as a page shows it; everything is read when it is first asked for.

    Args:
        engine: Of the database.
        record: Of the document.
        user: Who looks at it.
        find_tree: Gives its summary tree, None if none is ready.
    """

    def __init__(
        self,
        engine: Engine,
        record: DocumentRecord,
        user: str,
        find_tree: Callable[[DocumentRecord], SummaryTree | None],
    ) -> None:
        self.record = record
        self._engine, self._user, self._find_tree = engine, user, find_tree
        self._content = DocumentContent(engine, record.key)

    @cached_property
    def sections(self) -> tuple[SectionRecord, ...]:
        """Its sections, each before those within it."""
        return self._content.sections()

    @cached_property
    def pages(self) -> tuple[PageRecord, ...]:
        """Its pages in their order; none if it has no pages."""
        return self._content.pages()

    @property
    def part_count(self) -> int:
        """How many parts there are: its pages, else stretches of about 3,000 characters; at least 1."""
        return len(self.pages) or max(1, round(self.record.characters / LENGTH))

    def part(self, n: int) -> Part:
        """The part of that number, from 1; one beyond the ends means the first or the last."""
        n = min(max(n, 1), self.part_count)
        if self.pages:
            return self._part(n, self.pages[n - 1].start, self.pages[n - 1].end)
        return self._part(n, self._cut(n - 1), self._cut(n))

    def part_of(self, offset: int) -> int:
        """The number of the part in which an offset of the text lies."""
        if self.pages:
            return max(1, bisect_right([page.start for page in self.pages], offset))
        n = min(max(offset // LENGTH + 1, 1), self.part_count)
        while n > 1 and offset < self._cut(n - 1):
            n -= 1
        while n < self.part_count and offset >= self._cut(n):
            n += 1
        return n

    def text(self, start: int, end: int) -> str:
        """The characters of a span, exactly; what is beyond the ends of the text is left out."""
        start, end = max(start, 0), min(end, self.record.characters)
        return self._content.text(start, end) if start < end else ""

    def around(self, start: int, end: int, characters: int = REACH) -> Part:
        """A span with about so many characters before and behind it, no word cut; numbered as its part."""
        first, last = max(start - characters, 0), min(end + characters, self.record.characters)
        text = self.text(first, last)
        before, behind = text[: start - first], text[end - first :]
        if first > 0 and (space := re.search(r"\s", before)):
            before = before[space.end() :]
        if last < self.record.characters and (spaces := list(re.finditer(r"\s", behind))):
            behind = behind[: spaces[-1].start()]
        return self._part(self.part_of(start), start - len(before), end + len(behind))

    def questions(self, limit: int) -> list[AskedOfDocument]:
        """What this user has asked whose answers cite it, newest first."""
        return asked_of(self._engine, self._user, self.record.id, limit)

    def tree(self) -> SummaryTree | None:
        """Its summary tree, the one of the reader that is set if it is ready, else another; None without."""
        return self._find_tree(self.record)

    def walks(self, limit: int) -> list[tuple[str, ...]]:
        """The paths of the last walks down its tree, as ids of nodes, newest first; those that are known."""
        walks = walks_over(self._engine, self._user, self.record.id, limit)
        # Among several documents a walk names a node after its document's key.
        names = [[name.rpartition(":")[2] for name in visited] for visited in walks]
        return [tuple(name for name, _ in groupby(visited)) for visited in names]

    def _part(self, number: int, start: int, end: int) -> Part:
        titles = [each.title for each in self.sections if each.start <= start < each.end]
        return Part(number, start, end, self.text(start, end), self._page(start), " / ".join(titles))

    def _page(self, offset: int) -> int | None:
        if not self.pages:
            return None
        return self.pages[max(bisect_right([page.start for page in self.pages], offset), 1) - 1].number

    def _cut(self, n: int) -> int:
        """Where part `n` ends: near `n` times the length, so that no other part need be known for it."""
        if n <= 0 or n >= self.part_count:
            return 0 if n <= 0 else self.record.characters
        middle = n * LENGTH
        start = middle - REACH
        text = self.text(start, middle + REACH)
        for end in ENDS:
            cuts = [start + found.end() for found in end.finditer(text) if found.end() < len(text)]
            if cuts:
                return min(cuts, key=lambda cut: (abs(cut - middle), cut))
        return middle
