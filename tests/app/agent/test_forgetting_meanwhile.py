"""Something is forgotten while a question is being answered that knows it: nothing writes it back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from filelock import FileLock

from app.errors import ForgettingError
from app.events import Event
from app.forgetting import Forgetting, finish_forgetting
from app.library import Library
from memory.cleaning import to_clean
from memory.errors import ForgottenMeanwhileError
from reader.chat import Request
from reader.models.scripted import ScriptedModel
from tests.app.agent.conftest import Asking
from tests.app.agent.test_agent import Told
from tests.replies import prompt_of, task_of

CODE = "GOLDEN72"
TOLD = f"Remember that my wine cellar key is under the {CODE} gnome."
QUESTION = "Where is my wine cellar key, and who met Dorothea?"
REPLY = f"It is under the {CODE} gnome. [1]"
WAIT = 60.0


class Held(Told):
    """Holds its breath in one task, where it has been told the secret, and gives it away then."""

    def __init__(self, task: str) -> None:
        super().__init__(distil=[{"facts": []}])
        self.task, self.reached, self.go_on = task, threading.Event(), threading.Event()

    def __call__(self, request: Request) -> str | Exception:
        prompt = prompt_of(request)
        if task_of(prompt) != self.task or CODE not in prompt:
            return super().__call__(request)
        self.reached.set()
        assert self.go_on.wait(WAIT)
        return REPLY if self.task == "answer" else super().__call__(request)


def files_with_it(home: Path) -> list[str]:
    return [str(each) for each in home.rglob("*") if each.is_file() and CODE.encode() in each.read_bytes()]


class Asked(threading.Thread):
    """A question on a thread of its own."""

    def __init__(self, library: Library, thread: str | None) -> None:
        super().__init__()
        self.library, self.of, self.error = library, thread, None

    error: BaseException | None

    def run(self) -> None:
        try:
            self.library.ask(QUESTION, route="search", thread=self.of)
        except ForgottenMeanwhileError as error:
            self.error = error


@pytest.mark.parametrize(("task", "thread"), [("answer", "q"), ("answer", None), ("enough", "q")])
def test_nothing_of_it_comes_back(asking: Asking, task: str, thread: str | None) -> None:
    model = Held(task)
    library = asking(ScriptedModel(model), cached=True)
    home = library.settings.home
    library.ask(TOLD, thread="told")
    asked = Asked(library, thread)
    asked.start()
    assert model.reached.wait(WAIT)
    waits: list[Event] = []

    def progress(event: Event) -> None:
        if event.stage == "wait":
            waits.append(event)
            model.go_on.set()  # the question goes on only now, when all is forgotten in SQL

    (fact,) = library.memories().facts("all")
    report = Forgetting(library).forget_fact("me", fact.id, progress)
    asked.join(WAIT)
    assert [event.subject for event in waits] == ["a question is being answered"]
    assert str(asked.error) == "Something was forgotten while this was being answered; ask again."
    assert report.elsewhere == {}
    assert files_with_it(home) == []
    assert [each.name for each in library.threads.threads()] == ["told"]
    assert to_clean(library.engine) == []
    assert CODE not in library.ask(QUESTION, route="search", thread=thread).text
    assert files_with_it(home) == []


def test_waiting_has_an_end_which_claims_nothing(asking: Asking) -> None:
    library = asking(ScriptedModel(Told(distil=[{"facts": []}])), max_seconds=1.0)
    library.ask(TOLD, thread="told")
    (fact,) = library.memories().facts("all")
    lock = FileLock(library.settings.home / "locks" / "abc.lock")
    with lock:  # as a question holds it
        with pytest.raises(ForgettingError, match=r"^The fact .* is still being answered; .*next time\.$"):
            Forgetting(library).forget_fact("me", fact.id)
        finish_forgetting(library)
        assert len(to_clean(library.engine)) == 1, "that question may write still"
    finish_forgetting(library)
    assert to_clean(library.engine) == []
    assert files_with_it(library.settings.home) == []
    assert library.memories().facts("all") == []


def test_an_interrupted_question_begins_anew_while_something_is_forgotten(asking: Asking) -> None:
    model = Told(distil=[{"facts": []}], answer=[OSError("away"), REPLY])
    library = asking(ScriptedModel(model))
    library.ask(TOLD, thread="told")
    with pytest.raises(OSError, match="away"):
        library.ask(QUESTION, route="search", thread="q")
    (fact,) = library.memories().facts("all")
    with FileLock(library.settings.home / "locks" / "abc.lock"):
        forgetting = threading.Thread(target=Forgetting(library).forget_fact, args=("me", fact.id))
        forgetting.start()
        while not to_clean(library.engine):
            pass
        model.prompts.clear()
        library.ask(QUESTION, route="search", thread="q")
    forgetting.join(WAIT)
    assert "select" in model.tasks, "from the start"
    assert not any(CODE in prompt for _, prompt in model.prompts)
