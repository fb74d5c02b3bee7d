"""Times that a question names, as stretches of time: "last May", "two weeks ago", "on 8 May 2023".

English. What is found only raises the turns of that time, so a reading that is a little wide does no harm;
libraries that parse dates (dateparser, parsedatetime) give points in time, and "last spring" is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

__all__ = ["Offset", "TimeWindow", "event_offset", "time_windows"]


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A stretch of time, from `start` to `end` (exclusive)."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end <= self.start:
            raise ValueError(f"no stretch of time with a zone: {self.start} to {self.end}")


@dataclass(frozen=True, slots=True)
class Offset:
    """ "Two weeks before the trip": how long before (below 0) or after, and what is dated by it."""

    days: float
    event: str


MONTHS: Final = str.split(
    "january february march april may june july august september october november december"
)
DAYS: Final = str.split("monday tuesday wednesday thursday friday saturday sunday")
SEASONS: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
NUMBERS: Final = {
    **{word: n for n, word in enumerate(str.split("one two three four five six seven eight nine ten"), 1)},
    **{"a": 1, "an": 1, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3, "several": 4, "some": 3},
}
LENGTHS: Final = {"day": 1.0, "night": 1.0, "week": 7.0, "weekend": 7.0, "month": 30.4, "year": 365.25}

_MONTH: Final = rf"(?P<month>{'|'.join(MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
_SEASON: Final = rf"(?P<season>{'|'.join(SEASONS)})"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_DAY: Final = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_NUMBER: Final = rf"(?P<number>\d+|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
_UNIT: Final = r"(?P<unit>day|night|week|weekend|month|year)s?"
_WEEKDAY: Final = rf"(?P<weekday>{'|'.join(DAYS)})"

Read = Callable[[re.Match[str], datetime], TimeWindow | None]


def time_windows(question: str, now: datetime) -> tuple[TimeWindow, ...]:
    """The stretches of time that a question names, in its order; none if it names none.

    A month or season without a year is the latest one that has begun.

    Args:
        question: In English.
        now: What "yesterday" counts from, with its time zone, in which days begin at midnight.
    """
    found: list[tuple[int, TimeWindow]] = []
    taken: list[tuple[int, int]] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(question):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            window = read(match, now)
            if window is not None:
                taken.append(match.span())
                found.append((match.start(), window))
    return tuple(window for _, window in sorted(found, key=lambda each: each[0]))


def event_offset(question: str) -> Offset | None:
    """What a question dates by an event, "two weeks before the trip"; None if it does not."""
    match = _EVENT.search(question)
    if match is None:
        return None
    days = _count(match["number"]) * LENGTHS[match["unit"].lower()]
    return Offset(-days if match["side"].lower() == "before" else days, match["event"].strip())


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _months(first: datetime, count: int) -> datetime:
    """The first day of a month so many months from that of another."""
    year, month = divmod(12 * first.year + first.month - 1 + count, 12)
    return first.replace(year=year, month=month + 1)


def _days(now: datetime, first: float, days: float) -> TimeWindow:
    start = _midnight(now) + timedelta(days=first)
    return TimeWindow(start, start + timedelta(days=days))


def _count(word: str) -> int:
    return int(word) if word.isdigit() else NUMBERS[word.lower()]


def _date(match: re.Match[str], now: datetime) -> TimeWindow | None:
    """A day or a month, of the year that is named or the latest that has begun."""
    named = match.groupdict()
    month = next(n for n, name in enumerate(MONTHS, 1) if name.startswith(match["month"][:3].lower()))
    day = int(named.get("day") or 0)
    year = int(named["year"]) if named.get("year") else now.year
    try:
        start = _midnight(now).replace(year=year, month=month, day=day or 1)
        if not named.get("year") and start > now:
            start = start.replace(year=year - 1)
    except ValueError:  # the 31st of a month with 30 days
        return None
    return TimeWindow(start, start + timedelta(days=1) if day else _months(start, 1))


def _iso(match: re.Match[str], now: datetime) -> TimeWindow | None:
    try:
        start = datetime(int(match["year"]), int(match["m"]), int(match["d"]), tzinfo=now.tzinfo)
    except ValueError:
        return None
    return TimeWindow(start, start + timedelta(days=1))


def _season(match: re.Match[str], now: datetime) -> TimeWindow:
    year = int(match["year"]) if match["year"] else now.year
    start = _midnight(now).replace(year=year, month=SEASONS[match["season"].lower()], day=1)
    if not match["year"] and start > now:
        start = _months(start, -12)
    return TimeWindow(start, _months(start, 3))


def _year(match: re.Match[str], now: datetime) -> TimeWindow:
    start = _midnight(now).replace(year=int(match["year"]), month=1, day=1)
    return TimeWindow(start, _months(start, 12))


def _ago(match: re.Match[str], now: datetime) -> TimeWindow:
    """As wide as its unit is: "two weeks ago" is a week, around that day."""
    length = LENGTHS[match["unit"].lower()]
    return _days(now, -_count(match["number"]) * length - (length // 2), max(length, 1.0))


def _within(match: re.Match[str], now: datetime) -> TimeWindow:
    count = _count(match["number"]) if match["number"] else 1
    days = count * LENGTHS[match["unit"].lower()]
    return _days(now, -days, days + 1)


def _last(match: re.Match[str], now: datetime) -> TimeWindow:
    """The calendar's week, month or year before this one, or this one."""
    back = 0 if match["which"].lower() in {"this", "the current"} else 1
    today = _midnight(now)
    match match["unit"].lower():
        case "year":
            start = _months(today.replace(month=1, day=1), -12 * back)
            return TimeWindow(start, _months(start, 12))
        case "month":
            start = _months(today.replace(day=1), -back)
            return TimeWindow(start, _months(start, 1))
        case "week":
            start = today - timedelta(days=today.weekday() + 7 * back)
            return TimeWindow(start, start + timedelta(days=7))
        case "weekend":
            saturday = today - timedelta(days=(today.weekday() - 5) % 7)
            back = back if saturday + timedelta(days=2) > now else back - 1
            return _days(saturday, -7.0 * max(back, 0), 2)
        case _:
            return _days(now, -back, 1)


