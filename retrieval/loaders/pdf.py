"""PDF with pdfium, page by page."""

from __future__ import annotations

import re
import warnings
from typing import Any

from retrieval.document import Document, Page, Section, Span
from retrieval.errors import DamagedFileError, EncryptedFileError
from retrieval.headings import find_sections, first_title
from retrieval.loaders.kinds import FileKind
from retrieval.loaders.names import readable_title, shown
from retrieval.loaders.outline import Heading, one_line, sections_from_headings

__all__ = ["pdf_document"]

_HYPHEN_MARKS = re.compile("[\ufffe\x02](?:\r?\n)?")  # where pdfium saw a word broken at a line's end
_NO_TEXT = dict.fromkeys([*range(9), 11, *range(14, 32), 127, 0xFEFF, 0xFFFE, 0xFFFF], None)
_SENTENCE_END = re.compile(r"[.!?:;…。！？\"'”’»)\]]\s*$")
_OBJECT = re.compile(rb"[\r\n ]\d{1,10} \d{1,5} obj\b")
_MAX_OUTLINE_DEPTH, _MAX_OUTLINE_ENTRIES = 8, 20_000
_NO_TITLE = re.compile(
    r"untitled|no title|microsoft word|slide \d+|.*\.(?:docx?|tex|dvi|indd|qxd|rtf|pptx?|pdf|p65|fm)",
    re.IGNORECASE,
)


def pdf_document(data: bytes, name: str) -> Document:
    """Return the PDF in `data` as a Document; `name` gives the title if nothing in it does.

    A page whose text layer is empty is unread if there is anything drawn or annotated on it, else blank.

    Raises:
        DamagedFileError: If it is truncated, malformed, or has no pages.
        EncryptedFileError: If it needs a password.
    """
    pdf = _open(data, name)
    count = len(pdf)
    if count == 0:
        raise DamagedFileError(f"{shown(name)} is damaged: it has no pages.")
    pieces: list[str] = []
    pages: list[Page] = []
    length = 0
    for index in range(count):
        page_text, unread = _read_page(pdf, index, name)
        if page_text:
            # A sentence that runs over the page's end stays one; a finished one ends a paragraph.
            separator = "" if not pieces else "\n\n" if _SENTENCE_END.search(pieces[-1]) else "\n"
            pieces += [separator, page_text]
            length += len(separator)
        pages.append(Page(index + 1, Span(length, length + len(page_text)), unread))
        length += len(page_text)
    text = "".join(pieces)
    sections = _outline_sections(pdf, text, pages)
    if not sections:
        sections = find_sections(text, breaks=[page.span.start for page in pages], dense=True)
    outermost = first_title(section.title for section in sections if section.level == 1)
    title = _metadata_title(pdf) or outermost or readable_title(name)
    return Document(text, title, FileKind.PDF, sections, tuple(pages))


def _open(data: bytes, name: str) -> Any:
    import pypdfium2
    import pypdfium2.raw as pdfium

    _refuse_truncated(data, name)
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise EncryptedFileError(f"{shown(name)} is protected by a password.") from error
        raise DamagedFileError(f"{shown(name)} is damaged: no PDF can be made out in it.") from error


def _refuse_truncated(data: bytes, name: str) -> None:
    """pdfium repairs a PDF that is cut off by leaving out what is missing, without a word; we do not."""
    end = data.rfind(b"%%EOF")
    end = data.rfind(b"startxref") if end < 0 else end
    if end < 0 or _OBJECT.search(data, end):
        raise DamagedFileError(f"{shown(name)} is damaged: its end is missing.")


def _read_page(pdf: Any, index: int, name: str) -> tuple[str, bool]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        page = pdf[index]
    except pypdfium2.PdfiumError as error:
        raise DamagedFileError(f"{shown(name)} is damaged: its page {index + 1} cannot be read.") from error
    try:
        text_page = page.get_textpage()
        try:
            text = _clean(text_page.get_text_range())
        finally:
            text_page.close()
        if text.strip(" \t\n\f\v\u00a0\ufffd"):
            return text, False
        shows = pdfium.FPDFPage_CountObjects(page) > 0 or pdfium.FPDFPage_GetAnnotCount(page) > 0
        return "", shows
    except pypdfium2.PdfiumError as error:
        raise DamagedFileError(f"{shown(name)} is damaged: its page {index + 1} cannot be read.") from error
    finally:
        page.close()


def _clean(text: str) -> str:
    text = _HYPHEN_MARKS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_NO_TEXT).replace("\u00ad", "").strip("\n ")


def _outline_sections(pdf: Any, text: str, pages: list[Page]) -> tuple[Section, ...]:
    """Sections from the bookmarks: at the title's words where the page shows them, else at its start."""
    headings = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pypdfium2 warns of outlines that lead back to themselves
        for number, bookmark in enumerate(pdf.get_toc(max_depth=_MAX_OUTLINE_DEPTH)):
            if number >= _MAX_OUTLINE_ENTRIES:
                break
            title = one_line(bookmark.get_title() or "")
            destination = bookmark.get_dest()
            index = destination.get_index() if destination else None
            if title and index is not None and 0 <= index < len(pages):
                start = _find_title(text, title, pages[index].span)
                headings.append(Heading(title, bookmark.level + 1, start))
    return sections_from_headings(headings, len(text))


def _find_title(text: str, title: str, span: Span) -> int:
    words = r"\s*".join(re.escape(character) for character in title if not character.isspace())
    match = re.compile(words, re.IGNORECASE).search(text, span.start, span.end)
    return match.start() if match else span.start


def _metadata_title(pdf: Any) -> str:
    title = one_line(pdf.get_metadata_value("Title") or "")
    if not any(character.isalpha() for character in title) or _NO_TITLE.match(title):
        return ""
    return title
