"""README and command line agree: what one shows the other takes, and nothing is left out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from app.cli import app
from app.config import Settings

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
REDIRECTS = {"|", ">", ">>", "<", "&&", "||", ";", "2>"}
ROOT = get_command(app)


def commands() -> Iterator[list[str]]:
    """The arguments of every `$ clew ...` of the README, lines that end in a backslash joined."""
    for block in BLOCKS:
        for line in re.findall(r"^\$ (.*)$", block.replace("\\\n", " "), re.MULTILINE):
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]  # CLEW_HOME=... before the command
            if words and words[0].rpartition("/")[2] == "clew":
                end = next((n for n, word in enumerate(words) if word in REDIRECTS), len(words))
                yield words[1:end]


def leaves(command: object = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command below `command`, groups too, with the words that lead to it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from leaves(below, (*path, name))


def parse(arguments: list[str]) -> None:
    """Parse as `clew` would, command by command, and run nothing.

    Raises:
        typer's own usage errors, or typer.Exit for --help.
    """
    command: Any = ROOT
    name, rest = "clew", arguments
    parent = None
    while True:
        context = command.make_context(name, list(rest), parent=parent)
        below = getattr(command, "commands", None)
        if below is None:
            return
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parent = context


@pytest.mark.skipif(not BLOCKS, reason="the README has no console blocks yet")
def test_readme_shows_the_way() -> None:
    shown = list(commands())
    assert any(words[:1] == ["add"] for words in shown)
    assert any(words[:1] == ["ask"] for words in shown)


@pytest.mark.parametrize("arguments", list(commands()), ids=shlex.join)
def test_every_command_of_the_readme_can_be_typed(arguments: list[str]) -> None:
    with suppress(typer.Exit, SystemExit):  # --help has nothing left to parse
        parse(arguments)


@pytest.mark.parametrize(
    "line",
    [
        "add a.txt b --json",
        "--home x --device cpu ask 'Who is it?' --document a --document b --route search --json",
        "eval qa questions.json --json",
        "ask --help",
        "--help",
    ],
)
def test_what_can_be_typed_parses(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    test_every_command_of_the_readme_can_be_typed(shlex.split(line))


@pytest.mark.parametrize(
    "arguments", [["dance"], ["ask"], ["list", "--colour"], ["eval", "qa"], ["show", "a", "b"]]
)
def test_what_cannot_be_typed_does_not_parse(arguments: list[str]) -> None:
    """Or the test above could not fail."""
    with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected"):
        parse(arguments)


@pytest.mark.skipif(not BLOCKS, reason="the README has no console blocks yet")
@pytest.mark.parametrize(
    "path", [path for path, command in leaves() if path and not hasattr(command, "commands")], ids=" ".join
)
def test_every_command_is_in_the_readme(path: tuple[str, ...]) -> None:
    assert f"clew {' '.join(path)}" in TEXT


OPTIONS = sorted(
    {
        option
        for _, command in leaves()
        for parameter in command.params  # type: ignore[attr-defined]
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }
)


@pytest.mark.skipif(not BLOCKS, reason="the README has no console blocks yet")
@pytest.mark.parametrize("option", OPTIONS)
def test_every_long_option_is_in_the_readme(option: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", TEXT), option


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_in_the_readme(name: str) -> None:
    variable = name.upper() if name.startswith("openai_") else f"CLEW_{name.upper()}"
    assert re.search(rf"(?<![\w-]){variable}(?!\w)", TEXT), variable


def test_there_are_options_to_look_for() -> None:
    assert {"--home", "--json", "--document", "--route", "--thread", "--debug"} <= set(OPTIONS)


def test_nothing_in_the_readme_is_left_to_be_filled_in() -> None:
    assert "@@" not in README.read_text(encoding="utf-8")
