"""The model that reads passages: which one is taken, what it answers, what is said if it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app import bootstrap, doctor
from app.doctor import examine
from app.library import Library
from app.warming import warm_up
from reader.errors import SpanReaderError
from tests.conftest import ForOneHome, Ran, settings_of

OKE = "Who was the bell-founder who cast the Old Stone of Vannock?"


@pytest.fixture
def embedded(own_novella_home: Path, open_home: ForOneHome) -> Library:
    """The novella, asked with the model that ships."""
    return open_home(own_novella_home, span_reader="embedded")


def test_embedded_reader_answers_in_a_few_words_with_the_sentence(embedded: Library) -> None:
    answer = embedded.ask(OKE, route="search")
    assert "Barnaby Oke" in answer.text
    assert len(answer.text.split()) < 8
    assert "Barnaby Oke" in answer.citations[0].quote
    text = embedded.store.load(embedded.documents()[0].key).text
    span = answer.citations[0].origin.span
    assert text[span.start : span.end] == answer.citations[0].quote
    assert 0 < answer.confidence <= 1


def test_a_number_is_not_cut(embedded: Library) -> None:
    answer = embedded.ask("How many pieces of brass did Set No. 31 hold in its pearwood box?", route="search")
    assert "twenty-two" in answer.text


def test_a_mistyped_name_is_read_as_the_one_that_is_there(embedded: Library) -> None:
    answer = embedded.ask("Who was the bell-founder who cast the Old Stone of Vanock?", route="search")
    assert "Barnaby Oke" in answer.text
    assert "“Vanock” read as “Vannock”" in answer.notes
    other = embedded.ask("Who was the bell-founder who cast the Old Stone of Tarsk?", route="search")
    assert other.abstained
    assert "Tarsk" in other.text


def test_a_mistyped_name_is_read_so_for_the_whole_too(embedded: Library) -> None:
    answer = embedded.ask("What part does the Old Stone of Vanock play in the whole book?", route="whole")
    assert not answer.abstained
    assert "“Vanock” read as “Vannock”" in answer.notes
    other = embedded.ask("What part does the Old Stone of Tarsk play in the whole book?", route="whole")
    assert other.abstained
    assert "Tarsk" in other.text


def test_a_name_of_another_document_is_not_mistyped(embedded: Library, tmp_path: Path) -> None:
    question = "Who was the bell-founder who cast the Old Stone of Vanock?"
    (tmp_path / "other.txt").write_text("The town of Vanock has a bell of its own.", encoding="utf-8")
    (novella,) = embedded.documents()
    assert [each.error for each in embedded.add([tmp_path / "other.txt"])] == [None]
    answer = embedded.ask(question, [novella.id], route="search")
    assert answer.abstained
    assert "Vanock" in answer.text


def test_it_is_loaded_once_and_by_nobody_who_does_not_ask(
    embedded: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = bootstrap.EmbeddedSpanReader.load

    def counted(*arguments: object) -> object:
        loads.append("loaded")
        return load(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bootstrap.EmbeddedSpanReader, "load", counted)
    embedded.documents()
    assert loads == []
    warm_up(embedded)
    embedded.ask(OKE, route="search")
    assert loads == ["loaded"]


def test_model_that_is_not_there_is_one_sentence(
    own_novella_home: Path, open_home: ForOneHome, clew: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = open_home(own_novella_home, span_reader="someone/absent-reader")
    with pytest.raises(SpanReaderError, match="absent-reader"):
        library.ask(OKE)
    monkeypatch.setenv("CLEW_SPAN_READER", "someone/absent-reader")
    ran = clew("--home", own_novella_home, "ask", OKE)
    assert ran.code == 1
    assert "absent-reader" in ran.err
    assert "Traceback" not in ran.err


def test_weights_that_are_away_are_one_sentence(
    embedded: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "WEIGHTS", tmp_path / "nowhere")
    with pytest.raises(SpanReaderError, match="nowhere"):
        embedded.ask(OKE)


@pytest.mark.parametrize(
    ("setting", "state", "told"),
    [("embedded", "ok", "embedded@"), ("off", "ok", "off"), ("someone/absent", "problem", "someone/absent")],
)
def test_doctor_says_what_reads(
    own_novella_home: Path,
    open_home: ForOneHome,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    state: str,
    told: str,
) -> None:
    def opener(settings: object) -> Library:
        return open_home(**settings.model_dump(exclude={"device"}))  # type: ignore[attr-defined]

    monkeypatch.setattr(doctor, "open_library", opener)
    checks = {check.name: check for check in examine(settings_of(own_novella_home, span_reader=setting))}
    assert checks["span reader"].state == state
    assert told in checks["span reader"].detail
