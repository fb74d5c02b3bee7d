"""The agent on a scripted model: its steps, follow-ups, parts, threads, limits."""

from __future__ import annotations

import json
import time
from typing import Any, get_type_hints

import pytest

from app.agent.nodes import NODES
from app.agent.state import AgentState
from app.events import Step
from app.library import Library
from memory.usage import UsageStore
from reader.chat import Cancellation, Request
from reader.errors import EndpointUnreachableError, StoppedError
from reader.models.scripted import ScriptedModel
from retrieval.verify import Verdict
from tests.app.agent.conftest import Asking
from tests.replies import evidence_of, prompt_of, question_of, sober, task_of

GLOVE = "In what colour of thread was the forefinger of the glove darned?"
STEPS = ["recall", "route", "retrieve", "select", "enough", "reason", "verify", "remember"]


class Told:
    """A sober model that says something else where it is told to, and knows what it was asked."""

    def __init__(self, **replies: Any) -> None:
        self.replies = {task: list(each) for task, each in replies.items()}
        self.prompts: list[tuple[str, str]] = []

    def __call__(self, request: Request) -> str | Exception:
        prompt = prompt_of(request)
        task = task_of(prompt)
        self.prompts.append((task, prompt))
        left = self.replies.get(task)
        if not left:
            return sober(request)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if isinstance(reply, str | Exception) else json.dumps(reply)

    @property
    def tasks(self) -> list[str]:
        return [task for task, _ in self.prompts]


def missing(query: str) -> dict[str, Any]:
    return {"enough": False, "missing": query}


def steps(library: Library, question: str, **options: Any) -> list[str]:
    return [step.name for step in library.ask(question, **options).steps]


def test_one_lookup_takes_three_calls(asking: Asking) -> None:
    told, seen = Told(), list[Step]()
    library = asking(ScriptedModel(told))
    answer = library.ask(GLOVE, step=seen.append)
    assert [step.name for step in answer.steps] == STEPS
    assert tuple(seen) == answer.steps
    assert told.tasks == ["select", "enough", "answer"]
    assert answer.calls == 3
    assert not answer.abstained
    assert answer.text == f"{' '.join(answer.citations[0].quote.split())} [1]"
    assert answer.citations[0].verdict is Verdict.VERIFIED
    assert answer.model == "scripted"
    assert answer.confidence is None
    # A token of the scripted model is four characters of what it was shown.
    shown = sum(len(prompt) for _, prompt in told.prompts) / 4
    assert shown <= answer.prompt_tokens <= shown + 12
    recorded = UsageStore(library.engine).totals()
    assert sum(each.prompt_tokens for each in recorded) == answer.prompt_tokens
    assert {each.task for each in recorded} == {"select", "enough", "answer"}


def test_the_evidence_is_what_was_selected(asking: Asking) -> None:
    told = Told(select=[{"ids": [2, 5]}])
    answer = asking(ScriptedModel(told)).ask(GLOVE)
    prompt = dict(told.prompts)["select"]
    chosen = [line[4:] for line in prompt.splitlines() if line.startswith(("[2] ", "[5] "))]
    assert len(chosen) == 2
    assert [" ".join(each.quote.split()) for each in answer.evidence] == chosen
    assert sorted(evidence_of(dict(told.prompts)["answer"])) == sorted(chosen)


def test_what_is_missing_is_looked_up_within_bounds(asking: Asking) -> None:
    queries = ["Who kept the inn?", "Who was found in a basket?", "Who sold the iron?", "Who sang?"]
    told = Told(enough=[missing(query) for query in queries])
    answer = asking(ScriptedModel(told), max_rounds=2).ask(GLOVE)
    rounds = ["retrieve", "select", "enough"]
    assert [s.name for s in answer.steps] == ["recall", "route", *rounds * 3, "reason", "verify", "remember"]
    # The third round's question, whether it is enough, is not asked: nothing could follow from it.
    assert told.tasks == ["select", "enough", "select", "enough", "select", "answer"]
    looked_up = [question_of(prompt) for task, prompt in told.prompts if task == "select"]
    assert looked_up == [GLOVE, *queries[:2]]
    answered = dict(told.prompts)["answer"]
    assert question_of(answered) == GLOVE
    assert len(evidence_of(answered)) > 3, "evidence of all rounds"
    known = [prompt for task, prompt in told.prompts if task == "enough"][1]
    assert f"<notes>{queries[0]}</notes>" in known


def test_nothing_selected_and_nothing_to_look_for_abstains(asking: Asking) -> None:
    told = Told(select=[{"ids": []}], enough=[missing("")])
    answer = asking(ScriptedModel(told)).ask(GLOVE)
    assert (answer.abstained, answer.citations, answer.evidence) == (True, (), ())
    assert told.tasks == ["select", "enough"], "without evidence there is nothing to answer from"


