"""One file of questions over the novella, unchanged on every kind of reader, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOVELLA, Ran
from tests.replies import TASKS
from tests.servers import transformers_serve
from tests.tiny_models import tiny_llama

SCENARIO = json.loads(Path(__file__).with_name("scenario.json").read_text(encoding="utf-8"))
READERS = ("extractive", "scripted", "in-process", "endpoint")
SHAPE = {
    "answer": "str",
    "abstained": "bool",
    "route": "str",
    "citations": [
        {
            "n": "int",
            "origin": "str",
            "document": "str",
            "title": "str",
            "section": "str",
            "page": "NoneType",
            "start": "int",
            "end": "int",
            "quote": "str",
            "verdict": "str",
        }
    ],
    "steps": [{"name": "str", "detail": "str", "seconds": "float"}],
    "usage": {
        "model": "str",
        "prompt_tokens": "int",
        "completion_tokens": "int",
        "tokens_read": "int",
        "seconds": "float",
    },
    "coverage": {"sections_read": "int", "sections_total": "int"},
}
STEPS = {"recall", "route", "retrieve", "select", "enough", "reason", "verify", "remember"}
SCRIPT = [
    {"expects": [TASKS["select"], "quantum radar"], "reply": {"ids": []}, "times": 0},
    {"expects": [TASKS["select"]], "reply": {"ids": [1, 2, 3]}, "times": 0},
    {"expects": [TASKS["enough"], "quantum radar"], "reply": {"enough": False, "missing": ""}, "times": 0},
    {"expects": [TASKS["enough"]], "reply": {"enough": True, "missing": ""}, "times": 0},
    {"expects": [TASKS["needs_history"]], "reply": {"needs_history": True}, "times": 0},
    {
        "expects": [TASKS["standalone"]],
        "reply": {"question": "What did Dorcas Imray do as a Sub-Inspector?"},
        "times": 0,
    },
    {
        "expects": [TASKS["parts"]],
        "reply": {"questions": ["Who kept the Three Pans?", "In what had Ebb been found as a baby?"]},
        "times": 0,
    },
    {
        "expects": [TASKS["answer"]],
        "reply": "It is told in the first piece [1], and in the second [2].",
        "times": 0,
    },
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny-llama")


@pytest.fixture(scope="module")
def base_url(tiny: Path) -> Iterator[str]:
    with transformers_serve(tiny) as base_url:
        yield base_url


def shape(value: Any) -> Any:
    """The keys and types of a JSON value; of a list, those of its items."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        found = [shape(each) for each in value]
        assert all(each == found[0] for each in found)
        return found[:1]
    return type(value).__name__


@pytest.mark.parametrize("reader", READERS)
def test_the_scenario(
    reader: str,
    request: pytest.FixtureRequest,
    clew: Callable[..., Ran],
    own_novella_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = "extractive"
    if reader == "scripted":
        (tmp_path / "script.json").write_text(json.dumps(SCRIPT), encoding="utf-8")
        model = f"scripted:{tmp_path / 'script.json'}"
    elif reader != "extractive":
        tiny = request.getfixturevalue("tiny")
        model = f"{'hf' if reader == 'in-process' else 'openai'}:{tiny}"
    if reader == "endpoint":
        monkeypatch.setenv("OPENAI_BASE_URL", request.getfixturevalue("base_url"))
        monkeypatch.setenv("CLEW_TOKENIZER", str(tiny))
        monkeypatch.setenv("CLEW_WINDOW", "4096")
    # Models with random weights ask on and on; one follow-up shows it.
    monkeypatch.setenv("CLEW_MAX_ROUNDS", "1")
    text = NOVELLA.read_text(encoding="utf-8")
    answered = 0
    for each in SCENARIO["questions"]:
        options = [part for key in ("document", "thread") if key in each for part in (f"--{key}", each[key])]
        if reader in ("in-process", "endpoint"):
            options += ["--route", "search"]  # random weights choose any route, and a walk has its trace
        ran = clew("--home", own_novella_home, "--model", model, "ask", each["question"], *options, "--json")
        assert (ran.code, ran.err) == (0, "")
        answer = json.loads(ran.out)
        found = shape(answer)
        assert found == SHAPE | {"citations": found["citations"]}
        assert found["citations"] in ([], SHAPE["citations"])
        assert {step["name"] for step in answer["steps"]} == STEPS
        assert answer["abstained"] is not bool(answer["citations"])
        assert (answer["usage"]["prompt_tokens"] > 0) is (reader != "extractive")
        for n, citation in enumerate(answer["citations"], start=1):
            assert (citation["n"], citation["origin"], citation["verdict"]) == (n, "document", "verified")
            assert text[citation["start"] : citation["end"]] == citation["quote"]
            assert f"[{n}]" in answer["answer"]
        answered += not answer["abstained"]
    assert answer["abstained"], "the last question has no answer in the novella"
    if reader in ("extractive", "scripted"):
        assert answered == len(SCENARIO["questions"]) - 1


def test_the_script_has_a_reply_for_what_is_asked() -> None:
    """A task whose prompt was reworded would go unanswered here without a word."""
    for cue in SCRIPT:
        assert any(words in TASKS.values() for words in cue["expects"])  # type: ignore[attr-defined]
