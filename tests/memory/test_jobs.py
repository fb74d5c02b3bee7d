"""Jobs: asked for once, adopted, paused, resumed, cancelled, and what they end as."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from memory.errors import AmbiguousJobError, JobStateError, UnknownJobError
from memory.job_events import JobEventStore, NewJobEvent
from memory.job_forgetting import KEPT
from memory.job_queue import EndedTask, TaskQueue
from memory.jobs import JobStore
from tests.memory.samples import ATask

ME = "worker one"
ROOM = {"count": 100}


def start(engine: Engine, *tasks: ATask, to: int = 2, priority: int = 0) -> str:
    return JobStore(engine).create("counting", f"Count to {to}", {"to": to}, tasks, priority)[0].id


def do(engine: Engine, job: str, fail: tuple[str, ...] = (), **follow_ups: ATask) -> list[str]:
    """Do what is ready of a job, once; the names in the order in which they were claimed."""
    queue = TaskQueue(engine)
    claimed = queue.claim(ME, ROOM, 100, job)
    for task in claimed:
        if task.name in fail:
            assert queue.fail(ME, task, f"{task.name} is broken.")
        else:
            more = [follow_ups[task.name]] if task.name in follow_ups else []
            assert queue.finish(ME, [EndedTask(task, 0.5, {"name": task.name}, more)]) == [task]
    return [task.name for task in claimed]


def states(engine: Engine, job: str) -> dict[str, str]:
    return {task.name: task.state for task in JobStore(engine).tasks(job)}


def told(engine: Engine, job: str) -> list[tuple[str | None, str, str]]:
    key = JobStore(engine).get(job).key
    return [(event.task, event.stage, event.subject) for event in JobEventStore(engine).read(key)]


def test_a_job_as_it_is_begun_and_ends(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    tasks = [ATask("a", weight=2.0), ATask("b", kind="add", needs=("a",))]
    record, adopted = store.create("counting", "Count", {"to": 2}, tasks, 3, {"units": 2})
    assert not adopted
    assert (record.kind, record.title, record.spec, record.state) == (
        "counting",
        "Count",
        {"to": 2},
        "queued",
    )
    assert (record.priority, record.estimate, record.reason) == (3, {"units": 2}, "")
    assert record.started_at is None
    assert len(record.id) == 8
    assert store.get(record.id) == record
    assert states(any_engine, record.id) == {"a": "ready", "b": "waiting"}
    assert [(t.kind, t.state, t.tasks, t.weight) for t in store.tallies(record.id)] == [
        ("add", "waiting", 1, 1.0),
        ("count", "ready", 1, 2.0),
    ]
    assert do(any_engine, record.id) == ["a"]
    running = store.get(record.id)
    assert (running.state, running.ended) == ("running", False)
    assert running.started_at is not None
    (task,) = TaskQueue(any_engine).claim(ME, {"add": 1}, 1)
    TaskQueue(any_engine).finish(ME, [EndedTask(task, 0.5, {"sum": 3})])
    ended = store.get(record.id)
    assert (ended.state, ended.ended) == ("done", True)
    assert ended.finished_at is not None
    assert store.results(record.id, ["a", "b", "absent"]) == {"a": {"name": "a"}, "b": {"sum": 3}}
    assert told(any_engine, record.id)[-1] == (None, "state", "done")


def test_a_job_without_tasks_is_done(any_engine: Engine) -> None:
    assert JobStore(any_engine).get(start(any_engine)).state == "done"


def test_the_same_is_adopted_until_it_has_ended(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    first = start(any_engine, ATask("a"))
    other = start(any_engine, ATask("a"), to=3)
    store.pause(first, "by hand")
    again, adopted = store.create("counting", "Count", {"to": 2}, [ATask("a"), ATask("b")])
    assert (again.id, adopted, again.state, again.reason) == (first, True, "queued", "")
    assert states(any_engine, first) == {"a": "ready", "b": "ready"}
    assert other != first
    do(any_engine, first)
    assert start(any_engine, ATask("a")) not in {first, other}


def test_adopting_tries_again_what_failed(any_engine: Engine) -> None:
    job = start(any_engine, ATask("a"), ATask("b", needs=("a",)), ATask("c"))
    queue = TaskQueue(any_engine)
    a, c = queue.claim(ME, ROOM, 2)
    queue.fail(ME, a, "a is broken.")
    assert states(any_engine, job) == {"a": "failed", "b": "failed", "c": "running"}
    assert start(any_engine, ATask("a")) == job
    assert states(any_engine, job) == {"a": "ready", "b": "waiting", "c": "running"}
    queue.finish(ME, [EndedTask(c, 0.1, {})])
    assert [do(any_engine, job), do(any_engine, job)] == [["a"], ["b"]]
    assert JobStore(any_engine).get(job).state == "done"


def test_paused_nothing_more_is_begun(any_engine: Engine) -> None:
    store, queue = JobStore(any_engine), TaskQueue(any_engine)
    job = start(any_engine, ATask("a"), ATask("b"))
    (a,) = queue.claim(ME, ROOM, 1)
    assert store.pause(job, "the cat walks over the keys").reason == "the cat walks over the keys"
    assert queue.claim(ME, ROOM, 9) == []
    assert queue.finish(ME, [EndedTask(a, 0.1, {})]) == [a]  # what runs may end
    assert store.get(job).state == "paused"
    assert store.pause(job).state == "paused"  # twice is no error
    assert store.resume(job).state == "queued"
    assert do(any_engine, job) == ["b"]
    assert store.get(job).state == "done"
    assert [subject for _, stage, subject in told(any_engine, job) if stage == "state"] == [
        "paused: the cat walks over the keys",
        "resumed",
        "done",
    ]


def test_a_paused_job_whose_last_task_ends_is_done(any_engine: Engine) -> None:
    job = start(any_engine, ATask("a"))
    queue = TaskQueue(any_engine)
    (a,) = queue.claim(ME, ROOM, 1)
    JobStore(any_engine).pause(job)
    queue.finish(ME, [EndedTask(a, 0.1, {})])
    assert JobStore(any_engine).get(job).state == "done"


def test_cancelled_for_good(any_engine: Engine) -> None:
    store, queue = JobStore(any_engine), TaskQueue(any_engine)
    job = start(any_engine, ATask("a"), ATask("b"), ATask("c"), ATask("d"), ATask("e", needs=("a",)))
    a, b, c = queue.claim(ME, ROOM, 3)
    assert store.cancel(job).ended
    assert states(any_engine, job) == dict.fromkeys("abc", "running") | dict.fromkeys("de", "cancelled")
    assert queue.finish(ME, [EndedTask(a, 0.1, {}, [ATask("more")])]) == []
    queue.release(ME, [b])
    assert queue.fail(ME, c, "It was stopped.")
    assert states(any_engine, job) == dict.fromkeys("abcde", "cancelled")
    assert store.get(job).state == "cancelled"
    assert store.cancel(job).state == "cancelled"  # twice is no error
    for change in (store.pause, store.resume):
        with pytest.raises(JobStateError, match=job):
            change(job)
    assert start(any_engine, ATask("a")) != job


def test_nothing_to_resume(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    job = start(any_engine, ATask("a"))
    with pytest.raises(JobStateError, match=f"nothing to resume: job {job} is queued"):
        store.resume(job)
    do(any_engine, job)
    for change in (store.resume, store.pause, store.cancel):
        with pytest.raises(JobStateError, match="done"):
            change(job)
    assert store.get(job).state == "done"


def test_a_job_that_has_ended_is_resumed_for_what_failed(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    job = start(any_engine, ATask("a"), ATask("b"), ATask("report", waits=("a", "b")))
    do(any_engine, job, fail=("a",))
    assert do(any_engine, job) == ["report"]
    assert store.get(job).state == "done"
    assert store.resume(job).state == "queued"
    # The report has counted without a, so it is made again.
    assert states(any_engine, job) == {"a": "ready", "b": "done", "report": "waiting"}
    assert [do(any_engine, job), do(any_engine, job)] == [["a"], ["report"]]
    again = store.get(job)
    assert (again.state, again.reason) == ("done", "")


def test_an_ended_job_is_not_resumed_beside_one_that_does_the_same(any_engine: Engine) -> None:
    first = start(any_engine, ATask("a"))
    do(any_engine, first, fail=("a",))
    second = start(any_engine, ATask("a"))
    assert second != first
    with pytest.raises(JobStateError, match="Another job does the same"):
        JobStore(any_engine).resume(first)
    assert JobStore(any_engine).get(first).state == "failed"


def test_done_although_some_failed_and_failed_if_nothing_came_of_it(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    some = start(any_engine, ATask("a"), ATask("b"), to=1)
    do(any_engine, some, fail=("a",))
    assert (store.get(some).state, store.get(some).reason) == ("done", "")
    all_of_them = start(any_engine, ATask("a"), ATask("b"), to=2)
    do(any_engine, all_of_them, fail=("a", "b"))
    assert (store.get(all_of_them).state, store.get(all_of_them).reason) == ("failed", "a is broken.")
    # Leaves are done, but what they were for is not.
    tree = start(any_engine, ATask("plan"), to=3)
    do(any_engine, tree, plan=ATask("leaf"))
    assert not store.get(tree).ended
    do(any_engine, tree, leaf=ATask("root", needs=("leaf",)))
    do(any_engine, tree, fail=("root",))
    assert (store.get(tree).state, store.get(tree).reason) == ("failed", "root is broken.")


def test_a_job_fails_for_what_a_task_that_was_begun_says(any_engine: Engine) -> None:
    """Not for what those say that only need it, though they were written before."""
    job = start(any_engine, ATask("link", needs=("root",)), ATask("root", needs=("leaf",)), ATask("leaf"))
    do(any_engine, job, fail=("leaf",))
    record = JobStore(any_engine).get(job)
    assert (record.state, record.reason) == ("failed", "leaf is broken.")


def test_done_tasks_are_done_again_with_all_that_rests_on_them(any_engine: Engine) -> None:
    job = start(
        any_engine, ATask("a"), ATask("b"), ATask("c", needs=("a",)), ATask("d", waits=("c",)), ATask("e")
    )
    queue = TaskQueue(any_engine)
    done = queue.claim(ME, ROOM, 2)
    queue.finish(ME, [EndedTask(task, 0.1, {}) for task in done])
    (c,) = [task for task in queue.claim(ME, ROOM, 9) if task.name == "c"]
    queue.finish(ME, [EndedTask(c, 0.1, {})])
    # e runs, d is ready.
    assert JobStore(any_engine).again(job, ["a", "e", "absent"]) == 3
    assert states(any_engine, job) == {
        "a": "ready",
        "b": "done",
        "c": "waiting",
        "d": "waiting",
        "e": "running",
    }
    assert [do(any_engine, job) for _ in range(3)] == [["a"], ["c"], ["d"]]


def test_a_job_that_has_ended_is_queued_again_for_what_is_done_again(any_engine: Engine) -> None:
    store, job = JobStore(any_engine), start(any_engine, ATask("a"), ATask("b"))
    do(any_engine, job)
    assert store.again(job, ["absent"]) == 0
    assert store.get(job).state == "done"
    assert store.again(job, ["a"]) == 1
    queued = store.get(job)
    assert (queued.state, queued.finished_at) == ("queued", None)
    assert do(any_engine, job) == ["a"]
    assert store.get(job).state == "done"
    # Neither beside another one that does the same, nor after it was cancelled or forgotten.
    other = start(any_engine, ATask("a"))
    with pytest.raises(JobStateError, match=f"does the same as job {job}"):
        store.again(job, ["a"])
    assert states(any_engine, job) == {"a": "done", "b": "done"}
    store.cancel(other)
    assert store.again(other, ["a"]) == 0
    assert (store.get(other).state, states(any_engine, other)) == ("cancelled", {"a": "cancelled"})
    assert store.again("ffff0000", ["a"]) == 0


def test_a_job_by_the_beginning_of_its_id(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    ids = [start(any_engine, ATask("a"), to=to) for to in range(20)]
    assert [record.id for record in store.records()] == ids[::-1]
    assert [record.id for record in store.records(limit=2)] == ids[:-3:-1]
    assert store.resolve(f" {ids[3].upper()} ").id == ids[3]
    first = next(id[0] for id in ids if sum(other[0] == id[0] for other in ids) > 1)  # 20 ids, 16 digits
    with pytest.raises(AmbiguousJobError, match=f"'{first}'"):
        store.resolve(first)
    for reference in ("", " ", "%", "_", "zz", ids[0] + "0"):
        with pytest.raises(UnknownJobError):
            store.resolve(reference)
    with pytest.raises(UnknownJobError):
        store.get(ids[0][:-1])


def test_old_jobs_are_forgotten_when_new_work_comes_but_none_that_goes_on(engine: Engine) -> None:
    going_on = start(engine, ATask("a"), to=-1)
    ended = [start(engine, to=to) for to in range(KEPT + 3)]
    kept = {record.id for record in JobStore(engine).records()}
    assert going_on in kept
    assert ended[0] not in kept
    assert set(ended[-KEPT:]) <= kept


def test_tasks_are_forgotten_with_their_jobs(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    ended = start(any_engine, ATask("a"), ATask("b"), to=1)
    do(any_engine, ended)
    going_on, alone = start(any_engine, ATask("a"), ATask("b"), to=2), start(any_engine, ATask("a"), to=3)
    store.forget_tasks("reading", lambda task: True)
    assert len(store.records()) == 3
    store.forget_tasks("counting", lambda task: task.name == "a")
    assert [record.id for record in store.records()] == [going_on]
    assert states(any_engine, going_on) == {"b": "ready"}
    assert alone not in states(any_engine, going_on)


def test_a_running_task_is_not_forgotten(any_engine: Engine) -> None:
    store, queue, job = JobStore(any_engine), TaskQueue(any_engine), start(any_engine, ATask("a"), ATask("b"))
    (a,) = queue.claim(ME, ROOM, 1)
    store.forget_tasks("counting", lambda task: task.name == "a")
    assert states(any_engine, job) == {"a": "running", "b": "ready"}
    store.forget_tasks("counting", lambda task: True)
    assert states(any_engine, job) == {"a": "running"}
    assert queue.finish(ME, [EndedTask(a, 0.1, {})]) == [a]
    assert store.get(job).state == "done"


def test_a_job_whose_last_open_task_is_forgotten_has_ended(any_engine: Engine) -> None:
    store, job = JobStore(any_engine), start(any_engine, ATask("a"), ATask("b"))
    queue = TaskQueue(any_engine)
    (a,) = queue.claim(ME, ROOM, 1)
    queue.finish(ME, [EndedTask(a, 0.1, {})])
    assert store.get(job).state == "running"
    store.forget_tasks("counting", lambda task: task.name == "b")
    assert (store.get(job).state, states(any_engine, job)) == ("done", {"a": "done"})
    assert told(any_engine, job)[-1] == (None, "state", "done")


def test_ended_jobs_that_name_something_are_forgotten(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    by_payload = start(any_engine, ATask("a", payload={"path": '/books/"100%"_é.txt'}), to=1)
    by_result, other = start(any_engine, ATask("é.txt"), to=2), start(any_engine, ATask("a"), to=3)
    by_spec = store.create("tree", "Tree", {"documents": ["é.txt", "b"]}, [])[0].id
    for job in (by_payload, by_result, other):
        do(any_engine, job)
    goes_on = start(any_engine, ATask("a", payload={"path": "é.txt"}), to=4)
    store.forget_ended(["100_"])
    assert len(store.records()) == 5
    store.forget_ended(['"100%"', "nothing"])
    assert [record.id for record in store.records()] == [goes_on, by_spec, other, by_result]
    store.forget_ended(["é.txt"])
    assert [record.id for record in store.records()] == [goes_on, other]


def test_events_are_read_on_from_the_last_one_seen(any_engine: Engine) -> None:
    events, job = JobEventStore(any_engine), JobStore(any_engine).get(start(any_engine, ATask("a")))
    assert (events.read(job.key), events.last(job.key)) == ([], 0)
    events.append([NewJobEvent(job.key, "a", "load", f"page {n}", n, 3) for n in range(3)])
    first = events.read(job.key)
    assert [(e.task, e.stage, e.subject, e.done, e.total) for e in first] == [
        ("a", "load", f"page {n}", n, 3) for n in range(3)
    ]
    assert first[0].at.tzinfo is not None
    assert events.read(job.key, first[1].key) == first[2:]
    assert events.last(job.key) == first[2].key
    events.append([NewJobEvent(job.key + 1, "a", "load", "of no job", 0, 0)])
    events.append([NewJobEvent(job.key, "a", "load", "half \udce9 and \0 nothing", 0, 0)])
    assert [e.subject for e in events.read(job.key, first[2].key)] == ["half \\udce9 and  nothing"]


def test_jobs_are_found_by_what_they_were_asked_for(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    for number, documents in enumerate((["a1", "b2"], ["b2"], ["b2/é_x\\y"], ["b2 and more"])):
        store.create("counting", f"Count {number}", {"documents": documents, "n": number}, [])
    store.create("other", "Count 4", {"document": "b2"}, [])

    def titles(*naming: str, kinds: tuple[str, ...] = ("counting",), limit: int | None = None) -> list[str]:
        return [each.title for each in store.records(limit, None, kinds, naming)]

    assert titles("a1") == ["Count 0"]
    assert titles("b2") == ["Count 1", "Count 0"]
    assert titles("b2", limit=1) == ["Count 1"]
    assert titles("b2", kinds=("counting", "other")) == ["Count 4", "Count 1", "Count 0"]
    assert titles("b2/é_x\\y", "a1") == ["Count 2", "Count 0"]
    assert titles("%") == titles("2") == []
    assert len(titles()) == 4
