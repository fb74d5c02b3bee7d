"""`clew memory position`: how far a document has been read."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from app.commands import AsJson, library_of_settings, print_json, screen
from app.display import printable
from app.positions import Positions, position_json, position_line

__all__ = ["position"]


def position(
    document: Annotated[
        str | None, typer.Argument(metavar="[DOC]", help="Id, title, path or file name; none lists all.")
    ] = None,
    section: Annotated[
        str | None,
        typer.Option(metavar="TITLE", help='You are at its beginning; "up to TITLE": at its end.'),
    ] = None,
    page: Annotated[int | None, typer.Option(min=1, help="You are at its beginning.")] = None,
    percent: Annotated[float | None, typer.Option(min=0, max=100, help="Of the text.")] = None,
    offset: Annotated[int | None, typer.Option(min=0, help="Characters of the text.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget it.")] = False,
    user: Annotated[
        str | None, typer.Option(help="Whose position; by default the user of the settings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how far you have read a document, or show it; `clew ask --no-spoilers` tells nothing beyond."""
    ways = (section, page, percent, offset)
    given = sum(way is not None for way in ways) + clear
    if given > 1 or (given and document is None):
        raise typer.BadParameter(
            "Name a document and one of --section, --page, --percent, --offset and --clear."
        )
    library = library_of_settings()
    try:
        of_user = library if user is None else library.for_user(user)
        positions = Positions(of_user, of_user.user)
        if document is None:
            shown = positions.all()
        elif clear:
            _tell_cleared(positions.user, positions.clear(document), as_json)
            return
        elif given:
            shown = [positions.set(document, *ways)]
        else:
            one = positions.get(document)
            shown = [] if one is None else [one]
    finally:
        library.close()
    if as_json:
        print_json({"user": positions.user, "positions": [position_json(each) for each in shown]})
        return
    for each in shown:
        screen.out.print(Text(printable(position_line(each))), soft_wrap=True)
    if not shown:
        screen.out.print("No reading position is known; `clew memory position DOC --percent 40` sets one.")


def _tell_cleared(user: str, was_known: bool, as_json: bool) -> None:
    if as_json:
        print_json({"user": user, "cleared": was_known})
    else:
        screen.out.print("cleared" if was_known else "No reading position was known.")
