"""Markdown: the raw source is the text; ATX and setext headings open the sections."""

from __future__ import annotations

import itertools
import re

from retrieval.document import Document
from retrieval.headings import first_title
from retrieval.loaders.kinds import FileKind
from retrieval.loaders.names import readable_title
from retrieval.loaders.outline import Heading, one_line, sections_from_headings

__all__ = ["markdown_document"]

_LINE_END = re.compile(r"\r\n?|\n")  # the line ends of markdown-it, so that its line numbers are ours
_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL)
_INDENT = re.compile(r"[ \t]+")
_FRONT_TITLE = re.compile(r"""^title:[ \t]*["']?(.+?)["']?[ \t]*\r?$""", re.MULTILINE | re.IGNORECASE)


def markdown_document(text: str, name: str) -> Document:
    """Return the Markdown source `text` as a Document; `name` gives the title if nothing in it does."""
    from markdown_it import MarkdownIt

    parser, inline_parser = MarkdownIt("commonmark"), MarkdownIt("commonmark")
    parser.core.ruler.disable("inline")  # only headings are read inside, below
    front = _FRONT_MATTER.match(text)
    source = text
    if front:  # its closing line would make a setext heading of what is above
        source = re.sub(r"[^\r\n]", " ", front[0]) + text[front.end() :]
    elif text.startswith("\ufeff"):
        source = " " + text[1:]

    line_starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    tokens = parser.parse(source)
    headings = []
    for token, content in itertools.pairwise(tokens):
        if token.type != "heading_open" or token.level != 0 or token.map is None:
            continue
        line = line_starts[token.map[0]]
        indent = _INDENT.match(source, line)
        start = indent.end() if indent else line
        inline = inline_parser.parseInline(content.content)[0].children or []
        title = "".join(" " if part.type.endswith("break") else part.content for part in inline)
        headings.append(Heading(title, int(token.tag[1:]), start))

    match = _FRONT_TITLE.search(front[1]) if front else None
    first = first_title(heading.title for heading in headings if heading.rank == 1)
    return Document(
        text=text,
        title=(one_line(match[1]) if match else "") or first or readable_title(name),
        media_type=FileKind.MARKDOWN,
        sections=sections_from_headings(headings, len(text)),
    )
