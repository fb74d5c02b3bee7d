"""`clew eval locomo` and `clew eval scm` on small conversations of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.conversation_files import load_conversations, load_dialogues, load_probes
from app.errors import EvaluationError
from app.events import silent
from app.library import Library
from app.locomo_evaluation import evaluate_locomo
from app.memories import Memories
from app.memory_tables import locomo_table, scm_table
from app.metrics import locomo_f1, without_numbers
from app.scm_evaluation import BEGAN, evaluate_scm
from tests.conftest import write

KETTLE = "I bought a green kettle in Marlow yesterday."
CONVERSATION: dict[str, Any] = {
    "sample_id": "one",
    "sessions": [
        {
            "id": 1,
            "date_time": "1:05 pm on 8 May, 2026",
            "turns": [
                {"turn_id": "D1:1", "speaker": "Ada", "text": KETTLE, "image_caption": "a kettle on a stove"},
                {"turn_id": "D1:2", "speaker": "Ben", "text": "Lovely! My dog Rufus ate my shoes."},
            ],
        },
        {
            "id": 2,
            "date_time": "9:30 am on 2 June, 2026",
            "turns": [
                {"turn_id": "D2:1", "speaker": "Ada", "text": "I am learning the cello with Mrs Hale."},
                {"turn_id": "D2:2", "speaker": "Ben", "text": "I will run a marathon in the autumn."},
            ],
        },
    ],
    "questions": [
        {
            "question": "Which kettle did Ada buy?",
            "answer": "a green kettle",
            "category": 4,
            "evidence": ["D1:1"],
        },
        {
            "question": "What do Ada and Ben do for themselves?",
            "answer": "the cello, a marathon",
            "category": 1,
            "evidence": ["D2:1", "D2:2"],
        },
        {"question": "Who sold Ben the zeppelin?", "category": 5, "evidence": []},
    ],
}
FIRST: dict[str, Any] = CONVERSATION["sessions"][0]
ASKED: dict[str, Any] = CONVERSATION["questions"][0]
DIALOGUE = {
    "id": "long",
    "dialogue": [
        "How do I keep bees warm?",
        "Wrap the hive in straw and wool.",
        "And in summer?",
        "Give them shade.",
    ],
}
PROBE = {
    "question_id": "q1",
    "id": "long",
    "mode": "single-turn",
    "question": "How do I keep my bees warm in winter?",
    "answer": "Wrap the hive in straw and wool.",
}


def saved(path: Path, rows: Any) -> Path:
    return write(path, json.dumps(rows))


def test_times_threads_and_captions(tmp_path: Path) -> None:
    (found,) = load_conversations(saved(tmp_path / "c.json", [CONVERSATION]))
    turns = found.turns()
    assert [(thread, at.isoformat()) for thread, at, _ in turns] == [
        ("session 1", "2026-05-08T13:05:00+00:00"),
        ("session 1", "2026-05-08T13:05:01+00:00"),
        ("session 2", "2026-06-02T09:30:00+00:00"),
        ("session 2", "2026-06-02T09:30:01+00:00"),
    ]
    assert turns[0][2].said == f"{KETTLE} [a kettle on a stove]"
    assert found.ended.isoformat() == "2026-06-03T09:30:00+00:00"


def test_conversations_are_kept_asked_and_measured(library: Library, tmp_path: Path) -> None:
    report = evaluate_locomo(saved(tmp_path / "c.json", [CONVERSATION]), library, silent)
    assert report["questions"] == 3
    # Four turns: all of them are among the first five.
    assert report["recall"] == {"5": 1.0, "10": 1.0, "25": 1.0, "50": 1.0}
    assert set(report["by_category"]) == {"1", "4", "5"}
    assert report["by_category"]["4"]["recall"]["5"] == 1.0
    assert report["by_category"]["4"]["activated_recall"] == 1.0
    assert report["by_category"]["4"]["f1"] > 0
    assert report["by_category"]["5"] == {"questions": 1, "f1": 1.0}, "nobody said anything of a zeppelin"
    assert 0 < report["tokens_per_question"] <= library.settings.memory_tokens
    assert 0 < report["seconds_p50"] <= report["seconds_p95"]
    assert locomo_table(report).row_count == 4


def test_questions_without_evidence_alone_have_no_figures_of_it(library: Library, tmp_path: Path) -> None:
    rows = [CONVERSATION | {"questions": [ASKED | {"category": 5}]}]
    report = evaluate_locomo(saved(tmp_path / "c.json", rows), library, silent)
    assert report["questions"] == 1
    assert set(report["recall"].values()) == {None}
    assert [report[name] for name in ("tokens_per_question", "needed", "seconds_p95")] == [None] * 3
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert locomo_table(report).row_count == 2


def test_facts_that_are_given_count_as_well(library: Library, tmp_path: Path) -> None:
    noted = Memories(library, "long", lambda: BEGAN).add("I keep bees in a wooden hive.")
    dialogues = saved(tmp_path / "d.json", [DIALOGUE | {"dialogue": DIALOGUE["dialogue"][:2]}])
    report = evaluate_scm(dialogues, saved(tmp_path / "p.json", [PROBE]), library, silent)
    # Without the controller both turns are given and no facts; with it both turns and the fact.
    tokens = report["tokens_per_question"]
    assert tokens["controller_on"] == tokens["controller_off"] + library.memory.count_tokens(noted.fact.text)


def test_probes_are_asked_with_the_controller_and_without(library: Library, tmp_path: Path) -> None:
    dialogues = saved(tmp_path / "d.json", [DIALOGUE])
    report = evaluate_scm(dialogues, saved(tmp_path / "p.json", [PROBE]), library, silent)
    assert report["probes"] == report["by_mode"]["single-turn"]["probes"] == 1
    assert report["given_recall"] == {"controller_on": 1.0, "controller_off": 1.0}
    assert report["token_recall"]["controller_on"] == 1.0
    assert scm_table(report).row_count == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "nothing to ask"),
        ([{"sample_id": "x"}], "sessions"),
        ([CONVERSATION | {"sessions": [{"id": 1, "date_time": "once", "turns": []}]}], "ONCE"),
        ([CONVERSATION | {"sessions": [FIRST | {"turns": []}]}], "'one' in c.json has no turns"),
        ([CONVERSATION | {"questions": []}], "have no questions"),
        ([CONVERSATION, CONVERSATION], "names 2 conversations 'one'"),
        ([CONVERSATION | {"sessions": [FIRST, FIRST | {"id": 2}]}], "names 2 turns of 'one' 'D1:1'"),
        ([CONVERSATION | {"questions": [ASKED | {"question": "x" * 4001}]}], "at most 4000"),
        ([CONVERSATION | {"questions": [ASKED | {"question": " "}]}], "question"),
        ([CONVERSATION | {"sample_id": "x" * 300}], "sample_id"),
        ({"a": 1}, "list"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path, rows: Any, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        load_conversations(saved(tmp_path / "c.json", rows))


def test_files_that_cannot_be_read(tmp_path: Path, library: Library) -> None:
    for load in (load_conversations, load_dialogues, load_probes):
        with pytest.raises(EvaluationError, match=r"missing\.json"):
            load(tmp_path / "missing.json")
    dialogues = saved(tmp_path / "d.json", [DIALOGUE])
    with pytest.raises(EvaluationError, match="other"):
        evaluate_scm(dialogues, saved(tmp_path / "p.json", [PROBE | {"id": "other"}]), library, silent)


@pytest.mark.parametrize("answer", ["...", "", "\u2026 !"])
def test_a_probe_whose_answer_has_no_words_is_refused(tmp_path: Path, answer: str) -> None:
    with pytest.raises(EvaluationError, match=r"probe 'q1' in p\.json has no words"):
        load_probes(saved(tmp_path / "p.json", [PROBE | {"answer": answer}]))


def test_two_dialogues_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="names 2 dialogues 'long'"):
        load_dialogues(saved(tmp_path / "d.json", [DIALOGUE, DIALOGUE]))


def test_a_dialogue_that_ends_with_the_user_has_no_last_answer(tmp_path: Path) -> None:
    (found,) = load_dialogues(saved(tmp_path / "d.json", [DIALOGUE | {"dialogue": ["a", "b", "c"]}]))
    assert found.exchanges() == [("a", "b"), ("c", "")]


@pytest.mark.parametrize(
    ("answer", "reference", "category", "expected"),
    [
        ("She was running home", "runs home", 4, 2 * (2 / 4) * 1 / (2 / 4 + 1)),  # stems: run, home
        ("the cello", "the cello, a marathon", 1, 0.5),  # one of two parts is met
        ("marathon, cello", "cello, marathon", 1, 1.0),
        ("yes", "yes; she likes it", 3, 1.0),
        ("yes", "yes; she likes it", 4, 2 * 1 * (1 / 4) / (1 + 1 / 4)),
        ("", "kettle", 2, 0.0),
    ],
)
def test_the_official_f1(answer: str, reference: str, category: int, expected: float) -> None:
    assert locomo_f1(answer, reference, category) == pytest.approx(expected)


def test_citations_are_no_words() -> None:
    assert without_numbers("A kettle. [1] Green [2][3]") == "A kettle. Green"
