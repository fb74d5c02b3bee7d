"""Kill `clew summarize` of several books at random moments, run it again each time, compare with a quiet run.

    python tests/benchmarks/kill_jobs.py BOOK... --kills 40 --seed 7 [--cut 5]

The books are added, their trees built, their summaries written: one job. Prints each kill and what was
running then, and every difference in rows and files; exits with 1 if there is one, or if more was done again
than was running when it was killed. `--cut N` makes N books of one, where there are not enough.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.kill_add import stored_rows

__all__ = ["Kill", "KillReport", "cut", "kill_jobs"]

CLEW: Final = Path(sys.executable).with_name("clew")
PATIENCE: Final = 900.0
ROWS: Final = {
    "trees": "SELECT document_id, content_hash, reader, recipe, state, anchors FROM trees",
    "tree_nodes": """SELECT t.document_id, n.ordinal, n.parent, n.level, n.kind, n.title, n.start, n."end",
        n.first_sentence, n.end_sentence, n.tokens, n.digest FROM tree_nodes n
        JOIN trees t ON t.key = n.tree_key""",
    "summaries": "SELECT digest, reader, sentences, notes FROM summaries",
    "summary_vectors": """SELECT n.fingerprint, v.digest, v.vectors FROM summary_vectors v
        JOIN encoders n ON n.key = v.encoder_key""",
    "tasks": "SELECT name, kind, payload, state, result FROM tasks WHERE kind != 'add'",
}
"""What must be equal besides the documents: everything but keys, times and attempts."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: tasks done and running by then; `alive` is False if the run had ended before."""

    done: int
    running: int
    alive: bool


@dataclass(frozen=True, slots=True)
class KillReport:
    """What came of it; `repeated` counts attempts at tasks beyond the first, `tasks` all there are."""

    kills: tuple[Kill, ...]
    tasks: int
    repeated: int
    differences: tuple[str, ...]


def kill_jobs(books: Sequence[Path], folder: Path, kills: int, seed: int) -> KillReport:
    """Summarise `books` once undisturbed and once under `kills` kills; compare rows and files.

    Args:
        books: The files.
        folder: An empty folder for both homes.
        kills: How many runs are killed, at least 1.
        seed: Of the moments, which are spread over all tasks.
    """
    measured, quiet, killed = (folder / name for name in ("measured", "quiet", "killed"))
    # Both know the number format of this machine: another one would give other embeddings.
    tiny = folder / "tiny.txt"
    tiny.write_text("A lamp burns.\n")
    _run(measured, ["add", str(tiny)])
    _run(measured, ["remove", str(tiny)])
    for home in (quiet, killed):
        shutil.copytree(measured, home)
    command = ["summarize", *map(str, books), "--words", "100", "--out", "summaries"]
    _run(quiet, command)
    total = len(_read(quiet, "SELECT 1 FROM tasks"))
    chance = random.Random(seed)
    moments = sorted(chance.random() * total for _ in range(kills))
    done = tuple(_killed_run(killed, command, int(moment), chance.random()) for moment in moments)
    _run(killed, command)
    repeated = sum(row[0] - 1 for row in _read(killed, "SELECT attempts FROM tasks WHERE state = 'done'"))
    interrupted = sum(kill.running for kill in done)
    differences = _differences(quiet, killed)
    if repeated > interrupted:
        differences.append(f"{repeated} tasks were done again, though {interrupted} were interrupted")
    return KillReport(done, total, repeated, tuple(differences))


