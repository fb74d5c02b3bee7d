"""Plain text: the decoded file to the character; form feeds make pages."""

from __future__ import annotations

import re

from retrieval.document import Document, Page, Span
from retrieval.headings import find_sections
from retrieval.loaders.kinds import FileKind
from retrieval.loaders.names import readable_title
from retrieval.loaders.outline import one_line

__all__ = ["plain_document"]

# The header of a Project Gutenberg file; the title goes on over indented lines.
_TITLE = re.compile(r"^\ufeff?Title:[ \t]*(\S[^\r\n]*(?:\r?\n[ \t]+\S[^\r\n]*){0,3})", re.MULTILINE)

_OPENING = re.compile(r"\ufeff?\s*([^\r\n]{2,80})\r?\n[ \t]*(?:\r?\n|$)")


def plain_document(text: str, name: str) -> Document:
    """Return the plain text `text` as a Document; `name` gives the title if nothing in it does."""
    match = _TITLE.search(text[:3000])
    sections = find_sections(text)
    front = text[: sections[0].span.start] if sections else text
    title = one_line(match[1]) if match else _first_line(front)
    return Document(
        text=text,
        title=title or readable_title(name),
        media_type=FileKind.TEXT,
        sections=sections,
        pages=_pages(text),
    )


def _first_line(text: str) -> str:
    """The line that a text opens with, if it is in capitals and stands alone, as titles do; else ""."""
    match = _OPENING.match(text)
    if match is None:
        return ""
    line = one_line(match[1])
    return line if line.isupper() and line[-1] not in ".,;:!?" else ""


def _pages(text: str) -> tuple[Page, ...]:
    breaks = [match.start() for match in re.finditer("\f", text)]
    if not breaks:
        return ()
    starts = [0, *(position + 1 for position in breaks)]
    ends = [*breaks, len(text)]
    if not text[starts[-1] :].strip():  # a form feed that ends the file opens no page
        starts.pop(), ends.pop()
    return tuple(
        Page(number, Span(start, end))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    )
