from datetime import UTC, date, datetime

import pytest

from memory.time_words import Offset, TimeWindow, event_offset, time_windows

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What did I say last May?", date(2026, 5, 1), date(2026, 6, 1)),
        ("What did we plan in December?", date(2025, 12, 1), date(2026, 1, 1)),
        ("Where was I on 8 May 2023?", date(2023, 5, 8), date(2023, 5, 9)),
        ("Where was I on May 7th, 2023?", date(2023, 5, 7), date(2023, 5, 8)),
        ("Where was I on 24 December?", date(2025, 12, 24), date(2025, 12, 25)),
        ("and on 2025-03-04?", date(2025, 3, 4), date(2025, 3, 5)),
        ("in March 2024", date(2024, 3, 1), date(2024, 4, 1)),
        ("in 2024", date(2024, 1, 1), date(2025, 1, 1)),
        ("last spring", date(2026, 3, 1), date(2026, 6, 1)),
        ("in the summer of 2022", date(2022, 6, 1), date(2022, 9, 1)),
        ("last winter", date(2025, 12, 1), date(2026, 3, 1)),
        ("two weeks ago", date(2026, 11, 5), date(2026, 11, 12)),
        ("3 days ago", date(2026, 11, 19), date(2026, 11, 20)),
        ("in the last three months", date(2026, 8, 22), date(2026, 11, 23)),
        ("yesterday", date(2026, 11, 21), date(2026, 11, 22)),
        ("the day before yesterday", date(2026, 11, 20), date(2026, 11, 21)),
        ("last night", date(2026, 11, 21), date(2026, 11, 22)),
        ("today", date(2026, 11, 22), date(2026, 11, 23)),
        ("last week", date(2026, 11, 9), date(2026, 11, 16)),
        ("last weekend", date(2026, 11, 14), date(2026, 11, 16)),
        ("this weekend", date(2026, 11, 21), date(2026, 11, 23)),
        ("last month", date(2026, 10, 1), date(2026, 11, 1)),
        ("last year", date(2025, 1, 1), date(2026, 1, 1)),
        ("last Friday", date(2026, 11, 20), date(2026, 11, 21)),
    ],
)
def test_what_a_question_names(question: str, start: date, end: date) -> None:
    (window,) = time_windows(question, NOW)
    assert (window.start.date(), window.end.date()) == (start, end)
    assert window.start.tzinfo is UTC


@pytest.mark.parametrize(
    "question",
    ["When may I go?", "Who is April?", "What is the last thing?", "and on 2025-13-04?", "on 31 June", ""],
)
def test_no_time_is_named(question: str) -> None:
    assert time_windows(question, NOW) == ()


def test_several_times_in_the_order_of_the_question() -> None:
    found = time_windows("Was it in June or on 3 July 2024?", NOW)
    assert [each.start.date() for each in found] == [date(2026, 6, 1), date(2024, 7, 3)]


def test_days_begin_where_the_user_is() -> None:
    (window,) = time_windows("yesterday", NOW.astimezone())
    assert window.start.utcoffset() == NOW.astimezone().utcoffset()


def test_an_event_that_dates_another() -> None:
    assert event_offset("What did I buy two weeks before the trip to Lyon?") == Offset(
        -14, "the trip to Lyon"
    )
    assert event_offset("And 3 days after my birthday, what happened?") == Offset(3, "my birthday")
    assert event_offset("What happened before the trip?") is None


def test_a_window_needs_a_zone_and_a_length() -> None:
    with pytest.raises(ValueError, match="zone"):
        TimeWindow(datetime(2026, 1, 1), datetime(2026, 1, 2))
    with pytest.raises(ValueError, match="stretch"):
        TimeWindow(NOW, NOW)
