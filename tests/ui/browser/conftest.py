"""A real browser before the real server: `serve` starts `clew ui`, `open_page` a watching tab.

Playwright drives the Chromium of the system; its own builds are not downloaded.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from app.bootstrap import open_library
from tests.conftest import CLEW, settings_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STARTS = 300.0
"""Seconds that a server may need on a busy machine."""

PATIENT = 180_000
"""Milliseconds after which what should be on a page is missed, on a busy machine too."""

PROBED = re.compile(r"/\w+/_stcore/(health|host-config)$")
"""Where Streamlit looks for its server below the path of a page, before it finds it at the root."""

Serve = Callable[..., "Server"]
OpenPage = Callable[..., "Tab"]


@dataclass(frozen=True)
class Server:
    """`clew ui` in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    home: Path
    log: Path

    def kill(self) -> None:
        """As if the power had gone."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Tab:
    """A tab with what it has loaded and what its console said."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def strangers(self, url: str) -> list[str]:
        """Requests that went elsewhere than to the server."""
        own = (url, url.replace("http", "ws", 1), "data:", "blob:")
        return [each for each in self.requests if not each.startswith(own)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while it is open its event loop runs in the thread of the tests."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@contextmanager
def served(
    home: Path, environment: Mapping[str, str] | None = None, port: int | None = None
) -> Iterator[Server]:
    """A server that has said that it is well."""
    port = port or free_port()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    kept |= {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu", "OMP_NUM_THREADS": "1", "CLEW_SPAN_READER": "off"}
    kept |= dict(environment or {})
    log = home.parent / f"{home.name}-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(CLEW), "ui", "--port", str(port)],
            env=kept,
            cwd=home.parent,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", home, log)
    try:
        until_well(server)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def until_well(server: Server) -> None:
    """Wait until the server answers.

    Raises:
        AssertionError: With its log, if it has ended or never does.
    """
    deadline = time.monotonic() + STARTS
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError(server.log.read_text(errors="replace"))


def settle(page: Page) -> None:
    """Wait until the server has drawn the page and nothing on it runs."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.locator("[data-testid=stSkeleton]").first.wait_for(state="detached")


STANDS_STILL = """
() => {
    const app = document.querySelector("[data-testid=stApp]")
    return !app || app.dataset.testScriptState === "notRunning"
}
"""


def stand_still(page: Page) -> None:
    """Wait until nothing is drawn, for at most ten seconds: a page may go on by itself, as answers do."""
    still = 0
    for _ in range(100):
        page.wait_for_timeout(100)
        try:
            still = still + 1 if page.evaluate(STANDS_STILL) else 0
        except Error:  # it is going to another address
            still = 0
        if still == 2:
            return


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test does it does to a page that stands still, as a person would.

    While a page is redrawn, what was on it before is still there, and what is done to that may be lost.
    """
    for name in ("click", "fill", "press", "check", "set_input_files"):
        monkeypatch.setattr(Locator, name, _unhurried(getattr(Locator, name)))


def _unhurried(action: Callable[..., None]) -> Callable[..., None]:
    def waited(locator: Locator, *arguments: object, **options: object) -> None:
        stand_still(locator.page)
        action(locator, *arguments, **options)

    return waited


def documents_of(home: Path) -> list[str]:
    """The ids of the documents of a home."""
    library = open_library(settings_of(home))
    try:
        return [each.id for each in library.documents()]
    finally:
        library.close()


def until(there: Callable[[], bool], seconds: float) -> None:
    """Wait for something.

    Raises:
        AssertionError: If it does not come.
    """
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that end with the test: `serve(home, CLEW_MODEL="extractive")`."""
    with ExitStack() as stack:
        yield lambda home, **environment: stack.enter_context(served(home, environment))


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a tab of a browser of its own: `open_page(server.url, width=390, theme="dark")`."""
    with ExitStack() as stack:

        def opener(
            url: str, width: int = 1440, height: int = 900, theme: str = "light", **options: object
        ) -> Tab:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, locale="en-GB", **options
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENT)
            tab = Tab(context.new_page())
            context.on("request", lambda request: tab.requests.append(request.url))
            tab.page.on("websocket", lambda socket: tab.requests.append(socket.url))
            tab.page.on(
                "console",
                lambda message: (
                    tab.errors.append(f"{message.text} {message.location.get('url', '')}")
                    if message.type == "error" and not PROBED.search(message.location.get("url", ""))
                    else None
                ),
            )
            tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
            tab.page.goto(url)
            return tab

        yield opener