def test_parts_are_looked_up_one_by_one_and_pooled(asking: Asking) -> None:
    question = "Who kept the Three Pans, and in what had Ebb been found as a baby?"
    parts = ["Who kept the inn called the Three Pans?", "In what had Ebb been found as a baby?"]
    told = Told(parts=[{"questions": parts}])
    answer = asking(ScriptedModel(told)).ask(question)
    assert told.tasks == ["parts", "select", "select", "enough", "answer"]
    assert [question_of(prompt) for task, prompt in told.prompts if task == "select"] == parts
    assert question_of(dict(told.prompts)["answer"]) == question
    assert len(answer.evidence) == 6
    assert "in 2 parts" in answer.steps[1].detail


def test_a_simple_question_is_not_taken_apart(asking: Asking) -> None:
    told = Told()
    asking(ScriptedModel(told)).ask(GLOVE)
    assert "parts" not in told.tasks


def test_a_thread_gives_what_a_question_refers_to(asking: Asking) -> None:
    told = Told(needs_history=[{"needs_history": True}], standalone=[{"question": "Who is Dorcas Imray?"}])
    library = asking(ScriptedModel(told))
    library.ask(GLOVE, thread="tea")
    assert told.tasks == ["select", "enough", "answer"], "the first turn has no history"
    answer = library.ask("And who is she?", thread="tea")
    assert told.tasks[3:] == ["needs_history", "standalone", "select", "enough", "answer"]
    assert GLOVE in told.prompts[3][1]
    assert question_of(told.prompts[-1][1]) == "Who is Dorcas Imray?"
    assert "Who is Dorcas Imray?" in answer.steps[0].detail
    turns = library.threads.turns("tea")
    assert [(turn.ordinal, turn.question) for turn in turns] == [(1, GLOVE), (2, "And who is she?")]
    assert turns[1].answer == answer.text
    assert library.threads.turns("coffee") == []


def test_a_thread_survives_a_restart_and_the_other_reader_reads_it(asking: Asking) -> None:
    asking(ScriptedModel(Told())).ask(GLOVE, thread="tea")
    told = Told(needs_history=[{"needs_history": False}])
    library = asking(ScriptedModel(told))
    library.ask("Who is Dorcas Imray?", thread="tea")
    assert told.tasks[0] == "needs_history"
    assert len(library.threads.turns("tea")) == 2


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_calls": 2}, "2 model calls"),
        ({"max_calls": 1}, "1 model call"),
        ({"max_tokens": 4_000}, "4,000 tokens"),
    ],
)
def test_a_limit_ends_in_an_answer_that_says_so(
    asking: Asking, settings: dict[str, int], reason: str
) -> None:
    told = Told()
    answer = asking(ScriptedModel(told), **settings).ask(GLOVE)
    assert answer.abstained
    assert reason in answer.text
    assert answer.calls == len(told.prompts) <= settings.get("max_calls", 9)
    assert [step.name for step in answer.steps][-2:] == ["verify", "remember"]


def test_the_time_limit_ends_a_call_that_runs(asking: Asking) -> None:
    answer = asking(ScriptedModel(Told(), seconds=30.0), max_seconds=0.4).ask(GLOVE)
    assert answer.abstained
    assert "time limit" in answer.text


def test_a_model_that_is_away_is_an_error_and_the_question_goes_on_from_there(asking: Asking) -> None:
    away = EndpointUnreachableError("Nobody is there.")
    first = Told(answer=[away])
    with pytest.raises(EndpointUnreachableError, match="Nobody is there"):
        asking(ScriptedModel(first)).ask(GLOVE)
    assert first.tasks == ["select", "enough", "answer"]
    again = Told()
    answer = asking(ScriptedModel(again)).ask(GLOVE)
    assert again.tasks == ["answer"], "what was done is not asked again"
    assert [step.name for step in answer.steps] == STEPS
    assert answer.calls == 3
    third = Told()
    asking(ScriptedModel(third)).ask(GLOVE)
    assert third.tasks == ["select", "enough", "answer"], "a finished question is asked anew"


def test_another_question_does_not_go_on_with_an_interrupted_one(asking: Asking) -> None:
    with pytest.raises(EndpointUnreachableError):
        asking(ScriptedModel(Told(answer=[EndpointUnreachableError("Away.")]))).ask(GLOVE)
    for options in ({}, {"documents": ["novella.txt"]}, {"thread": "tea"}):
        told = Told()
        asking(ScriptedModel(told)).ask(GLOVE if options else "Who is Dorcas Imray?", **options)
        assert told.tasks[0] == "select", options


