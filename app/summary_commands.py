"""`clew summarize`: documents, or parts of them, summarised one by one into a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from app.commands import AsJson, library_of_settings, print_json, screen, tell_estimate
from app.summaries.combined import combined_json
from app.summaries.shown import summary_lines, summary_table
from app.summaries.wanted import Method, Wanted

__all__ = ["summarize"]


def summarize(
    documents: Annotated[
        list[str], typer.Argument(metavar="PATH|DOC...", help="Files, folders, or documents of the library.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the files; without it they are shown.")
    ] = None,
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
    wanted = Wanted(cast(Method, method), words, part)
    library = library_of_settings()
    try:
        with screen.progress() as progress:
            done, failed = library.summarize(documents, wanted, out, progress, tell_estimate)
    finally:
        library.close()
    if as_json:
        print_json(combined_json(done, failed))
    elif out is not None:
        if done:
            screen.out.print(summary_table(done))
            screen.out.print(f"written into {out}", soft_wrap=True)
    else:
        for _, summary in done:
            for line in summary_lines(summary):
                screen.out.print(line)
    for path, error in failed:
        screen.error(f"{path}: {error}")
    if failed:
        raise typer.Exit(1)
