"""What the agent costs beside the model: checkpoints of a question, and questions at once to an endpoint.

    python -m tests.benchmarks.agent [--data SHARED_DATA] [--questions 100]

Checkpoints: questions on a book of 1 MB (Jane Eyre if the shared data are there, else the novella repeated
with changed words), half of them in one thread, by the scripted model; the file with its journal, before and
after. At once: 32 questions over the same book to a server in a process of its own, 200 ms latency, 8 in
flight, about three calls each; the ideal is calls / 8 * 200 ms. Good is at most 20 KB for a question, and
1.15 times the ideal.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.bootstrap import open_library
from app.config import load_settings
from app.question_files import read_questions
from tests.benchmarks.bench import one_book
from tests.replies import sober
from tests.servers import serving

LATENCY, IN_FLIGHT, AT_ONCE = 0.2, 8, 32


def main() -> None:
    """Print both measurements as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clew-bench-") as folder:
        home = Path(folder) / "home"
        book, file = one_book(arguments.data, Path(folder))
        questions = [each.text for each in read_questions(file).questions]
        library = open_library(load_settings(home=home, database_url=""))
        assert [added.status for added in library.add([book])] == ["added"]
        library.close()
        found = checkpoints(home, Path(folder), questions, arguments.questions)
        found |= at_once(home, questions, arguments.repeats)
    print(json.dumps(found, indent=1))


def checkpoints(home: Path, folder: Path, questions: list[str], count: int) -> dict[str, Any]:
    """How the checkpoint file grows over questions."""
    script = folder / "script.json"
    replies = [
        ("Which of the numbered sentences", {"ids": [1, 2, 3, 4, 5, 6, 7, 8]}),
        ("Does the evidence hold all", {"enough": False, "missing": "Who was there besides?"}),
        ("Answer the question from the evidence", "So it is told [1]."),
        ("Does this question refer to something", {"needs_history": True}),
        ("Write the question so that", {"question": "Where did Jane go?"}),
        ("Does this question ask for several things", {"questions": ["Where did Jane go?", "Why?"]}),
    ]
    cues = [{"expects": [words], "reply": reply, "times": 0} for words, reply in replies]
    script.write_text(json.dumps(cues), encoding="utf-8")
    library = open_library(load_settings(home=home, database_url="", model=f"scripted:{script}"))
    library.ask(questions[0], thread="bench")
    before, most, steps = size(home), 0, 0
    for n in range(count):
        answer = library.ask(f"{questions[n % len(questions)]} ({n})", thread="bench" if n % 2 else None)
        most, steps = max(most, size(home)), steps + len(answer.steps)
    grown = size(home) - before
    library.close()
    return {
        "questions": count,
        "steps": steps,
        "checkpoint_bytes_per_question": grown / count,
        "checkpoint_file_at_most": most,
        "checkpoints_good": grown / count < 20_000,
    }


def at_once(home: Path, questions: list[str], repeats: int) -> dict[str, Any]:
    """Seconds for many questions at once, all their calls to one endpoint."""
    seconds: list[float] = []
    for repeat in range(repeats):
        with other_process() as (base_url, calls):
            settings = load_settings(
                home=home, database_url="", model="openai:fake", openai_base_url=base_url, cache_megabytes=0
            )
            library = open_library(settings)
            library.ask(questions[0])
            began, made = time.perf_counter(), calls()
            answers = library.ask_many([f"{questions[n]} ({repeat})" for n in range(AT_ONCE)])
            seconds.append(time.perf_counter() - began)
            made = calls() - made
            library.close()
        assert len(answers) == AT_ONCE
        ideal = made / IN_FLIGHT * LATENCY
    median = statistics.median(seconds)
    return {
        "questions_at_once": AT_ONCE,
        "calls": made,
        "ideal_seconds": ideal,
        "median_seconds": round(median, 3),
        "times_the_ideal": round(median / ideal, 3),
    }


@contextmanager
def other_process() -> Iterator[tuple[str, Any]]:
    """The base URL of a server in a process of its own, and how many requests it has had."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()

    def calls() -> int:
        ours.send("calls")
        return int(ours.recv())

    yield str(ours.recv()), calls
    ours.send("end")
    process.join()


def serve(connection: Connection) -> None:
    """Serve until told to end."""
    with serving(sober, latency=LATENCY) as server:
        connection.send(server.base_url)
        while connection.recv() != "end":
            connection.send(len(server.requests))


def size(home: Path) -> int:
    """Bytes of the checkpoints with their journal."""
    return sum(file.stat().st_size for file in home.glob("checkpoints.sqlite*"))


if __name__ == "__main__":
    main()
