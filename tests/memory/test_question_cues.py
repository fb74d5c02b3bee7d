"""What a question says about whose turns and of when it asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from memory.question_cues import Period, as_a_speaker_asks, asked_periods, asked_speaker, question_terms

NOW = datetime(2024, 3, 14, 15, 9, tzinfo=UTC)  # a Thursday


def days(start: str, end: str) -> Period:
    """From the beginning of one day to the beginning of another, in UTC."""
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in (start, end))
    return Period(first, last)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did I cook on 3 May 2023?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on May 3rd, 2023?", [days("2023-05-03", "2023-05-04")]),
        ("What did I cook on the 3rd of May 2023?", [days("2023-05-03", "2023-05-04")]),
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
        ("What did I plan 10 weeks ago?", [days("2024-01-01", "2024-01-08")]),
        ("Whom did I meet last month?", [days("2024-02-01", "2024-03-01")]),
        ("Whom did I meet a month ago?", [days("2024-02-01", "2024-03-01")]),
        ("Whom did I meet 15 months ago?", [days("2022-12-01", "2023-01-01")]),
        ("What did I win last year?", [days("2023-01-01", "2024-01-01")]),
        (
            "Was it in June 2023 or in 2021?",
            [days("2023-06-01", "2023-07-01"), days("2021-01-01", "2022-01-01")],
        ),
        ("May I march on? It may take 2 days.", []),
        ("What is my favourite dish?", []),
        ("Who won 2100 points at 3 pm?", []),
        ("", []),
    ],
)
def test_times_that_a_question_names(question: str, expected: list[Period]) -> None:
    assert list(asked_periods(question, NOW)) == expected


def test_days_begin_in_the_zone_of_the_one_who_asks() -> None:
    tokyo = timezone(timedelta(hours=9))
    asked = datetime(2024, 3, 15, 0, 30, tzinfo=tokyo)
    start = datetime(2024, 3, 14, tzinfo=tokyo).timestamp()
    assert asked_periods("yesterday?", asked) == (Period(start, start + 86_400),)


@pytest.mark.parametrize("count", [0, 1, 12, 400, 999])
@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_a_time_however_long_ago_ends_after_it_begins(count: int, unit: str) -> None:
    (period,) = asked_periods(f"What was {count} {unit}s ago?", NOW)
    assert period.start < period.end


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does Ines paint?", "Ines Okafor"),
        ("what does ines paint?", "Ines Okafor"),
        ("When did Mrs Okafor's boat sink?", "Ines Okafor"),
        ("What did Will sing?", None),  # "will" says too little
        ("What do Ines and Tomasz share?", None),
        ("What does Inessa paint?", None),
        ("What do I paint?", None),
    ],
)
def test_the_speaker_whom_a_question_names(question: str, expected: str | None) -> None:
    assert asked_speaker(question, ["", "Ines Okafor", "Tomasz", "Will"]) == expected


def test_terms_are_those_of_the_question_without_speakers() -> None:
    assert question_terms("Where did Ines go to paint the boats, the boats?", ["Ines"]) == ["paint", "boat"]
    assert question_terms("Where did Ines go to paint?", []) == ["ine", "paint"]


def test_names_and_stop_words_count_where_nothing_else_is_said() -> None:
    assert question_terms("Who is Ines?", ["Ines"]) == ["ine"]
    assert question_terms("Who is it?", ["Ines"]) == ["who", "is", "it"]
    assert question_terms("", ["Ines"]) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where did Ines work before Ines's move?", "Where did I work before my move?"),
        ("What does Ines Okafor paint?", "What does I paint?"),
        ("why did INES call tomasz?", "why did I call I?"),
        ("What is Inessa's job?", "What is Inessa's job?"),
        ("Will it rain?", "Will it rain?"),
        ("Where do I work?", "Where do I work?"),
    ],
)
def test_a_question_in_the_words_of_a_speaker(question: str, expected: str) -> None:
    assert as_a_speaker_asks(question, ["", "Ines Okafor", "Tomasz", "Will"]) == expected
    assert as_a_speaker_asks(question, [""]) == question
