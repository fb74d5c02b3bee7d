"""The queue: who gets which task, what its end releases, what becomes of a worker that is gone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from memory.database import open_database
from memory.job_events import JobEventStore, NewJobEvent
from memory.job_leases import LEASE, MOST_INTERRUPTIONS
from memory.job_queue import ClaimedTask, EndedTask, TaskQueue
from memory.jobs import JobStore
from tests.memory.samples import NOON, ATask, url
from tests.memory.test_jobs import ME, ROOM, do, start, states

YOU = "worker two"


class Clock:
    """Noon, until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(any_engine: Engine, clock: Clock) -> TaskQueue:
    return TaskQueue(any_engine, now=clock)


def names(tasks: list[ClaimedTask]) -> list[str]:
    return [task.name for task in tasks]


def finish(queue: TaskQueue, *tasks: ClaimedTask, worker: str = ME) -> list[str]:
    return names(queue.finish(worker, [EndedTask(task, 0.1, {}) for task in tasks]))


def errors(engine: Engine, job: str) -> dict[str, str | None]:
    return {task.name: task.error for task in JobStore(engine).tasks(job, "failed")}


def test_what_is_claimed(any_engine: Engine, queue: TaskQueue, clock: Clock) -> None:
    job = start(any_engine, ATask("a", payload={"n": 1}, weight=2.5))
    (task,) = queue.claim(ME, ROOM, 9)
    assert (task.job, task.name, task.kind, task.payload) == (job, "a", "count", {"n": 1})
    assert (task.weight, task.attempt, task.retries) == (2.5, 1, 0)
    assert queue.claim(YOU, ROOM, 9) == []


def test_the_most_urgent_job_first_then_the_oldest(any_engine: Engine, queue: TaskQueue) -> None:
    start(any_engine, ATask("old 1"), ATask("old 2"), to=1)
    new = start(any_engine, ATask("new 1"), ATask("new 2"), to=2)
    start(any_engine, ATask("urgent"), to=3, priority=1)
    start(any_engine, ATask("idle"), to=4, priority=-1)
    assert names(queue.claim(ME, ROOM, 1, new)) == ["new 1"]
    assert names(queue.claim(ME, ROOM, 4)) == ["urgent", "old 1", "old 2", "new 2"]
    assert names(queue.claim(ME, ROOM, 4)) == ["idle"]


def test_no_more_of_a_kind_than_there_is_room_for(any_engine: Engine, queue: TaskQueue) -> None:
    start(any_engine, *(ATask(f"{kind} {n}", kind) for n in range(3) for kind in ("one", "two", "three")))
    assert names(queue.claim(ME, {"one": 1, "two": 5, "three": 0}, 3)) == ["one 0", "two 0", "two 1"]
    assert names(queue.claim(ME, {"two": 5}, 5)) == ["two 2"]
    for room, most in (({}, 5), ({"one": 0}, 5), ({"one": 5}, 0), ({"four": 5}, 5)):
        assert queue.claim(ME, room, most) == []


def test_a_task_is_ready_when_all_that_it_needs_is_done(any_engine: Engine, queue: TaskQueue) -> None:
    job = start(
        any_engine,
        ATask("a"),
        ATask("b"),
        ATask("c", needs=("a", "b")),
        ATask("d", needs=("a",), waits=("b",)),
    )
    a, b = queue.claim(ME, ROOM, 9)
    assert finish(queue, a) == ["a"]
    assert queue.claim(ME, ROOM, 9) == []
    assert finish(queue, b) == ["b"]
    assert names(queue.claim(ME, ROOM, 9)) == ["c", "d"]
    assert set(states(any_engine, job).values()) == {"done", "running"}


