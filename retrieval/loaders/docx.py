"""Word documents: mammoth makes HTML of them, from a copy that holds only checked XML parts."""

from __future__ import annotations

import io
import warnings
import zipfile

from retrieval.document import Document
from retrieval.errors import DamagedFileError
from retrieval.headings import find_sections, first_title
from retrieval.loaders.archive import SafeArchive
from retrieval.loaders.html_text import html_to_text
from retrieval.loaders.kinds import FileKind
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.names import readable_title, shown
from retrieval.loaders.outline import one_line, sections_from_headings
from retrieval.loaders.xml import clean_xml, parse_xml

__all__ = ["docx_document"]

_CORE = "docProps/core.xml"
_DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_STYLE_MAP = "p[style-name='Title'] => p:fresh\np[style-name='Subtitle'] => p:fresh"


def docx_document(data: bytes, name: str, limits: ParseLimits) -> Document:
    """Return the Word document in `data` as a Document; `name` gives the title if nothing in it does."""
    archive = SafeArchive.from_bytes(data, name, limits)
    if not any(member.startswith("word/document") for member in archive.names):
        raise DamagedFileError(f"{shown(name)} is no whole Word document: its main part is missing.")
    page = html_to_text(_to_html(_only_xml(archive, name)))
    title = ""
    if _CORE in archive:
        title = one_line(parse_xml(archive.read(_CORE), name, _CORE).findtext(f".//{_DC_TITLE}") or "")
    first = first_title(heading.title for heading in page.headings)
    sections = sections_from_headings(page.headings, len(page.text)) or find_sections(page.text)
    return Document(page.text, title or first or readable_title(name), FileKind.DOCX, sections)


def _only_xml(archive: SafeArchive, name: str) -> io.BytesIO:
    """A copy with nothing in it but well-formed XML without entities: mammoth checks none of that."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
        for member in archive.names:
            if not member.endswith((".xml", ".rels")) or member == _CORE:
                continue
            source = clean_xml(archive.read(member), name, member).encode("utf-8", errors="replace")
            if not member.startswith("customXml/"):
                target.writestr(member, source)
    copy.seek(0)
    return copy


def _to_html(docx: io.BytesIO) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mammoth's own dependencies
        import mammoth

        result = mammoth.convert_to_html(
            docx, style_map=_STYLE_MAP, include_embedded_style_map=False, convert_image=lambda image: []
        )
    value = result.value
    assert isinstance(value, str)
    return value
