"""Which times a question names, and by which events it dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from memory.time_words import EventOffset, Period, asked_periods, event_offset

THURSDAY = datetime(2024, 3, 14, 15, 9, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def days(start: str, end: str) -> Period:
    """From the beginning of one day to the beginning of another, in UTC."""
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in (start, end))
    return Period(first, last)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did I cook on 3 May 2023?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on May 3rd, 2023?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on may 3rd,2023?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on the 3rd of  May 2023?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on 2023-05-03?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on 3 May?", [days("2023-05-03", "2023-05-04")]),  # May 2024 has not begun
        ("What did I cook on 1 March?", [days("2024-03-01", "2024-03-02")]),
        ("Where was I in December 2022?", [days("2022-12-01", "2023-01-01")]),
        ("Where was I in february?", [days("2024-02-01", "2024-03-01")]),
        ("Where was I in Sept. 2021?", [days("2021-09-01", "2021-10-01")]),
        ("Where was I on 31 June 2023?", [days("2023-06-01", "2023-07-01")]),
        ("Where was I in 2021?", [days("2021-01-01", "2022-01-01")]),
        ("What did I say today?", [days("2024-03-14", "2024-03-15")]),
        ("What did I say Yesterday?", [days("2024-03-13", "2024-03-14")]),
        ("What did I say two days ago?", [days("2024-03-12", "2024-03-13")]),
        ("What did I plan this week?", [days("2024-03-11", "2024-03-18")]),
        ("What did I plan last week?", [days("2024-03-04", "2024-03-11")]),
        ("What did I plan the week before last?", [days("2024-02-26", "2024-03-04")]),
        ("What did I plan 10 weeks ago?", [days("2024-01-01", "2024-01-08")]),
        ("Where was I last weekend?", [days("2024-03-09", "2024-03-11")]),
        ("Where was I the weekend before last?", [days("2024-03-02", "2024-03-04")]),
        ("Where was I on Thursday?", [days("2024-03-07", "2024-03-08")]),
        ("Whom did I meet last month?", [days("2024-02-01", "2024-03-01")]),
        ("Whom did I meet a month ago?", [days("2024-02-01", "2024-03-01")]),
        ("Whom did I meet 15 months ago?", [days("2022-12-01", "2023-01-01")]),
        ("What did I win last year?", [days("2023-01-01", "2024-01-01")]),
        ("What did I win four years ago?", [days("2020-01-01", "2021-01-01")]),
        (
            "Was it in June 2023 or in 2021?",
            [days("2023-06-01", "2023-07-01"), days("2021-01-01", "2022-01-01")],
        ),
        ("May I march on? It may take 2 days.", []),
        ("May I march 10 km?", []),
        ("What is my favourite dish?", []),
        ("Who won 2100 points at 3 pm?", []),
        ("", []),
    ],
)
def test_times_that_a_question_names_on_a_thursday(question: str, expected: list[Period]) -> None:
    assert list(asked_periods(question, THURSDAY)) == expected


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What did I say last May?", "2026-05-01", "2026-06-01"),
        ("What did we plan in December?", "2025-12-01", "2026-01-01"),
        ("Where was I on 8 May 2023?", "2023-05-08", "2023-05-09"),
        ("Where was I on May 7th, 2023?", "2023-05-07", "2023-05-08"),
        ("Where was I on 24 December?", "2025-12-24", "2025-12-25"),
        ("and on 2025-03-04?", "2025-03-04", "2025-03-05"),
        ("in March 2024", "2024-03-01", "2024-04-01"),
        ("in 2024", "2024-01-01", "2025-01-01"),
        ("last spring", "2026-03-01", "2026-06-01"),
        ("in the summer of 2022", "2022-06-01", "2022-09-01"),
        ("last winter", "2025-12-01", "2026-03-01"),
        ("two weeks ago", "2026-11-05", "2026-11-12"),
        ("3 days ago", "2026-11-19", "2026-11-20"),
        ("yesterday", "2026-11-21", "2026-11-22"),
        ("the day before yesterday", "2026-11-20", "2026-11-21"),
        ("last night", "2026-11-21", "2026-11-22"),
        ("today", "2026-11-22", "2026-11-23"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("this weekend", "2026-11-21", "2026-11-23"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last Friday", "2026-11-20", "2026-11-21"),
        ("in the last three days", "2026-11-19", "2026-11-23"),
        ("over the past week", "2026-11-15", "2026-11-23"),
        ("in the last three months", "2026-08-22", "2026-11-23"),  # 91.2 days, and no part of a day less
    ],
)
def test_times_that_a_question_names_on_a_sunday(question: str, start: str, end: str) -> None:
    assert asked_periods(question, SUNDAY) == (days(start, end),)


@pytest.mark.parametrize(
    ("question", "now", "start", "end"),
    [
        ("last May", "2026-05-15", "2025-05-01", "2025-06-01"),
        ("last May", "2026-06-01", "2026-05-01", "2026-06-01"),
        ("last November", "2026-11-22", "2025-11-01", "2025-12-01"),
        ("in May", "2026-05-15", "2026-05-01", "2026-06-01"),
        ("last winter", "2026-12-15", "2025-12-01", "2026-03-01"),
        ("last winter", "2026-01-15", "2024-12-01", "2025-03-01"),
        ("last winter", "2026-03-01", "2025-12-01", "2026-03-01"),
        ("this winter", "2026-01-15", "2025-12-01", "2026-03-01"),
        ("last summer", "2026-07-15", "2025-06-01", "2025-09-01"),
        ("last summer", "2026-09-01", "2026-06-01", "2026-09-01"),
        ("two weeks after last May, was it?", "2026-05-15", "2025-05-01", "2025-06-01"),
    ],
)
def test_the_last_of_its_name_is_over(question: str, now: str, start: str, end: str) -> None:
    asked = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert asked_periods(question, asked)[0] == days(start, end)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("on 12/05/2025?", [("2025-05-12", "2025-05-13"), ("2025-12-05", "2025-12-06")]),
        ("on 05.12.2025?", [("2025-12-05", "2025-12-06"), ("2025-05-12", "2025-05-13")]),
        ("on 12/05/2026?", [("2026-05-12", "2026-05-13")]),  # 5 December is still to come
        ("on 3-3-2025?", [("2025-03-03", "2025-03-04")]),
        ("on 25/12/2025?", [("2025-12-25", "2025-12-26")]),
        ("on 12/25/2025?", [("2025-12-25", "2025-12-26")]),
        ("on 2025/12/25 or 2025-1-2?", [("2025-12-25", "2025-12-26"), ("2025-01-02", "2025-01-03")]),
        ("on 45/13/2025?", []),
    ],
)
def test_days_that_are_written_in_digits(question: str, expected: list[tuple[str, str]]) -> None:
    assert list(asked_periods(question, SUNDAY)) == [days(*each) for each in expected]


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What have I read since 2019?", "2019-01-01", "2026-11-23"),
        ("since last May", "2026-05-01", "2026-11-23"),
        ("since the beginning of May", "2026-05-01", "2026-11-23"),
        ("since Monday", "2026-11-16", "2026-11-23"),
        ("after the summer of 2025", "2025-09-01", "2026-11-23"),
        ("What had I read before 2019?", "1970-01-01", "2019-01-01"),
        ("Where did I work until 2019?", "1970-01-01", "2020-01-01"),
        ("before last week", "1970-01-01", "2026-11-09"),
        ("What did I read between March and May?", "2026-03-01", "2026-06-01"),
        ("from March to May", "2026-03-01", "2026-06-01"),
        ("from March until now", "2026-03-01", "2026-11-23"),
        ("between March and May 2023", "2023-03-01", "2023-06-01"),
        ("between November and February", "2025-11-01", "2026-03-01"),
        ("from Friday to Saturday", "2026-11-20", "2026-11-22"),
        ("between 3 May 2023 and the 8th of June 2023", "2023-05-03", "2023-06-09"),
        ("between 2021 and 2019", "2019-01-01", "2022-01-01"),
        ("the years 2019-2021", "2019-01-01", "2022-01-01"),
    ],
)
def test_times_with_a_beginning_and_an_end(question: str, start: str, end: str) -> None:
    assert asked_periods(question, SUNDAY) == (days(start, end),)


@pytest.mark.parametrize(
    "question",
    [
        "What was 2000 years ago?",
        "It took 2000 years.",
        "in the year 2099",
        "on 3 May 2099",
        "since 2099",
        "before 1960",
        "next July",
        "next summer",
        "Who is between Mark and May?",
    ],
)
def test_no_time_that_has_been(question: str) -> None:
    assert asked_periods(question, SUNDAY) == ()


def test_a_day_that_is_to_come_dates_what_has_been() -> None:
    found = asked_periods("What did I plan two weeks before 3 December 2026?", SUNDAY)
    assert found == (days("2026-11-16", "2026-11-23"),)
    assert event_offset("What did I plan two weeks before 3 December 2026?", SUNDAY) is None


@pytest.mark.parametrize(
    "question",
    ["When may I go?", "Who is April?", "What did Jan say?", "What is the last thing?", "and on 2025-13-04?"],
)
def test_no_time_is_named(question: str) -> None:
    assert asked_periods(question, SUNDAY) == ()


def test_several_times_in_the_order_of_the_question() -> None:
    found = asked_periods("Was it in June or on 3 July 2024?", SUNDAY)
    assert found == (days("2026-06-01", "2026-07-01"), days("2024-07-03", "2024-07-04"))


def test_days_begin_in_the_zone_of_the_one_who_asks() -> None:
    tokyo = timezone(timedelta(hours=9))
    asked = datetime(2024, 3, 15, 0, 30, tzinfo=tokyo)
    start = datetime(2024, 3, 14, tzinfo=tokyo).timestamp()
    assert asked_periods("yesterday?", asked) == (Period(start, start + 86_400),)


@pytest.mark.parametrize("count", [0, 1, 12, 400, 999])
@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_a_time_however_long_ago_ends_after_it_begins(count: int, unit: str) -> None:
    for question in (f"What was {count} {unit}s ago?", f"in the last {count} {unit}s"):
        (period,) = asked_periods(question, THURSDAY)
        assert period.start < period.end


def test_a_period_has_a_length() -> None:
    with pytest.raises(ValueError, match="no length"):
        Period(3.0, 3.0)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What did I buy two weeks before the trip to Lyon?",
            EventOffset("the trip to Lyon", "week", 2, True),
        ),
        ("And 3 days after my birthday, what was it?", EventOffset("my birthday", "day", 3, False)),
        ("Who came the Night before we moved?", EventOffset("we moved", "night", 0, True)),
        ("Who came the Sunday after the wedding?", EventOffset("the wedding", "sunday", 0, False)),
        ("What happened before the trip?", None),
        ("What did I say the day before yesterday?", None),
        ("What did I plan for the day after tomorrow?", None),
        ("What did I plan the week before last?", None),
        ("Where had I been a year before that?", None),
        ("What did I plant two weeks before August 11, 2023?", None),
    ],
)
def test_an_event_that_dates_what_is_asked_for(question: str, expected: EventOffset | None) -> None:
    assert event_offset(question, THURSDAY) == expected


@pytest.mark.parametrize(
    ("unit", "count", "before", "start", "end"),
    [
        ("week", 2, True, "2024-02-26", "2024-03-04"),
        ("week", 1, False, "2024-03-18", "2024-03-25"),
        ("week", 0, True, "2024-03-07", "2024-03-14"),
        ("week", 0, False, "2024-03-15", "2024-03-22"),
        ("day", 0, True, "2024-03-13", "2024-03-14"),
        ("day", 3, False, "2024-03-17", "2024-03-18"),
        ("month", 2, True, "2024-01-01", "2024-02-01"),
        ("year", 1, False, "2025-01-01", "2026-01-01"),
        ("sunday", 0, True, "2024-03-10", "2024-03-11"),
        ("sunday", 0, False, "2024-03-17", "2024-03-18"),
        ("thursday", 0, True, "2024-03-07", "2024-03-08"),
        ("thursday", 0, False, "2024-03-21", "2024-03-22"),
    ],
)
def test_the_time_that_an_event_of_thursday_dates(
    unit: str, count: int, before: bool, start: str, end: str
) -> None:
    assert EventOffset("the trip", unit, count, before).period(THURSDAY) == days(start, end)


def test_a_date_dates_another_time_as_an_event_does() -> None:
    found = asked_periods("What did I do the Sunday before October 25, 2022?", THURSDAY)
    assert found == (days("2022-10-25", "2022-10-26"), days("2022-10-23", "2022-10-24"))
    assert asked_periods("And two weeks after 3 May 2023?", THURSDAY) == (
        days("2023-05-03", "2023-05-04"),
        days("2023-05-14", "2023-05-21"),
    )
