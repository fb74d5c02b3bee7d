"""Every page in two widths and two themes: made into pictures to be looked at, and nothing scrolls sideways.

The pictures are put into `screenshots/` of the working tree, which is not committed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import open_library
from app.library import Library
from app.summaries.wanted import Wanted
from app.working import working
from retrieval.encoder import Encoder
from tests.conftest import settings_of, with_encoder
from tests.ui.browser.conftest import OpenPage, Server, documents_of, served, settle, until

PICTURES = Path(__file__).parents[3] / "screenshots"
THREAD = "The light stone"
SIDEWAYS = """
() => [...document.querySelectorAll("html, [data-testid=stMain], [data-testid=stSidebarContent]")]
    .filter(each => each.clientWidth > 100 && each.scrollWidth > each.clientWidth + 1)  // closed it has 40
    .map(each => `${each.dataset.testid || each.tagName}: ${each.scrollWidth} in ${each.clientWidth}`)
"""
LONG = "A very long name of a chat " * 6


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, novella_home: Path, encoder: Encoder
) -> Iterator[Server]:
    """A server with something on every page."""
    home = Path(shutil.copytree(novella_home, tmp_path_factory.mktemp("screens") / "home"))
    library = with_encoder(open_library(settings_of(home)), encoder)
    furnish(library)
    library.close()
    with served(home) as server:
        yield server


def furnish(library: Library) -> None:
    with working(library):
        for question in ("Who kept the inn called the Three Pans?", "Which comet hit the dentist?"):
            id = library.answers.ask(question, THREAD)
            until(lambda id=id: library.answers.state(id).ended, 300)
        id = library.answers.ask("How many pieces of brass did the set hold?", LONG)
        until(lambda id=id: library.answers.state(id).ended, 300)
        memories = library.memories()
        memories.add("My sister Ada lives in Lyon.")
        memories.add("I am allergic to walnuts.")
        library.collections.create("Novels")
        library.collections.put("Novels", [each.id for each in library.documents()])
        library.trees.ensure_extractive(library.documents()[0])
        job = library.start_summaries([library.documents()[0].id], Wanted(words=150))
        until(lambda: library.job(job.id).ended, 300)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit(server: Server, open_page: OpenPage, width: int, theme: str) -> None:
    document = documents_of(server.home)[0]
    addresses = {
        "chat-first": "/",
        "chat": f"/?thread={THREAD.replace(' ', '+')}",
        "chat-long": f"/?thread={LONG.strip().replace(' ', '+')}",
        "library": "/library",
        "document": f"/document?document={document}&at=20000&quote=20120",
        "document-tree": f"/document?document={document}&side=tree",
        "document-summaries": f"/document?document={document}&side=summaries",
        "document-questions": f"/document?document={document}&side=questions",
        "memories": "/memories",
        "summaries": "/summaries",
        "settings": "/settings",
        "chinese": "/library?lang=zh",
    }
    tab = open_page(server.url, width=width, height=1000, theme=theme)
    PICTURES.mkdir(exist_ok=True)
    for name, address in addresses.items():
        tab.page.goto(server.url + address)
        settle(tab.page)
        tab.page.screenshot(path=PICTURES / f"{name}-{width}-{theme}.png")
        assert tab.page.evaluate(SIDEWAYS) == [], f"{name} at {width}"
        assert tab.page.locator("[data-testid=stException]").count() == 0, name
    assert tab.strangers(server.url) == []
    assert tab.errors == []
