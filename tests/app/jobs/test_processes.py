"""Several processes on one database: nothing runs twice, nothing is lost, all of them hear of a change."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.jobs.contract import NewTask
from app.jobs.running import Jobs
from memory.errors import JobStateError
from tests.app.jobs.counting_worker import AT_ONCE, counting
from tests.memory.samples import url

SCRIPT = Path(__file__).with_name("counting_worker.py")
PATIENCE = 120.0
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "done.txt"
    file.touch()
    return file


@pytest.fixture
def jobs(tmp_path: Path, file: Path) -> Jobs:
    return counting(url(tmp_path), file)


@pytest.fixture
def start(tmp_path: Path, file: Path) -> Iterator[Start]:
    """Starts a worker process, or one that works on a job."""
    begun: list[subprocess.Popen[bytes]] = []

    def started(*job: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(SCRIPT), url(tmp_path), str(file), *job]
        begun.append(subprocess.Popen(command, stderr=subprocess.PIPE))
        return begun[-1]

    yield started
    for process in begun:
        process.kill()
        process.communicate()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lines(file: Path, word: str) -> Counter[str]:
    """How often each task wrote that line."""
    found = [line.split(" ") for line in file.read_text().splitlines()]
    return Counter(" ".join(words[1:-1]) for words in found if words[0] == word)


def processes(file: Path) -> set[str]:
    return {line.rpartition(" ")[2] for line in file.read_text().splitlines()}


def plan(jobs: Jobs, tasks: int, seconds: float = 0.0) -> str:
    payload = {"tasks": tasks, "seconds": seconds}
    return jobs.start("counting", "Count", payload, [NewTask("plan", "plan", payload)]).id


def ended_well(process: subprocess.Popen[bytes]) -> bool:
    _, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, error) == (0, b"")
    return True


def test_two_workers_never_do_one_task_twice(jobs: Jobs, start: Start, file: Path) -> None:
    job = plan(jobs, 150, 0.06)
    workers = [start(), start()]
    assert all(ended_well(worker) for worker in workers)
    assert lines(file, "end") == {"sum": 1} | {f"count {n}": 1 for n in range(150)}
    assert len(processes(file)) == 2
    assert jobs.store.get(job).state == "done"
    assert jobs.store.results(job, ["sum"]) == {"sum": {"sum": 149 * 150 // 2}}


def test_two_commands_for_the_same_job_share_it(jobs: Jobs, start: Start, file: Path) -> None:
    job = plan(jobs, 60, 0.02)
    processes = [start(job), start(job)]
    assert all(ended_well(process) for process in processes)
    assert lines(file, "end") == {"sum": 1} | {f"count {n}": 1 for n in range(60)}
    assert jobs.store.get(job).state == "done"


def test_killed_again_and_again(jobs: Jobs, start: Start, file: Path) -> None:
    """Tasks of a killed worker are done again at once, finished ones never, follow-ups are written once."""
    job = plan(jobs, 80, 0.05)
    chance, kills = random.Random(5), 6
    other = start()
    for number in range(kills):
        victim = start()
        seen = len(lines(file, "end"))
        until(lambda seen=seen, other=other: len(lines(file, "end")) > seen or other.poll() is not None)
        time.sleep(chance.random() / 4)
        victim.send_signal(signal.SIGKILL)
        if number == 2:
            other.send_signal(signal.SIGKILL)
            other = start()
    assert ended_well(other)
    assert jobs.store.get(job).state == "done"
    ended = lines(file, "end")
    assert set(ended) == {"sum", *(f"count {n}" for n in range(80))}
    assert sum(ended.values()) - len(ended) <= (kills + 1) * AT_ONCE
    assert jobs.store.results(job, ["sum"]) == {"sum": {"sum": 79 * 80 // 2}}
    assert jobs.progress(jobs.store.get(job)).tasks == 82


def test_what_a_killed_worker_held_is_done_by_the_next(jobs: Jobs, start: Start, file: Path) -> None:
    task = NewTask("long", "count", {"seconds": 3600.0})
    job = jobs.start("counting", "Count", {}, [task]).id
    victim = start()
    until(lambda: lines(file, "begin") == {"long": 1})
    victim.kill()
    victim.wait()
    next_one = start()
    until(lambda: lines(file, "begin") == {"long": 2})
    (found,) = jobs.store.tasks(job)
    assert (found.state, found.attempts) == ("running", 2)
    jobs.store.cancel(job)
    assert ended_well(next_one)


def test_paused_resumed_and_cancelled_from_another_process(jobs: Jobs, start: Start, file: Path) -> None:
    job = plan(jobs, 2000, 0.05)
    worker = start(job)
    until(lambda: len(lines(file, "end")) > 3)
    jobs.store.pause(job, "by hand")
    _, error = worker.communicate(timeout=PATIENCE)
    assert f"Job {job} is paused (by hand)".encode() in error
    done = lines(file, "end")
    assert done == lines(file, "begin")  # what ran has ended
    assert jobs.progress(jobs.store.get(job)).running == 0

    jobs.store.resume(job)
    worker = start()
    until(lambda: len(lines(file, "end")) > len(done) + 3)
    assert jobs.store.get(job).state == "running"
    jobs.store.cancel(job)
    assert ended_well(worker)
    progress = jobs.progress(jobs.store.get(job))
    assert (progress.failed, progress.running) == (0, 0)
    assert progress.done < 2000
    assert max(lines(file, "end").values()) == 1
    with pytest.raises(JobStateError):
        jobs.store.resume(job)


def test_a_running_task_hears_that_its_job_is_cancelled(jobs: Jobs, start: Start, file: Path) -> None:
    job = jobs.start("counting", "Count", {}, [NewTask("long", "count", {"seconds": 3600.0})]).id
    worker = start()
    until(lambda: lines(file, "begin") == {"long": 1})
    jobs.store.cancel(job)
    assert ended_well(worker)
    assert lines(file, "stopped") == {"long": 1}
    assert [task.state for task in jobs.store.tasks(job)] == ["cancelled"]


def test_what_one_process_does_another_can_follow(jobs: Jobs, start: Start) -> None:
    job = plan(jobs, 30, 0.03)
    worker = start()
    events = list(jobs.watch(job))
    assert ended_well(worker)
    assert [event.key for event in events] == sorted({event.key for event in events})
    # Every task told at least the last thing it had to say.
    assert {event.task for event in events if event.task} == {f"count {n}" for n in range(30)}
    assert (events[-1].stage, events[-1].subject) == ("state", "done")
    assert list(jobs.watch(job, after=events[-2].key)) == events[-1:]
