"""Paths and elements inside an EPUB."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from lxml import etree

from retrieval.errors import UnsafeFileError
from retrieval.loaders.names import shown

__all__ = ["find_all", "inside"]

_ABSOLUTE = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|/|\\)|\\|\0")


def inside(base: str, href: str, name: str) -> tuple[str, str]:
    """Return the archive member that `href` means, seen from the member `base`, and its fragment.

    Raises:
        UnsafeFileError: If it leads out of the archive.
    """
    href, _, fragment = href.strip().partition("#")
    path = unquote(href.partition("?")[0])
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), path)) if path else base
    if _ABSOLUTE.search(path) or joined == ".." or joined.startswith(("../", "/")):
        raise UnsafeFileError(f"{shown(name)} refers to a place outside of it: {shown(href)}.")
    return joined, unquote(fragment)


def find_all(root: etree._Element, local_name: str) -> list[etree._Element]:
    """Return the elements below `root` of that name, in any namespace, in order."""
    return [
        element
        for element in root.iter()
        if isinstance(element.tag, str) and element.tag.rpartition("}")[2] == local_name
    ]