def test_what_needs_a_failed_task_fails_and_what_only_waits_for_it_does_not(
    any_engine: Engine, queue: TaskQueue
) -> None:
    job = start(
        any_engine,
        ATask("a"),
        ATask("b", needs=("a",)),
        ATask("c", needs=("b",)),
        ATask("d", waits=("c",)),
        ATask("e", waits=("a",)),
        ATask("f", needs=("d",), waits=("a",)),
    )
    (a,) = queue.claim(ME, ROOM, 9)
    assert queue.fail(ME, a, "The lamp is out.")
    assert errors(any_engine, job) == {
        "a": "The lamp is out.",
        "b": "It needs 'a', which failed: The lamp is out.",
        "c": "It needs 'a', which failed: The lamp is out.",
    }
    assert names(queue.claim(ME, ROOM, 9)) == ["d", "e"]
    assert states(any_engine, job)["f"] == "waiting"


def test_follow_ups_are_written_once_and_may_be_waited_for_before(
    any_engine: Engine, queue: TaskQueue
) -> None:
    job = start(any_engine, ATask("plan"), ATask("end", waits=("root",)))
    (plan,) = queue.claim(ME, ROOM, 9)
    tree = [ATask("root", needs=("leaf 1", "leaf 2")), ATask("leaf 1"), ATask("leaf 2"), ATask("plan")]
    assert queue.finish(ME, [EndedTask(plan, 0.1, {}, [*tree, ATask("leaf 1", kind="other")])]) == [plan]
    leaves = queue.claim(ME, ROOM, 9)
    assert names(leaves) == ["leaf 1", "leaf 2"]
    finish(queue, *leaves)
    (root,) = queue.claim(ME, ROOM, 9)
    # A follow-up that needs what is done already is ready at once.
    queue.finish(ME, [EndedTask(root, 0.1, {}, [ATask("late", needs=("leaf 1",), waits=("root",))])])
    assert names(queue.claim(ME, ROOM, 9)) == ["end", "late"]
    assert len(states(any_engine, job)) == 6


def test_a_follow_up_that_needs_what_has_failed_fails_with_those_that_need_it(
    any_engine: Engine, queue: TaskQueue
) -> None:
    job = start(any_engine, ATask("a"), ATask("plan"))
    a, plan = queue.claim(ME, ROOM, 9)
    queue.fail(ME, a, "The lamp is out.")
    more = [ATask("b", needs=("a",)), ATask("c", needs=("b",)), ATask("d", waits=("a", "c"))]
    queue.finish(ME, [EndedTask(plan, 0.1, {}, more)])
    assert errors(any_engine, job).keys() == {"a", "b", "c"}
    assert names(queue.claim(ME, ROOM, 9)) == ["d"]


def test_what_waited_for_a_failed_task_is_released_from_it_once(any_engine: Engine, queue: TaskQueue) -> None:
    job = start(any_engine, ATask("plan"), ATask("a"), ATask("late"), ATask("last", waits=("a", "late")))
    plan, a, late = queue.claim(ME, ROOM, 9)
    queue.fail(ME, a, "a is broken.")
    queue.finish(ME, [EndedTask(plan, 0.1, {}, [ATask("b", needs=("a",))])])
    assert (states(any_engine, job)["b"], states(any_engine, job)["last"]) == ("failed", "waiting")
    finish(queue, late)
    assert names(queue.claim(ME, ROOM, 9)) == ["last"]


def test_waiting_for_what_never_comes_is_an_error_when_nothing_else_is_left(
    any_engine: Engine, queue: TaskQueue
) -> None:
    job = start(any_engine, ATask("a"), ATask("b", waits=("ghost",)), ATask("c", needs=("b",)))
    do(any_engine, job)
    assert errors(any_engine, job) == {
        "b": "It waits for 'ghost', which nothing has planned.",
        "c": "It needs 'b', which failed: It waits for 'ghost', which nothing has planned.",
    }
    assert JobStore(any_engine).get(job).state == "done"
    alone = start(any_engine, ATask("b", needs=("ghost",)), to=7)
    assert JobStore(any_engine).get(alone).state == "failed"


def test_tasks_that_wait_for_each_other_are_an_error(any_engine: Engine) -> None:
    job = start(any_engine, ATask("a", needs=("b",)), ATask("b", waits=("a",)), ATask("c", waits=("c",)))
    assert set(errors(any_engine, job).values()) == {"It and tasks that it waits for wait for each other."}
    assert JobStore(any_engine).get(job).state == "failed"


