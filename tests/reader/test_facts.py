"""Facts drafted and related: by a model that may lie, and by rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reader.chat import Request
from reader.contract import DraftedFact, Relation
from reader.errors import EndpointUnreachableError
from reader.extractive import Calibration, ExtractiveReader
from reader.fact_rules import related_by_rule
from reader.generative import GenerativeReader
from reader.models.scripted import ScriptedModel
from tests.replies import prompt_of, task_of

PAIRS: dict[str, list[dict[str, str]]] = json.loads(
    (Path(__file__).parents[1] / "memory" / "fact_pairs.json").read_text(encoding="utf-8")
)
HOME = "I live in Rome."


def reader(reply: Callable[[Request], str | Exception], window: int = 8192) -> GenerativeReader:
    model = ScriptedModel(reply, window=window)
    return GenerativeReader(lambda task: model)


def drafted(**changes: object) -> str:
    fact = {"statement": "The user lives in Rome.", "quote": "I live in Rome", "confidence": 0.9, "since": 0}
    return json.dumps({"facts": [fact | changes]})


def test_what_a_model_drafts() -> None:
    prompts: list[str] = []

    def reply(request: Request) -> str:
        prompts.append(prompt_of(request))
        return drafted(since=2019)

    found = reader(reply).distil("I live in <b>Rome</b>.")
    assert found == (DraftedFact("The user lives in Rome.", "I live in Rome", 0.9, 2019),)
    assert task_of(prompts[0]) == "distil"
    assert "I live in &lt;b&gt;Rome&lt;/b&gt;." in prompts[0]
    assert reader(lambda request: drafted()).distil(HOME)[0].since is None


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I live in Rome",
        '{"facts": [{"statement": "x"}]}',
        drafted(confidence=7),
        drafted(since="soon"),
        drafted(user="anna"),
        drafted(statement="x" * 9000),
        json.dumps({"facts": [json.loads(drafted())["facts"][0]] * 99}),
        json.dumps({"facts": None}),
    ],
)
def test_an_invalid_reply_drafts_nothing(reply: str) -> None:
    asked: list[Request] = []
    assert reader(lambda request: asked.append(request) or reply).distil(HOME) == ()  # type: ignore[func-returns-value]
    assert len(asked) == 2  # repaired once, then done without


def test_a_window_without_room_drafts_nothing() -> None:
    assert reader(lambda request: drafted(), window=600).distil("I live in Rome. " * 100) == ()


def test_a_model_that_is_away_is_an_error() -> None:
    away = reader(lambda request: EndpointUnreachableError("There is nobody."))
    with pytest.raises(EndpointUnreachableError):
        away.distil(HOME)
    with pytest.raises(EndpointUnreachableError):
        away.relate(HOME, [HOME])


def test_a_model_relates_each_in_order() -> None:
    told: list[Relation] = ["unrelated", "contradicts", "same"]
    prompts: list[str] = []

    def reply(request: Request) -> str:
        prompts.append(prompt_of(request))
        return json.dumps({"relations": told})

    known = ["I have a dog.", "I live in <Turin>.", "My home is in Rome."]
    assert reader(reply).relate(HOME, known) == tuple(told)
    assert re.findall(r'<notes n="(\d)">(.*?)</notes>', prompts[0]) == [
        ("1", "I have a dog."),
        ("2", "I live in &lt;Turin&gt;."),
        ("3", "My home is in Rome."),
    ]
    assert task_of(prompts[0]) == "relate"
    assert reader(lambda request: AssertionError("nobody is asked")).relate(HOME, []) == ()


@pytest.mark.parametrize(
    "reply", ["", '{"relations": []}', '{"relations": ["same"]}', '{"relations": ["delete", "same"]}']
)
def test_where_the_model_does_not_say_the_rule_does(reply: str) -> None:
    relations = reader(lambda request: reply).relate(HOME, ["I live in Turin.", "I have a dog."])
    assert relations == ("contradicts", "unrelated")


def test_what_does_not_fit_is_related_by_rule() -> None:
    known = ["I live in Turin."] + [f"I have {n} dogs and no cat." for n in range(200)] + ["I live in Rome"]
    shown: list[int] = []

    def reply(request: Request) -> str:
        shown.append(prompt_of(request).count("<notes n="))
        return json.dumps({"relations": ["unrelated"] * shown[-1]})

    relations = reader(reply, window=2000).relate(HOME, known)
    assert len(relations) == len(known)
    assert 0 < shown[0] < len(known)
    assert (relations[0], relations[-1]) == ("unrelated", "same")


def test_without_a_model_nothing_is_drafted() -> None:
    extractive = ExtractiveReader(Calibration.load())
    assert extractive.distil(HOME) == ()
    assert extractive.relate(HOME, ["I live in Turin.", "I live in Rome"]) == ("contradicts", "same")


@pytest.mark.parametrize(
    ("new", "known", "relation"),
    [
        ("I live in Turin.", "The user lives in Rome.", "contradicts"),
        ("I've moved to Turin", "I live in Rome.", "contradicts"),
        ("I now work for the museum.", "I work at the harbour.", "contradicts"),
        ("The user's name is Tom Reed.", "My name is Ben Hale.", "contradicts"),
        ("My favourite dish is soup.", "My favourite dish is bread.", "contradicts"),
        ("I don't eat meat.", "I eat meat.", "contradicts"),
        ("I no longer play chess.", "I play chess.", "contradicts"),
        ("The user does not play chess.", "I play chess.", "contradicts"),
        ("I am 42.", "I am 41 years old.", "contradicts"),
        ("Our train is at 11:15.", "My train is at 9:40.", "contradicts"),
        ("I live in Rome, Italy.", "I live in Rome.", "unrelated"),
        ("I live in a small flat.", "I live in Rome.", "unrelated"),
        ("My dog is old.", "My dog is brown.", "unrelated"),
        ("I work at night.", "I work at the Museum of Ghent.", "unrelated"),
        ("I like tea.", "I like coffee.", "unrelated"),
        ("My brother is tall.", "My brother is called Tom.", "unrelated"),
        ("I can not swim.", "I can not dance.", "unrelated"),
        ("", "I live in Rome.", "unrelated"),
        ("I'm living in Rome now", "I am living in Rome.", "same"),
    ],
)
def test_the_rule(new: str, known: str, relation: Relation) -> None:
    assert related_by_rule(new, known) == relation


def test_the_rule_invents_no_contradiction_and_finds_most() -> None:
    for kind in ("compatible", "same"):
        for pair in PAIRS[kind]:
            assert related_by_rule(pair["new"], pair["old"]) != "contradicts", pair
            assert related_by_rule(pair["old"], pair["new"]) != "contradicts", pair
    found = [related_by_rule(pair["new"], pair["old"]) for pair in PAIRS["contradicting"]]
    assert found.count("contradicts") >= 25
    assert "same" not in found
