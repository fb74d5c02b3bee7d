"""The words of the pages: all of them in every language, with the same values, and none that is not used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from ui.words import LANGUAGES, text_in, texts_of

UI = Path(__file__).parents[2] / "ui"
MADE = re.compile(r"^[a-z_]+\.[a-z0-9_.]*$")


def values(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def used() -> Iterator[tuple[str, set[str], str]]:
    """Names of texts that stand in a call of `t`, with the values given to it."""
    for file in sorted(UI.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t"):
                continue
            first = node.args[0]
            names = [each.value for each in ast.walk(first) if isinstance(each, ast.Constant)]
            if isinstance(first, ast.JoinedStr):
                continue  # made of parts: see `begun`
            for name in names:
                if isinstance(name, str) and MADE.match(name):
                    yield name, {each.arg for each in node.keywords if each.arg}, file.name


def begun() -> set[str]:
    """What names begin with that are made of parts, such as "chat.verdict."."""
    found = set()
    for file in sorted(UI.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                text = str(node.values[0].value)
                if MADE.match(text):
                    found.add(text)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_values(language: str) -> None:
    english, other = texts_of("en"), texts_of(language)
    assert other.keys() == english.keys()
    for name, text in other.items():
        assert text.strip(), name
        assert values(text) == values(english[name]), name


def test_every_text_that_is_asked_for_is_there() -> None:
    english = texts_of("en")
    for name, given, file in used():
        assert name in english, f"{file}: {name}"
        assert values(english[name]) <= given, f"{file}: {name} needs {values(english[name])}"


def test_no_text_is_there_that_nobody_shows() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in UI.rglob("*.py"))
    parts = tuple(begun())
    named = set(re.findall(r"""["']([a-z_]+\.[a-z0-9_.]+)["']""", sources))
    left = [name for name in texts_of("en") if name not in named and not name.startswith(parts)]
    assert left == []


def test_values_are_put_in_as_they_are() -> None:
    assert text_in("en", "common.logged_in", name="{x} *y*") == "Logged in as {x} *y*"


def test_an_unknown_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        text_in("en", "common.nothing")
