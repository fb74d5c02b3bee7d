"""A process that does tasks which write down that they are done: `counting_worker.py URL FILE [JOB]`.

Without a job it is a worker until nothing is left to do; with one it works on that job.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from app.events import Event
from app.jobs.contract import NewTask, Outcome, TaskKind, Work
from app.jobs.running import Jobs
from memory.database import open_database

AT_ONCE = 3


def line(file: Path, text: str) -> None:
    """One write, so that lines of several processes do not mix."""
    with file.open("ab", buffering=0) as out:
        out.write(f"{text}\n".encode())


def counting(url: str, file: Path) -> Jobs:
    """Jobs with two kinds of task: one that counts, one that writes counting tasks and one that sums up."""

    def count(work: Work) -> Outcome:
        line(file, f"begin {work.name} {os.getpid()}")
        seconds = work.payload.get("seconds", 0.0)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            work.progress(Event("encode", work.name, 1, 2))
            if work.cancellation.wait(0.01):
                line(file, f"stopped {work.name} {os.getpid()}")
                return Outcome()
        line(file, f"end {work.name} {os.getpid()}")
        return Outcome({"n": work.payload.get("n", 0)})

    def plan(work: Work) -> Outcome:
        numbers = range(work.payload["tasks"])
        seconds = work.payload.get("seconds", 0.0)
        names = tuple(f"count {n}" for n in numbers)
        tasks = [NewTask(f"count {n}", "count", {"n": n, "seconds": seconds}) for n in numbers]
        return Outcome({}, (*tasks, NewTask("sum", "sum", {"names": list(names)}, needs=names)))

    def total(work: Work) -> Outcome:
        results = work.results(tuple(work.payload["names"]))
        line(file, f"end {work.name} {os.getpid()}")
        return Outcome({"sum": sum(result["n"] for result in results.values())})

    jobs = Jobs(open_database(url))
    jobs.kinds["count"] = TaskKind(count, lambda: AT_ONCE)
    jobs.kinds["plan"] = TaskKind(plan, lambda: 1)
    jobs.kinds["sum"] = TaskKind(total, lambda: 1)
    return jobs


def main() -> None:
    jobs = counting(sys.argv[1], Path(sys.argv[2]))
    if len(sys.argv) > 3:
        jobs.run(sys.argv[3])
        return
    worker = jobs.worker()
    for _ in worker.work(until_idle=True):
        pass
    worker.close()


if __name__ == "__main__":
    main()
