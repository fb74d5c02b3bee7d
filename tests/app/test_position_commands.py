"""`clew memory position` and the positions that people name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import PartError, PositionError
from app.positions import offset_of
from retrieval.document import Document, Page, Section, Span
from tests.conftest import Ran, write

TEXT = "Chapter 1\nA lamp burns.\nChapter 2\nA river rises.\nChapter 3\nA man sleeps.\n"
STARTS = [TEXT.index(f"Chapter {n}") for n in (1, 2, 3)]
Clew = Callable[..., Ran]


@pytest.fixture
def book() -> Document:
    ends = [*STARTS[1:], len(TEXT)]
    sections = tuple(
        Section(f"Chapter {n}", 1, Span(start, end))
        for n, (start, end) in enumerate(zip(STARTS, ends, strict=True), start=1)
    )
    pages = (Page(1, Span(0, STARTS[1])), Page(2, Span(STARTS[1], len(TEXT))))
    return Document(TEXT, "Lamps", "text/plain", sections, pages)


def test_a_place_means_its_beginning(book: Document) -> None:
    assert offset_of(book, section="Chapter 2") == offset_of(book, section="chapter ii") == STARTS[1]
    assert offset_of(book, section="up to chapter 2") == STARTS[2]
    assert offset_of(book, page=2) == STARTS[1]
    assert offset_of(book, percent=0) == 0
    assert offset_of(book, percent=50) == len(TEXT) // 2
    assert offset_of(book, percent=100) == offset_of(book, offset=len(TEXT)) == len(TEXT)


def test_a_place_that_is_not_there(book: Document) -> None:
    for wrong in ({"section": "Chapter 9"}, {"section": "Preface"}, {"page": 3}):
        with pytest.raises(PartError):
            offset_of(book, **wrong)  # type: ignore[arg-type]
    for offset in (-1, len(TEXT) + 1):
        with pytest.raises(PositionError, match="characters"):
            offset_of(book, offset=offset)


def test_set_shown_listed_cleared(clew: Clew, home: Path, tmp_path: Path) -> None:
    text = "# One\nA lamp burns.\n\n# Two\nA river rises in the hills.\n"
    path, second = write(tmp_path / "lamps.md", text), text.index("# Two")
    at = ("--home", home)
    assert clew(*at, "add", path).code == 0

    def positions(*arguments: object) -> list[dict[str, object]]:
        ran = clew(*at, "memory", "position", *arguments, "--json")
        assert ran.code == 0, ran.err
        found: list[dict[str, object]] = json.loads(ran.out)["positions"]
        return found

    assert positions() == positions("lamps.md") == []
    (shown,) = positions("lamps.md", "--section", "Two")
    assert (shown["read_to"], shown["section"], shown["changed_since"]) == (second, "Two", False)
    assert positions("lamps.md") == positions() == [shown]
    assert "read to" in clew(*at, "memory", "position").out
    assert positions("lamps.md", "--percent", 100)[0]["percent"] == 100
    assert positions("--user", "bob") == []
    theirs = clew(*at, "memory", "position", "lamps.md", "--user", "bob")
    assert (theirs.code, "No document is called" in theirs.err) == (1, True)
    asked = clew(*at, "ask", "What rises?", "--no-spoilers", "--json")
    assert "river" in json.loads(asked.out)["answer"]
    positions("lamps.md", "--offset", second)
    asked = clew(*at, "ask", "What rises?", "--no-spoilers", "--json")
    assert "river" not in asked.out
    assert json.loads(clew(*at, "memory", "position", "lamps.md", "--clear", "--json").out)["cleared"] is True
    failed = clew(*at, "ask", "What rises?", "--no-spoilers")
    assert failed.code == 1
    assert failed.err.count("\n") == 1
    assert "clew memory position" in failed.err
    assert clew(*at, "memory", "position", "--percent", 5).code == 2
    assert clew(*at, "memory", "position", "lamps.md", "--percent", 5, "--clear").code == 2
    assert clew(*at, "memory", "position", "lamps.md", "--page", 5).code == 1
