"""HTML files."""

from __future__ import annotations

from retrieval.document import Document
from retrieval.headings import find_sections, first_title
from retrieval.loaders.html_text import html_to_text
from retrieval.loaders.kinds import FileKind
from retrieval.loaders.names import readable_title
from retrieval.loaders.outline import one_line, sections_from_headings
from retrieval.loaders.xml import refuse_entities

__all__ = ["html_document"]


def html_document(source: str, name: str) -> Document:
    """Return the HTML page `source` as a Document; `name` gives the title if nothing in it does.

    Raises:
        UnsafeFileError: If it declares XML entities.
    """
    refuse_entities(source, name)
    page = html_to_text(source, xhtml=source.lstrip("\ufeff \t\r\n").startswith("<?xml"))
    first = first_title(heading.title for heading in page.headings)
    sections = sections_from_headings(page.headings, len(page.text)) or find_sections(page.text)
    return Document(page.text, one_line(page.title) or first or readable_title(name), FileKind.HTML, sections)
