"""Question files of both formats, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import QuestionFileError
from app.question_files import Gold, read_questions
from retrieval.document import Span

FOX = "The fox sleeps in a den under the oak."
OWL = "The owl hunts at night."


def saved(folder: Path, content: Any) -> Path:
    file = folder / "questions.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def squad(*paragraphs: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    listed = [{"context": context, "qas": questions} for context, questions in paragraphs]
    return {"version": "1.1", "data": [{"title": "Wood_Animals", "paragraphs": listed}]}


def test_squad(tmp_path: Path) -> None:
    answered = {
        "id": "q1",
        "question": "Where does the fox sleep?",
        "answers": [{"text": "a den", "answer_start": 18}, {"text": "under the oak", "answer_start": 24}],
    }
    silent = {"id": "q2", "question": "What does it eat?", "is_impossible": True, "answers": []}
    found = read_questions(saved(tmp_path, squad((FOX, [answered, silent]), (OWL, []), (FOX, []))))
    key = hashlib.sha256(FOX.encode()).hexdigest()
    assert found.book is None
    assert [(d.text, d.title, hash) for d, hash, _ in found.documents] == [
        (FOX, "Wood Animals", key),
        (OWL, "Wood Animals", hashlib.sha256(OWL.encode()).hexdigest()),
    ]
    first, second = found.questions
    assert (first.id, first.text, first.kind) == ("q1", "Where does the fox sleep?", "answerable")
    assert first.answers == ("a den", "under the oak")
    assert first.evidence == (
        Gold(key, Span(18, 23), first.answers[0]),
        Gold(key, Span(24, 37), first.answers[1]),
    )
    assert FOX[18:23] == "a den"
    assert first.answerable
    assert (second.kind, second.answers, second.answerable) == ("unanswerable", (), False)


def test_book(tmp_path: Path) -> None:
    evidence = [{"start": 4, "end": 7, "quote": "fox"}]
    content = {
        "book": "../wood.txt",
        "newline_mode": "as in the file",
        "questions": [
            {"id": "a", "question": "Who?", "answers": ["fox"], "kind": "fact", "evidence": evidence},
            {"id": "b", "question": "All?", "answers": ["x", "y"], "kind": "whole", "evidence": []},
            {"id": "c", "question": "Why?", "answers": [], "kind": "unanswerable", "evidence": []},
        ],
    }
    (tmp_path / "qa").mkdir()
    found = read_questions(saved(tmp_path / "qa", content))
    book = tmp_path.resolve() / "wood.txt"
    assert (found.book, found.documents) == (book, ())
    assert [q.kind for q in found.questions] == ["fact", "whole", "unanswerable"]
    assert [q.all_answers for q in found.questions] == [False, True, False]
    assert [q.answerable for q in found.questions] == [True, True, False]
    assert found.questions[0].evidence == (Gold(str(book), Span(4, 7), "fox"),)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        {"data": "everything"},
        {"data": [{"paragraphs": [{"qas": []}]}]},
        squad((FOX, [{"id": "q", "question": "?", "answers": [{"text": "fox", "answer_start": -4}]}])),
        {"book": "wood.txt"},
        {"book": "wood.txt", "questions": [{"id": "a", "question": "?", "answers": [], "kind": "fact"}]},
        {
            "book": "wood.txt",
            "questions": [
                {"id": "a", "question": "?", "answers": [], "kind": "fact", "evidence": [], "extra": 1}
            ],
        },
    ],
)
def test_malformed_files_are_one_named_error(tmp_path: Path, content: Any) -> None:
    with pytest.raises(QuestionFileError) as caught:
        read_questions(saved(tmp_path, content))
    assert "questions.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_folder_and_other_bytes_are_named(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_bytes(b'{"book": "\xff"}')
    for path in (tmp_path / "absent.json", tmp_path, raw):
        with pytest.raises(QuestionFileError) as caught:
            read_questions(path)
        assert path.name in str(caught.value)


def test_evidence_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    question: dict[str, Any] = {"id": "a", "question": "?", "answers": ["x"], "kind": "fact"}
    question["evidence"] = [{"start": 9, "end": 2, "quote": "x"}]
    with pytest.raises(QuestionFileError):
        read_questions(saved(tmp_path, {"book": "wood.txt", "questions": [question]}))
