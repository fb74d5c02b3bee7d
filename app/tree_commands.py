"""`clew tree`: a document as a tree of summaries, built if it is not there."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import AsJson, library_of_settings, print_json, screen, tell_estimate
from app.tree_report import tree_json, tree_lines

__all__ = ["tree"]


def tree(
    document: Annotated[str, typer.Argument(metavar="DOC", help="Id, title, path or file name.")],
    depth: Annotated[
        int | None, typer.Option(min=0, help="Levels below the root; by default all above the leaves.")
    ] = None,
    leaves: Annotated[bool, typer.Option("--leaves", help="Show the leaves as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a document as a tree of summaries; what is not summarised yet is summarised now."""
    library = library_of_settings()
    try:
        record = library.document(document)
        with screen.progress() as progress:
            made = library.trees.ensure(record, progress, tell_estimate)
        if as_json:
            print_json(tree_json(made, depth))
            return
        for line in tree_lines(made, library.store.load(record.key).pages, depth, leaves):
            screen.out.print(line)
    finally:
        library.close()
