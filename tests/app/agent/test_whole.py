"""Questions about the whole: every section is looked into, and the answer is spread over the document."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.answers import Answer
from app.library import Library
from memory.tables import SummaryRow
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from retrieval.sentences import split_sentences
from retrieval.verify import Verdict
from tests.app.agent.conftest import Asking
from tests.app.agent.test_agent import Told
from tests.conftest import DATA, ForOneHome, write
from tests.replies import evidence_of, prompt_of, task_of

CHANGE = "How does the town's opinion of Abel Corrish change in the course of the book?"


def whole_steps(answer: Answer) -> list[str]:
    return [step.detail for step in answer.steps if step.name == "whole"]


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
    cited = len({each.origin.section for each in answer.citations})
    detail = next(step.detail for step in answer.steps if step.name == "reason")
    assert detail.endswith(f", draws on 16 of 16 sections, cites {cited}")
    assert len(sections_of(answer)) == 16


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


def sections_of(answer: Answer) -> set[str]:
    """Those that evidence was selected from; what stands before the first one is none."""
    return {each.origin.section for each in answer.evidence} - {""}


def draws_on(answer: Answer) -> str:
    detail = next(step.detail for step in answer.steps if step.name == "reason")
    return detail[detail.index("draws on") :]


def test_what_the_window_has_no_room_for_is_not_drawn_on(asking: Asking) -> None:
    """All sections are looked into, and the answer is made from as much of that as the prompt can hold."""
    told = Told()
    answer = asking(ScriptedModel(told, window=1_200), max_calls=200, max_tokens=2_000_000).ask(CHANGE)
    shown = evidence_of(dict(told.prompts)["answer"])
    quotes = {" ".join(each.quote.split()): each.origin.section for each in answer.evidence}
    sections = {quotes[each] for each in shown} - {""}
    assert len(sections_of(answer)) == 16
    assert answer.sections_read == len(sections) < 16
    assert draws_on(answer).startswith(f"draws on {len(sections)} of 16 sections, cites ")


def test_a_section_that_a_model_passes_over_is_drawn_on_all_the_same(asking: Asking) -> None:
    answer = asking(ScriptedModel(Told(select=[{"ids": [1]}]))).ask(CHANGE)
    assert len(sections_of(answer)) == 16
    assert answer.sections_read == 16


def test_a_model_summarises_from_every_section_and_is_asked_once(asking: Asking) -> None:
    told = Told()
    answer = asking(ScriptedModel(told)).ask("Summarise this book.")
    assert told.tasks == ["answer"]
    (record,) = asking(ScriptedModel(told)).documents()
    assert answer.sections_read == 16
    assert len(sections_of(answer)) == 16
    assert record.sections == 16


@pytest.mark.parametrize("route", ["search", "walk", "whole"])
@pytest.mark.parametrize(
    "question",
    [
        "What did the second clerk in the customs office eat for breakfast?",
        "Where was the list of the weights kept?",
    ],
)
def test_what_a_search_refuses_no_other_route_answers(
    read_novella: Library, question: str, route: str
) -> None:
    assert read_novella.ask(question, route=route).abstained


def test_a_follow_up_takes_a_route_of_its_own(own_novella_home: Path, open_home: ForOneHome) -> None:
    library = open_home(own_novella_home)
    assert library.ask("Summarise the book.", thread="tea").route == "whole"
    answer = library.ask("Where did he keep the watch?", thread="tea")
    assert answer.route == "search"
    assert "read as: Where did he keep the watch?" in answer.steps[0].detail
    assert library.ask("Why did he keep it?", thread="tea").route == "walk"


def test_a_sentence_that_was_taken_must_stand_where_it_is_said_to(
    own_novella_home: Path, open_home: ForOneHome
) -> None:
    """A place that is wrong in the database is not shown as a quote of the summary."""
    library = open_home(own_novella_home)
    assert not library.ask("Summarise this book.").abstained
    with Session(library.engine) as session, session.begin():
        for row in session.scalars(select(SummaryRow)):
            row.sentences = [shifted(each) for each in row.sentences]
    answer = open_home(own_novella_home).ask("Summarise this book.")
    dropped = [each for each in answer.evidence if each.verdict is Verdict.DROPPED]
    assert len(dropped) >= 16
    assert not {each.origin.span for each in dropped} & {each.origin.span for each in answer.citations}
    assert answer.sections_read == 16, "other sentences stand for the sections"
    text = library.store.load(library.documents()[0].key).text
    sentences = {text[span.start : span.end] for span in split_sentences(text)}
    assert {each.quote for each in answer.citations} <= sentences, "and they are whole"


def shifted(sentence: dict[str, Any]) -> dict[str, Any]:
    return sentence | {"sources": [[start + 7, end + 7] for start, end in sentence["sources"]]}
