"""A document as everything above sees it: one canonical text, and spans into it.

Spans are half-open character offsets into `Document.text` (promise 1: offsets are exact). Once a
`Document` exists nothing joins, strips or normalises its text; that happens in copies.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Document", "Page", "Section", "Span"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of character offsets, `0 <= start <= end`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span [{self.start}, {self.end}) is not a range of offsets")

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether at least one character lies in both."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the text, from its heading to the start of the next one at its level or above.

    Attributes:
        title: The heading as a person would write it in a table of contents, on one line.
        level: 1 for the outermost sections, one more for each nesting.
        span: From the first character of the heading to the end of the last child.
    """

    title: str
    level: int
    span: Span

    def __post_init__(self) -> None:
        if self.level < 1:
            raise ValueError(f"section level {self.level} is below 1")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a paged format.

    Attributes:
        number: Position in the file, from 1.
        span: The text of the page; empty when it is unread.
        unread: True when the page shows something but has no text layer (a scan).
    """

    number: int
    span: Span
    unread: bool = False

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"page number {self.number} is below 1")


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read.

    Attributes:
        text: The canonical text; every offset in Clew points into it. For plain text and Markdown it
            is the decoded file to the character, byte-order mark and line ends included.
        title: From the file's metadata or first heading, else its name. Never empty.
        media_type: What the bytes are, for example "application/pdf".
        sections: In order of `span.start`; nested ones lie inside their parents.
        pages: In order, not overlapping; empty for formats without pages.
    """

    text: str
    title: str
    media_type: str
    sections: tuple[Section, ...] = ()
    pages: tuple[Page, ...] = ()

    def __post_init__(self) -> None:
        parts_in_order: tuple[tuple[Section | Page, ...], ...] = (self.sections, self.pages)
        for parts in parts_in_order:
            for part in parts:
                if part.span.end > len(self.text):
                    raise ValueError(f"{part} ends after the text's {len(self.text)} characters")
            starts = [part.span.start for part in parts]
            if starts != sorted(starts):
                raise ValueError("sections and pages must come in the order of their start")
