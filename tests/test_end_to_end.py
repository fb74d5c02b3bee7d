"""The whole path as a user walks it: `clew add` the novella, ask it, look the quotes up in the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATA, NOVELLA, Ran, clew_process

QA: dict[str, Any] = json.loads((DATA / "novella_qa.json").read_text(encoding="utf-8"))
DEMO = [question for question in QA["questions"] if question["id"] in QA["demo"]]


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Path:
    folder = tmp_path_factory.mktemp("end-to-end")
    home = Path(shutil.copytree(empty_home, folder / "home"))
    ran = clew_process(["add", NOVELLA, "--json"], home, folder)
    assert ran.returncode == 0, ran.stderr
    (document,) = json.loads(ran.stdout)["documents"]
    assert (document["status"], document["sections"]) == ("added", 16)
    return home


@pytest.mark.parametrize("question", DEMO, ids=lambda question: str(question["id"]))
def test_demo_questions_are_answered_from_the_right_place(
    added: Path, clew: Callable[..., Ran], question: dict[str, Any]
) -> None:
    ran = clew("--home", added, "ask", question["question"], "--json")
    assert ran.code == 0, ran.err
    answer = json.loads(ran.out)
    text = NOVELLA.read_bytes().decode("utf-8")
    assert not answer["abstained"]
    assert answer["citations"]
    for citation in answer["citations"]:
        assert citation["verdict"] == "verified"
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    gold = [(each["start"], each["end"]) for each in question["evidence"]]
    assert any(c["start"] < end and start < c["end"] for c in answer["citations"] for start, end in gold)


def test_nonsense_abstains(added: Path, tmp_path: Path) -> None:
    question = "Which frequency does the quantum radar of the spaceship use?"
    ran = clew_process(["ask", question, "--json"], added, tmp_path)
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["abstained"]
    assert answer["citations"] == []


@pytest.mark.shared
def test_shared_book_is_read_and_found(tmp_path: Path) -> None:
    """Only the loader and the offsets: encoding a whole book is for the benchmarks."""
    shared = Path(__file__).parents[2] / "shared" / "data"
    book, questions = shared / "books" / "jane_eyre.txt", shared / "book_qa" / "jane_eyre.json"
    if not book.exists() or not questions.exists():
        pytest.skip("the shared book and its questions are not beside this checkout")
    from app.question_files import read_questions
    from retrieval.loaders import load_document

    document = load_document(book)
    found = read_questions(questions)
    content = json.loads(questions.read_text(encoding="utf-8"))
    assert found.book is not None
    assert found.book.resolve() == book.resolve()
    assert len(found.questions) == len(content["questions"]) == 60
    for question in content["questions"]:
        for each in question["evidence"]:
            assert document.text[each["start"] : each["end"]] == each["quote"]
