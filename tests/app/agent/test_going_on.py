"""Interruptions at awkward moments: a turn is kept once, a scope stays, what runs is left alone."""

from __future__ import annotations

import io
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app.agent import nodes
from app.agent.lookups import interleaved
from app.agent.state import EvidenceState
from app.chat import Conversation
from app.display import Screen
from app.errors import CheckpointError
from memory.threads import ThreadStore
from reader.chat import Cancellation, Request
from reader.errors import EndpointUnreachableError, StoppedError
from reader.models.scripted import ScriptedModel
from tests.app.agent.conftest import Asking
from tests.app.agent.test_agent import GLOVE, Told, missing
from tests.conftest import write
from tests.replies import prompt_of, sober, task_of


class PulledPlugError(BaseException):
    """As if the process had ended there."""


def test_a_turn_is_kept_once_if_the_plug_is_pulled_right_after(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = ThreadStore.append

    def pulled(self: ThreadStore, name: str, turn: Any, vectors: Any = None) -> int:
        append(self, name, turn, vectors)
        raise PulledPlugError

    monkeypatch.setattr(ThreadStore, "append", pulled)
    with pytest.raises(PulledPlugError):
        asking(ScriptedModel(Told())).ask(GLOVE, thread="tea")
    monkeypatch.undo()
    told = Told()
    library = asking(ScriptedModel(told))
    answer = library.ask(GLOVE, thread="tea")
    assert told.tasks == []
    assert not answer.abstained
    assert [turn.question for turn in library.threads.turns("tea")] == [GLOVE]
    library.ask(GLOVE, thread="tea")
    assert len(library.threads.turns("tea")) == 2, "asked again after its answer, it is another turn"


def test_an_answer_that_was_not_yet_kept_is_gone_on_with(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled(self: ThreadStore, name: str, turn: Any, vectors: Any = None) -> int:
        raise PulledPlugError

    monkeypatch.setattr(ThreadStore, "append", pulled)
    with pytest.raises(PulledPlugError):
        asking(ScriptedModel(Told())).ask(GLOVE, thread="tea")
    monkeypatch.undo()
    library = asking(ScriptedModel(Told()))
    begun = library.agents.interrupted("tea")
    assert begun is not None
    assert begun.question == GLOVE
    assert not library.ask(begun.question, thread="tea").abstained
    assert len(library.threads.turns("tea")) == 1
    assert list(library.agents.checkpoints().list(None)) == []


def test_a_question_that_runs_is_not_taken_for_an_interrupted_one(
    asking: Asking, capsys: pytest.CaptureFixture[str]
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def reply(request: Request) -> str:
        if task_of(prompt_of(request)) == "answer":
            reached.set()
            assert go_on.wait(60)
        return sober(request)

    library = asking(ScriptedModel(reply))
    running = threading.Thread(target=library.ask, args=(GLOVE,), kwargs={"thread": "tea"})
    running.start()
    assert reached.wait(60)
    assert library.agents.interrupted("tea") is None
    library.agents.abandon("tea")
    cancellation = Cancellation()
    threading.Timer(0.3, cancellation.cancel).start()
    with pytest.raises(StoppedError):
        library.ask("Who is Dorcas Imray?", thread="tea", cancellation=cancellation)
    go_on.set()
    running.join()
    assert [turn.question for turn in library.threads.turns("tea")] == [GLOVE]


def test_a_chat_goes_on_within_the_scope_of_the_question(asking: Asking, tmp_path: Path) -> None:
    failing = Told(answer=[EndpointUnreachableError("Away.")])
    library = asking(ScriptedModel(failing))
    other = write(tmp_path / "wood.txt", "The fox sleeps in a den under the oak.\n")
    assert [added.status for added in library.add([other])] == ["added"]
    with pytest.raises(EndpointUnreachableError):
        library.ask(GLOVE, ["wood.txt"], thread="tea")
    told = Told()
    (answer,) = Conversation(asking(ScriptedModel(told)), Screen(), "tea").run(io.StringIO(""))
    assert told.tasks == ["answer"]
    assert answer.steps[1].detail.startswith("search over 1 document: ")
    assert {each.document for each in answer.passages} == {library.document("wood.txt").id}


def test_a_limit_while_history_is_read_ends_in_an_answer(asking: Asking) -> None:
    asking(ScriptedModel(Told())).ask(GLOVE, thread="tea")
    told = Told(needs_history=[{"needs_history": True}])
    library = asking(ScriptedModel(told), max_calls=1)
    answer = library.ask("And who is she?", thread="tea")
    assert answer.abstained
    assert "1 model call" in answer.text
    assert [turn.question for turn in library.threads.turns("tea")] == [GLOVE, "And who is she?"]


def test_as_many_rounds_as_can_be_set(asking: Asking) -> None:
    told = Told(enough=[missing(f"Who was number {n}?") for n in range(25)])
    answer = asking(ScriptedModel(told), max_rounds=20, max_calls=100, max_tokens=10_000_000).ask(GLOVE)
    assert not answer.abstained
    assert told.tasks.count("select") == 21


def test_time_is_limited_without_a_model_too(asking: Asking) -> None:
    answer = asking(ScriptedModel(Told()), max_seconds=1e-9).ask(GLOVE)
    assert answer.abstained
    assert "time limit" in answer.text


def test_examples_leave_the_last_call_to_the_answer(asking: Asking) -> None:
    example = {"question": "What was locked there?", "sentences": [1], "answer": "Nothing at all of it."}
    told = Told(demonstration=[example])
    answer = asking(ScriptedModel(told), demonstrations=3, max_calls=5).ask(GLOVE)
    assert not answer.abstained
    assert told.tasks[-1] == "answer"
    assert answer.calls == 5


def test_evidence_of_all_queries_is_mixed() -> None:
    def of(query: int, verdict: str = "verified") -> EvidenceState:
        return EvidenceState(
            document=1, start=0, end=1, score=0, relevance=0, coverage=0, verdict=verdict, query=query
        )

    assert interleaved([of(0), of(0), of(0), of(1), of(2), of(2)]) == [0, 3, 4, 1, 5, 2]
    assert interleaved([of(0, "dropped"), of(0), of(1)]) == [1, 2]
    assert interleaved([of(0), of(0)]) == [0, 1]


def test_a_document_replaced_under_a_question_is_said(asking: Asking) -> None:
    def reply(request: Request) -> str:
        return sober(request)

    library = asking(ScriptedModel(reply))
    rows = library.store
    before = nodes.passages_of

    def vanishing(query: str, context: Any) -> Any:
        found = before(query, context)
        context._sentences.clear()
        for record in rows.records():
            rows.remove(record.key)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nodes, "passages_of", vanishing)
        answer = library.ask(GLOVE)
    assert answer.abstained
    assert "changed or removed meanwhile" in answer.text


def damage(file: Path, kind: str) -> None:
    connection = sqlite3.connect(file)
    if kind == "schema":
        connection.execute("ALTER TABLE checkpoints RENAME COLUMN checkpoint TO other")
    elif kind == "row":
        connection.execute("UPDATE checkpoints SET checkpoint = x'c1c1c1'")
    elif kind == "type":
        connection.execute("UPDATE checkpoints SET type = 'something'")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    if kind == "pages":
        content = bytearray(file.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        file.write_bytes(content)


@pytest.mark.parametrize("kind", ["schema", "row", "type", "pages"])
def test_damaged_checkpoints_are_named_with_their_cure(
    asking: Asking, own_novella_home: Path, kind: str
) -> None:
    library = asking(ScriptedModel(Told(answer=[EndpointUnreachableError("Away.")])))
    with pytest.raises(EndpointUnreachableError):
        library.ask(GLOVE, thread="tea")
    library.close()
    damage(own_novella_home / "checkpoints.sqlite", kind)
    library = asking(ScriptedModel(Told()))
    with pytest.raises(CheckpointError, match="can be deleted"):
        library.ask(GLOVE, thread="tea")
    library.close()
    for file in own_novella_home.glob("checkpoints.sqlite*"):
        file.unlink()
    assert not asking(ScriptedModel(Told())).ask(GLOVE, thread="tea").abstained


def test_old_switches_for_tracing_do_not_stop_a_question(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGCHAIN_TRACING", "true")
    monkeypatch.setenv("LANGCHAIN_HANDLER", "langchain")
    assert not asking(ScriptedModel(Told())).ask(GLOVE).abstained


def test_an_error_among_many_questions_stops_the_others(asking: Asking) -> None:
    def reply(request: Request) -> str | Exception:
        if "Dorcas" in prompt_of(request).rpartition("<question>")[2]:
            return EndpointUnreachableError("Away.")
        return sober(request)

    library = asking(ScriptedModel(reply, seconds=0.2))
    library.ask("Who?")
    began = time.monotonic()
    with pytest.raises(EndpointUnreachableError):
        library.ask_many(["Who is Dorcas Imray?", *[f"{GLOVE} ({n})" for n in range(40)]])
    assert time.monotonic() - began < 20, "40 questions would take far longer"
    assert not threading.active_count() > 20


def test_names_of_threads_are_text(asking: Asking) -> None:
    library = asking(ScriptedModel(Told()))
    library.ask(GLOVE, thread="t\udcff\x00")
    assert [each.name for each in library.threads.threads()] == ["t?\ufffd"]
