"""Answers that are stopped, deleted, killed or asked again while they are made: what is in their threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from app.answering import Told, answered, asked_from
from app.events import Event, Step, silent
from app.library import Library
from app.working import working
from memory.answer_tasks import ANSWER
from memory.answering import Answering
from memory.errors import (
    JobStateError,
    ThreadNameError,
    UnknownDocumentError,
    UnknownJobError,
    UnknownThreadError,
)
from reader.chat import Cancellation, Request
from reader.errors import StoppedError
from tests.app.test_answer_jobs import OTHER, QUESTION, WAIT, Held, ended, until, with_model
from tests.replies import prompt_of, sober


class KilledError(Exception):
    """In place of a signal."""


def at_step(name: str, do: Callable[[], object]) -> Callable[[Step], None]:
    """Does something when a step is done."""

    def hear(step: Step) -> None:
        if step.name == name:
            do()

    return hear


@pytest.mark.parametrize("incognito", [False, True])
@pytest.mark.parametrize("step", ["recall", "retrieve", "reason", "verify"])
def test_one_that_is_stopped_goes_no_step_further(novella: Library, step: str, incognito: bool) -> None:
    cancellation, steps = Cancellation(), list[str]()

    def hear(done: Step) -> None:
        steps.append(done.name)
        if done.name == step:
            cancellation.cancel()

    with pytest.raises(StoppedError):
        novella.ask(QUESTION, thread="inn", step=hear, cancellation=cancellation, incognito=incognito)
    assert steps[-1] == step
    assert (novella.incognito if incognito else novella.threads).threads() == []


def test_one_whose_job_is_stopped_elsewhere_is_not_kept(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")
    stop = at_step("verify", lambda: novella.jobs.store.cancel(id))
    with pytest.raises(StoppedError):
        novella.ask(QUESTION, thread="inn", step=stop, answering=Answering(id))
    assert novella.threads.threads() == []
    assert novella.answers.open("inn") == id


@pytest.mark.parametrize("incognito", [False, True])
def test_one_that_is_stopped_at_the_last_moment_is_not_kept(novella: Library, incognito: bool) -> None:
    stopped = list[bool]()
    stop = at_step("verify", lambda: stopped.append(True))
    with pytest.raises(StoppedError):
        novella.ask(
            QUESTION,
            thread="inn",
            step=stop,
            incognito=incognito,
            answering=Answering(stopped=lambda: bool(stopped)),
        )
    assert (novella.incognito if incognito else novella.threads).threads() == []


def test_one_that_is_stopped_when_its_turn_is_there_is_answered(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")
    done = answered(novella, asked_from(novella.jobs.store.get(id).spec), Told(silent, Cancellation()), id)[0]
    novella.answers.stop(id)
    state = novella.answers.state(id)
    assert (state.state, novella.answers.open("inn")) == ("answered", None)
    assert state.answer is not None
    assert (state.answer.text, state.answer.ordinal) == (done.text, 1)
    assert [each.quote for each in state.answer.citations] == [each.quote for each in done.citations]


def test_a_thread_that_is_deleted_meanwhile_does_not_come_back(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")

    def hear(event: Event) -> None:
        if event.stage == "step" and '"verify"' in event.subject:
            novella.answers.remove_thread("inn")

    with pytest.raises(StoppedError):
        answered(novella, asked_from(novella.jobs.store.get(id).spec), Told(hear, Cancellation()), id)
    assert novella.threads.threads() == []
    with pytest.raises(UnknownJobError):
        novella.answers.state(id)


@pytest.mark.parametrize("incognito", [False, True])
def test_deleting_a_thread_stops_what_is_being_answered_in_it(novella: Library, incognito: bool) -> None:
    held = Held("answer")
    library = with_model(novella, held)
    with working(library):
        library.answers.ask(QUESTION, "inn", incognito=incognito)
        assert held.reached.wait(WAIT)
        library.answers.remove_thread("inn", incognito)
        held.go_on.set()
        assert ended(library, library.answers.ask(OTHER, "inn", incognito=incognito)).state == "answered"
    turns = (library.incognito if incognito else library.threads).turns("inn")
    assert [turn.question for turn in turns] == [OTHER]


def test_killed_before_its_end_was_stored_it_is_one_turn(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")
    done = answered(novella, asked_from(novella.jobs.store.get(id).spec), Told(silent, Cancellation()), id)[0]
    with working(novella):
        state = ended(novella, id)
    (turn,) = novella.answers.turns("inn")
    assert state.answer is not None
    assert state.answer.text == turn.answer.text == done.text
    assert (state.state, state.answer.ordinal) == ("answered", 1)
    assert state.answer.citations


def test_killed_before_its_last_step_was_stored_it_goes_on_there(novella: Library) -> None:
    id = novella.answers.ask(QUESTION, "inn")

    def hear(event: Event) -> None:
        if event.stage == "step" and '"remember"' in event.subject:
            raise KilledError

    with pytest.raises(KilledError):
        answered(novella, asked_from(novella.jobs.store.get(id).spec), Told(hear, Cancellation()), id)
    assert len(novella.threads.turns("inn")) == 1
    with working(novella):
        state = ended(novella, id)
    assert len(novella.threads.turns("inn")) == 1
    assert [step.name for step in state.steps].count("remember") == 1
    assert len(state.steps) == 8


def test_killed_and_begun_anew_in_another_library_it_is_one_turn(novella: Library) -> None:
    """The library has changed in between: what was begun is not gone on with."""
    id = novella.answers.ask(QUESTION, "inn")
    asked = asked_from(novella.jobs.store.get(id).spec)
    answered(novella, asked, Told(silent, Cancellation()), id)
    novella.ask(QUESTION, thread="inn", answering=Answering(id))
    assert len(novella.threads.turns("inn")) == 1


@pytest.mark.parametrize("incognito", [False, True])
def test_asked_again_the_old_answer_stays_until_there_is_a_new_one(novella: Library, incognito: bool) -> None:
    answers = novella.answers
    with working(novella):
        ended(novella, answers.ask(QUESTION, "inn", incognito=incognito))
    threads = novella.incognito if incognito else novella.threads
    (old,) = threads.turns("inn")
    held = Held("answer")
    library = with_model(novella, held)
    library.incognito = novella.incognito
    again = library.answers.again("inn", incognito=incognito)
    with working(library):
        assert held.reached.wait(WAIT)
        assert threads.turns("inn") == [old]
        assert library.answers.state(again).replaces == (1, old.run)
        library.answers.stop(again)
        held.go_on.set()
        assert ended(library, again).state == "stopped"
        assert threads.turns("inn") == [old]
        assert library.answers.open("inn", incognito) == again
        new = ended(library, library.answers.again("inn", incognito=incognito))
    assert new.state == "answered"
    (turn,) = threads.turns("inn")
    assert (turn.run != old.run, turn.ordinal, turn.question) == (True, 1, QUESTION)
    assert len(library.answers.turns("inn", incognito)) == 1


def test_asked_again_the_old_answer_stays_if_the_new_one_fails(novella: Library) -> None:
    with working(novella):
        ended(novella, novella.answers.ask(QUESTION, "inn"))
    old = novella.threads.turns("inn")
    library = with_model(novella, lambda request: StoppedError("It broke."))
    with working(library):
        assert ended(library, library.answers.again("inn")).state == "failed"
    assert library.threads.turns("inn") == old


def test_asked_again_it_is_as_if_the_old_turn_had_not_been_said(novella: Library) -> None:
    prompts = list[str]()

    def reply(request: Request) -> str:
        prompts.append(prompt_of(request))
        reply = sober(request)
        assert isinstance(reply, str)
        return reply

    library = with_model(novella, reply)
    told = "Please remember that my locker code is 4711-ZEBRA."
    with working(library):
        ended(library, library.answers.ask(told, "inn"))
        (before,) = library.memories().facts("true")
        prompts.clear()
        ended(library, library.answers.again("inn", "What is my locker code?"))
        assert not any("ZEBRA" in prompt for prompt in prompts)
    assert [turn.question for turn in library.threads.turns("inn")] == ["What is my locker code?"]
    assert library.memories().facts("all") == []
    assert "ZEBRA" in before.text


def test_asked_again_without_its_document_it_is_not_asked_of_all(novella: Library, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("The lighthouse of Skerrow was painted green by Anselm Grote.")
    (added,) = novella.add([other])
    assert added.record is not None
    id = added.record.id
    with working(novella):
        ended(novella, novella.answers.ask(QUESTION, "inn", [id]))
    novella.remove(id)
    with pytest.raises(UnknownDocumentError, match="removed"):
        novella.answers.again("inn")
    assert len(novella.threads.turns("inn")) == 1


@pytest.mark.parametrize("as_job", [False, True])
def test_asked_again_without_its_job_it_is_asked_as_before(novella: Library, as_job: bool) -> None:
    (id,) = [each.id for each in novella.documents()]
    if as_job:
        with working(novella):
            ended(novella, novella.answers.ask(QUESTION, "inn", [id], route="search"))
        with novella.engine.begin() as connection:
            connection.execute(text("DELETE FROM jobs"))
    else:
        novella.ask(QUESTION, [id], route="search", thread="inn")
    state = novella.answers.state(novella.answers.again("inn"))
    assert (state.documents, state.route, state.no_spoilers) == ((id,), "search", False)


@pytest.mark.parametrize("incognito", [False, True])
def test_a_thread_of_nothing_but_a_stopped_question_is_renamed(novella: Library, incognito: bool) -> None:
    answers = novella.answers
    id = answers.ask(QUESTION, "inn", incognito=incognito)
    if not incognito:
        with pytest.raises(JobStateError, match="stop it first"):
            answers.rename_thread("inn", "pub")
    answers.stop(id)
    assert answers.rename_thread("inn", "pub", incognito) == "pub"
    assert (answers.open("inn", incognito), answers.open("pub", incognito)) == (None, id)
    assert answers.state(id).thread == "pub"
    with pytest.raises(UnknownThreadError):
        answers.rename_thread("inn", "bar", incognito)
    with working(novella):
        ended(novella, answers.ask(OTHER, "taken", incognito=incognito))
    with pytest.raises(ThreadNameError):
        answers.rename_thread("pub", "taken", incognito)
    assert answers.open("pub", incognito) == id


def test_a_renaming_that_fails_changes_nothing(novella: Library) -> None:
    with working(novella):
        ended(novella, novella.answers.ask(QUESTION, "inn"))
    (before,) = novella.answers.turns("inn")
    waiting = novella.answers.ask(OTHER, "pub")
    for name in ("pub", "x" * 300):
        with pytest.raises(ThreadNameError):
            novella.answers.rename_thread("inn", name)
    assert novella.answers.turns("inn") == [before]
    assert novella.answers.open("pub") == waiting


def test_of_the_questions_of_a_thread_only_the_first_is_taken(novella: Library) -> None:
    first, second = (novella.answers.ask(question, "inn") for question in (QUESTION, OTHER))
    another = novella.answers.ask(QUESTION, "pub")
    theirs = novella.for_user("somebody else")
    theirs.add([Path(novella.documents()[0].path)])
    foreign = theirs.answers.ask(QUESTION, "inn")
    taken = novella.jobs.queue.claim("worker", {ANSWER: 9}, 9)
    assert [task.job for task in taken] == [first, another, foreign]
    assert novella.jobs.queue.claim("other worker", {ANSWER: 9}, 9) == []
    novella.answers.stop(first)
    (next_one,) = novella.jobs.queue.claim("worker", {ANSWER: 9}, 9)
    assert next_one.job == second


def test_incognito_a_question_that_waits_for_its_thread_keeps_nobody_waiting(novella: Library) -> None:
    held = Held("answer")
    library = with_model(novella, held)
    answers = library.answers
    ids = [answers.ask(question, "inn", incognito=True) for question in (QUESTION, OTHER)]
    ids.append(answers.ask(QUESTION, "pub", incognito=True))
    assert held.reached.wait(WAIT)
    until(lambda: [answers.state(id).state for id in ids] == ["running", "waiting", "running"])
    held.go_on.set()
    assert [ended(library, id).state for id in ids] == ["answered"] * 3
    assert [turn.question for turn in library.incognito.turns("inn")] == [QUESTION, OTHER]
