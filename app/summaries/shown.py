"""Summaries in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from app.display import printable
from app.summaries.report import PARAGRAPH, DocumentSummary, SourcedSentence

__all__ = ["summary_lines", "summary_table"]

TENTHS = " ▁▂▃▄▅▆▇█"


def summary_lines(summary: DocumentSummary) -> Iterator[RenderableType]:
    """A summary to read, its sentences with the pages or sections they rest on."""
    yield Text(printable(summary.title), style="bold")
    yield Text(_figures(summary), style="dim")
    yield Text("")
    for first in range(0, len(summary.sentences), PARAGRAPH):
        paragraph = Text()
        shown = summary.sentences[first : first + PARAGRAPH]
        for sentence, after in zip(shown, [*shown[1:], None], strict=True):
            paragraph.append(f"{printable(sentence.text)} ")
            # Sentences of one place in a row are told it once.
            if after is None or _places(after) != _places(sentence):
                style = "cyan" if sentence.sources else "yellow"
                paragraph.append(f"[{_places(sentence)}] ", style=style)
        yield paragraph
        yield Text("")
    for note in summary.notes:
        yield Text(f"Note: {printable(note)}", style="yellow")


def summary_table(named: Sequence[tuple[str, DocumentSummary]]) -> Table:
    """One line for each summary, with the name of its files."""
    table = Table(box=None, pad_edge=False)
    table.add_column("document", overflow="ellipsis", no_wrap=True, ratio=1)
    for name, least in (("words", 5), ("draws on", 17), ("over the text", 13), ("evenness", 8)):
        table.add_column(name, justify="right", no_wrap=True, min_width=least)
    table.add_column("file", overflow="ellipsis", no_wrap=True, ratio=1)
    for name, summary in named:
        figures = summary.figures
        table.add_row(
            Text(printable(summary.title)),
            str(figures.words),
            f"{figures.sections_drawn_on} of {figures.sections_total} {figures.unit}s",
            f"|{_bars(figures.stretches)}|",
            "-" if figures.evenness is None else f"{figures.evenness:.2f}",
            f"{printable(name)}.md",
        )
    return table


def _figures(summary: DocumentSummary) -> str:
    figures = summary.figures
    part = f"{printable(summary.part)}; " if summary.part else ""
    even = "" if figures.evenness is None else f", evenness {figures.evenness:.2f}"
    return (
        f"{part}{figures.words} words, {summary.method}, by {printable(summary.reader)}; draws on "
        f"{figures.sections_drawn_on} of {figures.sections_total} {figures.unit}s, over the text "
        f"|{_bars(figures.stretches)}|{even}"
    )


def _bars(counts: Sequence[int]) -> str:
    """How much each tenth of the text holds of what the summary rests on."""
    most = max(counts, default=0)
    return "".join(TENTHS[-(-count * (len(TENTHS) - 1) // most) if most else 0] for count in counts)


def _places(sentence: SourcedSentence) -> str:
    """Pages where there are any, else the innermost sections."""
    if not sentence.sources:
        return "no source found"
    named = [
        f"p. {each.page}" if each.page is not None else printable(each.section.rpartition(" / ")[2])
        for each in sentence.sources
    ]
    places = list(dict.fromkeys(name for name in named if name))
    return ", ".join(places) or f"at {sentence.sources[0].span.start:,}"
