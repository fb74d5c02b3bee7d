"""`clew users`: who has something in this home, and handing it over to another name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from app.commands import AsJson, library_of_settings, print_json, screen
from app.display import printable
from memory.handing_over import hand_over as hand_over_all
from memory.user_inventory import user_counts

__all__ = ["users"]

users = typer.Typer(
    help="Whose documents, threads and memories are here: list, hand-over.", no_args_is_help=True
)


@users.command(name="list")
def list_users(as_json: AsJson = False) -> None:
    """List all who have something here."""
    found = user_counts(library_of_settings().engine)
    if as_json:
        print_json({"users": [asdict(each) for each in found]})
    elif found:
        table = Table("name", box=None, pad_edge=False)
        for column in ("documents", "threads", "facts"):
            table.add_column(column, justify="right")
        for each in found:
            counts = (each.documents, each.threads, each.facts)
            table.add_row(Text(printable(each.name)), *map(str, counts))
        screen.out.print(table)
    else:
        screen.out.print("Nobody has anything here yet; add a document with `clew add PATH`.")


@users.command()
def hand_over(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Whose everything it is.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Whose it is from now on.")],
    as_json: AsJson = False,
) -> None:
    """Make all documents, collections, threads, memories and jobs of one user another's."""
    library = library_of_settings()
    new = library.for_user(new).user
    hand_over_all(library.engine, old, new)
    counts = next(each for each in user_counts(library.engine) if each.name == new)
    if as_json:
        print_json({"user": asdict(counts)})
    else:
        has = [(counts.documents, "document"), (counts.threads, "thread"), (counts.facts, "fact")]
        line = ", ".join(f"{count} {what}{'s' * (count != 1)}" for count, what in has)
        screen.out.print(Text(f"{printable(new)}: {line}"), soft_wrap=True)
