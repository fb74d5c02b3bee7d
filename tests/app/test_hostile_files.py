"""One `clew add` over the whole corpus of hostile files: a named error each, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

from tests.conftest import clew_process, write
from tests.retrieval.loaders.hostile import build_hostile_corpus

GOOD = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"


def listing(folder: Path) -> set[tuple[str, int]]:
    return {
        (os.path.join(where, name), os.lstat(os.path.join(where, name)).st_size)
        for where, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if not name.startswith("torchinductor_")  # an empty folder that torch makes when it is imported
    }


def test_every_hostile_file_is_one_named_error_and_the_good_one_is_added(tmp_path: Path, home: Path) -> None:
    (tmp_path / "corpus").mkdir()
    corpus = build_hostile_corpus(tmp_path / "corpus")
    assert len(corpus) >= 40
    good = write(tmp_path / "good.txt", GOOD)
    paths = [*(hostile.path for hostile in corpus[:20]), good, *(hostile.path for hostile in corpus[20:])]
    environment = {
        name: str(tmp_path / f"environment-{name}") for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME")
    }
    for folder in (*environment.values(), str(tmp_path / "cwd")):
        Path(folder).mkdir()
    before = listing(tmp_path) - listing(home)

    began = time.monotonic()
    ran = clew_process(["add", *paths, "--json"], home, tmp_path / "cwd", environment)
    seconds = time.monotonic() - began
    print(f"{len(corpus)} hostile files in {seconds:.1f} s")

    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    results = json.loads(ran.stdout)["documents"]
    assert len(results) == len(paths)
    wrong = []
    for path, result in zip(paths, results, strict=True):
        if path == good:
            assert (result["status"], result["error"]) == ("added", None)
            continue
        error = result["error"] or ""
        named = error.startswith('"') and error.endswith(".") and error.isprintable()
        outside = re.sub(r'"[^"]*"', "", error).replace(".doc, .xls or .ppt", "")
        if result["status"] != "failed" or not named or ". " in outside or result["seconds"] > 20:
            wrong.append((ascii(path.name), result))
    assert wrong == []
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    assert len(lines) == len(corpus)
    assert all(line.isprintable() for line in lines)
    assert listing(tmp_path) - listing(home) == before
    listed = clew_process(["list", "--json"], home, tmp_path / "cwd", environment)
    assert [record["title"] for record in json.loads(listed.stdout)["documents"]] == ["Good"]
