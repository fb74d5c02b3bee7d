"""What all commands share: the screen, the settings of the command line, one JSON document on stdout."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.bootstrap import open_library
from app.config import Settings, load_settings
from app.display import Screen
from app.jobs.estimates import Estimate
from app.library import ROUTES, Library

__all__ = [
    "AsJson",
    "check_route",
    "chosen_settings",
    "given",
    "library_at",
    "library_of_settings",
    "print_json",
    "screen",
    "tell_estimate",
    "temporary_library",
]

CONTROLS = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What JSON may hold as it is and a terminal would act on: C1 controls, and overrides of direction."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
screen = Screen()
given: dict[str, Any] = {}
"""Settings of this command line, and whether to show where an unexpected error came from ("debug")."""


def check_route(route: str) -> None:
    """End the command where there is no such route."""
    if route not in ROUTES:
        raise typer.BadParameter(f"{route!r} is none of {', '.join(ROUTES)}.", param_hint="--route")


def chosen_settings() -> Settings:
    """The settings, those of the command line before all others."""
    return load_settings(**{name: value for name, value in given.items() if name != "debug"})


def library_of_settings() -> Library:
    """The library that the settings name."""
    return open_library(chosen_settings())


def library_at(home: Path) -> Library:
    """A library with the same settings in another folder, with a database of its own."""
    return open_library(chosen_settings().model_copy(update={"home": home, "database_url": ""}))


@contextmanager
def temporary_library() -> Iterator[Library]:
    """A library with the same settings in an empty folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="clew-eval-") as folder:
        library = library_at(Path(folder))
        try:
            yield library
        finally:
            library.close()


def tell_estimate(estimate: Estimate) -> None:
    """What is to be done, on stderr before it begins."""
    screen.err.print(f"To do: {estimate.sentence}", style="dim", soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on stdout, as it is, whatever the terminal's width; controls of it escaped."""
    if sys.stdout is None:
        return  # closed from the start: nobody reads it
    written = json.dumps(document, ensure_ascii=False, indent=2)
    sys.stdout.write(CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", written) + "\n")
    sys.stdout.flush()  # so that a reader who has left is noticed here, not while Python ends
