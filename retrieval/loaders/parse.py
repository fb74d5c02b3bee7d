"""Bytes to Document, in this process: what the child runs."""

from __future__ import annotations

from typing import assert_never

from retrieval.document import Document
from retrieval.errors import EmptyFileError, ParseLimitError
from retrieval.loaders.kinds import FileKind, recognise
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.names import shown

__all__ = ["document_from_bytes"]


def document_from_bytes(data: bytes, name: str, limits: ParseLimits | None = None) -> Document:
    """Return the Document in `data`; parse only what you trust with it, `load_document` guards the rest.

    Args:
        data: The whole file.
        name: Its name, for messages and as the last resort for a title.
        limits: Only the sizes are checked here, not time and memory.

    Raises:
        LoadError: A subclass, if there is no Document in it.
    """
    limits = limits or ParseLimits()
    document = _parse(data, name, limits)
    if len(document.text) > limits.max_characters:
        raise ParseLimitError(
            f"{shown(name)} holds {len(document.text):,} characters, more than the"
            f" {limits.max_characters:,} allowed."
        )
    if not document.text.strip() and not any(page.unread for page in document.pages):
        raise EmptyFileError(f"{shown(name)} holds no text.")
    return document


def _parse(data: bytes, name: str, limits: ParseLimits) -> Document:
    """Hand `data` to the parser of its kind, imported only here: each costs start-up time."""
    recognised = recognise(data, name)
    text = recognised.text or ""
    match recognised.kind:
        case FileKind.TEXT:
            from retrieval.loaders.plain import plain_document

            return plain_document(text, name)
        case FileKind.MARKDOWN:
            from retrieval.loaders.markdown import markdown_document

            return markdown_document(text, name)
        case FileKind.HTML:
            from retrieval.loaders.html import html_document

            return html_document(text, name)
        case FileKind.PDF:
            from retrieval.loaders.pdf import pdf_document

            return pdf_document(data, name)
        case FileKind.EPUB:
            from retrieval.loaders.epub import epub_document

            return epub_document(data, name, limits)
        case FileKind.DOCX:
            from retrieval.loaders.docx import docx_document

            return docx_document(data, name, limits)
        case _:
            assert_never(recognised.kind)
