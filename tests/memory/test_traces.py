import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from memory.traces import SHORTEST, Needles, find_traces

SECRET = 'The "blue" café keeps its key under the pot.'


def traced(home: Path, *texts: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for trace in find_traces(home, Needles(texts)).traces:
        found.setdefault(trace.path.name, []).append(trace.piece)
    return found


def test_every_form_in_which_a_file_may_hold_a_text_is_found(tmp_path: Path) -> None:
    forms = {
        "utf-8": SECRET.encode(),
        "json": json.dumps({"said": SECRET}).encode(),
        "json plain": json.dumps({"said": SECRET}, ensure_ascii=False).encode(),
        "utf-16-le": SECRET.encode("utf-16-le"),
        "utf-16-be": SECRET.encode("utf-16-be"),
        "none": SECRET.replace("blue", "red").replace("key", "cat").replace("pot", "mat").encode(),
    }
    for name, body in forms.items():
        (tmp_path / name).write_bytes(b"\x00\x01" + body + b"\xff")
    assert set(traced(tmp_path, SECRET)) == set(forms) - {"none"}


def test_a_part_of_a_long_text_is_found_wherever_it_begins(tmp_path: Path) -> None:
    words = " ".join(f"word{n:04}" for n in range(200))
    for n in range(0, len(words) - 47, 97):
        (tmp_path / f"{n}").write_text(f"xx {words[n : n + 47]} xx")
    assert set(traced(tmp_path, words)) == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("block", [64, 65, 4096])
def test_a_text_across_the_ends_of_blocks_is_found(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.traces.BLOCK", block)
    for offset in range(40, 80):
        (tmp_path / f"{offset}").write_bytes(b"." * offset + b"Wilhelmina Abernathy" + b"." * 200)
    assert len(traced(tmp_path, "Wilhelmina Abernathy")) == 40


def test_it_finds_what_brute_force_finds() -> None:
    chance = np.random.default_rng(3)
    block = bytes(chance.integers(97, 100, 3_000).astype(np.uint8))
    texts = [
        "".join(map(chr, chance.integers(97, 100, size))) for size in (5, 6, 7, 8, 9, 12) for _ in range(40)
    ]
    needles = Needles(texts)
    wanted = {piece for piece in needles.pieces if piece.encode() in block}
    assert {needles.pieces[n] for n in needles.found(block)} == wanted
    assert 0 < len(wanted) < len(needles.pieces), "else the test tells nothing"
    assert {needles.pieces[n] for n in needles.found_in_texts([block.decode()])} == wanted


def test_texts_that_are_too_short_to_be_told_from_chance_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("yes tea maybe")
    needles = Needles(["yes", "tea ", " ", "", "maybe"])
    assert (needles.pieces, SHORTEST) == (["maybe"], 5)
    assert traced(tmp_path, "yes", "tea") == {}


def test_of_very_many_pieces_some_are_taken_evenly() -> None:
    needles = Needles((f"sentence number {n:05}" for n in range(1_000)), most=10)
    assert needles.all_pieces == 1_000
    assert needles.pieces == [f"sentence number {n:05}" for n in range(0, 1_000, 100)]


def test_files_and_bytes_are_counted_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "home" / "below").mkdir(parents=True)
    (tmp_path / "home" / "below" / "file").write_bytes(b"12345")
    (tmp_path / "home" / "empty").touch()
    (tmp_path / "outside").write_text(SECRET)
    (tmp_path / "home" / "link").symlink_to(tmp_path / "outside")
    search = find_traces(tmp_path / "home", Needles([SECRET]))
    assert (search.traces, search.files, search.bytes) == ((), 2, 5)


def test_nothing_to_look_for_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(100))
    assert find_traces(tmp_path, Needles([])).traces == ()


def test_a_database_that_is_open_keeps_its_journal(tmp_path: Path) -> None:
    """What SQLite has locked here stays locked, or the next program would delete the journal under it."""
    file = tmp_path / "open.sqlite"

    def elsewhere() -> str:
        look = (
            "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT * FROM t').fetchall())"
        )
        command = [sys.executable, "-c", look, str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with closing(sqlite3.connect(file, isolation_level=None)) as here:
        here.execute("PRAGMA journal_mode=WAL")
        here.execute("CREATE TABLE t (n)")
        find_traces(tmp_path, Needles([SECRET]))
        assert elsewhere() == "[]\n"
        here.execute("INSERT INTO t VALUES (1)")
        assert elsewhere() == "[(1,)]\n"
