"""Times that a question names, as stretches of time: "last May", "two weeks ago", "on 8 May 2023".

English. What is found only raises the turns of that time, so a reading that is a little wide does no harm;
libraries that parse dates (dateparser, parsedatetime) give points in time, and "last spring" is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from retrieval.words import content_words

__all__ = ["EventOffset", "Period", "asked_periods", "event_offset"]


MONTHS: Final = str.split("jan feb mar apr may jun jul aug sep oct nov dec")
DAYS: Final = str.split("monday tuesday wednesday thursday friday saturday sunday")
SEASONS: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
NUMBERS: Final = {
    **{word: n for n, word in enumerate(str.split("one two three four five six seven eight nine ten"), 1)},
    **{"a": 1, "an": 1, "a couple of": 2, "couple of": 2, "a few": 3, "few": 3, "several": 4},
}
LENGTHS: Final = {"day": 1.0, "night": 1.0, "week": 7.0, "weekend": 7.0, "month": 30.4, "year": 365.25}
"""In days."""

_SURE: Final = "february|feb|july?|september|sept?|october|oct|november|nov|december|dec"
_MONTH: Final = rf"(?P<month>{_SURE}|january|jan|march|mar|april|apr|may|june?|august|aug)\b\.?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_OF_YEAR: Final = rf"(?:,? (?:of )?|,){_YEAR}"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_SEASON: Final = rf"(?P<season>{'|'.join(SEASONS)})"
_NUMBER: Final = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
_UNIT: Final = r"(?P<unit>day|night|weekend|week|month|year)"
_WEEKDAY: Final = rf"(?P<weekday>{'|'.join(DAYS)})"
_EVENT: Final = re.compile(
    rf"\b(?:(?:the|{_NUMBER}) {_UNIT}s?|the {_WEEKDAY}) (?P<side>before|after) (?!last\b|tomorrow\b)"
    r"(?P<event>(?:[^?.!,;]|,(?= ?\d))+)",
    re.IGNORECASE,
)

Words = dict[str, str]
Read = Callable[[Words, datetime], "Period"]


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, half-open, in seconds since 1970."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"the period from {self.start} to {self.end} has no length")


@dataclass(frozen=True, slots=True)
class EventOffset:
    """How a time is dated by an event: "two weeks before the trip".

    Attributes:
        event: What is to be found to know the time.
        unit: A key of `LENGTHS`, or one of `DAYS`.
        count: Of units; 0 is the one that ends or begins with the event, as in "the week before".
        before: Whether it was before the event, not after.
    """

    event: str
    unit: str
    count: int
    before: bool

    def period(self, event: datetime) -> Period:
        """The time that is meant if the event was then, with its time zone; as wide as the unit."""
        day = _midnight(event)
        if self.unit in DAYS:
            way = -1 if self.before else 1
            return _days(day, way * ((DAYS.index(self.unit) - day.weekday()) * way % 7 or 7), 1)
        if self.count:
            return _around(day, self.unit, -self.count if self.before else self.count)
        length = LENGTHS[self.unit]
        return _days(day, -length if self.before else 1, length)


def asked_periods(question: str, now: datetime) -> tuple[Period, ...]:
    """The times that a question names, in its order; none if it names none.

    A month or season without a year is the latest that has begun; a day that no month has, as 31 June, is
    read as the month. "The week before 8 May" is two: what was of one time is often told at the other.

    Args:
        question: In English.
        now: What "yesterday" counts from, with its time zone, in which days begin.
    """
    text, today = " ".join(question.split()), _midnight(now)
    found: list[tuple[int, Period]] = []
    taken: list[tuple[int, int]] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                words = {name: word.lower() for name, word in match.groupdict().items() if word}
                found.append((match.start(), read(words, today)))
    periods = [period for _, period in sorted(found, key=lambda each: each[0])]
    offset = _offset(text)
    if offset is not None:
        named = [each.start for each in asked_periods(offset.event, now)]
        periods += [offset.period(datetime.fromtimestamp(start, now.tzinfo)) for start in named]
    return tuple(dict.fromkeys(periods))


def event_offset(question: str, now: datetime) -> EventOffset | None:
    """What a question dates by an event that names no time itself; None if it does not."""
    offset = _offset(" ".join(question.split()))
    if offset is None or asked_periods(offset.event, now) or not content_words(offset.event):
        return None
    return offset


def _offset(text: str) -> EventOffset | None:
    match = _EVENT.search(text)
    if match is None:
        return None
    unit = (match["weekday"] or match["unit"]).lower()
    count = _count(match["number"]) if match["number"] else 0
    return EventOffset(match["event"].strip(), unit, count, match["side"].lower() == "before")


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _count(word: str) -> int:
    return int(word) if word.isdigit() else NUMBERS[word.lower()]


def _days(day: datetime, first: float, days: float) -> Period:
    start = day + timedelta(days=first)
    return Period(start.timestamp(), (start + timedelta(days=days)).timestamp())


def _months(day: datetime, first: int, months: int) -> Period:
    """Whole months, the first of them so many after that of `day`."""

    def begins(month: int) -> float:
        year, month = divmod(max(12 * day.year + day.month - 1 + month, 12), 12)
        return day.replace(year=year, month=month + 1, day=1).timestamp()

    return Period(begins(first), begins(first + months))


def _around(day: datetime, unit: str, count: int) -> Period:
    """As wide as its unit: "two weeks ago" is the seven days around that day, "a month ago" a month."""
    match unit:
        case "year":
            return _months(day.replace(year=max(day.year + count, 1), month=1, day=1), 0, 12)
        case "month":
            return _months(day, count, 1)
        case _:
            length = int(LENGTHS[unit])
            return _days(day, count * length - length // 2, length)


def _calendar(day: datetime, unit: str, back: int) -> Period:
    """The week, weekend, month or year so many before the one of a day."""
    match unit:
        case "week":
            return _days(day, -day.weekday() - 7 * back, 7)
        case "weekend":  # of a working day the latest is one back
            latest = -((day.weekday() - 5) % 7)
            return _days(day, latest - 7 * max(back - (day.weekday() < 5), 0), 2)
        case _:
            return _around(day, unit, -back)


def _date(words: Words, today: datetime) -> Period:
    """A day, or the month where none is named or the month has no such day."""
    name, day = words["month"], int(words.get("day", 1))
    month = int(name) if name.isdigit() else MONTHS.index(name[:3]) + 1
    ahead = (month, day) > (today.month, today.day)
    year = int(words["year"]) if "year" in words else today.year - ahead
    first = today.replace(year=year, month=month, day=1)
    start = first + timedelta(days=day - 1)
    return _days(start, 0, 1) if "day" in words and start.month == month else _months(first, 0, 1)


def _season(words: Words, today: datetime) -> Period:
    month = SEASONS[words["season"]]
    year = int(words["year"]) if "year" in words else today.year - (month > today.month)
    return _months(today.replace(year=year, month=month, day=1), 0, 3)


def _year(words: Words, today: datetime) -> Period:
    return _months(today.replace(year=int(words["year"]), month=1, day=1), 0, 12)


def _ago(words: Words, today: datetime) -> Period:
    return _around(today, words["unit"], -_count(words["number"]))


def _within(words: Words, today: datetime) -> Period:
    days = ceil(_count(words.get("number", "a")) * LENGTHS[words["unit"]])
    return _days(today, -days, days + 1)


def _last(words: Words, today: datetime) -> Period:
    return _calendar(today, words["unit"], {"this": 0, "last": 1}.get(words["which"], 2))


def _weekday(words: Words, today: datetime) -> Period:
    return EventOffset("today", words["weekday"], 0, before=True).period(today)


def _pattern(pattern: str, read: Read) -> tuple[re.Pattern[str], Read]:
    return re.compile(rf"\b(?:{pattern})(?!\w)", re.IGNORECASE), read


_PATTERNS: Final[tuple[tuple[re.Pattern[str], Read], ...]] = (
    _pattern(rf"{_YEAR}-(?P<month>0[1-9]|1[0-2])-(?P<day>\d\d)", _date),
    _pattern(rf"{_DAY} (?:of )?{_MONTH}(?:{_OF_YEAR})?", _date),
    _pattern(rf"(?:on |(?-i:(?!mar|may))){_MONTH} {_DAY}(?:{_OF_YEAR})?", _date),  # "I may 2" is no date
    _pattern(rf"{_MONTH}{_OF_YEAR}", _date),
    # A month that is a name or a verb as well needs a word before it.
    _pattern(rf"(?:in|last|this|of|during|since|until|between|before|after|early|late|mid) {_MONTH}", _date),
    _pattern(rf"(?P<month>{_SURE})\b\.?", _date),
    _pattern(rf"{_SEASON}{_OF_YEAR}", _season),
    _pattern(rf"(?:last|this|in|(?:in|during|over|of) the) {_SEASON}", _season),
    _pattern(rf"{_NUMBER} {_UNIT}s? ago", _ago),
    _pattern(rf"(?:in|within|over|during) the (?:last|past) (?:{_NUMBER} )?{_UNIT}s?", _within),
    _pattern(rf"(?:last|past) {_NUMBER} {_UNIT}s?", _within),
    _pattern(r"(?P<which>this|last) (?P<unit>weekend|week|month|year)", _last),
    _pattern(r"the (?P<unit>weekend|week|month|year) (?P<which>before last)", _last),
    _pattern(r"past (?P<unit>weekend|week|month|year)", _within),
    _pattern(r"(?:the )?day before yesterday", lambda _, today: _days(today, -2, 1)),
    _pattern(r"yesterday|last night", lambda _, today: _days(today, -1, 1)),
    _pattern(r"today|tonight|this (?:morning|afternoon|evening)", lambda _, today: _days(today, 0, 1)),
    _pattern(rf"(?:last|on|this|this past) {_WEEKDAY}", _weekday),
    _pattern(rf"{_YEAR}(?!-\d\d-)", _year),
)
