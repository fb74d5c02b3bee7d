"""Questions that are walked: what is shown, pooled, kept when interrupted, and done without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.library import Library
from app.reports import answer_json
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from tests.app.agent.conftest import Asking
from tests.app.agent.test_agent import Told
from tests.app.agent.test_kill import killed
from tests.conftest import clew_process, write
from tests.replies import prompt_of, sober, task_of
from tests.servers import serving, stall

WHY = "Why did the filled bags become heavier?"
REVERT = {"choice": "revert"}
COMMIT = {"choice": "commit"}


def options_of(prompt: str) -> list[str]:
    return re.findall(r'<summary number="\d+" of="([^"]*)" search="[^"]*">', prompt)


def shown_by(told: Told, task: str) -> list[str]:
    return [prompt for each, prompt in told.prompts if each == task]


def test_a_walk_without_a_model_pools_leaves_and_answers(read_novella: Library) -> None:
    answer = read_novella.ask(WHY, route="walk")
    names = [step.name for step in answer.steps]
    walked = names.count("walk")
    assert names == [
        *("recall", "route"),
        *["walk"] * walked,
        *("retrieve", "select", "enough", "reason", "verify", "remember"),
    ]
    assert answer.route == "walk"
    assert answer.steps[1].detail == "walk over 1 document: as asked for"
    commits = [each for each in answer.trace if each["choice"] == "commit"]
    assert 1 <= len(commits) <= 3
    for each in commits:
        inside = [p for p in answer.passages if each["start"] <= p.span.start and p.span.end <= each["end"]]
        assert inside
    (record,) = read_novella.documents()
    text = read_novella.store.load(record.key).text
    assert all(text[e.origin.span.start : e.origin.span.end] == e.quote for e in answer.citations)
    # What search alone has found is not lost.
    alone = read_novella.ask(WHY, route="search")
    for passage in alone.passages:
        assert any(
            p.span.start <= passage.span.start and passage.span.end <= p.span.end for p in answer.passages
        )


def test_the_trace_says_where_what_was_seen_and_chosen(read_novella: Library) -> None:
    answer = read_novella.ask(WHY, route="walk")
    (record,) = read_novella.documents()
    first, *others = answer.trace
    assert (first["document"], first["start"], first["title"]) == (record.id, 0, record.title)
    assert first["end"] <= record.characters
    assert len(first["options"]) > 1
    assert first["choice"] in {option["node"] for option in first["options"]}
    assert max(option["score"] for option in first["options"]) == 1.0
    assert others[0]["level"] < first["level"]
    told = [step.detail for step in answer.steps if step.name == "walk"]
    assert len(told) == len(answer.trace)
    for line, step in zip(told, answer.trace, strict=True):
        assert step["node"] in line
        assert f"characters {step['start']}-{step['end']}" in line
        assert all(option["node"] in line for option in step["options"])
    shown = answer_json(answer)
    assert shown["trace"] == list(answer.trace)
    assert "trace" not in answer_json(read_novella.ask(WHY, route="search"))
    assert [set(step) for step in shown["steps"]] == [{"name", "detail", "seconds"}] * len(shown["steps"])


def test_a_reader_that_reverts_is_led_to_another_leaf(asking: Asking) -> None:
    told = Told(leaf=[REVERT, COMMIT])
    answer = asking(ScriptedModel(told), walk_leaves=1).ask(WHY, route="walk")
    choices = [each["choice"] for each in answer.trace]
    assert choices.count("revert") == choices.count("commit") == 1
    rejected = next(each for each in answer.trace if each["choice"] == "revert")
    after = answer.trace[answer.trace.index(rejected) + 1]
    assert rejected["node"] not in {option["node"] for option in after["options"]}
    assert told.tasks[-3:] == ["select", "enough", "answer"]
    assert not answer.abstained
    # The leaf that was committed to comes first in what is selected from.
    committed = next(each for each in answer.trace if each["choice"] == "commit")
    assert committed["start"] <= answer.passages[0].span.start < committed["end"]


def test_working_memory_holds_the_path(asking: Asking) -> None:
    told = Told(leaf=[COMMIT])
    asking(ScriptedModel(told), walk_leaves=1).ask(WHY, route="walk")
    (leaf,) = shown_by(told, "leaf")
    notes = re.findall(r"\n<notes>(.*?)</notes>", leaf, re.DOTALL)[-1]
    path = notes.splitlines()
    assert path[0].startswith("THE LIGHT STONE: ")
    assert len(path) == len([each for each in told.tasks if each == "triage"])


def test_nothing_on_the_way_falls_back_to_search(asking: Asking) -> None:
    told = Told(leaf=[REVERT])
    answer = asking(ScriptedModel(told), walk_steps=6).ask(WHY, route="walk")
    assert [each["choice"] for each in answer.trace].count("commit") == 0
    last = [step.detail for step in answer.steps if step.name == "walk"][-1]
    assert "the limit of 6 steps is reached; no answer on the way, falls back to search" in last
    alone = asking(ScriptedModel(Told())).ask(WHY, route="search")
    assert answer.passages == alone.passages
    assert answer.text == alone.text


def test_three_invalid_actions_fall_back_to_search(asking: Asking) -> None:
    told = Told(triage=["I would rather not say."])
    answer = asking(ScriptedModel(told)).ask(WHY, route="walk")
    assert told.tasks.count("triage") == 4, "each of two triages was asked again once"
    last = [step.detail for step in answer.steps if step.name == "walk"][-1]
    assert "3 invalid actions; no answer on the way, falls back to search" in last
    assert not answer.abstained


def test_a_budget_that_runs_out_in_the_walk_leaves_the_answer_its_calls(asking: Asking) -> None:
    told = Told()
    answer = asking(ScriptedModel(told), max_calls=8, walk_leaves=9).ask(WHY, route="walk")
    assert told.tasks[-3:] == ["select", "enough", "answer"]
    assert answer.calls == len(told.prompts) == 8
    assert not answer.abstained
    last = [step.detail for step in answer.steps if step.name == "walk"][-1]
    assert "the limit of 8 model calls" in last
    assert "pooled" in last


def test_a_budget_without_room_for_a_walk(asking: Asking) -> None:
    told = Told()
    answer = asking(ScriptedModel(told), max_calls=3).ask(WHY, route="walk")
    assert told.tasks == ["select", "enough", "answer"], "nothing is walked, search has what it needs"
    assert not answer.abstained
    told = Told()
    answer = asking(ScriptedModel(told), max_calls=2).ask(WHY, route="walk")
    assert answer.abstained
    assert answer.text == "No answer was reached: the limit of 2 model calls for one question is reached."


def test_tokens_that_run_out_in_the_walk(asking: Asking) -> None:
    told = Told(leaf=[REVERT])
    answer = asking(ScriptedModel(told), max_tokens=16_000).ask(WHY, route="walk")
    last = [step.detail for step in answer.steps if step.name == "walk"][-1]
    assert "tokens" in last
    assert answer.text
    assert answer.prompt_tokens + answer.completion_tokens <= 16_000


def test_an_interrupted_walk_goes_on_at_the_step_in_flight(asking: Asking) -> None:
    failing = Told(leaf=[EndpointUnreachableError("Away.")])
    with pytest.raises(EndpointUnreachableError):
        asking(ScriptedModel(failing), walk_leaves=1).ask(WHY, route="walk")
    triages = failing.tasks.count("triage")
    assert triages >= 2
    told = Told()
    answer = asking(ScriptedModel(told), walk_leaves=1).ask(WHY, route="walk")
    assert told.tasks == ["leaf", "select", "enough", "answer"]
    undisturbed = asking(ScriptedModel(Told()), walk_leaves=1).ask(WHY, route="walk")
    assert [each["choice"] for each in answer.trace] == [each["choice"] for each in undisturbed.trace]
    assert answer.text == undisturbed.text
    assert answer.calls == undisturbed.calls


def test_a_walk_killed_in_the_middle_repeats_the_call_in_flight_alone(
    own_novella_home: Path, tmp_path: Path
) -> None:
    arguments = ["ask", WHY, "--route", "walk", "--json"]
    environment = {"CLEW_CACHE_MEGABYTES": "0"}
    with serving(sober) as server:
        environment["OPENAI_BASE_URL"] = server.base_url
        ran = clew_process(["--model", "openai:fake", *arguments], own_novella_home, tmp_path, environment)
        assert ran.returncode == 0, ran.stderr
        wanted = [task_of(prompt_of(body)) for body in server.requests]
    assert wanted[:2] == ["triage", "triage"]
    with serving(sober, faults=[None, None, None, stall()]) as server:
        killed(own_novella_home, tmp_path, server, arguments, lambda: len(server.requests) > 3)
        server.requests.clear()
        environment["OPENAI_BASE_URL"] = server.base_url
        ran = clew_process(["--model", "openai:fake", *arguments], own_novella_home, tmp_path, environment)
        assert ran.returncode == 0, ran.stderr
        tasks = [task_of(prompt_of(body)) for body in server.requests]
    assert tasks == wanted[3:]


def test_among_several_documents_one_is_chosen_first(asking: Asking, tmp_path: Path) -> None:
    told = Told(leaf=[COMMIT])
    library = asking(ScriptedModel(told), walk_leaves=1)
    wood = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
    assert [added.status for added in library.add([write(tmp_path / "wood.txt", wood)])] == ["added"]
    answer = library.ask("Why did the fox go down to the river?", route="walk")
    options = options_of(shown_by(told, "triage")[0])
    assert sorted(options) == ["THE LIGHT STONE", "Wood"]
    first = answer.trace[0]
    assert (first["node"], first["document"], first["title"]) == ("*", "", "all documents")
    # Sober triage takes the first.
    assert answer.trace[1]["document"] == library.document("novella.txt").id


def test_only_the_documents_named_are_walked(asking: Asking, tmp_path: Path) -> None:
    library = asking(ScriptedModel(Told()), walk_leaves=1)
    wood = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
    list(library.add([write(tmp_path / "wood.txt", wood)]))
    answer = library.ask("Why did the fox go down to the river?", ["wood.txt"], route="walk")
    assert {each["document"] for each in answer.trace} == {library.document("wood.txt").id}


def test_summaries_that_do_not_fit_are_shortened_and_it_is_said(asking: Asking) -> None:
    told = Told(leaf=[COMMIT])
    answer = asking(ScriptedModel(told, window=1_500), walk_leaves=1).ask(WHY, route="walk")
    assert not answer.abstained
    notes = [each["note"] for each in answer.trace]
    assert any("the window is full" in note for note in notes)
    details = " ".join(step.detail for step in answer.steps)
    assert "the window is full" in details


def test_a_reader_has_a_word_where_the_rules_are_not_sure(asking: Asking) -> None:
    vague = "What malady afflicted the presiding magistrate?"
    told = Told(route=[{"choice": "walk"}], leaf=[COMMIT])
    answer = asking(ScriptedModel(told), walk_leaves=1).ask(vague)
    assert told.tasks[:2] == ["route", "triage"]
    assert answer.route == "walk"
    told = Told(route=["nonsense"])
    answer = asking(ScriptedModel(told)).ask(vague)
    assert (answer.route, told.tasks) == ("search", ["route", "route", "select", "enough", "answer"])
    assert answer.steps[1].detail.startswith("search over 1 document: nothing in its wording")


def test_a_plain_question_costs_no_call_for_its_route(asking: Asking) -> None:
    told = Told()
    assert asking(ScriptedModel(told)).ask("Who kept the inn called the Three Pans?").route == "search"
    assert told.tasks == ["select", "enough", "answer"]
