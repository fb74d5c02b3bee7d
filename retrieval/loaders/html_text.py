"""HTML to text, as a stream of libxml2's parsing events: nothing nests, so nothing can be too deep.

Shared by HTML, EPUB chapters and DOCX. The text keeps the reading order, one block per paragraph, and every
offset handed out is one into the finished text. (inscriptis, the usual choice, lays side-by-side cells out in
columns, which interleaves their sentences; it pads tables to a rectangle, 100 MB for a page of 200 kB; and it
loses everything deeper than 256 elements without a word.)
"""

from __future__ import annotations

import html
import html.entities
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from retrieval.loaders.outline import Heading

__all__ = ["HtmlText", "html_to_text"]

_DROPPED = frozenset(
    str.split(
        "script style nav noscript template svg iframe object canvas audio video select button"
        " textarea datalist rt rp annotation annotation-xml head title"
    )
)
_PARAGRAPHS = frozenset(
    str.split(
        "p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl table figure hr section article header footer aside"
        " main form fieldset address details"
    )
)
_LINES = frozenset(
    str.split("div li dt dd tr br caption figcaption legend summary option center body html tbody thead")
)
_VOID = frozenset(str.split("area base br col embed hr img input link meta param source track wbr"))
_CELLS = frozenset(("td", "th"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f\xa0]+")
_INVISIBLE = str.maketrans("", "", "\u00ad\0")
# In XHTML these may be empty elements; the HTML parser would take the rest of the page for their content.
_EMPTY_RAW = re.compile(
    r"<(title|script|style|textarea|iframe|noscript|xmp|a|p|div|span)(\s[^<>]*)?/>", re.IGNORECASE
)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))


@dataclass(frozen=True, slots=True)
class HtmlText:
    """What an HTML page says.

    Attributes:
        text: Its words; paragraphs are separated by a blank line.
        title: The `<title>`, on one line; may be empty.
        headings: From h1 to h6, rank 1 to 6.
        anchors: Offsets of the elements with an id or name.
    """

    text: str
    title: str
    headings: tuple[Heading, ...]
    anchors: Mapping[str, int]


def html_to_text(source: str, *, xhtml: bool = False) -> HtmlText:
    """Return the text of an HTML page.

    Args:
        source: Decoded HTML; any declaration of an encoding in it is ignored.
        xhtml: Read it as XML if it is well formed.
    """
    result = _read(source, xhtml, _DROPPED)
    if not result.text:  # an unclosed <nav> or the like swallowed the page
        result = _read(source, xhtml, frozenset(("script", "style", "head", "title", "template", "noscript")))
    return result


def _read(source: str, xhtml: bool, dropped: frozenset[str]) -> HtmlText:
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", source.lstrip("\ufeff"), count=1)
    if xhtml:
        try:
            return _feed(_resolve_names(source), etree.XMLParser, dropped)
        except etree.XMLSyntaxError:
            pass  # not well formed, as many are: read on as HTML
    return _feed(_EMPTY_RAW.sub(r"<\1\2></\1>", source), etree.HTMLParser, dropped)


def _feed(source: str, parser_type: type, dropped: frozenset[str]) -> HtmlText:
    writer = _Writer(dropped)
    options = {"no_network": True, "huge_tree": False, "target": writer, "encoding": "utf-8"}
    if parser_type is etree.XMLParser:
        options |= {"resolve_entities": False, "load_dtd": False}
    parser = parser_type(**options)
    parser.feed(source.encode("utf-8", errors="replace"))
    result = parser.close()
    assert isinstance(result, HtmlText)
    return result


def _resolve_names(source: str) -> str:
    """Replace `&nbsp;` and its like, which XML does not know without the DTD that is never loaded."""

    def character(match: re.Match[str]) -> str:
        if match[1] in _XML_ENTITIES:
            return match[0]
        return html.escape(html.entities.html5.get(f"{match[1]};", f"&{match[1]};"))

    return _ENTITY.sub(character, source)


