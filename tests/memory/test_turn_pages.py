from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from memory.threads import ThreadStore
from memory.turn_pages import TurnFilter, said_by, turn_page
from tests.memory.samples import NOON, a_turn


@pytest.fixture
def ann(engine: Engine) -> Engine:
    """Four turns of ann, a minute apart, and one of bob."""
    turns = [
        ("sea", replace(a_turn(1), question="Is 100% of it salt?", answer="Nearly.")),
        ("sea", replace(a_turn(2), question="How deep?", answer="As deep as A_B.")),
        ("notes", replace(a_turn(3), question="My boat is blue.", answer="")),
        ("talk", replace(a_turn(4), question="The Boat is red.", speaker="Carol")),
    ]
    for thread, turn in turns:
        ThreadStore(engine, "ann").append(thread, turn)
    ThreadStore(engine, "bob").append("sea", replace(a_turn(5), question="My boat is gone."))
    return engine


def found(engine: Engine, wanted: TurnFilter, limit: int = 10, offset: int = 0) -> list[tuple[str, int]]:
    turns, total = turn_page(engine, "ann", wanted, limit, offset)
    assert total >= len(turns)
    assert all(wanted.holds(turn) for turn in turns)
    return [(turn.thread, turn.ordinal) for turn in turns]


ALL = [("talk", 1), ("notes", 1), ("sea", 2), ("sea", 1)]


def test_all_turns_of_one_user_the_newest_first(ann: Engine) -> None:
    assert found(ann, TurnFilter()) == ALL
    assert turn_page(ann, "nobody", TurnFilter(), 10) == ([], 0)


def test_pages_make_up_the_whole(ann: Engine) -> None:
    assert [found(ann, TurnFilter(), 2, offset) for offset in (0, 2, 4)] == [ALL[:2], ALL[2:], []]
    assert turn_page(ann, "ann", TurnFilter(), 0)[1] == 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("boat", [("talk", 1), ("notes", 1)]),
        ("BOAT blue", [("notes", 1)]),
        ("boat salt", []),
        ("nearly", [("sea", 1)]),
        ("100%", [("sea", 1)]),
        ("1%t", []),
        ("a_b", [("sea", 2)]),
        ("a_d", []),
        ("\\", []),
    ],
)
def test_all_words_stand_in_it_and_mean_nothing_else(
    ann: Engine, words: str, expected: list[tuple[str, int]]
) -> None:
    assert found(ann, TurnFilter(words=words)) == expected


def test_time_includes_its_beginning_and_not_its_end(ann: Engine) -> None:
    second, third = NOON + timedelta(minutes=2), NOON + timedelta(minutes=3)
    assert found(ann, TurnFilter(since=second)) == ALL[:3]
    assert found(ann, TurnFilter(before=third)) == ALL[2:]
    assert found(ann, TurnFilter(since=second, before=third)) == [("sea", 2)]


def test_thread_and_origin(ann: Engine) -> None:
    assert found(ann, TurnFilter(thread="sea")) == [("sea", 2), ("sea", 1)]
    assert found(ann, TurnFilter(said_by="others")) == [("talk", 1)]
    assert found(ann, TurnFilter(said_by="notes")) == [("notes", 1)]
    assert found(ann, TurnFilter(said_by="user")) == [("sea", 2), ("sea", 1)]
    assert [said_by(turn) for turn in turn_page(ann, "ann", TurnFilter(), 10)[0]] == [
        "others",
        "notes",
        "user",
        "user",
    ]


def test_pages_are_read_in_order_and_not_sorted(ann: Engine) -> None:
    asked: list[tuple[str, object]] = []

    def heard(connection: object, cursor: object, statement: str, values: object, *more: object) -> None:
        asked.append((statement, values))

    event.listen(ann, "before_cursor_execute", heard)
    turn_page(ann, "ann", TurnFilter(), 10)
    event.remove(ann, "before_cursor_execute", heard)
    statement, values = next(each for each in asked if "ORDER BY" in each[0])
    with ann.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()  # type: ignore[arg-type]
    steps = [str(row[-1]) for row in plan]
    assert any("ix_turns_asked_at" in each for each in steps)
    assert not any("TEMP B-TREE" in each for each in steps)
