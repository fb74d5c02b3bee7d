"""What the page of summaries says, without a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from app.jobs.estimates import Estimate
from app.records import DocumentRecord, JobRecord
from app.summaries.figures import SummaryFigures
from app.summaries.report import Source
from retrieval.document import Span
from ui.parts.summary_figures import coverage_words, evenness_words, spread_words, tenth_rows
from ui.parts.summary_jobs import job_words
from ui.parts.summary_result import place_words
from ui.parts.summary_wishes import chosen_documents, estimate_words, titles_of

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
FIGURES = SummaryFigures(
    words=290,
    sections_drawn_on=12,
    sections_total=38,
    unit="section",
    stretches=(2, 0, 3, 1, 1, 0, 3, 1, 1, 1),
    evenness=0.91,
    unsupported=0,
)


def a_document(id: str, title: str) -> DocumentRecord:
    return DocumentRecord(1, id, "me", title, f"/{id}", "text/plain", "h", "r", 1, 0, (), 1, 1, NOON)


def a_job(**spec: object) -> JobRecord:
    return JobRecord(1, "j1", "me", "summarize", "t", spec, "running", "", 0, None, NOON, NOON, None)


def test_coverage_and_evenness_in_words() -> None:
    assert coverage_words(FIGURES) == "Draws on 12 of 38 sections (32%)."
    tenths = replace(FIGURES, unit="tenth", sections_drawn_on=7, sections_total=10)
    assert coverage_words(tenths) == "Draws on 7 of 10 tenths of the text (70%)."
    assert evenness_words(FIGURES) == "Spread evenly over the text (evenness 0.91 of 1)."
    assert "fairly evenly" in evenness_words(replace(FIGURES, evenness=0.7))
    assert "few places" in evenness_words(replace(FIGURES, evenness=0.69))
    assert evenness_words(replace(FIGURES, evenness=None)) == ""


def test_the_chart_in_words_and_in_rows() -> None:
    told = "Most rest on tenth 3, 7 of the text (3 sentences). None on tenth 2, 6."
    assert spread_words(FIGURES.stretches) == told
    assert spread_words((0,) * 10) == "No sentence rests on a place in the text."
    rows = tenth_rows(FIGURES.stretches)
    assert rows[0] == {"place": 0, "tenth": "0–10 %", "sentences": 2}
    assert rows[9] == {"place": 9, "tenth": "90–100 %", "sentences": 1}


def test_places_by_page_by_section_and_by_character() -> None:
    source = Source(Span(1200, 1230), 12, "Part I / The [Sea]", "x")
    assert place_words(source) == "p. 12"
    assert place_words(replace(source, page=None)) == r"The \[Sea\]"
    assert place_words(replace(source, page=None, section="")) == "character 1,200"


def test_documents_of_the_same_title_are_told_apart() -> None:
    records = [a_document("a1", "The Sea"), a_document("b2", "The\nSea"), a_document("c3", "Land")]
    assert titles_of(records) == {"a1": "The Sea (a1)", "b2": "The Sea (b2)", "c3": "Land"}
    assert len(titles_of([a_document("d4", "x" * 300)])["d4"]) == 80


def test_a_document_of_several_collections_is_summarised_once() -> None:
    assert chosen_documents(["a"], [("b", "a"), ("b", "c")]) == ["a", "b", "c"]


def test_what_it_will_take() -> None:
    unknown = Estimate(units=12, weight=1.0, tokens=20_000, minutes=None, unmeasured=("x",))
    assert "12 tasks, 20,000 tokens read, time not measured here yet" in estimate_words(2, unknown)
    known = Estimate(units=1, weight=1.0, tokens=None, minutes=3.0)
    assert "1 tasks, " in estimate_words(1, known)
    assert "3" in estimate_words(1, known)


def test_a_job_by_what_it_summarises() -> None:
    one = job_words(a_job(names=["a*b"], method="scm", words=200, part="up to page 3"))
    assert one == r"a\*b · up to page 3 · 200 words · Blocks, then merged"
    assert job_words(a_job(names=["a", "b"], method="hierarchical", words=300)).startswith("2 documents")
