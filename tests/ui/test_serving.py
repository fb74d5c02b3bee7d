"""The library of a server whose settings are changed: nobody loses what is kept nowhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import ui.serving as module
from app.bootstrap import open_library
from app.config import Settings
from app.library import Library
from memory.threads import Turn
from retrieval.encoder import Encoder
from tests.conftest import with_encoder
from tests.replies import sober
from tests.servers import serving
from ui.parts.errands import errands
from ui.serving import Serving

QUESTION = "Who kept the inn called the Three Pans?"
WAIT = 60.0


class Model:
    """A language model that answers as long as the gate is open."""

    def __init__(self) -> None:
        self.gate, self.waits = threading.Event(), threading.Event()
        self.gate.set()

    def __call__(self, body: dict[str, Any]) -> str:
        self.waits.set()
        self.gate.wait(WAIT)
        return sober(body)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Library]:
    """The libraries that were closed, in their order."""
    found: list[Library] = []
    close = Library.close

    def noted(library: Library) -> None:
        found.append(library)
        close(library)

    monkeypatch.setattr(Library, "close", noted)
    return found


@pytest.fixture
def server(
    own_novella_home: Path,
    encoder: Encoder,
    model: Model,
    closed: list[Library],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Serving]:
    def opened(settings: Settings) -> Library:
        return with_encoder(open_library(settings), encoder)

    monkeypatch.setattr(module, "open_library", opened)
    monkeypatch.setattr(module, "start_warming", lambda library: None)
    with serving(model) as endpoint:
        arguments = {
            "home": own_novella_home,
            "device": "cpu",
            "model": "openai:fake",
            "openai_base_url": endpoint.base_url,
        }
        shared = Serving(arguments)
        yield shared
        model.gate.set()
        shared.close()


def ended(library: Library, id: str) -> str:
    deadline = time.monotonic() + WAIT
    while not (state := library.answers.state(id)).ended:
        assert time.monotonic() < deadline, "it was never answered"
        time.sleep(0.01)
    return state.state


def until_closed(closed: list[Library], library: Library) -> None:
    deadline = time.monotonic() + WAIT
    while library not in closed:
        assert time.monotonic() < deadline, "it was never closed"
        time.sleep(0.01)


def test_incognito_chats_of_all_users_outlive_new_settings(server: Serving, closed: list[Library]) -> None:
    before = {user: server.library(user) for user in ("ada", "ben")}
    for user, library in before.items():
        library.incognito.append(
            f"of {user}", Turn("run", QUESTION, "Dorcas Imray.", False, datetime.now(UTC), 1.0)
        )
    server.reopen()
    for user in before:
        after = server.library(user)
        assert after is not before[user]
        assert [each.name for each in after.incognito.threads()] == [f"of {user}"]


def test_an_incognito_answer_under_way_is_brought_to_its_end(
    server: Serving, model: Model, closed: list[Library]
) -> None:
    before = server.library()
    first = before.answers.ask(QUESTION, "secret", incognito=True)
    assert ended(before, first) == "answered"
    model.waits.clear()
    model.gate.clear()
    second = before.answers.ask("Who is Dorcas Imray?", "secret", incognito=True)
    assert model.waits.wait(WAIT)
    server.reopen()
    after = server.library()
    assert after is not before
    assert [each.name for each in after.incognito.threads()] == ["secret"]
    assert not after.answers.state(second).ended
    time.sleep(2 * module.LOOK)
    assert closed == []

    model.gate.set()
    assert ended(after, second) == "answered"
    assert [turn.ordinal for turn in after.answers.turns("secret", incognito=True)] == [1, 2]
    until_closed(closed, before)
    third = after.answers.ask("Who climbs the tower?", "secret", incognito=True)
    assert ended(after, third) == "answered"
    assert before.answers.state(third).state == "answered", "a page that is still open sees the same"


def test_the_library_of_an_errand_is_closed_after_it(server: Serving, closed: list[Library]) -> None:
    before, gate = server.library(), threading.Event()

    def does(progress: object) -> Any:
        gate.wait(WAIT)
        return lambda: f"{len(before.documents())}"

    assert errands().begin("ada", "something", does)
    try:
        server.reopen()
        time.sleep(2 * module.LOOK)
        assert closed == []
    finally:
        gate.set()
    until_closed(closed, before)
    errands().looked_at("ada")
