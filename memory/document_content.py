"""What stands in a document, a piece at a time: its sections, its pages, a stretch of its text."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from memory.tables import PageRow, SectionRow
from memory.texts import read_text
from retrieval.document import Span

__all__ = ["DocumentContent", "PageRecord", "SectionRecord"]


@dataclass(frozen=True, slots=True)
class SectionRecord:
    """A titled part; `level` 1 is outermost."""

    title: str
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page; `unread` when it has content but no text layer."""

    number: int
    start: int
    end: int
    unread: bool


class DocumentContent:
    """The content of one version of a document, read from SQL when it is asked for.

    Args:
        engine: Of the database.
        key: Of the version.
    """

    def __init__(self, engine: Engine, key: int) -> None:
        self._engine, self._key = engine, key

    def sections(self) -> tuple[SectionRecord, ...]:
        """Its sections, each before those within it."""
        query = select(SectionRow.title, SectionRow.level, SectionRow.start, SectionRow.end)
        mine = query.where(SectionRow.document_key == self._key).order_by(SectionRow.ordinal)
        with self._engine.connect() as connection:
            return tuple(SectionRecord(*row) for row in connection.execute(mine))

    def pages(self) -> tuple[PageRecord, ...]:
        """Its pages in their order; none of a document that has no pages."""
        query = select(PageRow.number, PageRow.start, PageRow.end, PageRow.unread)
        mine = query.where(PageRow.document_key == self._key).order_by(PageRow.number)
        with self._engine.connect() as connection:
            return tuple(PageRecord(*row) for row in connection.execute(mine))

    def text(self, start: int, end: int) -> str:
        """The characters of a span, exactly."""
        with self._engine.connect() as connection:
            return read_text(connection, self._key, Span(start, end))
