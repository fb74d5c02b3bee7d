"""Answers as jobs: watched, stopped, asked again, gone on with by others, and seen by nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.answering import AnswerState
from app.errors import EmptyLibraryError, SettingsError
from app.library import Library
from app.models import LanguageModel
from app.working import working
from memory.answer_tasks import ANSWER
from memory.completions import CompletionStore
from memory.errors import JobStateError, UnknownDocumentError, UnknownJobError, UnknownTurnError
from memory.job_forgetting import KEPT_ANSWERS
from memory.usage import UsageStore
from reader.chat import Request
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from tests.conftest import ForOneHome
from tests.replies import prompt_of, sober, task_of
from tests.servers import serving, stall

QUESTION = "Who kept the inn called the Three Pans?"
OTHER = "Who is Dorcas Imray?"
WAIT = 60.0


def until(seen: Callable[[], Any]) -> Any:
    """What is seen, as soon as something is."""
    deadline = time.monotonic() + WAIT
    while not (found := seen()):
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.01)
    return found


def ended(library: Library, id: str) -> AnswerState:
    return until(lambda: state if (state := library.answers.state(id)).ended else None)


def with_model(
    library: Library, reply: Callable[[Request], str | Exception], cached: bool = False
) -> Library:
    """The same home, its reader asking a scripted model."""
    reader = LanguageModel(
        load=lambda: ScriptedModel(reply),
        name="scripted",
        key="scripted",
        completions=CompletionStore(library.engine, 1_000_000) if cached else None,
        usage=UsageStore(library.engine),
        reason=lambda parameters: False,
        demonstrations=0,
        at_once=4,
    )
    return Library(library.settings, library.engine, replace(library.backends, reader=reader))


class Held:
    """Answers soberly, but waits in one task until it is told to go on."""

    def __init__(self, task: str) -> None:
        self.task, self.reached, self.go_on = task, threading.Event(), threading.Event()
        self.asked: list[str] = []

    def __call__(self, request: Request) -> str | Exception:
        self.asked.append(task_of(prompt_of(request)))
        if self.asked[-1] == self.task:
            self.reached.set()
            assert self.go_on.wait(WAIT)
        return sober(request)


def test_an_answer_waits_is_made_and_is_kept(novella: Library) -> None:
    answers = novella.answers
    id = answers.ask(QUESTION, "inn")
    waiting = answers.state(id)
    assert (waiting.state, waiting.steps, waiting.answer, waiting.thread) == ("waiting", (), None, "inn")
    assert waiting.waiting
    assert answers.open("inn") == id
    assert answers.ask(QUESTION, "inn") == id, "the same question in the same thread is on its way already"
    with working(novella):
        state = ended(novella, id)
    assert (state.state, state.error, state.draft, state.waiting) == ("answered", "", "", "")
    assert answers.open("inn") is None
    (turn,) = answers.turns("inn")
    answer = state.answer
    assert answer is not None
    assert turn.answer == answer
    assert (turn.question, answer.ordinal, answer.abstained) == (QUESTION, 1, False)
    assert [step.name for step in state.steps] == [
        *("recall", "route", "retrieve", "select", "enough", "reason", "verify", "remember")
    ]
    document = novella.store.load(novella.documents()[0].key).text
    assert answer.citations
    for n, each in enumerate(answer.citations, start=1):
        assert each.n == n
        assert document[each.start : each.end] == each.quote
        assert f"{' '.join(each.quote.split())} [{n}]" in answer.text
        assert each.section.startswith("CHAPTER")
    assert answer.closest[0].document == novella.documents()[0].id
    assert answer.budget is not None
    assert answer.budget.window is None
    assert dict(answer.budget.parts)["evidence"] > 0


def test_its_steps_are_told_one_by_one_and_its_text_as_it_grows(novella: Library) -> None:
    held = Held("distil")
    library = with_model(novella, held)
    library.answers.ask("I live in Vigo. " + QUESTION, "inn")
    id = library.answers.open("inn")
    assert id is not None
    with working(library):
        assert held.reached.wait(WAIT)
        state = until(lambda: found if (found := library.answers.state(id)).draft else None)
        steps = until(lambda: found if len(found := library.answers.state(id).steps) == 7 else None)
        assert state.state == "running"
        assert state.draft.endswith("[1]")
        held.go_on.set()
        state = ended(library, id)
    assert state.answer is not None
    assert state.steps[:7] == steps
    assert state.draft == ""
    with library.engine.connect() as connection:
        stages = connection.execute(text("SELECT stage FROM job_events")).scalars().all()
    assert stages.count("step") == 8
    assert "draft" not in stages
    budget = state.answer.budget
    assert budget is not None
    assert budget.window == library.backends.reader.model(lambda event: None).window  # type: ignore[attr-defined]
    assert [name for name, _ in budget.parts][:2] == ["instructions", "evidence"]


def test_a_thread_without_a_name_is_called_by_its_question(novella: Library) -> None:
    names = [novella.answers.state(novella.answers.ask(OTHER, None)).thread for _ in range(2)]
    assert names == [OTHER, f"{OTHER} (2)"]
    long = novella.answers.state(novella.answers.ask("Why " + "so very " * 30 + "long?", None)).thread
    assert len(long) <= 60
    assert long.startswith("Why so very")


def test_what_cannot_be_asked_is_said_at_once_and_leaves_nothing(novella: Library, library: Library) -> None:
    with pytest.raises(SettingsError):
        novella.answers.ask(" ", "t")
    with pytest.raises(SettingsError):
        novella.answers.ask(QUESTION, "t", route="guess")
    with pytest.raises(UnknownDocumentError):
        novella.answers.ask(QUESTION, "t", ["Moby-Dick"])
    with pytest.raises(EmptyLibraryError):
        library.answers.ask(QUESTION, "t", incognito=True)
    with pytest.raises(UnknownTurnError):
        novella.answers.again("t")
    assert [each.kind for each in novella.jobs.store.records()] == ["add"], "of the book"
    assert novella.answers.open("t") is None


def test_nobody_else_sees_an_answer(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")
    secret = novella.answers.ask(QUESTION, "inn", incognito=True)
    other = novella.for_user("somebody else")
    for each in (id, secret):
        with pytest.raises(UnknownJobError):
            other.answers.state(each)
        with pytest.raises(UnknownJobError):
            other.answers.stop(each)
    assert other.answers.open("inn") is None
    assert other.answers.turns("inn") == []
    with working(novella):
        assert ended(novella, id).state == "answered"
    assert other.answers.turns("inn") == []


def test_stopped_before_it_was_begun(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")
    novella.answers.stop(id)
    assert novella.answers.state(id).state == "stopped"
    novella.answers.stop(id)
    assert novella.answers.open("inn") == id
    with working(novella):
        assert ended(novella, novella.answers.ask(OTHER, "inn")).state == "answered"
    assert [turn.question for turn in novella.threads.turns("inn")] == [OTHER]


@pytest.mark.parametrize("incognito", [False, True])
def test_stopped_while_it_waits_for_an_endpoint(
    own_novella_home: Path, open_home: ForOneHome, incognito: bool
) -> None:
    with serving(sober, faults=[None, stall()]) as server:
        library = open_home(own_novella_home, model="openai:fake", openai_base_url=server.base_url)
        with working(library):
            id = library.answers.ask(QUESTION, "inn", incognito=incognito)
            assert server.wait_until(lambda: len(server.requests) == 2, WAIT)
            library.answers.stop(id)
            assert library.answers.state(id).state == "stopped"
            until(lambda: not any(each.state == "running" for each in tasks(library)))
            assert library.answers.turns("inn", incognito=incognito) == []
            # Asked again it begins anew, and nothing of the first asking is gone on with.
            server.requests.clear()
            again = library.answers.again("inn", incognito=incognito)
            assert ended(library, again).state == "answered"
            assert task_of(prompt_of(server.requests[0])) == "select"
        assert [t.question for t in library.answers.turns("inn", incognito=incognito)] == [QUESTION]


def tasks(library: Library) -> list[Any]:
    store = library.jobs.store
    return [task for job in store.records() if job.kind == ANSWER for task in store.tasks(job.id)]


def test_an_error_ends_it_and_it_can_be_asked_again(novella: Library) -> None:
    away = [True]

    def reply(request: Request) -> str | Exception:
        return EndpointUnreachableError("Nobody is there.") if away[0] else sober(request)

    library = with_model(novella, reply)
    with working(library):
        away[0] = False
        assert ended(library, library.answers.ask(OTHER, "inn")).state == "answered"
        away[0] = True
        state = ended(library, id := library.answers.ask(QUESTION, "inn"))
        assert (state.state, state.error) == ("failed", "Nobody is there.")
        assert library.answers.open("inn") == id
        away[0] = False
        again = ended(library, library.answers.again("inn"))
    assert (again.state, again.question) == ("answered", QUESTION)
    assert [turn.question for turn in library.threads.turns("inn")] == [OTHER, QUESTION]
    assert library.answers.open("inn") is None


def test_asked_again_a_model_is_asked_again_and_the_turn_is_taken_back(novella: Library) -> None:
    asked: list[str] = []

    def reply(request: Request) -> str | Exception:
        asked.append(task_of(prompt_of(request)))
        return sober(request)

    library = with_model(novella, reply, cached=True)
    memories = library.memories()
    question = f"Remember that my wife is called Petra. {QUESTION}"
    with working(library):
        assert ended(library, library.answers.ask(OTHER, "inn")).state == "answered"
        assert ended(library, library.answers.ask(question, "inn")).state == "answered"
        first, known = asked.count("answer"), len(memories.facts("true"))
        assert known == 1
        assert ended(library, library.answers.again("inn")).state == "answered"
        assert asked.count("answer") == first + 1
        assert [turn.question for turn in library.threads.turns("inn")] == [OTHER, question]
        assert len(memories.facts("true")) == known
        edited = library.answers.again("inn", "Who kept the inn?")
        assert ended(library, edited).state == "answered"
    assert [turn.question for turn in library.threads.turns("inn")] == [OTHER, "Who kept the inn?"]
    assert [turn.ordinal for turn in library.answers.turns("inn")] == [1, 2]
    assert memories.facts("true") == []


def test_what_is_on_its_way_is_not_asked_again(novella: Library) -> None:
    novella.answers.ask(QUESTION, "inn")
    with pytest.raises(JobStateError):
        novella.answers.again("inn")


KILLED = """
import sys
from app.bootstrap import open_library
from app.config import load_settings
from app.working import working
from pathlib import Path
library = open_library(load_settings(home=Path(sys.argv[1]), device="cpu", model="openai:fake"))
with working(library):
    library.answers.ask(sys.argv[2], "inn")
    sys.stdin.read()