def test_stopping_by_hand(asking: Asking) -> None:
    cancellation = Cancellation()

    def reply(request: Request) -> str:
        if task_of(prompt_of(request)) == "enough":
            cancellation.cancel()
        return sober(request)

    library = asking(ScriptedModel(reply))
    with pytest.raises(StoppedError):
        library.ask(GLOVE, thread="tea", cancellation=cancellation)
    assert library.agents.interrupted("tea").question == GLOVE  # type: ignore[union-attr]
    assert library.agents.interrupted("coffee") is None
    library.agents.abandon("tea")
    assert library.agents.interrupted("tea") is None
    assert library.threads.turns("tea") == []


def test_a_kept_reply_costs_nothing_and_says_so(asking: Asking) -> None:
    first = asking(ScriptedModel(Told(), name="one"), cached=True)
    first.backends.reader.model(lambda event: None).fingerprint = "one"  # type: ignore[attr-defined]
    assert first.ask(GLOVE).prompt_tokens > 0
    told = Told()
    second = asking(ScriptedModel(told, name="one"), cached=True)
    second.backends.reader.model(lambda event: None).fingerprint = "one"  # type: ignore[attr-defined]
    answer = second.ask(GLOVE)
    assert told.prompts == []
    assert (answer.prompt_tokens, answer.completion_tokens, answer.calls) == (0, 0, 3)
    assert "1 cached" in next(step.detail for step in answer.steps if step.name == "reason")


def test_many_questions_at_once_come_in_their_order(asking: Asking) -> None:
    library = asking(ScriptedModel(Told(), seconds=0.05))
    questions = [GLOVE, "Who is Dorcas Imray?", "Who kept the inn called the Three Pans?"] * 3
    heard: list[int] = []
    answers = library.ask_many(questions, lambda n, answer: heard.append(n))
    assert sorted(heard) == list(range(9))
    alone = [library.ask(question).text for question in questions[:3]]
    assert [answer.text for answer in answers] == alone * 3


def test_the_draft_is_shown_as_it_is_written(asking: Asking) -> None:
    drafts: list[str | None] = []
    answer = asking(ScriptedModel(Told())).ask(GLOVE, draft=drafts.append)
    assert len(drafts) > 3
    assert "".join(each or "" for each in drafts) == answer.text


def test_steps_change_only_what_the_state_has(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """LangGraph drops an unknown key without a word."""
    from app.agent import graph

    fields, updates = set(get_type_hints(AgentState)), list[tuple[str, set[str]]]()

    def watched(name: str, node: Any) -> Any:
        def run(state: AgentState, runtime: Any) -> AgentState:
            update = node(state, runtime)
            updates.append((name, set(update)))
            return update  # type: ignore[no-any-return]

        run.__annotations__ = node.__annotations__
        return run

    monkeypatch.setattr(graph, "NODES", {name: watched(name, node) for name, node in NODES.items()})
    told = Told(enough=[missing("Who kept the inn?"), {"enough": True, "missing": ""}])
    library = asking(ScriptedModel(told))
    library.ask(GLOVE, thread="tea")
    assert {name for name, _ in updates} == set(STEPS)
    for route in ("walk", "whole"):
        library.ask(GLOVE, route=route)
    assert {name for name, _ in updates} == set(NODES)
    assert [(name, keys - fields) for name, keys in updates if keys - fields] == []


def test_each_part_and_each_follow_up_has_its_share_of_the_evidence(asking: Asking) -> None:
    many = {"ids": [1, 2, 3, 4]}
    parts = ["Who kept the Three Pans?", "What was Ebb found in?", "Who is Felix Lunn?", "Who was paid?"]
    told = Told(
        parts=[{"questions": parts}], select=[many], enough=[missing("Who sang?"), missing("Who wept?")]
    )
    answer = asking(ScriptedModel(told)).ask("Who kept the Three Pans, and who is Felix Lunn?")
    assert told.tasks.count("select") == 6
    assert "at most 4 sentences" in dict(told.prompts)["select"]
    assert len(answer.evidence) > 16, "the last part and the follow-ups are heard as well"


def test_loading_a_model_takes_none_of_the_time_of_a_question(asking: Asking) -> None:
    library = asking(ScriptedModel(Told()), max_seconds=1.5)
    reader = library.backends.reader
    model = ScriptedModel(Told())

    def slowly() -> ScriptedModel:
        time.sleep(2.0)
        return model

    reader._load = slowly  # type: ignore[attr-defined]
    assert not library.ask(GLOVE).abstained