@dataclass(slots=True)
class _Writer:
    """Target of the parser: takes its events, keeps no tree."""

    dropped: frozenset[str]
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    pending: str = ""  # white space owed before the next word
    skip_tag: str = ""
    skip_depth: int = 0
    pre_depth: int = 0
    in_title: bool = False
    title: list[str] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    waiting_anchors: list[str] = field(default_factory=list)
    open_heading: tuple[int, int, int] | None = None  # rank, offset, index of its first piece
    in_fresh_cell: bool = False  # nothing written in it yet
    row_started: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open an element."""
        tag = _local(tag)
        if self.skip_depth:
            self.skip_depth += tag == self.skip_tag
            return
        if tag == "title" and not self.title:
            self.in_title = True
        for name in ("id", "name"):
            if attributes.get(name):
                self.waiting_anchors.append(attributes[name])
        hidden = "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style", "")))
        if (tag in self.dropped and tag != "head") or (
            hidden and tag not in _VOID and tag not in ("html", "body")
        ):
            self.skip_tag, self.skip_depth = tag, 1
            return
        self._boundary(tag)
        if tag in _CELLS:
            if self.row_started:
                self.pending = " | "
            self.row_started = self.in_fresh_cell = True
        elif tag == "tr":
            self.row_started = False
        elif tag == "pre":
            self.pre_depth += 1
        elif tag in _HEADINGS:
            self._close_heading()
            self.open_heading = (_HEADINGS[tag], -1, len(self.pieces))

    def end(self, tag: str) -> None:
        """Close an element."""
        tag = _local(tag)
        if self.skip_depth:
            self.skip_depth -= tag == self.skip_tag
            self.in_title = self.in_title and bool(self.skip_depth)
            return
        if tag in _HEADINGS:
            self._close_heading()
        elif tag == "pre":
            self.pre_depth = max(0, self.pre_depth - 1)
        if tag in _CELLS:
            self.in_fresh_cell = False
            self.pending = ""  # the last block of a cell owes nothing to the next cell
        elif tag != "br":
            self._boundary(tag)

    def data(self, data: str) -> None:
        """Take a run of characters."""
        if self.in_title:
            self.title.append(data)
        if self.skip_depth:
            return
        data = data.translate(_INVISIBLE)
        if self.pre_depth:
            self._write(data.replace("\r\n", "\n"))
            return
        words = _SPACES.sub(" ", data)
        if words.startswith(" "):
            self.pending = self.pending or " "
        if words.strip(" "):
            self._write(words.strip(" "))
            if words.endswith(" "):
                self.pending = " "

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Ignore a processing instruction."""

    def close(self) -> HtmlText:
        """Return what was read."""
        self._close_heading()
        for name in self.waiting_anchors:
            self.anchors.setdefault(name, self.length)
        title = " ".join("".join(self.title).split())
        return HtmlText("".join(self.pieces), title, tuple(self.headings), self.anchors)

    def _boundary(self, tag: str) -> None:
        """Owe the white space that separates this element from what is around it."""
        if tag in _PARAGRAPHS:
            wanted = "\n\n"
        elif tag in _LINES:
            wanted = "\n"
        else:
            return
        if tag == "br" and self.pending == "\n":
            wanted = "\n\n"  # two breaks in a row are how many books mark paragraphs
        if self.in_fresh_cell:
            return  # the first block of a cell stays beside the cell before it
        if len(wanted) > self.pending.count("\n"):
            self.pending = wanted

    def _write(self, words: str) -> None:
        if not words:
            return
        if self.pending and self.length:
            self.pieces.append(self.pending)
            self.length += len(self.pending)
        self.pending, self.in_fresh_cell = "", False
        for name in self.waiting_anchors:
            self.anchors.setdefault(name, self.length)
        self.waiting_anchors.clear()
        if self.open_heading and self.open_heading[1] < 0:
            self.open_heading = (self.open_heading[0], self.length, len(self.pieces))
        self.pieces.append(words)
        self.length += len(words)

    def _close_heading(self) -> None:
        if self.open_heading and self.open_heading[1] >= 0:
            rank, start, first = self.open_heading
            self.headings.append(Heading("".join(self.pieces[first:]), rank, start))
        self.open_heading = None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2].lower()