"""


def test_killed_in_the_middle_another_worker_goes_on(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    with serving(sober, faults=[None, None, stall()]) as server:
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        environment["CLEW_SPAN_READER"] = "off"
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(own_novella_home), QUESTION],
            env=environment | {"OPENAI_BASE_URL": server.base_url, "CLEW_CACHE_MEGABYTES": "0"},
            stdin=subprocess.PIPE,
            cwd=tmp_path,
        ) as process:
            assert server.wait_until(lambda: len(server.requests) == 3, 120)
            process.send_signal(signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
        settings = {"model": "openai:fake", "openai_base_url": server.base_url, "cache_megabytes": 0}
        library = open_home(own_novella_home, **settings)
        id = library.answers.open("inn")
        assert id is not None
        server.requests.clear()
        with working(library):
            state = ended(library, id)
        told = [task_of(prompt_of(each)) for each in server.requests]
    assert state.state == "answered"
    assert told[0] == "answer", "what was done before the kill is not done again"
    assert "select" not in told
    assert len(state.steps) == 8
    assert len(library.threads.turns("inn")) == 1


def test_incognito_nothing_is_written(novella: Library) -> None:
    question = "Who is Dorcas Imray, whom my aunt Quendolyn adores?"
    with working(novella):
        id = novella.answers.ask(question, None, incognito=True)
        state = ended(novella, id)
        assert state.state == "answered"
        assert state.incognito
        again = ended(novella, novella.answers.again(state.thread, incognito=True))
    assert again.state == "answered"
    (turn,) = novella.answers.turns(state.thread, incognito=True)
    assert turn.question == question
    assert turn.answer.citations == again.answer.citations  # type: ignore[union-attr]
    assert question.split()[0] in novella.answers.markdown(state.thread, incognito=True)
    assert novella.answers.turns(state.thread) == []
    home = novella.settings.home
    found = [str(path) for path in home.rglob("*") if path.is_file() and b"Quendolyn" in path.read_bytes()]
    assert found == []
    novella.answers.remove_thread(state.thread, incognito=True)
    assert novella.answers.turns(state.thread, incognito=True) == []
    with pytest.raises(UnknownJobError):
        novella.answers.state(id)


def test_a_renamed_thread_keeps_what_is_known_of_its_answers(novella: Library) -> None:
    with working(novella):
        ended(novella, novella.answers.ask(QUESTION, "inn"))
    (before,) = novella.answers.turns("inn")
    assert novella.answers.rename_thread("inn", "  the   pub ") == "the pub"
    assert novella.answers.turns("the pub") == [before]
    assert before.answer.steps
    assert novella.answers.turns("inn") == []
    novella.answers.ask(OTHER, "the pub")
    with pytest.raises(JobStateError, match="stop it first"):
        novella.answers.rename_thread("the pub", "inn")


def test_a_removed_thread_takes_what_is_on_its_way_with_it(novella: Library) -> None:
    with working(novella):
        ended(novella, novella.answers.ask(QUESTION, "inn"))
    id = novella.answers.ask(OTHER, "inn")
    novella.answers.remove_thread("inn")
    assert novella.answers.open("inn") is None
    assert novella.threads.turns("inn") == []
    with pytest.raises(UnknownJobError):
        novella.answers.state(id)


def test_only_the_newest_answers_are_kept_and_other_jobs_are_not_pushed_out(novella: Library) -> None:
    store = novella.jobs.store
    kept = store.create("add", "Add a book", {"paths": []}, [], owner="me")[0]
    ids = [novella.answers.ask(f"Who is number {n}?", "many") for n in range(KEPT_ANSWERS + 5)]
    for each in ids:
        novella.answers.stop(each)
    novella.answers.ask(QUESTION, "many")
    records = store.records()
    assert kept.id in {each.id for each in records}
    assert len([each for each in records if each.kind == ANSWER and each.ended]) == KEPT_ANSWERS
    with pytest.raises(UnknownJobError):
        novella.answers.state(ids[0])
    assert novella.answers.state(ids[-1]).state == "stopped"
