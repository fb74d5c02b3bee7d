"""The library and the page of a document, in a browser: files are added, read, searched and removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.bootstrap import open_library
from tests.conftest import settings_of
from tests.ui.browser.conftest import PATIENT, OpenPage, Server, documents_of, served, settle, until

ODD = "<img src=x onerror=alert(1)> ![x](http:) .md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, novella_home: Path) -> Iterator[Server]:
    home = Path(shutil.copytree(novella_home, tmp_path_factory.mktemp("library") / "home"))
    with served(home) as running:
        yield running


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(name)).first.click(timeout=PATIENT)


def test_files_of_any_name_are_added_put_together_and_removed(
    server: Server, open_page: OpenPage, tmp_path: Path
) -> None:
    files = []
    for number, (name, text) in enumerate(
        [
            ("notes.txt", "The lantern of the harbour is green."),
            ("notes.txt", "The kettle of the inn is copper."),
            (ODD, "# Odd\n\nThe weathercock is a herring."),
            ("program.pdf", "MZ\x00\x01\x02"),
            ("dropped.txt", "It is taken out again before anything is added."),
        ]
    ):
        files.append(tmp_path / str(number) / name)
        files[-1].parent.mkdir()
        files[-1].write_text(text)
    tab = open_page(f"{server.url}/library")
    page = tab.page
    page.get_by_text("Add documents").click(timeout=PATIENT)
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_role("button", name="Add 5 files")).to_be_visible(timeout=PATIENT)
    incoming = server.home / "uploads" / "incoming"
    assert len([path for path in incoming.rglob("*") if path.is_file()]) == 5
    page.get_by_test_id("stFileChipDeleteBtn").last.locator("button").click()
    button(page, "Add 4 files")

    # What is no document says why, and the others are added, each as itself.
    expect(page.get_by_text("Added last: 1 failed")).to_be_visible(timeout=PATIENT)
    page.get_by_text("Added last: 1 failed").click()
    expect(page.get_by_text("looks like a Windows program").first).to_be_visible()
    expect(page.get_by_text("4 of 4 documents")).to_be_visible(timeout=PATIENT)
    for title in ("Notes", "Notes (2)", "Odd"):
        expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    assert [path for path in incoming.rglob("*") if path.is_file()] == []
    kept = [path.name for path in (server.home / "uploads").rglob("*") if path.is_file()]
    assert kept == ["program.pdf"]

    collections(page)
    button(page, "Choose none")  # ticks are kept whatever is searched for
    expect(page.get_by_role("button", name="Choose all on this page")).to_be_visible(timeout=PATIENT)
    page.get_by_label("Search titles and file names").fill("notes")
    page.get_by_label("Search titles and file names").press("Enter")
    expect(page.get_by_text("2 of 4 documents")).to_be_visible(timeout=PATIENT)
    button(page, "Choose all on this page")
    button(page, r"Remove \(2\)")
    expect(page.get_by_text("What goes for good")).to_be_visible(timeout=PATIENT)
    button(page, "Yes, remove")
    expect(page.get_by_text("0 of 2 documents")).to_be_visible(timeout=PATIENT)
    assert len(documents_of(server.home)) == 2
    assert tab.strangers(server.url) == []
    assert tab.errors == []


def collections(page: Page) -> None:
    """Put all documents into a collection, take them out of it, and remove it."""
    page.get_by_text("Collections", exact=True).click()
    page.get_by_label("Name of a new collection").fill("Of *the* sea")
    button(page, "Create")
    expect(page.get_by_role("button", name="Remove this collection")).to_be_visible(timeout=PATIENT)
    button(page, "Choose all on this page")
    button(page, r"Put in \(4\)")
    expect(page.get_by_text("In Of *the* sea").first).to_be_visible(timeout=PATIENT)
    page.get_by_role("combobox", name="Show").click()
    page.get_by_role("option", name="Of *the* sea").click()
    expect(page.get_by_text("4 of 4 documents")).to_be_visible(timeout=PATIENT)
    button(page, "Take 4 out of")
    expect(page.get_by_text("0 of 4 documents")).to_be_visible(timeout=PATIENT)
    button(page, "Remove this collection")
    button(page, "Yes, remove")
    expect(page.get_by_text("There is none yet")).to_be_visible(timeout=PATIENT)


def test_a_document_is_read_searched_and_its_tree_walked_through(server: Server, open_page: OpenPage) -> None:
    id = documents_of(server.home)[0]
    tab = open_page(f"{server.url}/document?document={id}")
    page = tab.page
    expect(page.get_by_role("heading", name="THE LIGHT STONE")).to_be_visible(timeout=PATIENT)

    # By the keyboard alone: a number, then the words.
    field = page.get_by_label("Part (of 25)")
    field.fill("12")
    field.press("Enter")
    page.wait_for_url(re.compile(r"at=\d{5}"))
    settle(page)
    page.get_by_role("combobox", name="Section").press("ArrowDown")
    page.get_by_role("option", name="CHAPTER III: Three Locks").click()
    expect(page.locator(".clew-passage").first).to_contain_text("CHAPTER III", timeout=PATIENT)
    page.reload()
    expect(page.locator(".clew-passage").first).to_contain_text("CHAPTER III", timeout=PATIENT)
    page.get_by_text("Find in this document").click()
    page.get_by_label("Words, as they stand in the text").fill("trefoil  BOW")
    page.get_by_label("Words, as they stand in the text").press("Enter")
    page.get_by_role("link", name=re.compile("trefoil bow")).first.click(timeout=PATIENT)
    expect(page.locator("mark").first).to_have_text(re.compile("trefoil bow", re.IGNORECASE), timeout=PATIENT)

    page.get_by_text("Summary tree", exact=True).click()
    button(page, "Build the tree")
    chart = page.get_by_test_id("stVegaLiteChart")
    expect(chart.locator(".marks")).to_be_visible(timeout=PATIENT)
    settle(page)
    box = chart.locator(".marks").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.wait_for_url(re.compile(r"node=1\.1"))
    expect(page.get_by_role("heading", name=re.compile("^CHAPTER I: "))).to_be_visible(timeout=PATIENT)
    page.get_by_role("combobox", name="Node of the tree").press("ArrowDown")
    page.get_by_role("option", name=re.compile(r"^0\.3 ")).click()
    expect(page.get_by_role("heading", name="CHAPTER III: Three Locks")).to_be_visible(timeout=PATIENT)
    page.get_by_role("link", name=re.compile("^Source, part")).first.click()
    expect(page.locator("mark").first).to_be_in_viewport(timeout=PATIENT)
    assert tab.strangers(server.url) == []
    assert tab.errors == []


def test_a_document_that_is_not_there_is_one_sentence(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/document?document=%3Cb%3Enothing&at=-1&quote=x&side=y").page
    expect(page.get_by_test_id("stAlert")).to_contain_text("<b>nothing", timeout=PATIENT)
    page.goto(f"{server.url}/document")
    expect(page.get_by_text("Choose a document in the library")).to_be_visible(timeout=PATIENT)


def test_a_question_stays_open_while_files_are_added(
    server: Server, open_page: OpenPage, tmp_path: Path
) -> None:
    file = tmp_path / "beacon.txt"
    file.write_text("The beacon of the cape is fed with fish oil.")
    page = open_page(f"{server.url}/library").page
    page.get_by_text("Add documents").click(timeout=PATIENT)
    library = open_library(settings_of(server.home))
    with library.home.adders.alone():
        page.locator("input[type=file]").set_input_files(file)
        button(page, "Add 1 files")
        expect(page.get_by_text("waiting until other documents are added").first).to_be_visible(
            timeout=PATIENT
        )
        button(page, "Choose all on this page")
        button(page, r"Remove \(\d+\)")
        expect(page.get_by_text("What goes for good")).to_be_visible(timeout=PATIENT)
    until(lambda: all(record.ended for record, _ in library.job_list()), PATIENT / 1000)
    library.close()
    # What is under way looks again each second, and twice here.
    page.wait_for_timeout(2_500)
    expect(page.get_by_text("What goes for good")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Beacon")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text("What goes for good")).to_have_count(0)
