"""Passages read together with the question: their order, short answers, asking again, when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from app.agent import reranking
from app.agent.reranking import DEPTH, FIRST, ReadChunk, chunk_score, reranked
from app.library import Library
from reader.extractive import Calibration, ExtractiveReader
from reader.short_answers import SURE
from reader.spans.calibration import SIGNALS, SpanCalibration
from retrieval.document import Span
from retrieval.hits import Hits
from retrieval.reranking import Reading
from tests.conftest import ForOneHome
from tests.span_readers import LIKELY, ListedSpanReader

INN = "Who kept the inn called the Three Pans?"
FOUND = "In what had Ebb been found as a baby?"
BELL = "Who was the bell-founder who cast the Old Stone of Vannock?"
CERTAIN_OF_MARGIN = SpanCalibration(
    intercept=0.0, coefficients=dict.fromkeys(SIGNALS, 0.0) | {"score": 1.0}, threshold=0.5
)


@dataclass(frozen=True)
class Extractive:
    """Makes the extractive reader with numbers of our own: it answers from a margin above 0 on."""

    spans: SpanCalibration | None = CERTAIN_OF_MARGIN
    key: str = "extractive"
    at_once: int = 2

    def __call__(self, run: object) -> ExtractiveReader:
        return ExtractiveReader(Calibration.load(), spans=self.spans)

    def for_job(self, what: str, progress: object) -> ExtractiveReader:
        return self(None)

    def close(self) -> None:
        pass


def with_readers(
    library: Library, phrases: Mapping[str, Sequence[str]], margins: Mapping[str, float] | None = None
) -> tuple[Library, ListedSpanReader]:
    listed = ListedSpanReader(phrases, margins or {})
    backends = replace(library.backends, span_reader=lambda: listed, reader=Extractive())
    return Library(library.settings, library.engine, backends), listed


def read(chunk: int, rank: int, score: float) -> ReadChunk:
    return ReadChunk(chunk, 1, Span(0, 10), rank, Reading(0.0, 0.0, ()), score)


def test_read_ones_come_first_in_their_order_and_scores_fall() -> None:
    hits = Hits(np.array([7, 8, 9, 10], np.int64), np.array([0.9, 0.8, 0.7, 0.6], np.float32))
    found = reranked(hits, [read(9, 3, 2.0), read(7, 1, -1.0)])
    assert found.ids.tolist() == [9, 7, 8, 10]
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert reranked(hits, []) is hits


def test_score_by_reading_and_rank() -> None:
    likely, unlikely = Reading(3.0, 3.0, ()), Reading(-3.0, -3.0, ())
    assert chunk_score(likely, 1) > chunk_score(likely, 2) > chunk_score(unlikely, 2)
    assert chunk_score(replace(likely, relevance=4.0), 1) > chunk_score(likely, 1)
    assert chunk_score(replace(likely, answerable=4.0), 1) > chunk_score(likely, 1)


def test_a_few_words_with_their_sentence(novella: Library) -> None:
    library, listed = with_readers(novella, {INN: ["Mrs. Corrie"]})
    answer = library.ask(INN, route="search")
    assert answer.text == "Mrs. Corrie [1]"
    assert "Mrs. Corrie" in answer.citations[0].quote
    assert not answer.abstained
    assert answer.confidence == pytest.approx(1 / (1 + np.exp(-LIKELY)))
    text = library.store.load(library.documents()[0].key).text
    assert all("Mrs. Corrie" in text[p.span.start : p.span.end] for p in answer.passages[:1])
    assert {question for question, _ in listed.asked} == {INN}


def test_what_is_unsure_says_so(novella: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library, _ = with_readers(novella, {INN: ["Mrs. Corrie"]}, {"Mrs. Corrie": -1.0})
    lenient = CERTAIN_OF_MARGIN.model_copy(update={"threshold": 0.1})
    library = Library(library.settings, library.engine, replace(library.backends, reader=Extractive(lenient)))
    answer = library.ask(INN, route="search")
    assert answer.text == "Mrs. Corrie [1]"
    assert answer.notes == ("unsure, right with a probability of 27%",)
    sure, _ = with_readers(novella, {INN: ["Mrs. Corrie"]})
    assert sure.ask(INN, route="search").notes == ()
    # Of another model's scores nothing is known: what is told is that the evidence answers.
    other = Library(sure.settings, sure.engine, replace(sure.backends, reader=Extractive(None)))
    monkeypatch.setattr("reader.extractive.SURE", 1.0)
    answer = other.ask(INN, route="search")
    assert (answer.text, answer.notes) == ("Mrs. Corrie [1]", ())


def test_silence_where_reading_finds_nothing(novella: Library) -> None:
    library, _ = with_readers(novella, {})
    answer = library.ask(INN, route="search")
    assert answer.abstained
    assert not answer.citations


def test_yes_or_no_gets_the_sentence_and_no_claim(novella: Library) -> None:
    question = "Was the inn called the Three Pans kept by Mrs. Corrie?"
    library, _ = with_readers(novella, {question: ["Mrs. Corrie"]})
    answer = library.ask(question, route="search")
    assert not answer.abstained
    assert answer.text != "Mrs. Corrie [1]"
    for each in answer.citations:
        assert " ".join(each.quote.split()) in answer.text


def test_each_part_of_a_question_gets_its_answer(novella: Library) -> None:
    library, _ = with_readers(novella, {INN: ["Mrs. Corrie"], FOUND: ["herring basket"]})
    answer = library.ask(f"{INN} {FOUND}", route="search")
    assert answer.text == "Mrs. Corrie [1]; herring basket [2]"
    assert len(answer.citations) == 2


def test_part_without_an_answer_is_left_out(novella: Library) -> None:
    library, _ = with_readers(novella, {FOUND: ["herring basket"]})
    assert library.ask(f"{INN} {FOUND}", route="search").text == "herring basket [1]"


def test_follow_up_is_not_answered_with_what_was_asked_before(novella: Library) -> None:
    again = "And in what had she been found as a baby?"
    library, _ = with_readers(novella, {INN: ["Mrs. Corrie"], again: ["herring basket"]})
    assert library.ask(INN, thread="t", route="search").text == "Mrs. Corrie [1]"
    assert library.ask(again, thread="t", route="search").text == "herring basket [1]"


def test_described_question_is_asked_again_with_what_was_found(
    novella: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reader.short_answers.SURE", SURE + 100)
    again = f"{BELL} Barnaby Oke"
    # The first is found at some rank; the second is surer than that.
    library, listed = with_readers(
        novella, {BELL: ["Barnaby Oke"], again: ["Skerrow"]}, {"Skerrow": LIKELY + 20}
    )
    answer = library.ask(BELL, route="search")
    assert [question for question, _ in listed.asked][-1] == again
    assert any("looking for" in step.detail for step in answer.steps if step.name == "enough")
    assert answer.text == "Skerrow [1]"


def test_what_was_found_is_no_answer_to_the_second_question(
    novella: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reader.short_answers.SURE", SURE + 100)
    library, _ = with_readers(novella, {BELL: ["Barnaby Oke"], f"{BELL} Barnaby Oke": ["Barnaby Oke"]})
    assert library.ask(BELL, route="search").text == "Barnaby Oke [1]"


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ('"Grey Heron', '"Grey Heron"'),
        ('called the "Grey', 'called the "Grey'),
        ('"Grey', "Grey"),
        ('"', None),
    ],
)
def test_an_answer_has_both_halves_of_its_quotation_marks_or_none(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path, read: str, expected: str | None
) -> None:
    library = open_home(own_novella_home)
    (tmp_path / "ferry.txt").write_text(
        'For forty years the boatman Pask of Orlo rowed a ferry called the "Grey Heron" over the river.',
        encoding="utf-8",
    )
    assert [each.error for each in library.add([tmp_path / "ferry.txt"])] == [None]
    question = "How was the ferry of the boatman Pask of Orlo called?"
    asked, _ = with_readers(library, {question: [read]})
    found = asked.ask(question, route="search").text
    if expected is None:
        assert "[1]" in found  # the sentence, since a quotation mark is no answer
        assert "Grey Heron" in found
    else:
        assert found == f"{expected} [1]"


def test_no_more_is_read_once_an_answer_is_certain(novella: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for certain, least in ((1e9, DEPTH), (LIKELY, FIRST)):
        monkeypatch.setattr(reranking, "CERTAIN", certain)
        library, listed = with_readers(novella, {INN: ["Mrs. Corrie"]})
        library.ask(INN, route="search")
        assert sum(len(texts) for _, texts in listed.asked) == least


def test_off_leaves_the_order_of_the_search(own_novella_home: Path, open_home: ForOneHome) -> None:
    library = open_home(own_novella_home, span_reader="off")
    assert library.backends.span_reader() is None
    answer = library.ask(INN, route="search")
    assert "Mrs. Corrie" in answer.text
    assert len(answer.text) > 60  # sentences, not a few words
