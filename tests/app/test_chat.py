"""`clew chat`: a conversation that is kept, errors that do not end it, and what a person sees."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.chat import Conversation
from app.display import Screen
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from tests.app.agent.conftest import Asking
from tests.app.agent.conftest import asking as asking
from tests.conftest import Ran
from tests.replies import prompt_of, sober, task_of

WHO = "Who is Dorcas Imray?"
INN = "Who kept the inn called the Three Pans?"


def say(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_conversation_is_kept(
    clew: Callable[..., Ran], own_novella_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, WHO, "", INN)
    ran = clew("--home", own_novella_home, "chat", "--thread", "tea")
    assert ran.code == 0
    assert ran.out.count("verified") >= 2
    assert "Thread 'tea'" in ran.err
    say(monkeypatch, "/history", "/help", "/quit", INN)
    ran = clew("--home", own_novella_home, "chat", "--thread", "tea")
    assert (ran.code, ran.out) == (0, "")
    assert "2 turns so far" in ran.err
    assert ran.err.index(WHO) < ran.err.index(INN)
    assert "Ctrl-C" in ran.err


def test_json_is_one_document(
    clew: Callable[..., Ran], own_novella_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, WHO, INN)
    ran = clew("--home", own_novella_home, "chat", "--document", "novella.txt", "--json")
    report = json.loads(ran.out)
    assert set(report) == {"thread", "turns"}
    assert report["thread"].startswith("chat 2")
    assert [turn["route"] for turn in report["turns"]] == ["search", "search"]


def test_ask_continues_the_same_thread(clew: Callable[..., Ran], own_novella_home: Path) -> None:
    clew("--home", own_novella_home, "ask", INN, "--thread", "tea")
    ran = clew("--home", own_novella_home, "ask", "And who is she?", "--thread", "tea", "--json")
    recall = json.loads(ran.out)["steps"][0]
    assert recall["name"] == "recall"
    assert "Three Pans" in recall["detail"]


def test_an_error_does_not_end_the_conversation(asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    failing = [True]

    def reply(request: object) -> str | Exception:
        if failing and task_of(prompt_of(request)) == "answer":  # type: ignore[arg-type]
            failing.clear()
            return EndpointUnreachableError("Nobody is there.")
        return sober(request)  # type: ignore[arg-type]

    library = asking(ScriptedModel(reply))
    answers = Conversation(library, Screen(), "tea").run(io.StringIO(f"{WHO}\n{INN}\n"))
    assert len(answers) == 1
    assert "Nobody is there." in capsys.readouterr().err
    assert [turn.question for turn in library.threads.turns("tea")] == [INN]
    assert library.agents.interrupted("tea") is None


def test_ctrl_c_stops_an_answer_and_not_the_conversation(
    asking: Asking, capsys: pytest.CaptureFixture[str]
) -> None:
    pressed = [False]

    def reply(request: object) -> str:
        if not pressed[0] and task_of(prompt_of(request)) == "enough":  # type: ignore[arg-type]
            pressed[0] = True
            raise KeyboardInterrupt
        return sober(request)  # type: ignore[arg-type]

    library = asking(ScriptedModel(reply))
    answers = Conversation(library, Screen(), "tea").run(io.StringIO(f"{WHO}\n{INN}\n"))
    assert [len(answers), library.agents.interrupted("tea")] == [1, None]
    assert "Stopped." in capsys.readouterr().err


def test_hostile_turns_are_shown_as_text(asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    library = asking(ScriptedModel(sober))
    library.ask("[red]Who\x1b[31m is Dorcas Imray?[/red]", thread="tea")
    Conversation(library, Screen(), "tea").run(io.StringIO("/history\n"))
    shown = capsys.readouterr().err
    assert "[red]Who" in shown
    assert "\x1b[31m" not in shown


def test_a_conversation_without_an_answer_is_a_failure(
    clew: Callable[..., Ran], own_novella_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, "x" * 21_000)
    ran = clew("--home", own_novella_home, "chat")
    assert (ran.code, ran.out) == (1, "")
    assert "21,000 characters" in ran.err
    monkeypatch.setattr("sys.stdin", None)
    assert clew("--home", own_novella_home, "chat").code == 0


def test_memory_is_seen_and_changed_from_within(
    clew: Callable[..., Ran], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(
        monkeypatch,
        "/remember My desk is 4B.",
        "/memory",
        "/memory desk",
        "/memory zeppelins",
        "/forget",
        "/forget x",
    )
    ran = clew("--home", home, "--user", "ada", "chat", "--thread", "tea")
    assert ran.err.count("My desk is 4B.  (since") == 3, "added, listed and found"
    assert "No such facts are kept." in ran.err
    assert "Which one?" in ran.err
    assert "There is no memory 'x'" in ran.err
    (fact,) = json.loads(clew("--home", home, "--user", "ada", "memory", "list", "--json").out)["facts"]
    say(monkeypatch, f"/forget {fact['id']}", "/memory")
    ran = clew("--home", home, "--user", "ada", "chat", "--thread", "tea")
    assert "none is left" in ran.err
    assert "No such facts are kept." in ran.err


def test_incognito_neither_shows_nor_changes_memory(
    clew: Callable[..., Ran], own_novella_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clew("--home", own_novella_home, "memory", "add", "My desk is 4B.")
    say(monkeypatch, "/memory", "/remember My cat is Miso.")
    ran = clew("--home", own_novella_home, "chat", "--incognito")
    assert ran.err.count("incognito") >= 2
    assert "4B" not in ran.err
    assert len(json.loads(clew("--home", own_novella_home, "memory", "list", "--json").out)["facts"]) == 1
