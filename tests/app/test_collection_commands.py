"""`clew collections`, and `--collection` where documents are listed and asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran, write

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
OWL = "The owl sleeps in a hollow ash. It hears a mouse under the snow from thirty yards.\n"


@pytest.fixture
def run(clew: Callable[..., Ran], home: Path, tmp_path: Path) -> Callable[..., Ran]:
    for name, text in (("fox", FOX), ("owl", OWL)):
        assert clew("--home", home, "add", write(tmp_path / f"{name}.txt", text)).code == 0
    return lambda *arguments: clew("--home", home, *arguments)


def document(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    return dict(json.loads(ran.out))


def test_documents_are_put_together_listed_and_asked(run: Callable[..., Ran]) -> None:
    assert "No collections yet" in run("collections", "list").out
    assert document(run("collections", "list", "--json")) == {"collections": []}
    made = document(run("collections", "create", "by day", "--json"))["collection"]
    assert (made["name"], made["documents"]) == ("by day", [])
    ids = {each["title"]: each["id"] for each in document(run("list", "--json"))["documents"]}
    put = document(run("collections", "put", "by day", "fox.txt", "Owl", "--json"))["collection"]
    assert put["documents"] == [ids["Fox"], ids["Owl"]]
    assert run("collections", "take", "by day", "Owl").out == "by day: 1 document\n"
    listed = document(run("list", "--collection", "by day", "--json"))["documents"]
    assert [each["title"] for each in listed] == ["Fox"]
    assert "by day" in run("collections", "list").out
    answer = document(run("ask", "Who sleeps?", "--collection", "by day", "--json"))
    assert {each["title"] for each in answer["citations"]} == {"Fox"}
    assert run("collections", "rename", "by day", "wood").out == "wood: 1 document\n"
    removed = document(run("collections", "remove", "wood", "--json"))["removed"]
    assert (removed["name"], removed["documents"]) == ("wood", [ids["Fox"]])
    assert len(document(run("list", "--json"))["documents"]) == 2


def test_an_empty_collection_is_not_everything(run: Callable[..., Ran]) -> None:
    run("collections", "create", "empty")
    assert document(run("list", "--collection", "empty", "--json")) == {"documents": []}
    for command in (["ask", "Who sleeps?"], ["chat"]):
        ran = run(*command, "--collection", "empty")
        assert (ran.code, ran.out) == (1, "")
        assert "no document in the collection 'empty'" in ran.err


def test_what_is_not_there(run: Callable[..., Ran]) -> None:
    for command in (
        ["collections", "put", "wood", "Fox"],
        ["collections", "take", "wood", "Fox"],
        ["collections", "rename", "wood", "trees"],
        ["collections", "remove", "wood"],
        ["list", "--collection", "wood"],
        ["ask", "Who sleeps?", "--collection", "wood"],
    ):
        ran = run(*command)
        assert (ran.code, ran.err) == (
            1,
            "clew: No collection is called 'wood'; `clew collections list` shows them all.\n",
        ), command
    run("collections", "create", "wood")
    assert "No document is called 'Wolf'" in run("collections", "put", "wood", "Wolf").err
    assert "Another collection is called 'wood'" in run("collections", "create", "wood").err


def test_another_user_has_nothing_of_it(run: Callable[..., Ran]) -> None:
    run("collections", "create", "wood")
    for kind in ("collections", "jobs"):
        assert document(run("--user", "anna", kind, "list", "--json")) == {kind: []}
    assert document(run("--user", "anna", "list", "--json")) == {"documents": []}
    (job, _) = document(run("jobs", "list", "--json"))["jobs"]
    assert "There is no job" in run("--user", "anna", "jobs", "cancel", job["id"]).err
    assert document(run("jobs", "list", "--kind", "tree", "--json")) == {"jobs": []}
    assert len(document(run("jobs", "list", "--kind", "add", "--json"))["jobs"]) == 2
