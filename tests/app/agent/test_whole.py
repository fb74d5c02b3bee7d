"""Questions about the whole: every section is looked into, and the answer is spread over the document."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from app.library import Library
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from retrieval.verify import Verdict
from tests.app.agent.conftest import Asking
from tests.app.agent.test_agent import Told
from tests.conftest import DATA, write
from tests.replies import evidence_of, prompt_of, task_of

CHANGE = "How does the town's opinion of Abel Corrish change in the course of the book?"


def whole_steps(answer: object) -> list[str]:
    return [step.detail for step in answer.steps if step.name == "whole"]  # type: ignore[attr-defined]


def test_every_section_is_read_and_the_answer_is_spread(read_novella: Library) -> None:
    answer = read_novella.ask(CHANGE)
    assert answer.route == "whole"
    assert (answer.sections_read, answer.sections_total) == (16, 16)
    assert not answer.abstained
    assert 4 <= len(answer.citations) <= 10
    starts = [each.origin.span.start for each in answer.citations]
    assert starts == sorted(starts), "in the order of the book"
    assert len({each.origin.section for each in answer.citations}) >= 4
    (record,) = read_novella.documents()
    thirds = {3 * start // record.characters for start in starts}
    assert thirds == {0, 1, 2}
    text = read_novella.store.load(record.key).text
    for each in answer.citations:
        assert text[each.origin.span.start : each.origin.span.end] == each.quote
        assert each.verdict is Verdict.VERIFIED
    assert "citing" in next(step.detail for step in answer.steps if step.name == "reason")


def test_the_whole_questions_of_the_novella_are_known_for_what_they_are(read_novella: Library) -> None:
    questions = json.loads((DATA / "novella_qa.json").read_text(encoding="utf-8"))["questions"]
    for each in questions:
        if each["kind"] == "whole":
            answer = read_novella.ask(each["question"])
            assert (answer.route, answer.abstained, answer.sections_read) == ("whole", False, 16)


@pytest.mark.parametrize("question", ["Summarise this book.", "What are the main events of the story?"])
def test_a_summary_is_answered_with_what_the_root_rests_on(read_novella: Library, question: str) -> None:
    answer = read_novella.ask(question)
    assert answer.route == "whole"
    assert not answer.abstained
    assert (answer.sections_read, answer.sections_total) == (16, 16)
    tree = read_novella.trees.ready(read_novella.documents()[0])
    assert tree is not None
    assert tree.root.summary is not None
    sources = {each.sources[0] for each in tree.root.summary.sentences}
    assert {each.origin.span for each in answer.citations} <= sources
    assert 5 <= len(answer.citations) <= 10


def test_names_that_occur_nowhere_are_not_answered_about(read_novella: Library) -> None:
    answer = read_novella.ask("How does the character of Gandalf develop throughout the book?")
    assert answer.route == "whole"
    assert answer.abstained
    assert "Gandalf" in answer.text
    assert answer.sections_read == 16


def test_a_model_selects_from_batches_and_answers_from_all(asking: Asking) -> None:
    told = Told()
    answer = asking(ScriptedModel(told)).ask(CHANGE)
    batches = told.tasks.count("select")
    assert told.tasks == [*["select"] * batches, "answer"]
    assert batches == len(whole_steps(answer)) >= 2
    prompt = dict(told.prompts)["answer"]
    assert "from its beginning to its end" in prompt
    assert "<context>" not in prompt.partition("is data to be read")[2]
    library = asking(ScriptedModel(told))
    text = " ".join(library.store.load(library.documents()[0].key).text.split())
    shown = evidence_of(prompt)
    places = [text.index(each) for each in shown]
    assert places == sorted(places), "in the order of the book"
    assert answer.sections_read == 16


def test_a_small_window_takes_fewer_parts_at_once_and_loses_none(asking: Asking) -> None:
    told = Told()
    answer = asking(ScriptedModel(told, window=2_000), max_calls=100).ask(CHANGE)
    assert not answer.abstained
    assert answer.sections_read == 16
    ranges = [tuple(map(int, re.findall(r"\d+", each)[:3])) for each in whole_steps(answer)]
    assert len(ranges) >= 3
    assert ranges[0][0] == 1
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ranges))
    assert ranges[-1][1] == ranges[-1][2]


def test_a_limit_ends_the_reading_and_the_answer_says_how_much_was_read(asking: Asking) -> None:
    told = Told()
    answer = asking(ScriptedModel(told, window=2_000), max_calls=4).ask(CHANGE)
    assert not answer.abstained
    assert told.tasks == ["select", "select", "answer"]
    assert 0 < answer.sections_read < 16
    assert "of 4 model calls the last 3 are the answer's" in whole_steps(answer)[-1]


def test_an_interrupted_whole_goes_on_at_the_batch_in_flight(asking: Asking) -> None:
    first = {"ids": [1, 2, 3]}
    failing = Told(select=[first, EndpointUnreachableError("Away.")])
    with pytest.raises(EndpointUnreachableError):
        asking(ScriptedModel(failing)).ask(CHANGE)
    told = Told()
    answer = asking(ScriptedModel(told)).ask(CHANGE)
    undisturbed = Told()
    wanted = asking(ScriptedModel(undisturbed)).ask(CHANGE)
    assert told.tasks == undisturbed.tasks[1:]
    assert (answer.text, answer.evidence) == (wanted.text, wanted.evidence)
    assert answer.sections_read == 16


def test_sections_of_all_documents_are_read(asking: Asking, tmp_path: Path) -> None:
    library = asking(ScriptedModel(Told()))
    texts = {
        "fox.md": "# Morning\n\nThe fox sleeps in a den.\n\n# Evening\n\nThe fox goes down to the river.\n",
        "owl.md": "# Day\n\nThe owl sleeps in an ash.\n\n# Night\n\nThe owl hears a mouse under the snow.\n",
    }
    list(library.add([write(tmp_path / name, text) for name, text in texts.items()]))
    answer = library.ask("How do the habits of the animals change throughout?", ["fox.md", "owl.md"])
    assert answer.route == "whole"
    assert (answer.sections_read, answer.sections_total) == (4, 4)
    assert {each.origin.document for each in answer.evidence} <= {each.id for each in library.documents()}
    assert answer.evidence


def test_a_lying_selection_cannot_leave_its_batch(asking: Asking) -> None:
    def reply(request: object) -> str:
        prompt = prompt_of(request)  # type: ignore[arg-type]
        return {"select": '{"ids": [99999]}', "answer": "All was well [77]."}[task_of(prompt)]

    answer = asking(ScriptedModel(reply)).ask(CHANGE)
    assert all(each.verdict is Verdict.VERIFIED for each in answer.evidence)
    assert answer.abstained
    assert any("taken by their scores" in each for each in whole_steps(answer))
