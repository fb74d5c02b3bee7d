"""Kill `clew add` at random moments, run it again each time, and compare with an undisturbed run.

    python tests/benchmarks/kill_add.py BOOK --kills 30 --seed 7

Prints each kill and what is left, then every difference; exits with 1 if there is one. The moments are spread
over the whole of the work: while the program starts, between and inside the units of encoding, and while the
indexes are written. Where the work stands is read from the units in SQL, not guessed from the clock.
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
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["QUESTION", "Kill", "KillReport", "kill_add", "stored_rows"]

CLEW: Final = Path(sys.executable).with_name("clew")
QUESTION: Final = "Who came to the house on the first day, and why?"
PATIENCE: Final = 600.0

ROWS: Final = {
    "documents": "SELECT id, state, content_hash, recipe, path, title, media_type, characters FROM documents",
    "texts": "SELECT d.id, t.part, t.text FROM texts t JOIN documents d ON d.key = t.document_key",
    "sections": """SELECT d.id, s.ordinal, s.title, s.level, s.start, s."end" FROM sections s
        JOIN documents d ON d.key = s.document_key""",
    "pages": """SELECT d.id, p.number, p.start, p."end", p.unread FROM pages p
        JOIN documents d ON d.key = p.document_key""",
    "chunks": """SELECT d.id, c.ordinal, c.start, c."end", c.first_sentence, c.end_sentence, c.token_count,
        c.context, c.text_hash FROM chunks c JOIN documents d ON d.key = c.document_key""",
    "sentences": """SELECT d.id, s.ordinal, s.start, s."end", s.chunk, s.token_count, s.text_hash
        FROM sentences s JOIN documents d ON d.key = s.document_key""",
    "encoders": "SELECT name, fingerprint, dim FROM encoders",
    "embeddings": """SELECT n.fingerprint, e.text_hash, e.vector FROM embeddings e
        JOIN encoders n ON n.key = e.encoder_key""",
    "units": """SELECT d.id, u.kind, u.digest, u.inputs, u.state FROM units u
        JOIN documents d ON d.key = u.document_key""",
}
"""What must be equal: everything but keys, times and attempts."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: units done and begun by then; `alive` is False if the run had ended before."""

    moment: str
    seconds: float
    done: int
    attempts: int
    alive: bool


@dataclass(frozen=True, slots=True)
class KillReport:
    """What came of it; `differences` is empty if the killed run ended like the undisturbed one."""

    kills: tuple[Kill, ...]
    units: int
    repeated: int
    most_attempts: int
    added: dict[str, Any]
    differences: tuple[str, ...]


def kill_add(
    book: Path,
    folder: Path,
    kills: int,
    seed: int,
    measured_home: Path | None = None,
    undisturbed: Path | None = None,
    ask: Callable[[Path], dict[str, Any]] | None = None,
) -> KillReport:
    """Add `book` once undisturbed and once under `kills` kills; compare rows and answers.

    Args:
        book: The file to add.
        folder: An empty folder for both homes.
        kills: How many runs are killed, at least 1.
        seed: Of the moments.
        measured_home: An empty home that knows this machine's number format; made here if None. Both runs
            start from a copy of it: another format would give other embeddings.
        undisturbed: A home that began as `measured_home` and holds the book; made here if None.
        ask: Asks a home the question and gives the document of `clew ask --json`; that command if None.
    """
    if measured_home is None:
        measured_home = folder / "measured"
        _clew(measured_home, "doctor", "--json")
    if undisturbed is None:
        undisturbed = folder / "undisturbed"
        shutil.copytree(measured_home, undisturbed)
        _clew(undisturbed, "add", book, "--json")
    killed = folder / "killed"
    shutil.copytree(measured_home, killed)
    total = len(stored_rows(undisturbed)["units"])
    chance = random.Random(seed)
    done: list[Kill] = []
    for number in range(kills):
        done.append(_killed_run(book, killed, _moment(number, kills, total, chance), chance.random()))
    added = _clew(killed, "add", book, "--json")["documents"][0]
    counts = _units(killed)
    differences = [*_row_differences(undisturbed, killed), *_work_differences(counts, added, len(done))]
    answers = [(ask or _answer)(home) for home in (undisturbed, killed)]
    for field in ("answer", "abstained", "citations"):
        if answers[0][field] != answers[1][field]:
            differences.append(f"the answer's {field}: {answers[0][field]!r} became {answers[1][field]!r}")
    attempts = [attempts for _, attempts in counts]
    repeated = sum(attempts) - len(attempts)
    return KillReport(tuple(done), total, repeated, max(attempts, default=0), added, tuple(differences))


