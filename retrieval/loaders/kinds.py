"""What the bytes of a file are, whatever its name says."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from retrieval.errors import EmptyFileError, EncryptedFileError, UnsupportedFileError
from retrieval.loaders.decoding import decode_text
from retrieval.loaders.names import shown

__all__ = ["SUPPORTED_SUFFIXES", "FileKind", "Recognised", "recognise"]

SUPPORTED_SUFFIXES = (".txt", ".md", ".markdown", ".html", ".htm", ".xhtml", ".pdf", ".epub", ".docx")
"""Suffixes worth picking up from a folder; a file named otherwise is read too if its content is known."""

_READABLE = "text, Markdown, HTML, PDF, EPUB and DOCX can be read"
_HTML_START = re.compile(
    r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_HTML_TAG = re.compile(
    r"</(?:p|div|h[1-6]|a|b|i|em|ul|ol|li|table|span|head|body|title|pre|section)\s*>", re.IGNORECASE
)
_XML_START = re.compile(r"\s*(?:<\?xml\s|<svg[\s>]|<!DOCTYPE\s)")
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
# puremagic names these by their extension only, or not at all.
_BINARY_NAMES = (
    (b"\x7fELF", "a Linux program"),
    (b"MZ", "a Windows program"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
)


class FileKind(StrEnum):
    """The kinds of file that can be read, by their media types."""

    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    HTML = "text/html"
    PDF = "application/pdf"
    EPUB = "application/epub+zip"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is; `text` holds its characters where it is one of the text kinds."""

    kind: FileKind
    text: str | None = None


def recognise(data: bytes, name: str) -> Recognised:
    """Return what `data` is; the suffix of `name` only tells Markdown and loose HTML from plain text.

    Raises:
        EmptyFileError: If there is nothing in it.
        EncryptedFileError: If it is an Office file behind a password.
        UnsupportedFileError: If it is something else; the message says what it looks like.
    """
    suffix = PurePath(name).suffix.lower()
    if not data.strip(b"\0 \t\r\n\f\v"):
        raise EmptyFileError(f"{shown(name)} is empty.")
    if data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"%PDF-") or (
        suffix == ".pdf" and b"%PDF-" in data[:1024]
    ):
        return Recognised(FileKind.PDF)
    if data.startswith(_ZIP_STARTS):
        return Recognised(_zip_kind(data, suffix, name))
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise EncryptedFileError(f"{shown(name)} is an Office document protected by a password.")
        raise _unsupported(name, "an old Office document (.doc, .xls or .ppt)")
    if data.startswith((b"{\\rtf", b"%!PS")):
        raise _unsupported(name, _binary_name(data))
    text = decode_text(data, honour_declaration=_may_be_html(data, suffix))
    if text is None:
        raise _unsupported(name, _binary_name(data))
    return Recognised(_text_kind(text, suffix, name), text)


def _text_kind(text: str, suffix: str, name: str) -> FileKind:
    if not text.strip("\ufeff\u200b\0 \t\r\n\f\v\u00a0\u2028\u2029\u3000"):
        raise EmptyFileError(f"{shown(name)} holds nothing but white space.")
    head = text[:20_000].lstrip("\ufeff")
    if _HTML_START.match(head):
        return FileKind.HTML
    if suffix in (".html", ".htm", ".xhtml"):
        return FileKind.HTML
    if suffix in (".md", ".markdown", ".mdown"):
        return FileKind.MARKDOWN
    if _XML_START.match(head):
        raise _unsupported(name, "an XML file")
    # A fragment without <html>: only where no suffix claims plain text, and only if it is full of markup.
    if (
        suffix not in (".txt", ".text")
        and head.lstrip().startswith("<")
        and len(_HTML_TAG.findall(head)) >= 2
    ):
        return FileKind.HTML
    return FileKind.TEXT


def _may_be_html(data: bytes, suffix: str) -> bool:
    head = data[:1024].lower()
    return (
        suffix in (".html", ".htm", ".xhtml")
        or b"<html" in head
        or b"<!doctype html" in head
        or b"<meta" in head
    )


def _zip_kind(data: bytes, suffix: str, name: str) -> FileKind:
    """Tell the zip families apart by member names, which stand uncompressed in the bytes."""
    if b"mimetypeapplication/epub+zip" in data[:200] or b"META-INF/container.xml" in data:
        return FileKind.EPUB
    if b"word/document" in data:
        return FileKind.DOCX
    for mark, looks_like in (
        (b"xl/workbook", "an Excel workbook"),
        (b"ppt/presentation", "a PowerPoint presentation"),
        (b"mimetypeapplication/vnd.oasis", "an OpenDocument file"),
        (b"META-INF/MANIFEST.MF", "a Java archive"),
    ):
        if mark in data:
            raise _unsupported(name, looks_like)
    if suffix == ".epub":
        return FileKind.EPUB
    if suffix == ".docx" or b"[Content_Types].xml" in data:
        return FileKind.DOCX
    raise _unsupported(name, "a zip archive")


def _binary_name(data: bytes) -> str:
    for start, looks_like in _BINARY_NAMES:
        if data.startswith(start):
            return looks_like
    if data[257:262] == b"ustar":
        return "a tar archive"
    import puremagic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            matches = puremagic.magic_string(data[:65536])
        except (puremagic.PureError, ValueError):
            return "binary data"
    if not matches or matches[0].confidence < 0.4 or not matches[0].name:
        return "binary data"
    return f"{matches[0].name} ({matches[0].extension or 'no suffix'})"


def _unsupported(name: str, looks_like: str) -> UnsupportedFileError:
    return UnsupportedFileError(f"{shown(name)} looks like {looks_like}; {_READABLE}.")
