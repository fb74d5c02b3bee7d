"""The page of summaries as Streamlit runs it: from choosing a book to reading what a worker has made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.library import Library
from app.summaries.wanted import Wanted
from app.working import working
from tests.conftest import ForOneHome
from tests.ui.drawn import words
from ui.views import summaries

Open = Callable[..., AppTest]


def draw() -> None:
    from ui.views import summaries

    summaries.show()


@pytest.fixture
def mine(own_novella_home: Path, open_home: ForOneHome) -> Library:
    return open_home(own_novella_home)


@pytest.fixture
def open_page(mine: Library, monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener_of(mine, monkeypatch)


def opener_of(mine: Library, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(summaries, "library", lambda: mine)

    def opener(**address: str) -> AppTest:
        page = AppTest.from_function(draw, default_timeout=300)
        for name, value in address.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return opener


def test_without_documents_it_says_where_to_add_them(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opener_of(library, monkeypatch)()
    assert "There is nothing to summarise yet" in words(page)
    assert "No summaries yet" in words(page)


def test_a_book_is_chosen_estimated_and_begun(mine: Library, open_page: Open) -> None:
    id = mine.documents()[0].id
    page = open_page()
    assert "Choose a document" in words(page)
    page.multiselect(key="books").set_value([id]).run()
    page.number_input(key="length").set_value(100).run()
    assert "CHAPTER II: The Bell Called Forty" in page.selectbox(key=f"section-{id}").options
    page.text_input(key="range").set_value("chapters 1 to 3").run()
    assert "Documents: 1. To be done:" in words(page)
    page.button(key="start").click().run()
    assert not page.exception
    ((job, _),) = mine.job_list(["summarize"])
    assert (job.spec["words"], job.spec["part"], job.spec["documents"]) == (100, "chapters 1 to 3", [id])
    assert "Nothing is finished yet" in words(page)
    page.button(key=f"pause-{job.id}").click().run()
    assert mine.job(job.id).state == "paused"
    page.button(key=f"resume-{job.id}").click().run()
    page.button(key=f"cancel-{job.id}").click().run()
    assert mine.job(job.id).state == "cancelled"
    assert "This job has no summaries" in words(page)


def test_a_result_is_read_and_what_failed_is_named(mine: Library, open_page: Open) -> None:
    id = mine.documents()[0].id
    job = mine.start_summaries([id], Wanted(words=80, part="chapter 2"))
    wrong = mine.start_summaries([id], Wanted(words=80, part="chapter 99"))
    with working(mine):
        for each in (job, wrong):
            for _ in mine.jobs.watch(each.id):
                pass
    page = open_page(job=job.id)
    ((_, summary),), failed = mine.summary_results(job.id)
    assert failed == []
    for sentence in summary.sentences:
        assert sentence.text.split()[0] in words(page)
    assert "words (80 asked for), by extractive" in words(page)
    assert "Draws on" in words(page)
    assert len(page.get("page_link")) >= len(summary.sentences)
    broken = open_page(job=wrong.id)
    assert "There is no chapter 99" in words(broken)


def test_a_job_that_is_not_there_is_one_sentence(open_page: Open) -> None:
    page = open_page(job="no-such-job")
    assert len(page.error) == 1