def cut(book: Path, parts: int, folder: Path) -> list[Path]:
    """A book as several, cut between paragraphs."""
    paragraphs = book.read_text(encoding="utf-8").split("\n\n")
    size = -(-len(paragraphs) // parts)
    made = []
    for number in range(parts):
        made.append(folder / f"{book.stem} part {number + 1}.txt")
        made[-1].write_text("\n\n".join(paragraphs[number * size : (number + 1) * size]), encoding="utf-8")
    return made


def _killed_run(home: Path, command: Sequence[str], moment: int, chance: float) -> Kill:
    """Start the command, wait until so many tasks are done and a little longer, by chance, and kill it."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(CLEW), *command],
        cwd=home,
        env=_environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None and time.monotonic() - began < PATIENCE:
            running = len(_read(home, "SELECT 1 FROM tasks WHERE state = 'running'"))
            if running and len(_done(home)) >= moment:
                time.sleep(chance / 3)
                break
            time.sleep(0.002)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
    running = len(_read(home, "SELECT 1 FROM tasks WHERE state = 'running'"))
    return Kill(len(_done(home)), running, alive)


def _done(home: Path) -> list[Any]:
    return _read(home, "SELECT 1 FROM tasks WHERE state = 'done'")


def _differences(quiet: Path, killed: Path) -> list[str]:
    differences = []
    wanted, found = ({**stored_rows(home), **_rows(home)} for home in (quiet, killed))
    for name in wanted:
        if wanted[name] != found[name]:
            lost = len(set(wanted[name]) - set(found[name]))
            extra = len(set(found[name]) - set(wanted[name]))
            differences.append(f"{name}: {lost} of {len(wanted[name])} rows lost, {extra} others instead")
    files = [
        {path.name: path.read_bytes() for path in sorted((home / "summaries").iterdir())}
        for home in (quiet, killed)
    ]
    if files[0].keys() != files[1].keys():
        differences.append(f"files {sorted(files[0])} became {sorted(files[1])}")
    else:
        differences += [f"{name} is another file" for name in files[0] if files[0][name] != files[1][name]]
    states = {row[0] for row in _read(killed, "SELECT state FROM jobs")}
    if states != {"done"}:
        differences.append(f"jobs are {sorted(states)}")
    return differences


def _rows(home: Path) -> dict[str, list[Any]]:
    # Where documents came in another order, their keys differ.
    return {
        name: sorted((_without_keys(row) for row in _read(home, query)), key=repr)
        for name, query in ROWS.items()
    }


def _without_keys(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row without numbers that are keys of other rows, and without the name of the home."""
    keys = ("document", "tree", "out", "files", "add")
    return tuple(_plain(value, keys) if isinstance(value, str) else value for value in row)


def _plain(value: str, keys: Sequence[str]) -> str:
    try:
        found = json.loads(value)
    except ValueError:
        return value
    if not isinstance(found, dict):
        return value
    return json.dumps({name: each for name, each in found.items() if name not in keys}, sort_keys=True)


def _read(home: Path, query: str) -> list[Any]:
    file = home / "clew.sqlite"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # its tables are not made yet


def _run(home: Path, command: Sequence[str]) -> None:
    home.mkdir(exist_ok=True)
    ran = subprocess.run(
        [str(CLEW), *command], cwd=home, env=_environment(home), capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"clew {command[0]} ended with {ran.returncode}: {ran.stderr.strip()}")


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    return kept | {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu"}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("book", type=Path, nargs="+")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cut", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clew-kill-") as name:
        folder = Path(name)
        books = [book.resolve() for book in given.book]
        if given.cut:
            books = [part for book in books for part in cut(book, given.cut, folder)]
        report = kill_jobs(books, folder, given.kills, given.seed)
    for number, kill in enumerate(report.kills, start=1):
        ended = "" if kill.alive else "  (had ended)"
        print(f"{number:>4}  {kill.done:>5} of {report.tasks} tasks done, {kill.running} running{ended}")
    interrupted = sum(kill.running for kill in report.kills)
    print(f"{report.repeated} tasks were done again, {interrupted} were running when they were killed")
    for difference in report.differences:
        print(f"DIFFERENT  {difference}")
    print("rows and files equal an undisturbed run's" if not report.differences else "NOT equal")
    sys.exit(bool(report.differences))


if __name__ == "__main__":
    main()
