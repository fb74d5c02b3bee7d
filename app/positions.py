"""Reading positions as a person names and sees them: a section, a page, a share of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from app.errors import PositionError
from app.summaries.parts import part_of
from memory.documents import DocumentRecord
from memory.reading_positions import ReadingPosition, ReadingPositions
from memory.search_rows import SearchRowStore
from retrieval.document import Document

if TYPE_CHECKING:
    from app.library import Library

__all__ = ["Positions", "ShownPosition", "offset_of", "position_json", "position_line"]

_THROUGH: Final = re.compile(r"\s*(?:up to|until|through|to)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ShownPosition:
    """A position and what stands there.

    Attributes:
        record: Of the document.
        read_to: Characters that have been read.
        section: Titles of the sections that the reading goes on in, outermost first.
        page: Likewise; None without pages.
        updated_at: When it was set.
        changed_since: Whether the document has changed since; the position has moved with its sentences.
    """

    record: DocumentRecord
    read_to: int
    section: tuple[str, ...]
    page: int | None
    updated_at: datetime
    changed_since: bool

    @property
    def percent(self) -> float:
        """Of the text that has been read, 0 to 100."""
        return 100 * self.read_to / max(self.record.characters, 1)


class Positions:
    """The reading positions of one user of a library."""

    def __init__(self, library: Library, user: str) -> None:
        self.library, self.user = library, user
        self.store = ReadingPositions(library.engine, user)

    def set(
        self,
        reference: str,
        section: str | None = None,
        page: int | None = None,
        percent: float | None = None,
        offset: int | None = None,
    ) -> ShownPosition:
        """Note how far a document has been read, in one of these ways; see `offset_of`.

        Raises:
            UnknownDocumentError: If there is no such document.
            PartError: If it has no such section or page.
            PositionError: If the place is not in its text.
        """
        record = self.library.document(reference)
        document = self.library.store.load(record.key)
        return self._shown(
            record, self.store.set(record, offset_of(document, section, page, percent, offset))
        )

    def get(self, reference: str) -> ShownPosition | None:
        """How far a document has been read, None if that is not known.

        Raises:
            UnknownDocumentError: If there is no such document.
        """
        record = self.library.document(reference)
        position = self.store.get(record.id)
        return None if position is None else self._shown(record, position)

    def clear(self, reference: str) -> bool:
        """Forget how far a document has been read; whether that was known.

        Raises:
            UnknownDocumentError: If there is no such document.
        """
        return self.store.clear(self.library.document(reference).id)

    def all(self) -> list[ShownPosition]:
        """All positions in documents that are there, the one that was set last first."""
        records = {record.id: record for record in self.library.documents()}
        return [
            self._shown(records[each.document], each) for each in self.store.all() if each.document in records
        ]

    def _shown(self, record: DocumentRecord, position: ReadingPosition) -> ShownPosition:
        # One that was imported may come from a longer version.
        read_to = min(position.read_to, record.characters)
        rows = SearchRowStore(self.library.engine, 0, 0)  # no embedding is looked at
        place = rows.place(record.key, min(read_to, max(record.characters - 1, 0)))
        changed = position.carried_over(record)
        return ShownPosition(record, read_to, place.sections, place.page, position.updated_at, changed)


def offset_of(
    document: Document,
    section: str | None = None,
    page: int | None = None,
    percent: float | None = None,
    offset: int | None = None,
) -> int:
    """Where a reading goes on; exactly one of the ways to say it is given.

    A section or a page means its beginning: that it has been begun does not mean that it has been read. With
    "up to" before it, its end.

    Raises:
        PartError: If there is no such section or page.
        PositionError: If the place is not in the text.
    """
    characters = len(document.text)
    if page is not None:
        section = f"page {page}"
    if section is not None:
        span = part_of(document, section).span
        return span.end if _THROUGH.match(section) else span.start
    if percent is not None:
        offset = int(characters * percent / 100)
    if offset is None or not 0 <= offset <= characters:
        raise PositionError(f"{document.title!r} has {characters:,} characters; {offset} is not among them.")
    return offset


def position_json(shown: ShownPosition) -> dict[str, Any]:
    """A position as `clew memory position --json` gives it."""
    return {
        "document": shown.record.id,
        "title": shown.record.title,
        "read_to": shown.read_to,
        "characters": shown.record.characters,
        "percent": round(shown.percent, 2),
        "section": " / ".join(shown.section),
        "page": shown.page,
        "updated_at": shown.updated_at.isoformat(),
        "changed_since": shown.changed_since,
    }


def position_line(shown: ShownPosition) -> str:
    """The same on one line."""
    where = [f"{shown.percent:.1f} %", *([" / ".join(shown.section)] if shown.section else [])]
    where += [f"page {shown.page}"] if shown.page is not None else []
    line = (
        f"{shown.record.id}  {shown.record.title}: read to {', '.join(where)} (character {shown.read_to:,})"
    )
    if shown.changed_since:
        line += "; the document has changed since, the position was carried over by its sentences"
    return line
