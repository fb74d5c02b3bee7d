"""`clew ui`: the pages, served by a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from app.commands import chosen_settings, given
from app.errors import SettingsError

__all__ = ["ui"]


def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes one that is free.")] = 8501,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = False,
) -> None:
    """Serve the pages: chat, library, memory, summaries; Ctrl-C ends it and loses nothing."""
    if find_spec("streamlit") is None or find_spec("ui") is None:
        raise SettingsError(
            "The pages are not installed here; install Clew with its folder ui and Streamlit."
        )
    chosen_settings()  # what is wrong with them is said before a second process is started
    settings = {name: value for name, value in given.items() if name != "debug" and value is not None}
    arguments = {"host": host, "port": port, "browser": browser, "settings": settings}
    command = [sys.executable, "-m", "ui", json.dumps(arguments, default=str)]
    if os.name == "posix":
        os.execv(sys.executable, command)  # so that signals reach the server itself
    raise typer.Exit(subprocess.call(command))