def test_a_lease_that_runs_out_is_taken_over_and_the_late_result_dropped(
    any_engine: Engine, queue: TaskQueue, clock: Clock
) -> None:
    job = start(any_engine, ATask("a"))
    (late,) = queue.claim(ME, ROOM, 9)
    clock.wait(LEASE.total_seconds() - 1)
    assert queue.leases.take_over(YOU, lambda worker: False) == 0
    clock.wait(2)
    assert queue.leases.take_over(YOU, lambda worker: False) == 1
    (task,) = queue.claim(YOU, ROOM, 9)
    assert task.attempt == 2
    assert queue.leases.renew(ME) == set()
    assert queue.finish(ME, [EndedTask(late, 0.1, {"of": "me"}, [ATask("more")])]) == []
    assert not queue.fail(ME, late, "Too late.")
    queue.release(ME, [late])
    assert finish(queue, task, worker=YOU) == ["a"]
    assert JobStore(any_engine).results(job, ["a"]) == {"a": {}}
    assert states(any_engine, job) == {"a": "done"}


def test_a_renewed_lease_is_kept(any_engine: Engine, queue: TaskQueue, clock: Clock) -> None:
    start(any_engine, ATask("a"), ATask("b"))
    a, b = queue.claim(ME, ROOM, 9)
    for _ in range(5):
        clock.wait(LEASE.total_seconds() - 1)
        assert queue.leases.renew(ME) == {a.key, b.key}
        assert queue.leases.take_over(YOU, lambda worker: False) == 0


def test_a_worker_that_is_gone_is_not_waited_for(any_engine: Engine, queue: TaskQueue) -> None:
    start(any_engine, ATask("a"), ATask("b"))
    queue.claim(ME, ROOM, 1)
    queue.claim("worker three", ROOM, 1)
    asked: list[str] = []

    def gone(worker: str) -> bool:
        asked.append(worker)
        return worker == ME

    assert queue.leases.take_over(YOU, gone) == 1
    assert sorted(asked) == [ME, "worker three"]
    assert names(queue.claim(YOU, ROOM, 9)) == ["a"]
    # Lost, claimed again by the same worker: the first holding does not end the second.
    assert queue.leases.take_over(ME, lambda worker: True) == 2


def test_what_ends_its_workers_again_and_again_fails(any_engine: Engine, queue: TaskQueue) -> None:
    job = start(any_engine, ATask("a"), ATask("b", needs=("a",)))
    for _ in range(MOST_INTERRUPTIONS):
        assert names(queue.claim(ME, ROOM, 9)) == ["a"]
        assert queue.leases.take_over(YOU, lambda worker: True) == 1
        assert states(any_engine, job)["a"] == "ready"
    queue.claim(ME, ROOM, 9)
    queue.leases.take_over(YOU, lambda worker: True)
    assert states(any_engine, job) == {"a": "failed", "b": "failed"}
    assert "interrupted 6 times" in str(errors(any_engine, job)["a"])
    # Somebody who asks for it again is given all attempts again.
    JobStore(any_engine).resume(job)
    queue.claim(ME, ROOM, 9)
    queue.leases.take_over(YOU, lambda worker: True)
    assert states(any_engine, job) == {"a": "ready", "b": "waiting"}


def test_a_task_whose_process_was_lost_counts_as_interrupted(any_engine: Engine, queue: TaskQueue) -> None:
    job = start(any_engine, ATask("a"), ATask("b"))
    for _ in range(MOST_INTERRUPTIONS + 1):
        a, b = sorted(queue.claim(ME, ROOM, 9), key=lambda task: task.name)
        queue.leases.lost(YOU, a.key)  # not yours
        queue.leases.lost(ME, a.key)
        queue.release(ME, [b])
    assert states(any_engine, job) == {"a": "failed", "b": "ready"}


def test_what_gets_on_between_interruptions_is_given_more(any_engine: Engine, queue: TaskQueue) -> None:
    job = start(any_engine, ATask("a"))
    key = JobStore(any_engine).get(job).key
    for _ in range(3 * MOST_INTERRUPTIONS):
        (task,) = queue.claim(ME, ROOM, 9)
        JobEventStore(any_engine).append([NewJobEvent(key, "a", "encode", "x", 1, 9)])
        queue.leases.take_over(YOU, lambda worker: True)
    assert states(any_engine, job) == {"a": "ready"}
    assert task.attempt == 3 * MOST_INTERRUPTIONS


