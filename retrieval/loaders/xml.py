"""XML parts of archives: parsed without entities, DTDs or network, whatever their encoding."""

from __future__ import annotations

import re

from lxml import etree

from retrieval.errors import DamagedFileError, UnsafeFileError
from retrieval.loaders.decoding import decode_xml
from retrieval.loaders.names import shown

__all__ = ["clean_xml", "parse_xml", "refuse_entities"]

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_BEFORE_DOCTYPE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)


def refuse_entities(source: str, name: str, part: str = "") -> None:
    """Raise UnsafeFileError if the prolog of an XML or HTML text declares entities."""
    position = 1 if source.startswith("\ufeff") else 0
    while match := _BEFORE_DOCTYPE.match(source, position):
        position = match.end()
    if source[position : position + 9].upper() != "<!DOCTYPE":
        return
    # The internal subset ends with "]" and ">"; an entity's value may too, but after its "<!ENTITY".
    end = re.compile(r"\]\s*>" if "[" in source[position:].partition(">")[0] else ">").search(
        source, position
    )
    if "<!ENTITY" in source[position : end.end() if end else len(source)].upper():
        where = f" in its part {shown(part)}" if part else ""
        raise UnsafeFileError(f"{shown(name)} declares XML entities{where}, which can be built to do harm.")


def clean_xml(data: bytes, name: str, part: str) -> str:
    """Return the characters of an XML part without its declaration, refused if it declares entities."""
    source = decode_xml(data).lstrip("\ufeff")
    refuse_entities(source, name, part)
    return _DECLARATION.sub("", source, count=1)


def parse_xml(data: bytes, name: str, part: str) -> etree._Element:
    """Return the root of an XML part.

    Raises:
        DamagedFileError: If it is not well formed.
        UnsafeFileError: If it declares entities.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(clean_xml(data, name, part).encode("utf-8", errors="replace"), parser)
    except etree.XMLSyntaxError as error:
        raise DamagedFileError(
            f"{shown(name)} is damaged: its part {shown(part)} is not well-formed XML."
        ) from error
