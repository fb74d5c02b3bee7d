import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from memory.usage import CallRecord, UsageStore, UsageTotal
from tests.memory.samples import NOON, ACall


@pytest.fixture
def usage(engine: Engine) -> UsageStore:
    return UsageStore(engine)


def test_the_calls_of_a_run_come_back_in_order(usage: UsageStore) -> None:
    before = datetime.now(UTC)
    usage.record(ACall(task="select", prompt_tokens=900, completion_tokens=7, seconds=0.25))
    usage.record(ACall(task="answer", run="run-2"))
    usage.record(ACall(task="answer", run=None))
    usage.record(ACall(task="answer", cached=True, seconds=0.0))
    first, second = usage.of_run("run-1")
    assert before <= first.made_at <= second.made_at <= datetime.now(UTC)
    assert first == CallRecord("select", "tiny", 900, 7, 0.25, False, "run-1", first.made_at)
    assert second == CallRecord("answer", "tiny", 100, 10, 0.0, True, "run-1", second.made_at)
    assert usage.of_run("run-3") == []


def test_totals_count_what_was_paid_for(usage: UsageStore) -> None:
    usage.record(ACall(task="select", model="b"))
    usage.record(ACall(task="answer", model="b", prompt_tokens=1, completion_tokens=2, seconds=0.25))
    usage.record(ACall(task="answer", model="b", prompt_tokens=10, completion_tokens=20, seconds=0.5))
    usage.record(ACall(task="answer", model="b", prompt_tokens=100, completion_tokens=200, cached=True))
    usage.record(ACall(task="answer", model="a", cached=True, seconds=0.0))
    assert usage.totals() == [
        UsageTotal("answer", "a", 1, 1, 0, 0, 0.0),
        UsageTotal("answer", "b", 3, 1, 11, 22, 0.75),
        UsageTotal("select", "b", 1, 0, 100, 10, 0.5),
    ]


def test_nothing_was_used_where_nothing_is(usage: UsageStore) -> None:
    assert usage.totals() == []


def test_totals_since_a_moment_of_any_zone(usage: UsageStore, engine: Engine) -> None:
    for task in ("early", "late"):
        usage.record(ACall(task=task))
    with engine.begin() as connection:
        for task, time in (("early", "11:59:59.999999"), ("late", "12:00:00.000000")):
            connection.exec_driver_sql(
                f"UPDATE model_calls SET made_at = '2026-05-12 {time}' WHERE task = '{task}'"
            )
    assert [total.task for total in usage.totals(since=NOON)] == ["late"]
    assert [total.task for total in usage.totals(since=NOON - timedelta(seconds=1))] == ["early", "late"]
    assert usage.totals(since=NOON + timedelta(seconds=1)) == []
    there = NOON.astimezone(tz=datetime.strptime("+0530", "%z").tzinfo)
    assert [total.task for total in usage.totals(since=there)] == ["late"]
    with pytest.raises(ValueError, match="without a time zone"):
        usage.totals(since=datetime(2026, 5, 12))


def test_calls_are_recorded_from_several_threads(usage: UsageStore) -> None:
    recording = [
        threading.Thread(target=lambda: [usage.record(ACall()) for _ in range(10)]) for _ in range(6)
    ]
    for each in recording:
        each.start()
    for each in recording:
        each.join(60)
    assert len(usage.of_run("run-1")) == 60
    assert usage.totals() == [UsageTotal("answer", "tiny", 60, 0, 6000, 600, 30.0)]
