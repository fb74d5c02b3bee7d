"""A summary as people and scripts get it: Markdown whose sentences link to pages, and JSON.

Neither holds a time or a count of attempts: the same summary makes the same files.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote as url_quote

from app.display import printable
from app.summaries.figures import SummaryFigures
from retrieval.document import Span

__all__ = [
    "DocumentSummary",
    "Source",
    "SourcedSentence",
    "escaped",
    "figures_line",
    "summary_json",
    "summary_markdown",
]

PARAGRAPH: Final = 5
"""Sentences of a paragraph."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source sentence: where it stands, its page and sections if there are any, its own characters."""

    span: Span
    page: int | None
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class SourcedSentence:
    """A sentence of a summary with what it rests on, closest first; nothing if it is not supported."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """The summary of a document or of a part of it.

    Attributes:
        document: Its id.
        title: Of the document.
        path: Of its file, absolute, or another name of its origin.
        content_hash: Of the version that was summarised.
        media_type: Of the file.
        method: "hierarchical", "incremental" or "scm".
        reader: Who made it.
        part: What was asked for, "" for all of it.
        span: Of the document's text.
        target: Words that were wanted.
        sentences: In order.
        figures: What it draws on.
        notes: What is to be said about it, each a few words.
    """

    document: str
    title: str
    path: str
    content_hash: str
    media_type: str
    method: str
    reader: str
    part: str
    span: Span
    target: int
    sentences: tuple[SourcedSentence, ...]
    figures: SummaryFigures
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its sentences in a row."""
        return " ".join(sentence.text for sentence in self.sentences)


def summary_json(summary: DocumentSummary) -> dict[str, Any]:
    """The document of a summary; offsets count characters of the document's text.

    `coverage.share` is the share of sections, or of tenths (`unit`), that the summary draws on; `evenness` is
    0 to 1 or None; `tenths` says how many sentences rest on each tenth of the text.
    """
    figures = summary.figures
    return {
        "document": {
            "id": summary.document,
            "title": summary.title,
            "path": summary.path,
            "content_hash": summary.content_hash,
        },
        "method": summary.method,
        "reader": summary.reader,
        "part": {"name": summary.part, "start": summary.span.start, "end": summary.span.end},
        "words": figures.words,
        "target_words": summary.target,
        "summary": summary.text,
        "sentences": [
            {
                "text": sentence.text,
                "supported": bool(sentence.sources),
                "sources": [
                    {
                        "start": source.span.start,
                        "end": source.span.end,
                        "page": source.page,
                        "section": source.section,
                        "quote": source.quote,
                    }
                    for source in sentence.sources
                ],
            }
            for sentence in summary.sentences
        ],
        "coverage": {
            "sections_drawn_on": figures.sections_drawn_on,
            "sections_total": figures.sections_total,
            "unit": figures.unit,
            "share": round(figures.coverage, 4),
        },
        "evenness": None if figures.evenness is None else round(figures.evenness, 4),
        "tenths": list(figures.stretches),
        "unsupported": figures.unsupported,
        "notes": list(summary.notes),
    }


def summary_markdown(summary: DocumentSummary, folder: Path) -> str:
    """The same to read; links to the file are relative to `folder`, where it will be written."""
    numbers: dict[Span, int] = {}
    paragraphs: list[str] = []
    for first in range(0, len(summary.sentences), PARAGRAPH):
        shown = summary.sentences[first : first + PARAGRAPH]
        paragraphs.append(" ".join(_sentence(each, summary, folder, numbers) for each in shown))
    sources = {source.span: source for sentence in summary.sentences for source in sentence.sources}
    listed = [
        f'{number}. <a id="source-{number}"></a>{_place(sources[span], summary, folder)}: '
        f"“{escaped(sources[span].quote)}”"
        for span, number in numbers.items()
    ]
    notes = [f"- {escaped(note)}" for note in summary.notes]
    blocks = [f"# {escaped(summary.title)}", f"*{figures_line(summary)}*", *paragraphs]
    if notes:
        blocks += ["## Notes", "\n".join(notes)]
    if listed:
        blocks += ["## Sources", "\n".join(listed)]
    return "\n\n".join(blocks) + "\n"


def figures_line(summary: DocumentSummary) -> str:
    """What a reader should know before the first sentence."""
    figures = summary.figures
    part = f"{escaped(summary.part)}; " if summary.part else ""
    even = "" if figures.evenness is None else f", evenness {figures.evenness:.2f}"
    unsupported = f"; {figures.unsupported} sentences without a source" if figures.unsupported else ""
    return (
        f"{part}{figures.words} words, {summary.method}, by {escaped(summary.reader)}; draws on "
        f"{figures.sections_drawn_on} of {figures.sections_total} {figures.unit}s "
        f"({figures.coverage:.0%}){even}{unsupported}"
    )


def _sentence(
    sentence: SourcedSentence, summary: DocumentSummary, folder: Path, numbers: dict[Span, int]
) -> str:
    text = escaped(sentence.text)
    if not sentence.sources:
        return f"{text} (*no source found*)"
    links: list[str] = []
    for source in sentence.sources:
        number = numbers.setdefault(source.span, len(numbers) + 1)
        if source.page is not None:
            links.append(f"{_page_link(source.page, 'p.', summary, folder)} [{number}](#source-{number})")
        else:
            links.append(f"[{number}](#source-{number})")
    return f"{text} ({', '.join(links)})"


def _place(source: Source, summary: DocumentSummary, folder: Path) -> str:
    place = [escaped(source.section)] if source.section else []
    if source.page is not None:
        place.insert(0, _page_link(source.page, "page", summary, folder))
    return ", ".join([*place, f"characters {source.span.start}-{source.span.end}"])


def _page_link(page: int, word: str, summary: DocumentSummary, folder: Path) -> str:
    """A link to the page of the file, which viewers of PDFs follow."""
    if summary.media_type != "application/pdf" or not os.path.isabs(summary.path):
        return f"{word} {page}"
    file = Path(os.path.relpath(summary.path, folder)).as_posix()
    return f"[{word} {page}]({url_quote(file)}#page={page})"


_MARKS: Final = re.compile(r"([\\`*_\[\]<>#|~&$])")
_LIST: Final = re.compile(r"^(\d+)([.)])(?=\s)|^([-+=])", re.MULTILINE)


def escaped(text: str) -> str:
    """Text of a document as Markdown that shows it and does nothing else."""
    shown = _MARKS.sub(r"\\\1", printable(text))
    return _LIST.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", shown)
