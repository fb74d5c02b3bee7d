"""Fixtures of all tests: no network, no settings from outside, one encoder, one novella that is read once."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app import cli, commands
from app import doctor as doctor_module
from app.bootstrap import open_library
from app.config import Settings, load_settings
from app.library import Library
from retrieval.encoder import Encoder

# One thread: the machine that tests is shared, and two threads that wait for each other there are slower.
os.environ["OMP_NUM_THREADS"] = "1"
# Tests begun in the background of a shell ignore Ctrl-C, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(__file__).parents[1] / "data"
NOVELLA = DATA / "novella.txt"
CLEW = Path(sys.executable).with_name("clew")
ForOneHome = Callable[..., Library]


@pytest.fixture(autouse=True, scope="session")
def offline() -> Iterator[None]:
    """Any connection to another machine fails the test, even where the code would swallow an OSError.

    Servers that the tests start on this machine can be reached, by address only: a name would be looked up.
    """
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1"}:
            pytest.fail(f"connects to {address}")

    def connected(self: socket.socket, address: Any) -> None:
        checked(self, address)
        connect(self, address)

    def tried(self: socket.socket, address: Any) -> int:
        checked(self, address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connected)
        patch.setattr(socket.socket, "connect_ex", tried)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_settings() -> Iterator[None]:
    """Settings of the surrounding environment do not count."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CLEW_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without documents in which the number format of this machine is known; copy it."""
    home = tmp_path_factory.mktemp("empty") / "home"
    library = open_library(settings_of(home))
    library.encoder()
    library.close()
    return home


@pytest.fixture(scope="session")
def encoder(empty_home: Path) -> Encoder:
    """The encoder that ships with the product, loaded once."""
    library = open_library(settings_of(empty_home))
    loaded = library.encoder()
    library.close()
    return loaded


@pytest.fixture(scope="session")
def novella_home(tmp_path_factory: pytest.TempPathFactory, empty_home: Path, encoder: Encoder) -> Path:
    """A home with the novella added once; only to be read, or copied."""
    home = tmp_path_factory.mktemp("novella") / "home"
    shutil.copytree(empty_home, home)
    library = with_encoder(open_library(settings_of(home)), encoder)
    assert [added.status for added in library.add([NOVELLA])] == ["added"]
    library.close()
    return home


@pytest.fixture
def home(tmp_path: Path, empty_home: Path) -> Path:
    """A home without documents, of this test alone."""
    return Path(shutil.copytree(empty_home, tmp_path / "home"))


@pytest.fixture
def own_novella_home(tmp_path: Path, novella_home: Path) -> Path:
    """A home with the novella, of this test alone."""
    return Path(shutil.copytree(novella_home, tmp_path / "novella-home"))


@pytest.fixture
def open_home(encoder: Encoder) -> Iterator[ForOneHome]:
    """Opens a library with the encoder that is loaded already; closed after the test."""
    opened: list[Library] = []

    def opener(home: Path, **settings: Any) -> Library:
        opened.append(with_encoder(open_library(settings_of(home, **settings)), encoder))
        return opened[-1]

    yield opener
    for library in opened:
        library.close()


@pytest.fixture
def library(home: Path, open_home: ForOneHome) -> Library:
    """An empty library of this test alone."""
    return open_home(home)


@pytest.fixture
def novella(own_novella_home: Path, open_home: ForOneHome) -> Library:
    """A library with the novella, of this test alone."""
    return open_home(own_novella_home)


@pytest.fixture(scope="module")
def read_novella(
    tmp_path_factory: pytest.TempPathFactory, novella_home: Path, encoder: Encoder
) -> Iterator[Library]:
    """The library with the novella that the tests of a module share; questions may build its tree."""
    home = Path(shutil.copytree(novella_home, tmp_path_factory.mktemp("read") / "home"))
    library = with_encoder(open_library(settings_of(home)), encoder)
    yield library
    library.close()


@dataclass(frozen=True)
class Ran:
    """What a command ended in."""

    code: int
    out: str
    err: str


@pytest.fixture
def clew(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """Runs `clew` from its outermost function in this process, with the encoder that is loaded already."""
    opened: list[Library] = []

    def opener(settings: Settings) -> Library:
        library = open_library(settings)
        if library.backends.encoder_fingerprint == encoder.fingerprint:
            library = with_encoder(library, encoder)
        opened.append(library)
        return library

    monkeypatch.setattr(commands, "open_library", opener)
    monkeypatch.setattr(doctor_module, "open_library", opener)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "working").mkdir()
    monkeypatch.chdir(tmp_path / "working")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["clew", *map(str, arguments)])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return Ran(int(code or 0), captured.out, captured.err)

    yield run
    for library in opened:
        library.close()


def settings_of(home: Path, **arguments: Any) -> Settings:
    """Without the model that reads passages, unless it is asked for: most tests are about something else."""
    return load_settings(**{"home": home, "device": "cpu", "span_reader": "off"} | arguments)


def with_encoder(library: Library, encoder: Encoder) -> Library:
    """The same library, with an encoder that is loaded already."""
    backends = replace(library.backends, encoder=lambda progress: encoder)
    return Library(library.settings, library.engine, backends)


def clew_process(
    arguments: Sequence[object],
    home: Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """The installed `clew`, in a process of its own, that sees nothing of this one's settings."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "HOME", "OMP_NUM_THREADS") if name in os.environ
    }
    kept |= {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu", "CLEW_SPAN_READER": "off", "COLUMNS": "200"}
    kept |= dict(environment or {})
    return subprocess.run(
        [str(CLEW), *map(str, arguments)],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=300,
        check=False,
        **options,
    )


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    path.write_bytes(text.encode())
    return path