def test_a_task_of_a_cancelled_job_that_loses_its_worker_is_cancelled(
    any_engine: Engine, queue: TaskQueue
) -> None:
    job = start(any_engine, ATask("a"))
    queue.claim(ME, ROOM, 9)
    JobStore(any_engine).cancel(job)
    assert queue.leases.take_over(YOU, lambda worker: True) == 1
    assert states(any_engine, job) == {"a": "cancelled"}


def test_tried_again_later(any_engine: Engine, queue: TaskQueue, clock: Clock) -> None:
    job = start(any_engine, ATask("a"), ATask("b"))
    (a,) = queue.claim(ME, ROOM, 1)
    assert queue.fail(ME, a, "The line is busy.", retry_after=30)
    assert names(queue.claim(ME, ROOM, 9)) == ["b"]
    clock.wait(29)
    assert queue.claim(ME, ROOM, 9) == []
    clock.wait(2)
    (again,) = queue.claim(ME, ROOM, 9)
    assert (again.name, again.attempt, again.retries) == ("a", 2, 1)
    queue.release(ME, [again])
    (released,) = queue.claim(ME, ROOM, 9)
    assert (released.attempt, released.retries) == (3, 1)
    assert JobStore(any_engine).get(job).state == "running"


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[ATask, bool]]:
    """Tasks that need and wait for earlier ones, and whether each fails when it is done."""
    planned: list[tuple[ATask, bool]] = []
    for n in range(draw(st.integers(1, 12))):
        earlier = st.sets(st.sampled_from([f"t{m}" for m in range(n)]), max_size=3) if n else st.just(set())
        needs, waits = draw(earlier), draw(earlier)
        task = ATask(f"t{n}", needs=tuple(sorted(needs)), waits=tuple(sorted(waits - needs)))
        planned.append((task, draw(st.sampled_from([False, False, False, True]))))
    return planned


@pytest.fixture(scope="module")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return open_database(url(tmp_path_factory.mktemp("plans")))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans(), order=st.randoms(use_true_random=False))
def test_whatever_the_order_each_is_done_after_what_it_needs_and_the_job_ends(
    one_engine: Engine, plan: list[tuple[ATask, bool]], order: object
) -> None:
    shuffle: Callable[[list[object]], None] = order.shuffle  # type: ignore[attr-defined]
    tasks = [task for task, _ in plan]
    shuffle(tasks)  # type: ignore[arg-type]
    queue, store = TaskQueue(one_engine), JobStore(one_engine)
    first, later = tasks[: len(tasks) // 2], tasks[len(tasks) // 2 :]
    job = store.create("plan", "Plan", {"n": secrets.token_hex()}, [ATask("root"), *first])[0].id
    fails = {task.name: failing for task, failing in plan}
    lost: set[str] = set()
    for task, failing in plan:
        if failing or lost & set(task.needs):
            lost.add(task.name)
    needs = {task.name: task for task in tasks}
    held: list[ClaimedTask] = []
    ended: list[str] = []
    while not store.get(job).ended:
        held += queue.claim(ME, ROOM, 2, job)
        shuffle(held)  # type: ignore[arg-type]
        task = held.pop()
        if task.name != "root":
            now = states(one_engine, job)
            assert all(now[need] == "done" for need in needs[task.name].needs)
            assert all(now[wait] in ("done", "failed") for wait in needs[task.name].waits)
        if fails.get(task.name):
            queue.fail(ME, task, "broken")
        else:
            queue.finish(ME, [EndedTask(task, 0.1, {}, later if task.name == "root" else ())])
        ended.append(task.name)
    found = states(one_engine, job)
    assert {name for name, state in found.items() if state == "failed"} == lost
    assert {name for name, state in found.items() if state == "done"} == {"root", *needs} - lost
    assert len(set(ended)) == len(ended)