def stored_rows(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that count, by table, in an order of their own content."""
    with closing(sqlite3.connect(home / "clew.sqlite", timeout=30)) as connection:
        return {name: sorted(connection.execute(query), key=repr) for name, query in ROWS.items()}


def _moment(number: int, kills: int, total: int, chance: random.Random) -> int | str:
    """The first while starting, the last at the index, the others after a random number of units."""
    if number == 0:
        return "start"
    if number == kills - 1:
        return "index"
    share = (number - 1 + chance.random()) / max(kills - 2, 1)
    return min(int(share * total), total - 1)


def _killed_run(book: Path, home: Path, moment: int | str, chance: float) -> Kill:
    """Start `clew add`, wait for the moment and a little longer, by chance, and kill it."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(CLEW), "add", str(book), "--json"],
        env=_environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None and time.monotonic() - began < PATIENCE:
            if moment == "start":
                time.sleep(4 * chance)
                break
            if _ready(home) if moment == "index" else _reached(home, int(moment)):
                time.sleep(chance / 4)  # somewhere inside the next unit or the next file
                break
            time.sleep(0.005)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
    counts = _units(home)
    done = sum(state == "done" for state, _ in counts)
    name = moment if isinstance(moment, str) else f"unit {moment}"
    return Kill(name, time.monotonic() - began, done, sum(attempts for _, attempts in counts), alive)


def _reached(home: Path, moment: int) -> bool:
    """Whether so many units are done and the next one has been begun, or is about to be."""
    counts = _units(home)
    return bool(counts) and sum(state == "done" for state, _ in counts) >= moment


def _ready(home: Path) -> bool:
    """Whether the book is in SQL, so that the indexes are being written."""
    return _read(home, "SELECT 1 FROM documents WHERE state = 'ready'") != []


def _units(home: Path) -> list[tuple[str, int]]:
    """State and attempts of every unit; none if there is no database yet."""
    return _read(home, "SELECT state, attempts FROM units")


def _read(home: Path, query: str) -> list[Any]:
    file = home / "clew.sqlite"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # its tables are not made yet


def _row_differences(undisturbed: Path, killed: Path) -> list[str]:
    wanted, found = stored_rows(undisturbed), stored_rows(killed)
    differences = []
    for name in ROWS:
        if wanted[name] != found[name]:
            lost = len(set(wanted[name]) - set(found[name]))
            extra = len(set(found[name]) - set(wanted[name]))
            differences.append(f"{name}: {lost} of {len(wanted[name])} rows lost, {extra} others instead")
    return differences


def _work_differences(counts: list[tuple[str, int]], added: dict[str, Any], kills: int) -> list[str]:
    """No unit lost, none done more often than the kills explain, and the last run says what it did."""
    attempts = [attempts for _, attempts in counts]
    found = []
    if sum(attempts) - len(attempts) > kills:
        found.append(f"{sum(attempts) - len(attempts)} units begun again after {kills} kills")
    if any(state != "done" for state, _ in counts):
        found.append("a unit is not done")
    if added["status"] not in {"added", "unchanged"}:
        found.append(f"the last run ended as {added['status']!r}: {added['error']}")
    elif not 0 <= added["chunks_encoded"] <= added["chunks"]:
        found.append(f"the last run encoded {added['chunks_encoded']} of {added['chunks']} chunks")
    return found


def _answer(home: Path) -> dict[str, Any]:
    return _clew(home, "ask", QUESTION, "--json")


def _clew(home: Path, *arguments: object) -> dict[str, Any]:
    ran = subprocess.run(
        [str(CLEW), *map(str, arguments)], env=_environment(home), capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"clew {arguments[0]} ended with {ran.returncode}: {ran.stderr.strip()}")
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    return kept | {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu"}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("book", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clew-kill-") as folder:
        report = kill_add(given.book.resolve(), Path(folder), given.kills, given.seed)
    print(f"{'kill':>4}  {'moment':<10} {'after':>8}  {'done':>5}  {'begun':>5}  of {report.units} units")
    for number, kill in enumerate(report.kills, start=1):
        ended = "" if kill.alive else "  (had ended)"
        print(
            f"{number:>4}  {kill.moment:<10} {kill.seconds:>6.1f} s  {kill.done:>5}  {kill.attempts:>5}"
            f"{ended}"
        )
    print(
        f"last run: {report.added['status']}, {report.added['chunks_encoded']} of {report.added['chunks']} "
        f"chunks encoded; {report.repeated} units begun again, none more than {report.most_attempts} times"
    )
    for difference in report.differences:
        print(f"DIFFERENT  {difference}")
    print("rows and answers equal an undisturbed run's" if not report.differences else "NOT equal")
    sys.exit(bool(report.differences))


if __name__ == "__main__":
    main()
