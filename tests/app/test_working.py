"""The worker of a server: at work as soon as there is some, given up at once, begun anew after an error."""

from __future__ import annotations

import threading

import pytest

from app.events import Event
from app.jobs import worker as worker_module
from app.jobs.contract import NewTask, Outcome, TaskKind, Work
from app.jobs.running import Jobs
from app.jobs.telling import Teller
from app.library import Library
from app.working import start_work, working
from memory.errors import DatabaseError
from memory.job_queue import ClaimedTask
from reader.errors import EndpointUnreachableError, StoppedError

WAIT = 60.0


def waits_to_be_stopped(begun: threading.Event, stopped: threading.Event) -> TaskKind:
    def handle(work: Work) -> Outcome:
        begun.set()
        while not work.cancellation.by_hand:
            work.cancellation.wait(WAIT)
        stopped.set()
        raise StoppedError("It was stopped.")

    return TaskKind(handle, at_once=lambda: 1)


def test_work_is_begun_when_it_is_started_and_stopped_when_it_is_cancelled(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for the next look, which never comes here."""
    monkeypatch.setattr(worker_module, "POLL", 3_600.0)
    monkeypatch.setattr(worker_module, "IDLE_POLL", 3_600.0)
    monkeypatch.setattr("app.jobs.pulse.LOOK", 3_600.0)
    begun, stopped = threading.Event(), threading.Event()
    library.jobs.kinds["odd"] = waits_to_be_stopped(begun, stopped)
    stop = start_work(library)
    job = library.jobs.start("odd", "Odd work", {}, [NewTask("one", "odd", {})])
    assert begun.wait(WAIT)
    library.jobs.cancel(job.id)
    assert stopped.wait(WAIT)
    assert library.jobs.store.get(job.id).state == "cancelled"
    threading.Thread(target=stop).start()


def test_what_is_under_way_is_given_back_when_the_server_stops(library: Library) -> None:
    begun, stopped = threading.Event(), threading.Event()
    library.jobs.kinds["odd"] = waits_to_be_stopped(begun, stopped)
    with working(library):
        job = library.jobs.start("odd", "Odd work", {}, [NewTask("one", "odd", {})])
        assert begun.wait(WAIT)
    assert stopped.is_set()
    assert [task.state for task in library.jobs.store.tasks(job.id)] == ["ready"]
    library.jobs.kinds["odd"] = TaskKind(lambda work: Outcome({"done": True}), at_once=lambda: 1)
    assert library.jobs.run(job.id).state == "done"


def test_a_worker_that_could_not_go_on_is_begun_anew(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.working.AGAIN", 0.01)
    failing, real = [True], library.jobs.queue.claim

    def claim(*arguments: object, **named: object) -> list[ClaimedTask]:
        if failing.pop() if failing else False:
            raise DatabaseError("The disk is full.")
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(library.jobs.queue, "claim", claim)
    done = threading.Event()

    def handle(work: Work) -> Outcome:
        done.set()
        return Outcome()

    library.jobs.kinds["odd"] = TaskKind(handle, at_once=lambda: 1)
    with working(library):
        library.jobs.start("odd", "Odd work", {}, [NewTask("one", "odd", {})])
        assert done.wait(WAIT)


def test_what_somebody_waits_for_fails_where_other_work_is_paused(library: Library) -> None:
    def handle(work: Work) -> Outcome:
        raise EndpointUnreachableError("Nobody is there.")

    jobs: Jobs = library.jobs
    jobs.kinds["odd"] = TaskKind(handle, at_once=lambda: 1, patient=False)
    job = jobs.start("odd", "Odd work", {}, [NewTask("one", "odd", {})])
    assert jobs.run(job.id).state == "failed"
    assert jobs.store.get(job.id).reason == "Nobody is there."


def test_every_step_is_stored_and_of_a_text_only_the_newest(library: Library) -> None:
    jobs = library.jobs
    job = jobs.start("odd", "Odd work", {}, [NewTask("one", "odd", {})])
    task = ClaimedTask(1, job.key, job.id, "one", "odd", {}, 1.0, 1, 0)
    teller = Teller(jobs.events)
    for number in range(1, 41):
        teller.tell_of(task, Event("step", f"step {number}", done=number))
        teller.tell_of(task, Event("draft", "word " * number))
        teller.tell_of(task, Event("encode", "a book", done=number, total=40))
    teller.store()
    teller.tell_of(task, Event("draft", "word " * 41))
    teller.store()
    told = jobs.events.read(job.key)
    assert [each.subject for each in told if each.stage == "step"] == [f"step {n}" for n in range(1, 41)]
    assert [each.subject for each in told if each.stage == "draft"] == ["word " * 41]
    assert [each.done for each in told if each.stage == "encode"] == [40]
