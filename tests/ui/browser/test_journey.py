"""The first hour of somebody new: a book of 1,000 pages dropped in, asked about, its page looked at."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.bootstrap import open_library
from tests.conftest import settings_of
from tests.retrieval.loaders.samples import make_pdf
from tests.ui.browser.conftest import PATIENT, OpenPage, Server, documents_of, served

PAGES = 1_000
SECRET = 800
QUOTE = "The harbour master Ottoline Varga kept the spare key of the lighthouse under a blue flowerpot."
WORK = ("barley", "tar", "copper", "flax", "salt", "timber", "wool", "honey", "slate", "hemp", "oil")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Iterator[Server]:
    home = Path(shutil.copytree(empty_home, tmp_path_factory.mktemp("journey") / "home"))
    with served(home) as running:
        yield running


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [
        [f"On day {n} the ship took {WORK[n % 11]} and {WORK[n * 7 % 11]} aboard."] for n in range(PAGES)
    ]
    lines[SECRET - 1].append(QUOTE)
    path = tmp_path_factory.mktemp("books") / "ledger.pdf"
    path.write_bytes(make_pdf(lines, title="The Ledger"))
    return path


def upload(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(list(files))
    page.get_by_role("button", name=re.compile(r"^Add \d+ files?")).click(timeout=PATIENT)


def running(home: Path) -> list[str]:
    """The files that are being added just now."""
    library = open_library(settings_of(home))
    try:
        tasks = [task for record, _ in library.job_list(["add"]) for task in library.job_tasks(record.id)]
        return [Path(task.name).name for task in tasks if task.kind == "add" and task.state == "running"]
    finally:
        library.close()


def test_a_thousand_pages_are_added_asked_and_shown(
    server: Server, open_page: OpenPage, book: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing that anybody could read")
    tab = open_page(f"{server.url}/library")
    page = tab.page
    expect(page.get_by_text("There is no document yet")).to_be_visible(timeout=PATIENT)
    upload(page, book, broken)

    # A reload in the middle of it loses nothing: it is a job.
    expect(page.get_by_text(re.compile(r"ledger\.pdf · (being read|being indexed)"))).to_be_visible(
        timeout=PATIENT
    )
    page.reload()
    assert running(server.home) == ["ledger.pdf"], "it was over before the page was loaded again"
    expect(page.get_by_text("ledger.pdf").first).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text("broken.pdf").first).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text(f"{PAGES:,} pages").first).to_be_visible(timeout=PATIENT)
    assert len(documents_of(server.home)) == 1

    page.get_by_role("link", name="Chat").click()
    question = page.get_by_test_id("stChatInputTextArea")
    question.fill("Where did the harbour master Ottoline Varga keep the spare key of the lighthouse?")
    question.press("Enter")
    cited = page.locator("[class*=st-key-chat-cite] button").first
    expect(cited).to_contain_text(str(SECRET), timeout=PATIENT)
    expect(cited).to_contain_text("verified")
    cited.click()
    mark = page.locator(".st-key-chat-evidence mark")
    expect(mark).to_have_text(QUOTE, timeout=PATIENT)
    expect(mark).to_be_in_viewport(timeout=PATIENT)
    expect(page.locator(".st-key-chat-evidence")).to_contain_text(str(SECRET))

    page.get_by_role("link", name="Open in the document").click()
    expect(page.locator(".clew-passage mark").first).to_have_text(QUOTE, timeout=PATIENT)
    expect(page.get_by_label(re.compile("^Page"))).to_have_value(str(SECRET), timeout=PATIENT)
    assert tab.strangers(server.url) == []
    assert tab.errors == []
    uploads = server.home / "uploads"
    assert [each.name for each in uploads.rglob("*.pdf")] == ["broken.pdf"]
