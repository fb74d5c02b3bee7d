"""EPUB: container -> package -> spine, chapter by chapter, all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from retrieval.document import Document
from retrieval.errors import DamagedFileError, EncryptedFileError, UnsafeFileError
from retrieval.loaders.archive import SafeArchive
from retrieval.loaders.epub_contents import ContentsEntry, read_contents
from retrieval.loaders.epub_paths import find_all, inside
from retrieval.loaders.html_text import HtmlText, html_to_text
from retrieval.loaders.kinds import FileKind
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.names import readable_title, shown
from retrieval.loaders.outline import Heading, one_line, sections_from_headings
from retrieval.loaders.xml import clean_xml, parse_xml

__all__ = ["epub_document"]

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
# Fonts are scrambled in many free books; the text is not.
_FONT_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGE_TYPES = ("application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document")
_SEPARATOR = "\n\n"
_LEAST_DISTANCE = 300  # a contents entry means the heading this close behind its target


@dataclass(frozen=True, slots=True)
class _Item:
    path: str
    media_type: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Chapter:
    path: str
    start: int
    page: HtmlText


def epub_document(data: bytes, name: str, limits: ParseLimits) -> Document:
    """Return the book in `data` as a Document; `name` gives the title if nothing in it does."""
    archive = SafeArchive.from_bytes(data, name, limits)
    _refuse_drm(archive, name)
    package_path = _package_path(archive, name)
    package = parse_xml(archive.read(package_path), name, package_path)
    items = _manifest(package, package_path, name)
    spine, toc = _spine(package, items, name)
    chapters: list[_Chapter] = []
    length = 0
    for item in spine:
        page = html_to_text(clean_xml(archive.read(item.path), name, item.path), xhtml=True)
        start = length + len(_SEPARATOR) if length and page.text else length
        chapters.append(_Chapter(item.path, start, page))
        length = start + len(page.text)
    text = _SEPARATOR.join(chapter.page.text for chapter in chapters if chapter.page.text)

    contents = read_contents(archive, name, _contents_paths(items, toc))
    headings = _headings(chapters, contents)
    titles = find_all(package, "title")
    title = next((one_line("".join(element.itertext())) for element in titles), "")
    return Document(
        text, title or readable_title(name), FileKind.EPUB, sections_from_headings(headings, len(text))
    )


def _refuse_drm(archive: SafeArchive, name: str) -> None:
    if _ENCRYPTION not in archive:
        return
    methods = find_all(parse_xml(archive.read(_ENCRYPTION), name, _ENCRYPTION), "EncryptionMethod")
    if any(method.get("Algorithm") not in _FONT_SCRAMBLING for method in methods):
        raise EncryptedFileError(f"{shown(name)} is protected by DRM.")


def _package_path(archive: SafeArchive, name: str) -> str:
    if _CONTAINER not in archive:
        raise DamagedFileError(f"{shown(name)} is no whole EPUB: its container file is missing.")
    for rootfile in find_all(parse_xml(archive.read(_CONTAINER), name, _CONTAINER), "rootfile"):
        if rootfile.get("full-path"):
            return inside("", str(rootfile.get("full-path")), name)[0]
    raise DamagedFileError(f"{shown(name)} is no whole EPUB: its container names no package.")


def _manifest(package: etree._Element, package_path: str, name: str) -> dict[str, _Item]:
    items = {}
    for element in find_all(package, "item"):
        href, media_type = element.get("href"), (element.get("media-type") or "").lower()
        if not href or not element.get("id"):
            continue
        try:
            path = inside(package_path, href, name)[0]
        except UnsafeFileError:
            if href.lower().startswith(("http:", "https:")) and media_type not in _PAGE_TYPES:
                continue  # a remote sound or film, which EPUB 3 allows; never fetched
            raise
        items[str(element.get("id"))] = _Item(
            path, media_type, frozenset((element.get("properties") or "").split())
        )
    return items


def _spine(package: etree._Element, items: dict[str, _Item], name: str) -> tuple[list[_Item], str]:
    """The pages in reading order, those outside it (`linear="no"`: notes, answers) last; and the NCX's id."""
    main: list[_Item] = []
    aside: list[_Item] = []
    references = find_all(package, "itemref")
    for reference in references:
        item = items.get(reference.get("idref") or "")
        if item is None:
            raise DamagedFileError(
                f"{shown(name)} is damaged: its reading order names a part that is not listed."
            )
        if "nav" in item.properties or (item.media_type and item.media_type not in _PAGE_TYPES):
            continue  # the contents list, or a picture as a page
        if item not in main and item not in aside:
            (aside if (reference.get("linear") or "").lower() == "no" else main).append(item)
    if not references:
        raise DamagedFileError(f"{shown(name)} is no whole EPUB: it has no reading order.")
    return main + aside, next((element.get("toc") or "" for element in find_all(package, "spine")), "")


def _contents_paths(items: dict[str, _Item], toc: str) -> list[str]:
    """Where a table of contents may be, the best first: the EPUB 3 navigation, then the EPUB 2 NCX."""
    navigation = [item.path for item in items.values() if "nav" in item.properties]
    named = [items[toc].path] if toc in items else []
    return (
        navigation
        + named
        + [item.path for item in items.values() if item.media_type == "application/x-dtbncx+xml"]
    )


def _headings(chapters: Sequence[_Chapter], contents: Sequence[ContentsEntry]) -> list[Heading]:
    """Join what the pages show (h1 to h6) with what the table of contents names.

    A contents entry lends its depth to the heading it points to; where a page has no headings the entry is
    the heading. Ranks: ten per contents depth, the difference of heading levels below.
    """
    headings: list[Heading] = []
    depth = 1
    for chapter in chapters:
        named = sorted(
            (chapter.start + chapter.page.anchors.get(entry.fragment, 0), entry.depth, entry.title)
            for entry in contents
            if entry.path == chapter.path
        )
        if not chapter.page.headings:
            headings += [Heading(title, 10 * entry_depth, start) for start, entry_depth, title in named]
            depth = named[-1][1] if named else depth
            continue
        base = min(heading.rank for heading in chapter.page.headings)
        for heading in chapter.page.headings:
            start = chapter.start + heading.start
            while named and named[0][0] < start - _LEAST_DISTANCE:
                named.pop(0)
            if named and named[0][0] <= start:
                depth, base = named.pop(0)[1], heading.rank
                headings.append(Heading(heading.title, 10 * depth, start))
            else:
                headings.append(Heading(heading.title, 10 * depth + max(0, heading.rank - base), start))
    return headings
