"""How fast the page of a document opens, jumps and draws a tree, in a real browser before the real server.

    python -m tests.benchmarks.pages BOOK [--home HOME] [--repeats 9]

A PDF of 1,000 pages is opened from the library and jumped in to page 800, by its number and by a link to a
quote there; the tree of BOOK (a novel of 38 chapters is meant) is drawn. Each is timed from the key or click
to the moment when the browser shows what was asked for; medians and the slowest of the repeats are told. The
tab is warm: its scripts were loaded by a first round that does not count. A link to a quote is a new address,
so that its time is that of a session which begins anew. With --home the home is kept and used again, so that
adding and encoding are spared the next time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from app.bootstrap import open_library
from app.config import Settings
from tests.conftest import CLEW
from tests.retrieval.loaders.samples import make_pdf
from tests.ui.browser.conftest import CHROMIUM, served

PAGES, TARGET = 1_000, 800
LINES = (
    "The river ran low that summer and the mill stood idle for weeks on end.",
    "Nobody in the valley could remember a drought as long as this one.",
)


def ledger() -> bytes:
    """A PDF of 1,000 pages, each with a sentence of its own."""
    pages = [[f"Page {number} of the ledger.", *LINES * 20] for number in range(1, PAGES + 1)]
    outline = [(f"Chapter {chapter + 1}", 1 + 25 * chapter) for chapter in range(PAGES // 25)]
    return make_pdf(pages, title="The Ledger", outline=outline)


def prepared(home: Path, book: Path) -> tuple[str, str, int]:
    """Ids of the PDF and of the book, both added and the tree built, and where page 800 begins."""
    file = home / "ledger.pdf"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        file.write_bytes(ledger())
    base = [str(CLEW), "add", str(file), str(book)]
    environment = {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu", "PATH": "/usr/bin:/bin"}
    subprocess.run(base, check=True, env=environment, stdout=subprocess.DEVNULL)
    library = open_library(Settings(home=home, device="cpu"))
    try:
        by_path = {Path(record.path).name: record for record in library.documents()}
        pdf, novel = by_path[file.name], by_path[book.name]
        library.trees.ensure(novel)
        return pdf.id, novel.id, library.view(pdf.id).part(TARGET).start
    finally:
        library.close()


def timed(act: Callable[[], None], page: Page, shown: str) -> float:
    """Seconds from an act to the moment when what is meant can be seen."""
    began = time.perf_counter()
    act()
    page.locator(shown).first.wait_for(state="visible")
    return time.perf_counter() - began


def rounds(page: Page, url: str, ids: tuple[str, str, int], repeats: int) -> dict[str, list[float]]:
    """The times of each thing that is measured."""
    pdf, novel, start = ids
    found: dict[str, list[float]] = {}
    for number in range(repeats + 1):
        page.goto(f"{url}/library")
        link = page.locator(f"a[href*='document={pdf}']")
        link.wait_for()
        page.wait_for_timeout(500)
        times = {"open 1,000 pages": timed(link.click, page, "text=Page 1 of the ledger.")}
        field = page.get_by_label("Page (of 1,000)")
        field.fill(str(TARGET))
        jump = timed(lambda: field.press("Enter"), page, f"text=Page {TARGET} of the ledger.")  # noqa: B023
        times["jump to page 800"] = jump
        place = f"{url}/document?document={pdf}&at={start}&quote={start + 24}"
        times["link to a quote on page 800"] = timed(lambda: visit(page, place), page, "mark")  # noqa: B023
        page.goto(f"{url}/document?document={novel}")
        tree = page.get_by_role("radio", name="Summary tree")
        tree.wait_for()
        page.wait_for_timeout(500)
        times["draw the tree"] = timed(tree.click, page, "[data-testid=stVegaLiteChart] .marks")
        if number:
            for name, seconds in times.items():
                found.setdefault(name, []).append(seconds)
    return found


def visit(page: Page, address: str) -> None:
    """Go to an address."""
    page.goto(address, wait_until="commit")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("book", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        home = chosen.home or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        ids = prepared(home.absolute(), chosen.book.absolute())
        server = stack.enter_context(served(home.absolute()))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        page.set_default_timeout(60_000)
        found = rounds(page, server.url, ids, chosen.repeats)
        browser.close()
    report = {
        name: {"median": round(statistics.median(times), 3), "slowest": round(max(times), 3)}
        for name, times in found.items()
    }
    print(json.dumps({"repeats": chosen.repeats, "seconds": report}, indent=2))


if __name__ == "__main__":
    main()
