"""`clew eval qa` by hand: a reader that answers from a list, on files so small that every figure is known."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.errors import QuestionFileError
from app.evaluation import evaluate_qa
from app.events import Event, silent
from app.library import Library
from app.models import ReaderRun
from reader.contract import OnDraft, ReaderAnswer, Remembered, ShortAnswer
from reader.extractive import Calibration, ExtractiveReader
from retrieval.errors import LoadError
from retrieval.evidence import Evidence, ScoredCandidate
from retrieval.question import QuestionWords
from tests.conftest import ForOneHome, write

FOX = "The fox sleeps in a den under the oak."
OWL = "The owl hunts at night and hears a mouse under the snow."
BEE = "Bees carry pollen home in small baskets on their legs."
KEYS = [
    "questions",
    "em",
    "f1",
    "holds_answer",
    "words_per_answer",
    "evidence_hit",
    "paragraph_hit",
    "abstention",
    "answered",
    "seconds_per_question",
    "routes",
    "sections_read",
]


@dataclass(frozen=True)
class ListedReader(ExtractiveReader):
    """Answers each question as the list says; None abstains."""

    answers: Mapping[str, str | None] = field(default_factory=dict)

    def answer(
        self,
        question: str,
        words: QuestionWords,
        evidence: Sequence[Evidence],
        context: Sequence[str] = (),
        on_draft: OnDraft | None = None,
        asked: str | None = None,
        whole: bool = False,
        searched: Sequence[ScoredCandidate] = (),
        memories: Sequence[Remembered] = (),
        short: Sequence[ShortAnswer] = (),
    ) -> ReaderAnswer:
        text = self.answers[question]
        return ReaderAnswer(text or "I do not know.", text is None, () if text is None else (0,), 0.5)


@dataclass(frozen=True)
class Listed:
    """Makes that reader."""

    answers: Mapping[str, str | None]
    key: str = "listed"
    at_once: int = 2

    def __call__(self, run: ReaderRun) -> ListedReader:
        return ListedReader(Calibration.load(), answers=self.answers)

    def close(self) -> None:
        pass


def reading(library: Library, answers: Mapping[str, str | None]) -> Library:
    backends = replace(library.backends, reader=Listed(answers))
    return Library(library.settings, library.engine, backends)


def squad_file(folder: Path) -> Path:
    def question(id: str, text: str, answer: str, context: str) -> dict[str, Any]:
        answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
        return {"id": id, "question": text, "answers": answers}

    paragraphs = [
        {
            "context": FOX,
            "qas": [question("a", "Where does the fox sleep?", "in a den under the oak", FOX)],
        },
        {
            "context": OWL,
            "qas": [
                question("b", "When does the owl hunt?", "at night", OWL),
                question("c", "What is the owl's name?", "", OWL),
            ],
        },
        {"context": BEE, "qas": [question("d", "What colour is pollen?", "", BEE)]},
    ]
    content = {"version": "2.0", "data": [{"title": "Wood", "paragraphs": paragraphs}]}
    return write(folder / "squad.json", json.dumps(content))


def test_a_route_that_is_forced(library: Library, tmp_path: Path) -> None:
    file = squad_file(tmp_path)
    for route in ("walk", "whole"):
        report = evaluate_qa(file, library, silent, route)
        assert report["routes"] == {route: 4}
        assert report["evidence_hit"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert report["sections_read"] == 1.0
    assert report["by_kind"]["answerable"]["routes"] == {"whole": 2}


def test_squad_by_hand(library: Library, tmp_path: Path) -> None:
    answers = {
        "Where does the fox sleep?": "a den under the oak [1]",  # 3 of 3 words, of 4 wanted: F1 6/7
        "When does the owl hunt?": None,
        "What is the owl's name?": "Tawny [1]",
        "What colour is pollen?": None,
    }
    events: list[Event] = []
    report = evaluate_qa(squad_file(tmp_path), reading(library, answers), events.append)
    assert list(report) == [*KEYS, "by_kind"]
    assert report["questions"] == 4
    assert report["em"] == 1 / 4  # the right silence
    assert report["f1"] == pytest.approx((6 / 7 + 0 + 0 + 1) / 4)
    assert report["holds_answer"] == 1 / 2, "the preposition is no content word; the silence holds none"
    assert report["words_per_answer"] == 3.0  # of 5 and 1
    assert report["evidence_hit"] == {"1": 1.0, "5": 1.0, "10": 1.0}  # the words stand in one context only
    assert report["paragraph_hit"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert report["abstention"] == {"precision": 1 / 2, "recall": 1 / 2}
    assert report["answered"] == 1 / 2
    assert 0 < report["seconds_per_question"] < 30
    assert report["routes"] == {"search": 4}
    assert report["sections_read"] == 1.0, "each context is found, and has no sections"
    assert sorted(report["by_kind"]) == ["answerable", "unanswerable"]
    answerable, unanswerable = report["by_kind"]["answerable"], report["by_kind"]["unanswerable"]
    assert list(answerable) == list(unanswerable) == KEYS
    assert (answerable["questions"], answerable["em"]) == (2, 0.0)
    assert answerable["f1"] == pytest.approx(3 / 7)
    assert answerable["abstention"] == {"precision": 0.0, "recall": None}
    assert (unanswerable["questions"], unanswerable["em"], unanswerable["f1"]) == (2, 1 / 2, 1 / 2)
    assert unanswerable["evidence_hit"] == {"1": None, "5": None, "10": None}
    assert unanswerable["abstention"] == {"precision": 1.0, "recall": 1 / 2}
    assert (unanswerable["answered"], unanswerable["holds_answer"]) == (None, None)
    json.dumps(report, allow_nan=False)
    assert [e.done for e in events if e.stage == "question"] == [0, 1, 2, 3, 4]
    assert len(library.documents()) == 3


def book_file(folder: Path, gold: str = "small baskets") -> Path:
    text = "\n\n".join([FOX, OWL, BEE])
    write(folder / "wood.txt", text)
    start = text.index(gold)
    evidence = [{"start": start, "end": start + len(gold), "quote": gold}]
    questions = [
        {
            "id": "1",
            "question": "In what do bees carry pollen?",
            "answers": ["baskets", "small baskets"],
            "kind": "fact",
            "evidence": evidence,
        },
        {
            "id": "2",
            "question": "Which animals live in the wood?",
            "answers": ["fox", "owl"],
            "kind": "whole",
            "evidence": [],
        },
        {
            "id": "3",
            "question": "Who planted the oak?",
            "answers": [],
            "kind": "unanswerable",
            "evidence": [],
        },
    ]
    return write(folder / "wood_qa.json", json.dumps({"book": "wood.txt", "questions": questions}))


def test_book_by_hand(library: Library, tmp_path: Path) -> None:
    answers = {
        "In what do bees carry pollen?": "The small baskets! [1]",
        "Which animals live in the wood?": "the fox [1]",  # of two that are all expected: F1 2/3
        "Who planted the oak?": None,
    }
    report = evaluate_qa(book_file(tmp_path), reading(library, answers), silent)
    kinds = report["by_kind"]
    assert list(kinds) == ["fact", "unanswerable", "whole"]
    assert (kinds["fact"]["em"], kinds["fact"]["f1"]) == (1.0, 1.0)
    assert kinds["fact"]["evidence_hit"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert (kinds["whole"]["em"], kinds["whole"]["f1"]) == (0.0, pytest.approx(2 / 3))
    assert kinds["whole"]["evidence_hit"] == {"1": None, "5": None, "10": None}
    assert (kinds["unanswerable"]["em"], kinds["unanswerable"]["abstention"]["recall"]) == (1.0, 1.0)
    assert report["abstention"] == {"precision": 1.0, "recall": 1.0}
    assert report["em"] == pytest.approx(2 / 3)
    assert report["answered"] == 1.0


def test_evidence_outside_of_every_passage_is_no_hit(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    """Ten passages of a novella leave most of it out."""
    library = open_home(own_novella_home)
    (record,) = library.documents()
    text = library.store.load(record.key).text
    question = "How much did Miss Judith Nance ask to take a girl as her apprentice?"
    spans = sorted(p.span for p in library.ask(question).passages)
    far = next(s.end + 400 for s, after in pairwise(spans) if after.start - s.end > 2_000)
    rank_one = library.ask(question).passages[0].span
    items = [
        {
            "id": str(n),
            "question": question,
            "answers": ["x"],
            "kind": kind,
            "evidence": [{"start": start, "end": start + 20, "quote": text[start : start + 20]}],
        }
        for n, (kind, start) in enumerate([("near", rank_one.start), ("far", far)])
    ]
    file = write(tmp_path / "qa.json", json.dumps({"book": record.path, "questions": items}))
    report = evaluate_qa(file, reading(library, {question: "y"}), silent)
    assert report["by_kind"]["near"]["evidence_hit"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert report["by_kind"]["far"]["evidence_hit"] == {"1": 0.0, "5": 0.0, "10": 0.0}
    assert report["evidence_hit"] == {"1": 0.5, "5": 0.5, "10": 0.5}


def test_evidence_that_does_not_stand_in_the_book_is_refused(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    library = open_home(own_novella_home)
    evidence = [{"start": 0, "end": 20, "quote": "The zeppelin landed on the moon."}]
    item = {"id": "q7", "question": "Where?", "answers": ["x"], "kind": "fact", "evidence": evidence}
    content = {"book": library.documents()[0].path, "questions": [item]}
    with pytest.raises(QuestionFileError, match="q7"):
        evaluate_qa(write(tmp_path / "qa.json", json.dumps(content)), library, silent)


def test_book_that_is_not_there_is_one_named_error(library: Library, tmp_path: Path) -> None:
    file = book_file(tmp_path)
    (tmp_path / "wood.txt").unlink()
    with pytest.raises(LoadError, match=r"wood\.txt"):
        evaluate_qa(file, library, silent)


def test_file_without_questions(library: Library, tmp_path: Path) -> None:
    write(tmp_path / "wood.txt", FOX)
    file = write(tmp_path / "qa.json", json.dumps({"book": "wood.txt", "questions": []}))
    report = evaluate_qa(file, library, silent)
    assert (report["questions"], report["em"], report["by_kind"]) == (0, None, {})


def test_contexts_are_added_once_and_quickly(library: Library, tmp_path: Path) -> None:
    paragraphs = [{"context": f"Stone number {n} lies in row {n % 7}.", "qas": []} for n in range(60)]
    content = {"data": [{"title": "Stones", "paragraphs": paragraphs * 2}]}
    began = time.perf_counter()
    evaluate_qa(write(tmp_path / "many.json", json.dumps(content)), library, silent)
    assert len(library.documents()) == 60
    assert time.perf_counter() - began < 30
