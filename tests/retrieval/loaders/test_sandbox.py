"""The limits of the child process, tested with parsers that really loop, grow, crash and lie."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from retrieval.errors import DamagedFileError, ParseLimitError
from retrieval.loaders import ParseLimits, load_document
from retrieval.loaders.sandbox import parse_in_child

ROOT = Path(__file__).resolve().parents[3]
LIMITS = ParseLimits(seconds=10, seconds_per_megabyte=0, memory_megabytes=400, max_characters=1000)


def run(tmp_path: Path, parser: str, limits: ParseLimits = LIMITS) -> None:
    """Load a file with a child whose parser is the body of a function `parse(data, name, limits)`."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from retrieval.loaders import child\n"
        "def parse(data, name, limits):\n"
        + textwrap.indent(textwrap.dedent(parser), "    ")
        + "\nchild.main(parse)\n"
    )
    path = tmp_path / "story.txt"
    path.write_text("Once.")
    with path.open("rb") as file:
        parse_in_child(file.fileno(), path.name, 5, limits, [sys.executable, "-I", "-B", "-c", code])


@pytest.mark.parametrize(
    ("parser", "words"),
    [
        ("while True: pass", "took longer"),
        ("import time; time.sleep(60)", "took longer"),
        ("import re; re.match('(a+)+$', 'a' * 60 + 'b')", "took longer"),
        ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", "took longer"),
        ("kept = []\nwhile True: kept.append(bytes(10_000_000))", "more memory"),
        ("import ctypes; ctypes.string_at(0)", "crashed (SIGSEGV)"),
        ("import os; os.abort()", "crashed (SIGABRT)"),
        ("import os; os._exit(3)", "broke down"),
        ("import os; os.write(1, b'junk'); os.kill(os.getpid(), 9)", "stopped by the system"),
    ],
)
def test_parser_that_fails_is_one_named_error(tmp_path: Path, parser: str, words: str) -> None:
    started = time.monotonic()
    with pytest.raises(ParseLimitError) as caught:
        run(tmp_path, parser, replace(LIMITS, seconds=1.5) if words == "took longer" else LIMITS)
    assert words in str(caught.value)
    assert str(caught.value).startswith('"story.txt" ')
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "parser", ["raise KeyError('x')", "return parse(data, name, limits)", "assert False"]
)
def test_exception_of_a_parser_is_a_damaged_file(tmp_path: Path, parser: str) -> None:
    with pytest.raises(DamagedFileError, match=r'^"story\.txt" is '):
        run(tmp_path, parser)


def test_processor_seconds_end_a_child_nobody_watches(tmp_path: Path) -> None:
    """The limit holds by itself, should the parent be stopped."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from retrieval.loaders import child\nchild._set_limits(2000, 1)\nwhile True: pass"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", code], timeout=20, check=False)
    assert ended.returncode in (-24, -9)  # SIGXCPU, or SIGKILL where both limits are one


def test_child_can_write_no_file_and_open_no_core(tmp_path: Path) -> None:
    target = tmp_path / "left-behind.txt"
    with pytest.raises((ParseLimitError, DamagedFileError)):
        run(tmp_path, f"open({str(target)!r}, 'w').write('x' * 100_000); return None")
    assert not target.exists() or target.stat().st_size == 0


def test_child_sees_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with pytest.raises(DamagedFileError):
        run(tmp_path, "import os\nif 'OPENAI_API_KEY' not in os.environ: raise ValueError\nos.abort()")


def test_printing_parser_cannot_forge_a_result(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError):
        run(tmp_path, "import sys; print('{}'); sys.stdout.flush(); raise ValueError('x' * 10_000_000)")


def test_endless_result_is_cut_off(tmp_path: Path) -> None:
    script = "import os\nwhile True: os.write(1, bytes(1 << 20))"
    path = tmp_path / "story.txt"
    path.write_text("Once.")
    with path.open("rb") as file, pytest.raises(ParseLimitError, match="more text than"):
        parse_in_child(file.fileno(), path.name, 5, LIMITS, [sys.executable, "-c", script])


def test_endless_complaints_do_not_block(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError):
        run(tmp_path, "import sys\nfor _ in range(100): sys.stderr.write('x' * 100_000)\nraise ValueError")


def test_resident_memory_is_watched_too(tmp_path: Path) -> None:
    """As on macOS, where the address space is not limited: a child that sets no limits itself."""
    script = "import time; kept = b'x' * 300_000_000; time.sleep(30)"
    path = tmp_path / "story.txt"
    path.write_text("Once.")
    limits = ParseLimits(seconds=20, memory_megabytes=200)
    with path.open("rb") as file, pytest.raises(ParseLimitError, match="more memory"):
        parse_in_child(file.fileno(), path.name, 5, limits, [sys.executable, "-c", script])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child's life to its parent's")
def test_child_dies_with_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("Once.")
    inner = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom retrieval.loaders import child\n"
        "def parse(*_):\n    while True: pass\nchild.main(parse)"
    )
    outer = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from retrieval.loaders import ParseLimits\nfrom retrieval.loaders.sandbox import parse_in_child\n"
        f"file = open({str(path)!r}, 'rb')\nparse_in_child(file.fileno(), 'story.txt', 5, ParseLimits(),"
        f" [sys.executable, '-I', '-c', {inner!r}])"
    )
    parent = subprocess.Popen([sys.executable, "-c", outer])
    children: list[psutil.Process] = []
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and not (children and children[0].cpu_times().user > 0.3):
        time.sleep(0.05)
        children = psutil.Process(parent.pid).children()
    assert children
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_file_over_the_size_limit_is_not_even_opened_by_a_child(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 50_000_000_000)  # sparse
    started = time.monotonic()
    with pytest.raises(ParseLimitError, match=r'^"huge\.txt" has 50,000 MB'):
        load_document(path)
    assert time.monotonic() - started < 1


def test_text_over_the_character_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("word " * 1000)
    with pytest.raises(ParseLimitError, match="5,000 characters"):
        load_document(path, ParseLimits(max_characters=4999))
    assert len(load_document(path, ParseLimits(max_characters=5000)).text) == 5000


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"memory_megabytes": 0}, {"max_archive_ratio": 0.5}])
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        ParseLimits(**wrong)  # type: ignore[arg-type]
