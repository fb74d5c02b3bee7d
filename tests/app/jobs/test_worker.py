"""The worker: how much at once, what becomes of errors, how it stops; estimates from what it has measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.errors import JobHaltedError, SettingsError
from app.events import Event
from app.jobs.contract import Handler, NewTask, Outcome, TaskKind, Work
from app.jobs.estimates import Estimate, Rates
from app.jobs.running import Jobs
from app.jobs.worker import Patience
from app.jobs.workplaces import is_gone, worker_name
from memory.database import open_database
from memory.errors import DatabaseError
from memory.job_leases import TaskLeases
from memory.job_records import Tally
from reader.errors import (
    EndpointBusyError,
    EndpointRefusedError,
    EndpointUnreachableError,
    StoppedError,
    WindowError,
)
from retrieval.errors import ClewError, EncoderError
from tests.memory.samples import url

AT_ONCE = 3


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(url(tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture
def jobs(engine: Engine) -> Jobs:
    return Jobs(engine)


def nothing(work: Work) -> Outcome:
    return Outcome()


def slow(work: Work) -> Outcome:
    time.sleep(0.02)
    return Outcome()


def start(jobs: Jobs, handler: Handler, *names: str, at_once: int = AT_ONCE) -> str:
    """A job with a task for each name that the handler does."""
    jobs.kinds["try"] = TaskKind(handler, lambda: at_once)
    return jobs.start("trying", "Try", {}, [NewTask(name, "try", {}) for name in names or ("a",)]).id


def raising(error: BaseException) -> Handler:
    def handler(work: Work) -> Outcome:
        raise error

    return handler


def tasks(jobs: Jobs, job: str) -> dict[str, tuple[str, str | None]]:
    return {task.name: (task.state, task.error) for task in jobs.store.tasks(job)}


def subjects(jobs: Jobs, job: str, stage: str) -> list[str]:
    events = jobs.events.read(jobs.store.get(job).key)
    return [event.subject for event in events if event.stage == stage]


def test_a_job_runs_in_this_process_until_it_has_ended(jobs: Jobs) -> None:
    def plan(work: Work) -> Outcome:
        assert (work.job, work.name, work.payload) == (job, "plan", {"n": 3})
        return Outcome({"planned": 1}, (NewTask("leaf", "try", {}),))

    jobs.kinds["plan"] = TaskKind(plan, lambda: 1)
    jobs.kinds["try"] = TaskKind(lambda work: Outcome(work.results(("plan", "leaf"))["plan"]), lambda: 1)
    job = jobs.start("tree", "Tree", {}, [NewTask("plan", "plan", {"n": 3})]).id
    record = jobs.run(job)
    assert (record.state, record.ended) == ("done", True)
    assert jobs.store.results(job, ["leaf"]) == {"leaf": {"planned": 1}}
    assert jobs.run(job) == record  # there is nothing to do any more


@pytest.mark.parametrize(("limit", "most"), [(None, AT_ONCE), (2, 2), (9, AT_ONCE)])
def test_as_many_at_once_as_may_be(jobs: Jobs, limit: int | None, most: int) -> None:
    """Each waits until as many run as may; if there were fewer the test would never end, more are counted."""
    running, lock, full = [0, 0], threading.Lock(), threading.Barrier(most)

    def handler(work: Work) -> Outcome:
        with lock:
            running[0] += 1
            running[1] = max(running)
        full.wait(60)
        with lock:
            running[0] -= 1
        return Outcome()

    start(jobs, handler, *(f"t{n}" for n in range(4 * most)))
    worker = jobs.worker(limit)
    assert len(list(worker.work(until_idle=True))) == 4 * most
    assert running == [0, most]


def test_events_are_told_here_all_and_stored_the_last_one_always(jobs: Jobs) -> None:
    def handler(work: Work) -> Outcome:
        for n in range(501):
            work.progress(Event("encode", work.name, n, 500))
        work.progress(Event("write", work.name))
        return Outcome()

    told: list[Event] = []
    job = start(jobs, handler, "a")
    jobs.run(job, told.append)
    assert [event.done for event in told if event.stage == "encode"] == list(range(501))
    stored = [e for e in jobs.events.read(jobs.store.get(job).key) if e.task == "a"]
    assert (stored[-2].stage, stored[-2].done, stored[-1].stage) == ("encode", 500, "write")
    assert len(stored) < 100


def test_an_error_fails_its_task_and_no_other(jobs: Jobs) -> None:
    def handler(work: Work) -> Outcome:
        if work.name == "named":
            raise WindowError("The prompt is too long.")
        if work.name == "bug":
            return Outcome({"n": [][1]})
        if work.name == "not plain":
            return Outcome({"path": Path("x")})
        if work.name == "not finite":
            return Outcome({}, (NewTask("more", "try", {"n": float("nan")}),))
        return Outcome()

    told: list[Event] = []
    job = start(jobs, handler, "named", "bug", "not plain", "not finite", "good")
    assert jobs.run(job, told.append).state == "done"
    found = tasks(jobs, job)
    assert found["named"] == ("failed", "The prompt is too long.")
    assert found["good"] == ("done", None)
    for name, error in (("bug", "IndexError"), ("not plain", "TypeError"), ("not finite", "ValueError")):
        assert found[name][0] == "failed"
        assert f"An unexpected {error}:" in str(found[name][1])
    assert len(found) == 5
    assert len([event for event in told if event.stage == "failed"]) == 4


def test_a_busy_endpoint_is_tried_again_and_then_an_error(jobs: Jobs) -> None:
    attempts: list[str] = []

    def handler(work: Work) -> Outcome:
        attempts.append(work.name)
        if work.name == "always" or attempts.count("twice") < 3:
            raise EndpointBusyError("The endpoint is busy.")
        return Outcome()

    job = start(jobs, handler, "twice", "always")
    list(jobs.worker(patience=Patience(retries=2, seconds=0.01)).work(job))
    assert tasks(jobs, job) == {"twice": ("done", None), "always": ("failed", "The endpoint is busy.")}
    assert (attempts.count("twice"), attempts.count("always")) == (3, 3)
    assert all("Tried again in" in subject for subject in subjects(jobs, job, "wait"))


def test_an_endpoint_that_is_away_pauses_the_job_and_loses_nothing(jobs: Jobs) -> None:
    away = EndpointUnreachableError("Nobody answers at 127.0.0.1.")
    job = start(jobs, raising(away), *(f"t{n}" for n in range(40)))
    worker = jobs.worker(patience=Patience(away=1, seconds=0.01))
    assert list(worker.work(job)) == []
    record = jobs.store.get(job)
    assert (record.state, record.reason) == ("paused", "Nobody answers at 127.0.0.1.")
    assert worker.halted[job].cause is away
    assert {state for state, _ in tasks(jobs, job).values()} == {"ready"}
    start(jobs, nothing, *(f"t{n}" for n in range(40)))
    assert jobs.run(job).state == "done"


@pytest.mark.parametrize("error", [EncoderError("No encoder."), SettingsError("No model is set.")])
def test_what_is_wrong_with_the_machine_pauses_the_job_and_is_raised(jobs: Jobs, error: ClewError) -> None:
    job = start(jobs, raising(error), "a", "b")
    with pytest.raises(type(error), match=str(error)):
        jobs.run(job)
    assert (jobs.store.get(job).state, jobs.store.get(job).reason) == ("paused", str(error))
    assert tasks(jobs, job) == {"a": ("ready", None), "b": ("ready", None)}


def test_what_an_endpoint_refuses_is_the_tasks_own_error(jobs: Jobs) -> None:
    job = start(jobs, raising(EndpointRefusedError("The request is malformed.")))
    assert jobs.run(job).state == "failed"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseError("The disk is full."), "The disk is full."),
        (RuntimeError("no such thing"), "An unexpected RuntimeError: no such thing"),
        (KeyboardInterrupt(), "It was stopped by hand."),
    ],
)
def test_a_job_says_what_ended_the_work_on_it(jobs: Jobs, error: BaseException, reason: str) -> None:
    def handler(work: Work) -> Outcome:
        work.progress(Event("load", "a"))
        return Outcome()

    def breaks(event: Event) -> None:
        raise error

    job = start(jobs, handler, "a", "b", at_once=1)
    with pytest.raises(type(error)):
        jobs.run(job, breaks)
    assert (jobs.store.get(job).state, jobs.store.get(job).reason) == ("paused", reason)


def test_a_job_whose_workers_are_gone_is_unattended(jobs: Jobs) -> None:
    gone = worker_name().split(" ")
    gone[4] = "1"  # that process began soon after the boot, and its number is another's now
    job, room = start(jobs, nothing, "a", "b"), {"try": 1}

    def unattended() -> bool:
        return jobs.progress(jobs.store.get(job)).unattended

    assert not unattended()  # it is queued
    dead = jobs.queue.claim(" ".join(gone), room, 1)
    assert unattended()
    alive = jobs.queue.claim(worker_name(), room, 1)
    assert (len(dead), len(alive), unattended()) == (1, 1, False)
    jobs.store.pause(job)
    assert not unattended()


def test_a_job_that_its_worker_has_left_is_unattended_after_a_moment(jobs: Jobs) -> None:
    job = start(jobs, nothing, "a", "b", at_once=1)
    worker = jobs.worker()
    running = worker.work()
    next(running)
    worker.stop()
    assert list(running) == []
    record = jobs.store.get(job)
    assert (record.state, jobs.progress(record).unattended) == ("running", False)
    later = TaskLeases(jobs.store.engine, now=lambda: datetime.now(UTC) + timedelta(seconds=6))
    assert later.unattended(record.key, is_gone)


def test_somebody_who_waits_hears_that_the_job_was_paused_or_cancelled(jobs: Jobs) -> None:
    def pauses(work: Work) -> Outcome:
        jobs.store.pause(work.job, "lunch")
        return Outcome()

    job = start(jobs, pauses, "a", "b", at_once=1)
    with pytest.raises(JobHaltedError, match=rf"Job {job} is paused \(lunch\); `clew jobs resume {job}`"):
        jobs.run(job)
    assert tasks(jobs, job) == {"a": ("done", None), "b": ("ready", None)}
    jobs.store.cancel(job)
    with pytest.raises(JobHaltedError, match="was cancelled"):
        jobs.run(job)


def test_cancelled_while_it_runs(jobs: Jobs) -> None:
    def handler(work: Work) -> Outcome:
        jobs.store.cancel(work.job)
        assert work.cancellation.wait(60)
        raise StoppedError("It was stopped.")

    job = start(jobs, handler, "a", "b", at_once=1)
    with pytest.raises(JobHaltedError):
        jobs.run(job)
    assert tasks(jobs, job) == {"a": ("cancelled", None), "b": ("cancelled", None)}


def test_ctrl_c_gives_back_what_runs_and_pauses(jobs: Jobs) -> None:
    def handler(work: Work) -> Outcome:
        if work.name == "pressed":
            raise KeyboardInterrupt
        work.cancellation.wait(60)
        if work.name == "stops":
            raise StoppedError("It was stopped.")
        return Outcome({"ended": True})

    job = start(jobs, handler, "stops", "ends", "pressed")
    with pytest.raises(KeyboardInterrupt, match=f"job {job} is paused, and the same command goes on"):
        jobs.run(job)
    assert jobs.store.get(job).state == "paused"
    assert tasks(jobs, job) == {"stops": ("ready", None), "ends": ("done", None), "pressed": ("ready", None)}
    assert start(jobs, nothing) == job
    assert jobs.run(job).state == "done"


def test_leaving_early_gives_back_what_runs(jobs: Jobs) -> None:
    def handler(work: Work) -> Outcome:
        if work.name != "a":
            work.cancellation.wait(60)
            raise StoppedError("It was stopped.")
        return Outcome()

    job = start(jobs, handler, "a", "b", "c", "d")
    running = jobs.work(job)
    assert next(running).task.name == "a"
    running.close()
    assert jobs.store.get(job).state == "paused"
    assert {name: state for name, (state, _) in tasks(jobs, job).items()} == {
        "a": "done",
        "b": "ready",
        "c": "ready",
        "d": "ready",
    }


def test_a_worker_that_is_to_stop_ends_what_it_has_begun(jobs: Jobs) -> None:
    def handler(work: Work) -> Outcome:
        worker.stop()
        return Outcome()

    job = start(jobs, handler, "a", "b", at_once=1)
    worker = jobs.worker()
    assert [ended.task.name for ended in worker.work()] == ["a"]
    assert jobs.store.get(job).state == "running"
    assert tasks(jobs, job) == {"a": ("done", None), "b": ("ready", None)}


def test_a_worker_takes_tasks_of_kinds_that_it_knows(jobs: Jobs, engine: Engine) -> None:
    start(jobs, nothing)
    stranger = Jobs(engine)
    stranger.kinds["other"] = TaskKind(nothing, lambda: 1)
    assert list(stranger.worker().work(until_idle=True)) == []
    assert [ended.task.name for ended in jobs.worker().work(until_idle=True)] == ["a"]


def test_what_other_workers_tell_is_passed_on(jobs: Jobs, engine: Engine) -> None:
    here, there = threading.Event(), threading.Event()

    def one(work: Work) -> Outcome:
        work.progress(Event("load", "one"))
        here.set()
        there.wait(60)
        return Outcome()

    def two(work: Work) -> Outcome:
        work.progress(Event("load", "two"))
        return Outcome()

    other = Jobs(engine)
    other.kinds["two"] = TaskKind(two, lambda: 1)
    jobs.kinds["one"] = TaskKind(one, lambda: 1)
    job = jobs.start("both", "Both", {}, [NewTask("a", "one", {}), NewTask("b", "two", {})]).id

    def beside() -> None:
        here.wait(60)
        first = other.worker().work()
        next(first)
        first.close()  # type: ignore[attr-defined]
        there.set()

    thread = threading.Thread(target=beside)
    thread.start()
    told: list[Event] = []
    jobs.run(job, told.append)
    thread.join()
    assert sorted(event.subject for event in told if event.stage == "load") == ["one", "two"]


def test_an_estimate_needs_measurements(jobs: Jobs) -> None:
    speed = "slow"
    jobs.kinds["try"] = TaskKind(nothing, lambda: 1, speed=lambda: speed)
    new = [NewTask(f"t{n}", "try", {}, weight=50.0) for n in range(4)]
    before = jobs.estimate(new, tokens=1234)
    assert (before.units, before.weight, before.tokens, before.minutes) == (4, 200.0, 1234, None)
    assert before.unmeasured == ("try",)
    assert before.sentence == "4 tasks, 1,234 tokens, not measured here yet"
    # 100 units of weight in 30 s of wall clock: 60 s of work, two at a time.
    for _ in range(10):
        jobs.rates.note("try", 4.0, 6.0, at_once=2)
        jobs.rates.note("try", 2.0, 4.0, at_once=2)
    jobs.rates.store()
    after = jobs.estimate(new)
    assert after.minutes == pytest.approx(200 * 0.3 / 60)
    assert after.sentence == "4 tasks, about 1.0 min"
    speed = "fast"  # another reader has a rate of its own
    assert jobs.estimate(new).minutes is None
    speed = "slow"
    assert Jobs(jobs.store.engine).rates.rate("try") is None  # of a kind that is not known here
    # Twenty more tasks of twice the speed count as much as all before.
    for _ in range(20):
        jobs.rates.note("try", 1.5, 10.0, at_once=1)
    jobs.rates.store()
    assert jobs.rates.rate("try") == pytest.approx((0.3 + 0.15) / 2)


def test_what_tasks_take_is_measured_and_tells_the_time_left(jobs: Jobs) -> None:
    job = start(jobs, nothing, "a", "b", at_once=1)
    assert jobs.progress(jobs.store.get(job)).seconds_left is None
    assert jobs.store.get(job).estimate == jobs.estimate([NewTask("a", "try", {})] * 2).plain()
    running = jobs.work(job)
    next(running)
    running.close()
    assert (jobs.rates.rate("try") or 0) > 0
    progress = jobs.progress(jobs.store.resume(job))
    assert (progress.tasks, progress.done, progress.share) == (2, 1, 0.5)
    assert (progress.seconds_left or 0) > 0
    jobs.run(job)
    ended = jobs.progress(jobs.store.get(job))
    assert (ended.done, ended.share, ended.seconds_left) == (2, 1.0, 0.0)


def test_a_rate_that_rests_on_one_task_counts_as_one(jobs: Jobs) -> None:
    for seconds in (9.0, 1.0, 2.0):
        jobs.rates.note("try", seconds, 1.0, at_once=1)
        jobs.rates.store()
    assert jobs.rates.rate("try") == pytest.approx((9 + 1 + 2) / 3)


def test_a_smaller_part_that_was_never_measured_counts_like_the_rest(jobs: Jobs) -> None:
    jobs.rates.note("leaf", 8.0, 16.0, at_once=1)
    jobs.rates.store()

    def left(unmeasured: float) -> float | None:
        return jobs.rates.seconds_left(
            [
                Tally("leaf", "running", 1, 30.0),
                Tally("leaf", "ready", 5, 50.0),
                Tally("leaf", "done", 9, 500.0),
                Tally("link", "waiting", 2, unmeasured),
            ]
        )

    assert (left(0.0), left(20.0), left(80.0), left(81.0)) == (40.0, 50.0, 80.0, None)


def test_time_left_is_told_in_the_middle_of_a_job_of_several_kinds(jobs: Jobs) -> None:
    """One of them weighs nothing, so that nothing is measured of it."""

    def plan(work: Work) -> Outcome:
        leaves = tuple(NewTask(f"leaf {n}", "leaf", {}, weight=50.0) for n in range(4))
        return Outcome({}, leaves)

    jobs.rates = Rates(jobs.store.engine, jobs.kinds, every=0.0)
    jobs.kinds.update({"plan": TaskKind(plan, lambda: 1), "leaf": TaskKind(slow, lambda: 1)})
    jobs.kinds["link"] = TaskKind(nothing, lambda: 1)
    tasks = [
        NewTask("plan", "plan", {}, weight=0.0),
        NewTask("link", "link", {}, weight=0.0, needs=("plan", "leaf 3")),
    ]
    expected = Estimate(units=4, weight=200.0, minutes=0.5)
    job = jobs.start("tree", "Tree", {}, tasks, estimate=expected).id
    watching = Jobs(jobs.store.engine)
    watching.kinds.update(jobs.kinds)

    def seconds_left() -> float:
        return watching.progress(watching.store.get(job)).seconds_left or 0.0

    assert seconds_left() == 30.0  # nothing is planned yet
    with closing(jobs.work(job)) as running:
        assert [next(running).task.name for _ in range(2)] == ["plan", "leaf 0"]
        # Three leaves are left, of at least 20 ms each.
        assert 0.06 <= seconds_left() < 30.0
        assert jobs.estimate([*tasks, NewTask("leaf", "leaf", {})]).unmeasured == ()


def test_waiting_costs_little(jobs: Jobs) -> None:
    """A worker without work looks for some about once a second, and hears of a stop."""
    looked: list[float] = []
    claim = jobs.queue.claim

    def counted(*arguments: object) -> object:
        looked.append(time.monotonic())
        if len(looked) > 13:
            worker.stop()
        return claim(*arguments)  # type: ignore[arg-type]

    jobs.queue.claim = counted  # type: ignore[method-assign, assignment]
    start(jobs, nothing)
    worker = jobs.worker()
    assert [ended.task.name for ended in worker.work()] == ["a"]
    pauses = [after - before for before, after in pairwise(looked)]
    assert min(pauses[2:]) >= 0.15
    assert pauses[-1] >= 0.9
