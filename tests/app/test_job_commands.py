"""`clew jobs` and `clew worker`: what they show, their JSON, their errors; Ctrl-C leaves a job alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import open_library
from app.job_reports import event_line, job_json, job_lines, progress_words
from app.jobs.contract import NewTask
from app.jobs.estimates import JobProgress
from app.jobs.running import Jobs
from memory.job_events import JobEvent
from memory.job_records import JobRecord
from tests.conftest import CLEW, Ran, settings_of, write
from tests.memory.samples import NOON

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
Clew = Callable[..., Ran]
JOB_KEYS = {
    "id",
    "kind",
    "title",
    "state",
    "reason",
    "unattended",
    "priority",
    "tasks",
    "share",
    "seconds_left",
    "estimate",
    "created_at",
    "started_at",
    "finished_at",
}


@pytest.fixture
def jobs(home: Path) -> Jobs:
    return open_library(settings_of(home)).jobs


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    return write(tmp_path / "fox.txt", FOX)


def queue(jobs: Jobs, *files: Path) -> str:
    """A job that nobody works on yet."""
    tasks = [NewTask(str(file), "add", {"path": str(file)}) for file in files]
    return jobs.start("add", "Add files", {"paths": [str(file) for file in files]}, tasks).id


def document(ran: Ran) -> dict[str, Any]:
    assert (ran.code, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_list(clew: Clew, home: Path, fox: Path, jobs: Jobs) -> None:
    assert "No jobs yet" in clew("--home", home, "jobs", "list").out
    assert document(clew("--home", home, "jobs", "list", "--json")) == {"jobs": []}
    clew("--home", home, "add", fox)
    waiting = queue(jobs, fox, fox.with_name("absent.txt"))
    found = document(clew("--home", home, "jobs", "list", "--json"))["jobs"]
    assert all(set(each) == JOB_KEYS for each in found)
    assert [(each["id"], each["kind"], each["title"], each["state"]) for each in found] == [
        (waiting, "add", "Add files", "queued"),
        (found[1]["id"], "add", 'Add "fox.txt"', "done"),
    ]
    assert found[0]["tasks"] == {"total": 2, "done": 0, "failed": 0, "running": 0}
    assert (found[0]["share"], found[0]["started_at"], found[0]["finished_at"]) == (0.0, None, None)
    assert found[0]["estimate"].keys() == {"units", "weight", "tokens", "minutes", "unmeasured"}
    assert (found[1]["share"], found[1]["seconds_left"]) == (1.0, 0.0)
    shown = clew("--home", home, "jobs", "list").out
    assert waiting in shown
    assert "0/2" in shown


def test_pause_resume_cancel(clew: Clew, home: Path, fox: Path, jobs: Jobs) -> None:
    job = queue(jobs, fox)
    found = document(clew("--home", home, "jobs", "pause", job[:7], "--json"))["job"]
    assert (found["id"], found["state"], found["reason"]) == (job, "paused", "by hand")
    assert document(clew("--home", home, "worker", "--until-idle", "--json"))["done"] == 0
    assert "queued" in clew("--home", home, "jobs", "resume", job).out
    assert document(clew("--home", home, "jobs", "cancel", job, "--json"))["job"]["state"] == "cancelled"
    assert document(clew("--home", home, "worker", "--until-idle", "--json"))["done"] == 0


def test_worker_does_what_waits(clew: Clew, home: Path, fox: Path, jobs: Jobs) -> None:
    job = queue(jobs, fox, fox.with_name("absent.txt"))
    ran = clew("--home", home, "worker", "--until-idle", "--tasks", 2)
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["done", "failed"]
    assert "absent.txt" in ran.out
    shown = clew("--home", home, "jobs", "watch", job)
    assert "done, 1 of 2 tasks done" in shown.out
    assert "1 failed" in shown.out
    write(fox.with_name("absent.txt"), FOX + "It is red.")
    clew("--home", home, "jobs", "resume", job)
    counts = document(clew("--home", home, "worker", "--until-idle", "--json"))
    assert (counts["done"], counts["failed"]) == (1, 0)
    assert counts["seconds"] > 0


def test_watch_json(clew: Clew, home: Path, fox: Path, jobs: Jobs) -> None:
    job = queue(jobs, fox)
    clew("--home", home, "worker", "--until-idle")
    found = document(clew("--home", home, "jobs", "watch", job, "--json"))
    assert set(found) == {"job", "events"}
    assert found["job"]["id"] == job
    assert all(
        set(each) == {"key", "task", "stage", "subject", "done", "total", "at"} for each in found["events"]
    )
    assert found["events"][0]["stage"] == "load"
    assert (found["events"][-1]["stage"], found["events"][-1]["subject"]) == ("state", "done")


@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("watch", "There is no job 'ffff0000'"),
        ("pause", "There is no job 'ffff0000'"),
        ("cancel", "There is no job 'ffff0000'"),
        ("resume", "There is no job 'ffff0000'"),
    ],
)
def test_a_job_that_is_not_there(
    clew: Clew, home: Path, command: str, named: str, json_option: list[str]
) -> None:
    ran = clew("--home", home, "jobs", command, "ffff0000", *json_option)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert named in ran.err


@pytest.mark.parametrize("command", ["pause", "cancel", "resume"])
def test_a_job_that_has_ended(clew: Clew, home: Path, fox: Path, command: str) -> None:
    clew("--home", home, "add", fox)
    (job,) = document(clew("--home", home, "jobs", "list", "--json"))["jobs"]
    ran = clew("--home", home, "jobs", command, job["id"])
    assert (ran.code, ran.out) == (1, "")
    assert job["id"] in ran.err
    assert "done" in ran.err


@pytest.mark.parametrize("arguments", [["jobs"], ["jobs", "watch"], ["worker", "--tasks", "0"]])
def test_usage(clew: Clew, home: Path, arguments: list[str]) -> None:
    assert clew("--home", home, *arguments).code == 2


def running(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLEW_")} | {
        "CLEW_HOME": str(home),
        "CLEW_DEVICE": "cpu",
    }
    return subprocess.Popen(
        [str(CLEW), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def test_ctrl_c_stops_watching_and_leaves_the_job_alone(home: Path, fox: Path, jobs: Jobs) -> None:
    job = queue(jobs, fox)
    jobs.store.pause(job, "until tomorrow")
    with running(home, "jobs", "watch", job) as process:
        assert process.stdout is not None
        assert "until tomorrow" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == f"clew: Stopped watching; job {job} is left as it is.\n"
    assert jobs.store.get(job).state == "paused"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_is_stopped_by_a_signal(home: Path, number: signal.Signals) -> None:
    with running(home, "worker") as process:
        assert process.stderr is not None
        assert "Waiting for tasks, at most" in process.stderr.readline()
        process.send_signal(number)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (0, "", "")


RECORD = JobRecord(
    key=1,
    id="0123abcd",
    owner="me",
    kind="tree",
    title="Tree of \x1b[31mEmma",
    spec={},
    state="paused",
    reason="Nobody answers.",
    priority=2,
    estimate=None,
    created_at=NOON,
    started_at=NOON,
    finished_at=None,
)


@pytest.mark.parametrize(
    ("seconds", "left"), [(None, "not measured here yet"), (40.4, "40 s"), (600.0, "10 min")]
)
def test_how_far_a_job_is(seconds: float | None, left: str) -> None:
    progress = JobProgress(tasks=10, done=4, failed=1, running=2, share=0.5, seconds_left=seconds)
    assert progress_words(RECORD, progress) == (
        f"paused (Nobody answers), 4 of 10 tasks done, 50% of the work, 1 failed; time left: {left}"
    )
    assert job_json(RECORD, progress)["seconds_left"] == seconds
    assert job_json(RECORD, progress)["created_at"] == "2026-05-12T12:00:00+00:00"


def test_the_list_at_any_width() -> None:
    """Only titles are cut; a reason stands below its job."""
    reason = "The endpoint http://127.0.0.1:8000/v1 cannot be reached: connection refused."
    emma = replace(RECORD, reason=reason)
    kim = replace(RECORD, id="89ef0123", kind="summarize", title="Kim " * 30, state="running", reason="")
    saga = replace(kim, id="456789ab", kind="add", title="Egils saga")
    progress = JobProgress(tasks=1200, done=400, failed=1, running=2, share=0.5, seconds_left=None)
    jobs = [
        (emma, progress),
        (kim, replace(progress, failed=0, seconds_left=40.4)),
        (saga, replace(progress, unattended=True)),
    ]
    assert [line.plain for line in job_lines(jobs, 80)] == [
        "id        kind       title                  state        done  failed       left",
        "0123abcd  tree       Tree of \ufffd[31mEmma      paused   400/1200       1  not known",
        "          The endpoint http://127.0.0.1:8000/v1 cannot be reached: connection",
        "          refused",
        "89ef0123  summarize  Kim Kim Kim Kim Kim …  running  400/1200       -       40 s",
        "456789ab  add        Egils saga             waiting  400/1200       1          -",
        "          no worker is at it any more; the same command goes on with it, or",
        "          `clew worker`",
    ]
    wide = [line.plain for line in job_lines(jobs, 120)]
    assert max(map(len, wide)) == 120
    assert wide[2] == f"{' ' * 10}The endpoint http://127.0.0.1:8000/v1 cannot be reached: connection refused"
    assert progress_words(*jobs[2]).startswith("waiting (no worker is at it any more; ")


def test_an_event_on_one_line() -> None:
    event = JobEvent(7, "leaf 1", "encode", "a\x1b[2Jb\nc", 2, 9, NOON)
    assert event_line(event).plain.endswith("  encode    a\ufffd[2Jb c 2/9")


def test_a_job_whose_command_was_killed(clew: Clew, home: Path, fox: Path, jobs: Jobs) -> None:
    job = queue(jobs, fox)
    with running(home, "worker") as process:
        for _ in range(1200):
            if jobs.store.get(job).state == "running":
                break
            time.sleep(0.05)
        process.kill()
    found = document(clew("--home", home, "jobs", "list", "--json"))["jobs"][0]
    assert (found["state"], found["unattended"]) == ("running", True)
    shown = clew("--home", home, "jobs", "list").out.splitlines()
    assert "waiting" in shown[1]
    assert "`clew worker`" in " ".join(line.strip() for line in shown[2:])
    assert document(clew("--home", home, "worker", "--until-idle", "--json"))["done"] == 1
    assert document(clew("--home", home, "jobs", "list", "--json"))["jobs"][0]["unattended"] is False
