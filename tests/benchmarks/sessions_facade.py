"""Sessions that ask at the same moment, through the facade that the pages use: how long each waits.

    python -m tests.benchmarks.sessions_facade [--data SHARED_DATA] [--sessions 20] [--rounds 10]

One book (Jane Eyre if the shared data are there, else the novella repeated with changed words), the
extractive reader, a worker in this process as a server has one. In every round each session asks one
question in a thread of its own, all at the same moment, and looks at its state ten times a second, as a
page does. Told are the seconds until something is seen, until the first step and until the answer is there,
as median and 95th percentile over all questions, and the memory of the process after each round. Good is a
95th percentile of at most 1 s to the first event and 2 s to the answer on two cores, and no growth over the
last 100 questions beyond 3 %. A home that is given is kept for the next run, whose memory is then without
that of adding the book. What the pages themselves cost is measured elsewhere.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import psutil

from app.answer_jobs import ANSWER
from app.bootstrap import open_library
from app.config import load_settings
from app.jobs.contract import TaskKind
from app.library import Library
from app.question_files import read_questions
from app.working import working
from tests.benchmarks.bench import one_book

LOOK = 0.1
"""Seconds between two looks of a page."""


def main() -> None:
    """Print the measurement as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, help="of an earlier run, to go on with")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--at-once", type=int, help="answers at once, in place of what the kind says")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clew-bench-") as folder:
        book, file = one_book(arguments.data, Path(folder))
        questions = [each.text for each in read_questions(file).questions]
        library = open_library(load_settings(home=arguments.home or Path(folder) / "home", database_url=""))
        list(library.add([book]))
        if arguments.at_once:
            kind = library.jobs.kinds[ANSWER]
            library.jobs.kinds[ANSWER] = TaskKind(
                kind.handler, at_once=lambda: int(arguments.at_once), patient=kind.patient
            )
        with working(library):
            library.ask(questions[0])  # the encoder is loaded before anybody comes
            print(json.dumps(measured(library, questions, arguments.sessions, arguments.rounds), indent=1))
        library.close()


def measured(library: Library, questions: list[str], sessions: int, rounds: int) -> dict[str, Any]:
    """All rounds."""
    process, seen = psutil.Process(), list[dict[str, float]]()
    memory = [process.memory_info().rss / 2**20]
    busy, began = process.cpu_times(), time.perf_counter()
    for number in range(rounds):
        start = threading.Barrier(sessions)
        asked = [questions[(number * sessions + n) % len(questions)] for n in range(sessions)]
        names = [f"session {n}" for n in range(sessions)]
        with ThreadPoolExecutor(sessions) as pool:
            seen += pool.map(session, repeat(library), asked, names, repeat(start))
        memory.append(process.memory_info().rss / 2**20)
    now = process.cpu_times()
    return {
        "questions": len(seen),
        "answered": sum(each["answered"] for each in seen),
        **{
            f"{name} {part}": round(percentile([each[name] for each in seen], share), 3)
            for name in ("asked", "first", "step", "answer")
            for part, share in (("median", 0.5), ("p95", 0.95), ("most", 1.0))
        },
        "seconds": round(time.perf_counter() - began, 2),
        "cpu seconds": round(now.user + now.system - busy.user - busy.system, 2),
        "memory MiB": [round(each) for each in memory],
    }


def session(library: Library, question: str, thread: str, start: threading.Barrier) -> dict[str, float]:
    """What one session sees of one question, in seconds since it was sent."""
    start.wait()
    began = time.perf_counter()
    id = library.answers.ask(question, thread)
    seen = {"asked": time.perf_counter() - began}
    while True:
        state = library.answers.state(id)
        now = time.perf_counter() - began
        if state.waiting or state.steps:
            seen.setdefault("first", now)
        if state.steps:
            seen.setdefault("step", now)
        if state.ended:
            return {"first": now, "step": now, **seen, "answer": now, "answered": state.state == "answered"}
        time.sleep(LOOK)


def percentile(values: list[float], share: float) -> float:
    """The value that so many are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