def _weekday(match: re.Match[str], now: datetime) -> TimeWindow:
    back = (now.weekday() - DAYS.index(match["weekday"].lower())) % 7 or 7
    return _days(now, -back, 1)


def _near(match: re.Match[str], now: datetime) -> TimeWindow:
    word = " ".join(match[0].lower().split())
    if "before yesterday" in word:
        return _days(now, -2, 1)
    if word in {"yesterday", "last night"}:
        return _days(now, -1, 1)
    return _days(now, 0, 1)


def _pattern(pattern: str, read: Read) -> tuple[re.Pattern[str], Read]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), read


_PATTERNS: Final[tuple[tuple[re.Pattern[str], Read], ...]] = (
    _pattern(rf"{_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)", _iso),
    _pattern(rf"{_DAY} (?:of )?{_MONTH},?(?: {_YEAR})?", _date),
    _pattern(rf"{_MONTH} {_DAY}(?!\d),?(?: {_YEAR})?", _date),
    _pattern(rf"{_MONTH},? (?:of )?{_YEAR}", _date),
    _pattern(rf"(?:in|last|this|of|during|since|late|early|mid|end of|beginning of) {_MONTH}", _date),
    _pattern(rf"{_SEASON}(?: of)?,? {_YEAR}", _season),
    _pattern(rf"(?:last|this|in|in the|during the|over the) {_SEASON}(?P<year>(?!))?", _season),
    _pattern(rf"{_NUMBER} {_UNIT} ago", _ago),
    _pattern(rf"(?:in|within|over|during) the (?:last|past) (?:{_NUMBER} )?{_UNIT}", _within),
    _pattern(rf"(?:last|past) {_NUMBER} {_UNIT}", _within),
    _pattern(r"(?:the )?day before yesterday|yesterday|last night|today|this morning|tonight", _near),
    _pattern(r"(?P<which>last|this|the past|past|the current) (?P<unit>week|weekend|month|year)", _last),
    _pattern(rf"(?:last|on|this past) {_WEEKDAY}", _weekday),
    _pattern(rf"(?:in|of|during|since|year) {_YEAR}", _year),
)
_EVENT: Final = re.compile(rf"\b{_NUMBER} {_UNIT} (?P<side>before|after) (?P<event>[^?.!,;]+)", re.IGNORECASE)
