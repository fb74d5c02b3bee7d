"""Kill `clew summarize` at random moments, run it again each time, and compare with an undisturbed run.

    python -m tests.benchmarks.kill_summarize BOOK... --kills 40 --seed 7 [--method scm] [--endpoint]

The command adds the books, builds their trees and writes their summaries; the moments are spread over all of
it by what is stored as done. Prints each kill, then every difference in rows and files; exits with 1 if there
is one. With --endpoint the reader is a language model behind a local server, eight requests at once, whose
replies are made from the prompts; the requests that were made again are counted there.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.kill_add import ROWS
from tests.replies import prompt_of
from tests.servers import FakeServer, serving

__all__ = ["SummaryKills", "abridged", "kill_summarize"]

CLEW: Final = Path(sys.executable).with_name("clew")
IN_FLIGHT: Final = 8
PATIENCE: Final = 1800.0
LONGEST_PAUSE: Final = 0.25

MADE: Final = {
    "trees": "SELECT document_id, content_hash, reader, recipe, state FROM trees",
    "tree_nodes": """SELECT t.document_id, n.ordinal, n.parent, n.level, n.kind, n.title, n.start, n."end",
        n.digest FROM tree_nodes n JOIN trees t ON t.key = n.tree_key""",
    "summaries": "SELECT digest, reader, sentences, notes, linked FROM summaries",
    "summary_vectors": "SELECT digest, vectors FROM summary_vectors",
    "summary_uses": "SELECT document_id, content_hash, digest FROM summary_uses",
}
DONE: Final = "SELECT COUNT(*) FROM {} WHERE state = 'done'"
AGAIN: Final = "SELECT COALESCE(SUM(attempts - 1), 0) FROM {} WHERE state = 'done'"


@dataclass(frozen=True, slots=True)
class SummaryKills:
    """What came of it.

    Attributes:
        kills: For each kill, what was done by then, and whether the run was still alive.
        work: Units and tasks of the undisturbed run.
        again: Units and tasks that were begun more than once, each time counted.
        allowed: How many kills and what runs at once explain.
        requests: Requests to the endpoint that were made again; None without one.
        differences: Rows and files that are not those of the undisturbed run.
    """

    kills: tuple[tuple[int, bool], ...]
    work: int
    again: int
    allowed: int
    requests: int | None
    differences: tuple[str, ...]


def kill_summarize(
    books: Sequence[Path],
    folder: Path,
    kills: int,
    seed: int,
    options: Sequence[str] = (),
    endpoint: bool = False,
    measured_home: Path | None = None,
) -> SummaryKills:
    """Summarise books once undisturbed and once under kills.

    Args:
        books: The files.
        folder: An empty folder for homes and results.
        kills: How many runs are killed.
        seed: Of the moments.
        options: Of `clew summarize`.
        endpoint: Whether a language model behind a server reads.
        measured_home: An empty home that knows this machine's number format; made here if None.
    """
    if measured_home is None:
        measured_home = folder / "measured"
        _run(["doctor", "--json"], measured_home, {})
    with _served(endpoint) as (server, environment):
        homes: list[Path] = []
        for name in ("undisturbed", "killed"):
            homes.append(Path(shutil.copytree(measured_home, folder / name)))
        command = ["summarize", *map(str, books), *options, "--out"]
        _run([*command, str(folder / "out-undisturbed")], homes[0], environment)
        plain = len(server.requests) if server else 0
        work = _count(homes[0], DONE)
        chance = random.Random(seed)
        done: list[tuple[int, bool]] = []
        for number in range(kills):
            moment = min(int(work * (number + chance.random()) / kills), work - 1)
            done.append(
                _killed(
                    [*command, str(folder / "out-killed")], homes[1], environment, moment, chance.random()
                )
            )
        _run([*command, str(folder / "out-killed")], homes[1], environment)
        requests = len(server.requests) - 2 * plain if server else None
    differences = [*_row_differences(*homes), *_file_differences(folder)]
    again = _count(homes[1], AGAIN)
    at_once = IN_FLIGHT if endpoint else 1
    # One batch is encoded at a time; of tasks, as many run as the reader takes, and one of another kind.
    allowed = kills * (at_once + 2)
    if again > allowed:
        differences.append(f"{again} units and tasks were begun again, {allowed} are explained")
    if requests is not None and requests > kills * IN_FLIGHT:
        differences.append(f"{requests} requests were made again")
    return SummaryKills(tuple(done), work, again, allowed, requests, tuple(differences))


def abridged(body: Mapping[str, Any]) -> str:
    """A summary as a model might write it: sentences of each text of the prompt, the sixth words left out."""
    prompt = prompt_of(body)
    texts = re.findall(r'<text(?: title="[^"]*")?>\n(.*?)\n</text>', prompt, re.DOTALL)
    most = int(re.findall(r"at most (\d+) words", prompt)[-1])
    pools = [re.findall(r"[^.!?]+[.!?]+", " ".join(html.unescape(text).split())) for text in texts]
    taken: list[str] = []
    for place in range(max(map(len, pools), default=0)):
        for pool in pools:
            words = pool[place].split() if place < len(pool) else []
            kept = [word for n, word in enumerate(words, start=1) if n % 6 or n == len(words)]
            if kept and sum(len(each.split()) for each in taken) + len(kept) <= most:
                taken.append(" ".join(kept))
    return " ".join(taken) or "Nothing is told."


@contextmanager
def _served(endpoint: bool) -> Iterator[tuple[FakeServer | None, dict[str, str]]]:
    if not endpoint:
        yield None, {}
        return
    with serving(abridged, latency=0.05) as server:
        yield (
            server,
            {
                "CLEW_MODEL": "openai:fake",
                "OPENAI_BASE_URL": server.base_url,
                "CLEW_IN_FLIGHT": str(IN_FLIGHT),
            },
        )


def _killed(
    command: Sequence[str], home: Path, environment: Mapping[str, str], moment: int, chance: float
) -> tuple[int, bool]:
    """Run until so much is done and a little longer, by chance, and kill it; what was done by then."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(CLEW), *command],
        env=_environment(home, environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None and time.monotonic() - began < PATIENCE:
            if _count(home, DONE) >= moment:
                time.sleep(LONGEST_PAUSE * chance)
                break
            time.sleep(0.005)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
    return _count(home, DONE), alive


def _count(home: Path, query: str) -> int:
    """Over units of encoding and tasks of jobs; 0 if there is no database yet."""
    file = home / "clew.sqlite"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return sum(
                int(connection.execute(query.format(name)).fetchone()[0]) for name in ("units", "tasks")
            )
        except sqlite3.OperationalError:
            return 0  # its tables are not made yet


def _row_differences(undisturbed: Path, killed: Path) -> list[str]:
    found: list[str] = []
    for name, query in {**ROWS, **MADE}.items():
        rows: list[list[Any]] = []
        for home in (undisturbed, killed):
            with closing(sqlite3.connect(home / "clew.sqlite", timeout=30)) as connection:
                rows.append(sorted(connection.execute(query), key=repr))
        if rows[0] != rows[1]:
            lost, extra = len(set(rows[0]) - set(rows[1])), len(set(rows[1]) - set(rows[0]))
            found.append(f"{name}: {lost} of {len(rows[0])} rows lost, {extra} others instead")
        if not rows[0] and name in ("summaries", "units"):
            found.append(f"{name}: the undisturbed run has none")
    return found


def _file_differences(folder: Path) -> list[str]:
    contents = [
        {file.name: file.read_bytes() for file in sorted((folder / name).iterdir())}
        for name in ("out-undisturbed", "out-killed")
    ]
    if not contents[0]:
        return ["the undisturbed run has written no file"]
    names = contents[0].keys() | contents[1].keys()
    return [f"file {name}" for name in sorted(names) if contents[0].get(name) != contents[1].get(name)]


def _run(command: Sequence[str], home: Path, environment: Mapping[str, str]) -> None:
    ran = subprocess.run(
        [str(CLEW), *command],
        env=_environment(home, environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"clew {command[0]} ended with {ran.returncode}: {ran.stderr.strip()}")


def _environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLEW_", "OPENAI_"))}
    return kept | {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu"} | dict(more)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("books", nargs="*", type=Path)
    parser.add_argument("--stories", type=Path, help="SQuALITY's dev.jsonl, to take stories from")
    parser.add_argument("--count", type=int, default=0, help="stories to take")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--method", default="hierarchical")
    parser.add_argument("--endpoint", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clew-kill-") as name:
        folder = Path(name)
        books = [book.resolve() for book in given.books]
        if given.stories:
            lines = given.stories.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines[: given.count], start=1):
                books.append(folder / f"story-{number}.txt")
                books[-1].write_text(json.loads(line)["document"], encoding="utf-8")
        options = ["--method", given.method]
        report = kill_summarize(books, folder, given.kills, given.seed, options, given.endpoint)
    for number, (done, alive) in enumerate(report.kills, start=1):
        print(f"{number:>4}  {done:>6} of {report.work} done{'' if alive else '  (had ended)'}")
    print(f"{report.again} units and tasks begun again, {report.allowed} explained", end="")
    print("" if report.requests is None else f"; {report.requests} requests made again")
    for difference in report.differences:
        print(f"DIFFERENT  {difference}")
    print("rows and files equal an undisturbed run's" if not report.differences else "NOT equal")
    sys.exit(bool(report.differences))


if __name__ == "__main__":
    main()
