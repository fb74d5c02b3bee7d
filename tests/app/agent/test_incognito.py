"""What is asked incognito leaves the home as it was, byte for byte of what was said."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

from app.agent.incognito import ProcessLocks
from app.chat import Conversation
from app.display import Screen
from app.events import silent
from reader.chat import Cancellation
from reader.models.scripted import ScriptedModel
from tests.app.agent.conftest import Asking
from tests.app.agent.test_agent import Told
from tests.app.test_forgetting import occurrences
from tests.memory.samples import counts

QUESTION = "Who kept the inn called the Three Pans?"


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


def test_a_question_leaves_no_row_no_file_and_none_of_its_words(asking: Asking) -> None:
    library = asking(ScriptedModel(Told()), cached=True)
    home = library.settings.home
    library.indexes()
    library.engine.dispose()  # so that its journal is in the file
    before, there = counts(library.engine), files(home)
    answer = library.ask(QUESTION, route="search", thread="hush hush", incognito=True)
    assert not answer.abstained
    assert answer.calls > 0
    assert counts(library.engine) == before
    assert {each for each in files(home) - there if not each.startswith("clew.sqlite")} == set()
    assert occurrences(home, QUESTION, answer.text, "hush hush") == {}
    assert [turn.question for turn in library.incognito.turns("hush hush")] == [QUESTION]
    assert library.threads.turns("hush hush") == []


def test_replies_that_were_kept_are_not_used_either(asking: Asking) -> None:
    told = Told()
    library = asking(ScriptedModel(told), cached=True)
    library.ask(QUESTION, route="search")
    asked = len(told.tasks)
    library.ask(QUESTION, route="search", incognito=True)
    assert len(told.tasks) == 2 * asked, "that a reply was found would tell that it was asked before"


def test_a_conversation_knows_its_own_turns_and_nothing_else(asking: Asking) -> None:
    told = Told()
    library = asking(ScriptedModel(told))
    library.ask(QUESTION, route="search", thread="tea")
    before = counts(library.engine)
    screen = Screen()
    chat = Conversation(library, screen, "tea", quiet=True, incognito=True)
    answers = chat.run(io.StringIO("Who is Dorcas Imray?\nWhere did she live?\n"))
    assert len(answers) == 2
    assert chat.failed == 0
    details = {step.name: step.detail for step in answers[0].steps}
    assert details["recall"].startswith("0 turns"), "the thread that is kept under the same name is another"
    assert [turn.question for turn in library.incognito.turns("tea")] == [
        "Who is Dorcas Imray?",
        "Where did she live?",
    ]
    assert counts(library.engine) == before
    assert Conversation(library, screen, "tea", quiet=True)._threads is library.threads


def test_the_command_line_knows_it(own_novella_home: Path, clew: Any) -> None:
    before = occurrences(own_novella_home, QUESTION)
    ran = clew("--home", own_novella_home, "ask", QUESTION, "--thread", "t", "--incognito", "--json")
    assert ran.code == 0, ran.err
    assert '"answer"' in ran.out
    assert occurrences(own_novella_home, QUESTION) == before == {}


def test_locks_within_a_process_let_one_in_at_a_time() -> None:
    locks, order = ProcessLocks(), list[str]()
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with locks.waiting("tea", silent, Cancellation()):
            order.append("second")

    with locks.waiting("tea", silent, Cancellation()), locks.trying("tea") as free:
        assert not free
        waiting = threading.Thread(target=second)
        waiting.start()
        assert entered.wait(10)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    with locks.trying("tea") as free:
        assert free
