"""The report of several summaries: a table, each summary, and what could not be summarised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote as url_quote

from app.summaries.report import DocumentSummary, escaped, figures_line, summary_json

__all__ = ["combined_json", "combined_markdown"]

Named = tuple[str, DocumentSummary]
"""A summary, and the name of its files."""
Failed = tuple[str, str]
"""The path of a document, and why it has no summary."""


def combined_json(summaries: Sequence[Named], failed: Sequence[Failed]) -> dict[str, Any]:
    """The document of `clew summarize --json`: all summaries, and what failed."""
    return {
        "summaries": [summary_json(summary) for _, summary in summaries],
        "failed": [{"path": path, "error": error} for path, error in failed],
    }


def combined_markdown(summaries: Sequence[Named], failed: Sequence[Failed], folder: Path) -> str:
    """The same to read, with links to the file of each summary."""
    blocks = ["# Summaries"]
    if summaries:
        blocks.append("\n".join(_table(summaries)))
    for name, summary in summaries:
        blocks += [
            f"## {escaped(summary.title)}",
            f"*{figures_line(summary)}*",
            escaped(summary.text),
            f"[With its sources]({url_quote(name)}.md)",
        ]
    if failed:
        blocks += ["## Not summarised", "\n".join(f"- {escaped(p)}: {escaped(e)}" for p, e in failed)]
    return "\n\n".join(blocks) + "\n"


def _table(summaries: Sequence[Named]) -> list[str]:
    rows = ["| document | words | draws on | evenness | without source |", "|---|---|---|---|---|"]
    for name, each in summaries:
        figures = each.figures
        even = "-" if figures.evenness is None else f"{figures.evenness:.2f}"
        part = f", {escaped(each.part)}" if each.part else ""
        rows.append(
            f"| [{escaped(each.title)}]({url_quote(name)}.md){part} | {figures.words} | "
            f"{figures.sections_drawn_on} of {figures.sections_total} {figures.unit}s | {even} | "
            f"{figures.unsupported} |"
        )
    return rows
