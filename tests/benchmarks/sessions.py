"""Many sessions that ask one library at the same moment, through the pages' own websocket.

    python -m tests.benchmarks.sessions BOOK QUESTIONS [--sessions 20] [--rounds 10] [--spread 0] [--json]

BOOK is a file, such as ../shared/data/books/jane_eyre.txt; QUESTIONS a file of questions in a format of `clew
eval qa`, or of one question a line. A real `clew ui` serves a home with that book; each session is a tab with
a conversation of its own (without the browser: twenty of those would measure the browsers). In each round all
of them ask at once, or spread at random over `--spread` seconds. Reported are, from the moment a question is
sent, the time until the page tells something of its answer (its first step, or what it waits for), until the
first step is on the page, and until the answer is, with its citations;
and the resident memory of the server after every round, its growth over the last half, and its CPU time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil

from tests.benchmarks.streamlit_session import Session

CLEW: Final = str(Path(sys.executable).with_name("clew"))
SEED: Final = 7
KEY: Final = "chat.question"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("book", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--spread", type=float, default=0.0, help="seconds")
    parser.add_argument("--home", type=Path, help="kept, and used again")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder) / "home"
        environment = os.environ | {"CLEW_HOME": str(home), "CLEW_DEVICE": "cpu"}
        subprocess.run(
            [CLEW, "add", str(chosen.book)], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        report = measured(environment, asked(chosen.questions), chosen.sessions, chosen.rounds, chosen.spread)
    print(json.dumps(report, indent=2) if chosen.json else shown(report))


def asked(file: Path) -> list[str]:
    """The questions of a file."""
    text = file.read_text(encoding="utf-8")
    with suppress(json.JSONDecodeError):
        return list(_questions(json.loads(text)))
    return [line.strip() for line in text.splitlines() if line.strip()]


def _questions(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["question"]] if isinstance(part.get("question"), str) else []
        return own + [each for value in part.values() for each in _questions(value)]
    return [each for value in part for each in _questions(value)] if isinstance(part, list) else []


def measured(
    environment: dict[str, str], questions: list[str], count: int, rounds: int, spread: float
) -> dict[str, Any]:
    """Serve, ask, and take the times."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([CLEW, "ui", "--port", str(port)], env=environment) as server:
        try:
            _until_well(url)
            tabs = [Session(url) for _ in range(count)]
            for tab in tabs:
                tab.settle()
            draw = random.Random(SEED)
            ask_once(tabs[0], questions[0], 0.0)  # what is loaded once is loaded
            told, first, whole, memory = [], [], [], [_megabytes(server.pid)]
            spent = _seconds(server.pid)
            with ThreadPoolExecutor(count) as pool:
                for _ in range(rounds):
                    barrier = threading.Barrier(count)
                    chosen = [draw.choice(questions) for _ in tabs]
                    pauses = [draw.random() * spread for _ in tabs]
                    times = list(pool.map(ask_once, tabs, chosen, pauses, [barrier] * count))
                    told += [each[0] for each in times]
                    first += [each[1] for each in times]
                    whole += [each[2] for each in times]
                    memory.append(_megabytes(server.pid))
            spent = _seconds(server.pid) - spent
            for tab in tabs:
                tab.close()
        finally:
            server.terminate()
    half = memory[len(memory) // 2]
    return {
        "sessions": count,
        "questions": len(first),
        "first_event": _spread(told),
        "first_step": _spread(first),
        "answer": _spread(whole),
        "cpu_seconds_per_question": round(spent / len(first), 3),
        "memory_mb": [round(each) for each in memory],
        "growth_of_last_half": round(memory[-1] / half - 1, 4),
    }


def ask_once(
    tab: Session, question: str, pause: float, barrier: threading.Barrier | None = None
) -> tuple[float, float, float]:
    """Ask in a tab; seconds until something is told, until the first step is there, until the answer is."""
    if barrier is not None:
        barrier.wait()
    time.sleep(pause)
    began = time.perf_counter()
    tab.rerun(tab.widget(KEY), said=question)
    told = first = 0.0

    def answered(element: str) -> bool:
        nonlocal told, first
        done = "-chat-again" in element  # below the last answer of a conversation, unless one is under way
        if not first and (done or ("clew-steps" in element and "<li>" in element)):
            first = time.perf_counter()
        if not told and (first or "hourglass" in element):
            told = time.perf_counter()
        return done

    at = tab.until(answered, 120)
    tab.rest()
    tab.settle()
    return told - began, first - began, at - began


def shown(report: dict[str, Any]) -> str:
    """The figures as a few lines."""
    lines = [f"{report['questions']} questions of {report['sessions']} sessions"]
    for name in ("first_event", "first_step", "answer"):
        figures = report[name]
        lines.append(
            f"{name}: p50 {figures['p50']:.2f} s, p95 {figures['p95']:.2f} s, most {figures['most']:.2f} s"
        )
    lines.append(f"CPU of the server: {report['cpu_seconds_per_question']:.2f} s a question")
    lines.append(f"memory of the server, MB: {report['memory_mb']}")
    lines.append(f"growth over the last half: {report['growth_of_last_half']:.1%}")
    return "\n".join(lines)


def _spread(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"p50": statistics.median(seconds), "p95": cuts[-1], "most": max(seconds)}


def _seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _megabytes(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / 1e6


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_well(url: str) -> None:
    for _ in range(600):
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            return
        time.sleep(0.1)
    raise TimeoutError("the server does not come up")


if __name__ == "__main__":
    main()
