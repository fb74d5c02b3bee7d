"""Memory corrected and forgotten, a book summarised and taken along, a model chosen: in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from memory.database import open_database
from memory.facts import FactStore
from tests.conftest import settings_of
from tests.servers import serving
from tests.ui.browser.conftest import PATIENT, OpenPage, Server, served, settle

KEY = "sk-test-7f3a9c"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, novella_home: Path) -> Iterator[Server]:
    home = Path(shutil.copytree(novella_home, tmp_path_factory.mktemp("pages") / "home"))
    with served(home) as running:
        yield running


def opened(open_page: OpenPage, server: Server, path: str, title: str, **options: object) -> Page:
    page: Page = open_page(f"{server.url}/{path}", **options).page
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=PATIENT)
    return page


def remember(page: Page, text: str) -> None:
    page.get_by_label("Write down a fact").fill(text)
    page.get_by_role("button", name="Remember").click()
    expect(page.get_by_text(f"Remembered: {text}")).to_be_visible(timeout=PATIENT)


def facts_of(home: Path) -> list[str]:
    engine = open_database(settings_of(home).url)
    try:
        return [fact.text for fact in FactStore(engine).facts()]
    finally:
        engine.dispose()


def test_a_memory_is_corrected_and_forgotten(server: Server, open_page: OpenPage) -> None:
    page = opened(open_page, server, "memories", "Memory")
    expect(page.get_by_text("No facts are kept yet.")).to_be_visible(timeout=PATIENT)
    remember(page, "My desk is 4B in the north wing.")
    remember(page, "My parrot is called Zebulon.")

    card = page.locator("[class*=st-key-fact-]", has_text="My desk is 4B")
    card.get_by_role("button", name="Correct").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What is true from now on").fill("My desk is 7C in the south wing.")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Corrected.")).to_be_visible(timeout=PATIENT)
    expect(page.locator("[class*=st-key-fact-]")).to_have_count(2, timeout=PATIENT)
    page.get_by_text("Closed and waiting ones too").click()
    closed = page.locator("[class*=st-key-fact-]", has_text="Replaced by: My desk is 7C")
    expect(closed).to_contain_text("My desk is 4B", timeout=PATIENT)
    page.reload()  # what is looked for stands in the address
    expect(closed).to_be_visible(timeout=PATIENT)

    page.locator("[class*=st-key-fact-]", has_text="Zebulon").get_by_role("button", name="Forget").click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
    expect(page.get_by_text("None is left.")).to_be_visible(timeout=PATIENT)
    expect(page.locator("[class*=st-key-fact-]", has_text="Zebulon")).to_have_count(0)
    assert facts_of(server.home) == ["My desk is 4B in the north wing.", "My desk is 7C in the south wing."]
    page.get_by_role("button", name="OK", exact=True).click()

    settle(page)
    page.get_by_label("Search").fill("parrot")
    page.get_by_label("Search").press("Enter")
    expect(page.get_by_text("Nothing that is remembered fits.")).to_be_visible(timeout=PATIENT)


def test_what_is_exported_is_imported_and_a_broken_file_adds_nothing(
    server: Server, open_page: OpenPage, tmp_path: Path
) -> None:
    page = opened(open_page, server, "memories", "Memory")
    remember(page, "My sister lives in Lyon.")
    before = facts_of(server.home)
    page.get_by_role("radio", name="Export, import").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export", exact=True).click()
    exported = Path(download.value.path()).read_text(encoding="utf-8")
    assert "My sister lives in Lyon." in exported

    broken = tmp_path / "broken.jsonl"
    broken.write_text(exported + '{"kind": "fact"}\n', encoding="utf-8")
    good = tmp_path / "good.jsonl"
    good.write_text(exported, encoding="utf-8")
    for file, told in ((broken, "cannot be imported"), (good, "There already:")):
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name=f"Import {file.name}").click(timeout=PATIENT)
        expect(page.get_by_text(told)).to_be_visible(timeout=PATIENT)
        page.get_by_role("button", name="OK", exact=True).click()
        expect(page.get_by_text(told)).to_have_count(0, timeout=PATIENT)
    assert facts_of(server.home) == before


def test_hostile_words_are_only_words(server: Server, open_page: OpenPage) -> None:
    tab = open_page(f"{server.url}/memories")
    page = tab.page
    hostile = "My boat is ![x](http://192.0.2.7/x.png) <img src=x onerror=alert(1)> [a](javascript:alert(2))."
    page.get_by_label("Write down a fact").fill(hostile, timeout=PATIENT)
    page.get_by_role("button", name="Remember").click()
    expect(page.locator("[class*=st-key-fact-]", has_text="onerror=alert(1)")).to_be_visible(timeout=PATIENT)
    assert page.locator("a[href*=javascript], [class*=st-key-fact-] img").count() == 0
    page.get_by_role("radio", name="Conversations").click()
    expect(page.locator("[class*=st-key-turn-]", has_text="onerror=alert(1)")).to_be_visible(timeout=PATIENT)
    assert page.locator("[class*=st-key-turn-] img").count() == 0
    assert tab.strangers(server.url) == []


def test_a_book_is_summarised_and_taken_along(server: Server, open_page: OpenPage) -> None:
    page = opened(open_page, server, "summaries", "Summaries")
    page.get_by_label("Documents").click()
    page.get_by_role("option", name="THE LIGHT STONE").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("To be done:")).to_be_visible(timeout=PATIENT)
    page.get_by_role("button", name="Summarise").click()
    expect(page.get_by_role("heading", name="Result")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_role("heading", name="THE LIGHT STONE")).to_be_visible(timeout=2 * PATIENT)
    expect(page.get_by_text("Draws on")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="THE LIGHT STONE")).to_be_visible(timeout=PATIENT)

    with page.expect_download() as download:
        page.get_by_role("button", name=".zip").click()
    with zipfile.ZipFile(BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert archive.namelist() == ["novella.md", "novella.json"]
        summary = json.loads(archive.read("novella.json"))
        assert "/" not in summary["document"]["path"]
    assert 255 <= summary["words"] <= 345
    expect(page.get_by_text(summary["sentences"][0]["text"])).to_be_visible()

    link = page.locator("a[href*='document?']").first
    place = re.search(r"at=(\d+)&quote=(\d+)", link.get_attribute("href") or "")
    assert place is not None
    sources = [(each["start"], each["end"]) for each in summary["sentences"][0]["sources"]]
    assert (int(place[1]), int(place[2])) in sources
    link.click()
    page.wait_for_url("**/document?**")


def test_a_model_is_tested_and_chosen_and_its_key_never_shown(server: Server, open_page: OpenPage) -> None:
    with serving(lambda body: "red") as endpoint:
        endpoint.models, endpoint.key = ["fake", "other"], KEY
        page = opened(open_page, server, "settings", "Settings and health")
        expect(page.get_by_text("Without a language model")).to_be_visible(timeout=PATIENT)
        page.get_by_text("A model behind an endpoint").click()
        page.get_by_label("Address of the endpoint").fill(endpoint.base_url, timeout=PATIENT)
        page.get_by_label("Address of the endpoint").press("Enter")
        page.get_by_role("textbox", name="Key").fill(KEY)
        page.get_by_role("textbox", name="Key").press("Enter")
        page.get_by_role("button", name="List its models").click()
        expect(page.get_by_text("Models that it lists: 2")).to_be_visible(timeout=PATIENT)
        page.get_by_role("button", name="Test connection").click()
        expect(page.get_by_text("answered a tiny request")).to_be_visible(timeout=PATIENT)
        page.get_by_role("button", name="Use this").click()
        expect(page.get_by_text("Questions are answered by openai:fake from now on.")).to_be_visible(
            timeout=PATIENT
        )
        assert page.get_by_role("textbox", name="Key").input_value() == ""
        gone = "key => !document.documentElement.outerHTML.includes(key)"
        page.wait_for_function(gone, arg=KEY, timeout=PATIENT)
        page.reload()
        expect(page.get_by_text("Now: openai:fake")).to_be_visible(timeout=PATIENT)
        assert KEY not in page.content()
    assert KEY not in (server.home / "clew.toml").read_text()
    assert KEY not in server.log.read_text()
    page.get_by_text("The documents alone").click()
    expect(page.get_by_label("Address of the endpoint")).to_have_count(0, timeout=PATIENT)
    page.get_by_role("button", name="Use this").click()
    expect(page.get_by_text("Now: extractive")).to_be_visible(timeout=PATIENT)
