from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from app.answers import Answer
from app.errors import SettingsError
from app.events import Progress
from app.library import Library
from app.warming import start_warming, warm_up
from retrieval.encoder import Encoder
from tests.conftest import write


def test_a_warm_library_has_written_nothing(novella: Library) -> None:
    warm_up(novella)
    assert novella.threads.threads() == []
    assert [each.kind for each in novella.jobs.store.records()] == ["add"]


def test_an_empty_library_gets_its_encoder(library: Library) -> None:
    warm_up(library)
    assert library.documents() == []


def test_with_a_login_it_is_warmed_with_documents_of_somebody(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = library.for_user("anna")
    list(anna.add([write(tmp_path / "fox.txt", "The fox sleeps in a den under the oak.\n")]))
    asked: list[str] = []
    really = anna.ask

    def ask(question: str, **more: Any) -> Answer:
        asked.append(question)
        return really(question, **more)

    monkeypatch.setattr(anna, "ask", ask)
    warm_up(library)
    assert len(asked) == 1
    assert anna.threads.threads() == []
    assert anna.incognito.threads() == []


def test_what_is_wrong_stands_in_the_log(
    library: Library, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(progress: Progress | None = None) -> Encoder:
        raise SettingsError("There is no such encoder.")

    monkeypatch.setattr(library, "encoder", fails)
    with caplog.at_level(logging.WARNING):
        start_warming(library).join()
    assert "There is no such encoder." in caplog.text
