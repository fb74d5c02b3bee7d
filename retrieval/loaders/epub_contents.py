"""The table of contents of an EPUB: the EPUB 3 navigation page or the EPUB 2 NCX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml import etree

from retrieval.errors import DamagedFileError
from retrieval.loaders.archive import SafeArchive
from retrieval.loaders.epub_paths import find_all, inside
from retrieval.loaders.outline import one_line
from retrieval.loaders.xml import parse_xml

__all__ = ["ContentsEntry", "read_contents"]

_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"


@dataclass(frozen=True, slots=True)
class ContentsEntry:
    """One line of the table of contents; `depth` from 1, `path` a member of the archive."""

    title: str
    depth: int
    path: str
    fragment: str


def read_contents(archive: SafeArchive, name: str, paths: Sequence[str]) -> list[ContentsEntry]:
    """Return the entries of the first of `paths` that has any.

    A broken table of contents loses no text, so it is passed over; an unsafe one is not.

    Raises:
        UnsafeFileError: If one declares entities or an entry leads out of the archive.
    """
    for path in paths:
        if path not in archive:
            continue
        try:
            root = parse_xml(archive.read(path), name, path)
        except DamagedFileError:
            continue
        is_ncx = root.tag.rpartition("}")[2] == "ncx"
        entries = list(_from_ncx(root, path, name) if is_ncx else _from_navigation(root, path, name))
        if entries:
            return entries
    return []


def _from_ncx(root: etree._Element, path: str, name: str) -> Iterable[ContentsEntry]:
    for point in find_all(root, "navPoint"):
        depth = 1 + sum(1 for parent in point.iterancestors() if parent.tag == point.tag)
        label = next((child for child in point if _is(child, "navLabel")), None)
        target = next((child.get("src") for child in point if _is(child, "content")), None)
        if label is not None and target:
            yield _entry("".join(label.itertext()), depth, path, target, name)


def _from_navigation(root: etree._Element, path: str, name: str) -> Iterable[ContentsEntry]:
    lists = find_all(root, "nav")
    chosen = next(
        (nav for nav in lists if "toc" in (nav.get(_EPUB_TYPE) or "").split()), lists[0] if lists else root
    )
    for link in find_all(chosen, "a"):
        target = link.get("href")
        if target and not target.lower().startswith(("http:", "https:", "mailto:")):
            depth = sum(1 for parent in link.iterancestors() if _is(parent, "ol"))
            yield _entry("".join(link.itertext()), max(1, depth), path, target, name)


def _entry(title: str, depth: int, path: str, target: str, name: str) -> ContentsEntry:
    member, fragment = inside(path, target, name)
    return ContentsEntry(one_line(title), depth, member, fragment)


def _is(element: etree._Element, local_name: str) -> bool:
    return isinstance(element.tag, str) and element.tag.rpartition("}")[2] == local_name
