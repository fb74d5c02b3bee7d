"""Two people log in at one server: what is one's is as if it were not there for the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.bootstrap import open_library
from tests.conftest import settings_of
from tests.ui.browser.conftest import PATIENT, OpenPage, Server, free_port, served, settle
from tests.ui.browser.provider import Provider, providing


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    empty_home: Path, tmp_path_factory: pytest.TempPathFactory, provider: Provider
) -> Iterator[Server]:
    home = Path(shutil.copytree(empty_home, tmp_path_factory.mktemp("people") / "home"))
    port = free_port()
    (home / "secrets.toml").write_text(provider.secrets(f"http://127.0.0.1:{port}"))
    with served(home, {"CLEW_ADMINS": '["ada@example.org"]'}, port=port) as running:
        yield running


def log_in(page: Page, person: str) -> None:
    page.get_by_role("button", name="Log in").click(timeout=PATIENT)
    page.get_by_role("link", name=person).click(timeout=PATIENT)
    expect(page.get_by_text(f"Logged in as {person.title()}")).to_be_visible(timeout=PATIENT)


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click(timeout=PATIENT)
    settle(page)


def ask(page: Page, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_enabled(timeout=PATIENT)
    box.fill(question)
    box.press("Enter")
    expect(page.locator("[class*=st-key-chat-how]")).to_have_count(1, timeout=PATIENT)


def remember(server: Server, provider: Provider, person: str, fact: str) -> None:
    library = open_library(settings_of(server.home))
    try:
        library.for_user(f"{provider.issuer} subject-of-{person}").memories().add(fact)
    finally:
        library.close()


def test_nobody_sees_anything_of_another(
    server: Server, provider: Provider, open_page: OpenPage, tmp_path: Path
) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("The magpie Quillon hides silver spoons in the attic of the town hall.")
    ada, ben = open_page(server.url).page, open_page(server.url).page
    log_in(ada, "ada")
    go(ada, "Library")
    ada.locator("input[type=file]").first.set_input_files(diary)
    ada.get_by_role("button", name="Add 1 files").click(timeout=PATIENT)
    expect(ada.get_by_role("link", name="diary")).to_be_visible(timeout=PATIENT)
    address = ada.get_by_role("link", name="diary").get_attribute("href")
    go(ada, "Chat")
    ask(ada, "Where does the magpie Quillon hide silver spoons?")
    expect(ada.get_by_text("attic of the town hall").first).to_be_visible(timeout=PATIENT)
    thread = ada.url
    remember(server, provider, "ada", "The magpie Quillon belongs to Tabitha.")
    for part, there in (("Facts", "belongs to Tabitha"), ("Conversations", "attic of the town hall")):
        ada.goto(f"{server.url}/memories?part={part}")
        expect(ada.get_by_role("radio", name=part)).to_be_checked(timeout=PATIENT)
        expect(ada.get_by_text(there).first).to_be_visible(timeout=PATIENT)

    log_in(ben, "ben")
    for page in ("Chat", "Library", "Memory", "Summaries", "Settings"):
        go(ben, page)
        for secret in ("Quillon", "diary", "ada@example.org"):
            assert secret not in ben.locator("[data-testid=stApp]").inner_text(), page
    for part in ("Facts", "Conversations", "Inbox", "Last answer", "Report", "Export, import"):
        ben.goto(f"{server.url}/memories?part={part}")
        expect(ben.get_by_role("radio", name=part)).to_be_checked(timeout=PATIENT)
        settle(ben)
        for secret in ("Quillon", "Tabitha", "attic"):
            assert secret not in ben.locator("[data-testid=stApp]").inner_text(), part
    go(ben, "Chat")
    # Neither what the address of a page of hers shows, nor a question finds it.
    for url in (thread, f"{server.url}/{address}"):
        ben.goto(url)
        settle(ben)
        assert "attic" not in ben.locator("[data-testid=stApp]").inner_text()
    ben.goto(server.url)
    settle(ben)
    assert "attic" not in ben.locator("[data-testid=stApp]").inner_text()

    # The same file of his own is a document of his own.
    go(ben, "Library")
    ben.locator("input[type=file]").first.set_input_files(diary)
    ben.get_by_role("button", name="Add 1 files").click(timeout=PATIENT)
    expect(ben.get_by_role("link", name="diary")).to_be_visible(timeout=PATIENT)
    ada.get_by_role("button", name="Log out").click(timeout=PATIENT)
    expect(ada.get_by_role("button", name="Log in")).to_be_visible(timeout=PATIENT)
    assert "Quillon" not in ada.locator("[data-testid=stApp]").inner_text()


def test_only_those_who_are_named_may_change_the_server(server: Server, open_page: OpenPage) -> None:
    for person, may in (("ada", True), ("ben", False)):
        page = open_page(server.url).page
        log_in(page, person)
        go(page, "Settings")
        assert page.get_by_role("button", name="Test connection").is_visible() is may


def test_who_has_not_logged_in_sees_no_page(server: Server, open_page: OpenPage) -> None:
    for path in ("", "/library", "/memories", "/document?document=1", "/settings"):
        tab = open_page(server.url + path)
        expect(tab.page.get_by_role("button", name="Log in")).to_be_visible(timeout=PATIENT)
        assert tab.page.get_by_test_id("stSidebarNav").count() == 0
