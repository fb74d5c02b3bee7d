"""`clew summarize`: documents, or parts of them, summarised one by one into a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from app.commands import AsJson, library_of_settings, print_json, screen
from app.summaries.wanted import Method, Wanted

__all__ = ["summarize"]


def summarize(
    documents: Annotated[
        list[str], typer.Argument(metavar="PATH|DOC...", help="Files, folders, or documents of the library.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the files; without it they are shown.")] = None,
    method: Annotated[str, typer.Option(help="hierarchical, incremental or scm.")] = "hierarchical",
    words: Annotated[int, typer.Option(min=20, max=20_000, help="Length of each summary.")] = 300,
    part: Annotated[
        str, typer.Option(help="A part alone: 'chapters 3 to 7', 'up to page 120', the title of a section.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Summarise documents; interrupted in any way, the same command goes on where it was."""
    if method not in get_args(Method):
        raise typer.BadParameter(
            f"{method!r} is none of {', '.join(get_args(Method))}.", param_hint="--method"
        )
    library = library_of_settings()
    wanted = Wanted(method=method, words=words, part=part)  # type: ignore[arg-type]
    with screen.progress() as progress:
        report = library.summarize(documents, wanted, out, progress)
    library.close()
    if as_json:
        print_json(report.document)
    else:
        screen.summaries(report)
    for error in report.errors:
        screen.error(error)
    if report.errors:
        raise typer.Exit(1)
