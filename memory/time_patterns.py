"""How times are put into words, and which stretches of time are meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from typing import Final

from memory.periods import (
    LENGTHS,
    WEEKDAYS,
    Period,
    around,
    calendar,
    days,
    latest_months,
    midnight,
    months,
    weekday,
)

__all__ = [
    "MONTH",
    "NUMBER",
    "SEASON",
    "UNIT",
    "WEEKDAY",
    "NamedTime",
    "named_times",
    "number_of",
    "whole_time",
]

MONTHS: Final = str.split("jan feb mar apr may jun jul aug sep oct nov dec")
SEASONS: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
NUMBERS: Final = {
    **{word: n for n, word in enumerate(str.split("one two three four five six seven eight nine ten"), 1)},
    **{"a": 1, "an": 1, "a couple of": 2, "couple of": 2, "a few": 3, "few": 3, "several": 4},
}
EARLIEST: Final = 0.0
"""Where "before 2019" begins, in seconds since 1970: nothing was told to this program earlier."""

_SURE: Final = "february|feb|july?|september|sept?|october|oct|november|nov|december|dec"
MONTH: Final = rf"(?P<month>{_SURE}|january|jan|march|mar|april|apr|may|june?|august|aug)\b\.?"
SEASON: Final = rf"(?P<season>{'|'.join(SEASONS)})"
WEEKDAY: Final = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
NUMBER: Final = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
UNIT: Final = r"(?P<unit>day|night|weekend|week|month|year)"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)(?! (?:day|night|week|month|year))"  # "2000 years" are no year
_OF_YEAR: Final = rf"(?:,? (?:of )?|,){_YEAR}"

Words = dict[str, str]
Read = Callable[[Words, datetime], list[Period]]
"""The periods that the named groups of a pattern mean on a day; none where they are still to come."""


@dataclass(frozen=True, slots=True)
class NamedTime:
    """Words that name a time: from the first character to behind the last, and what they mean."""

    start: int
    end: int
    words: Words
    read: Read

    def periods(self, today: datetime) -> list[Period]:
        """The times that are meant, if they are said on a day; which may be none, or to come."""
        return self.read(self.words, today)


def named_times(text: str) -> list[NamedTime]:
    """The times that a text, with single spaces, names; in order, none within another."""
    found: list[NamedTime] = []
    for source, read in _PATTERNS:
        for match in _compiled(source).finditer(text):
            if not any(match.start() < each.end and each.start < match.end() for each in found):
                found.append(NamedTime(*match.span(), _words(match), read))
    return sorted(found, key=lambda each: each.start)


def whole_time(text: str, today: datetime) -> list[Period]:
    """The time that the whole of a text names, as what follows "since"; none if it is more than a time."""
    for source, read in (*_TIMES, *_BARE):
        match = _compiled(source).fullmatch(text)
        if match is not None:
            return read(_words(match), today)
    return []


def number_of(word: str) -> int:
    """How many a match of `NUMBER` is."""
    return int(word) if word.isdigit() else NUMBERS[word.lower()]


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{source})(?!\w)", re.IGNORECASE)


def _words(match: re.Match[str]) -> Words:
    return {name: word.lower() for name, word in match.groupdict().items() if word}


def _date(words: Words, today: datetime) -> list[Period]:
    """A day, or the month where none is named or the month has no such day."""
    name, day = words["month"], int(words.get("day", 1))
    month = int(name) if name.isdigit() else MONTHS.index(name[:3]) + 1
    if not words.keys() & {"day", "year"}:
        return [latest_months(today, month, 1, over=words.get("which") == "last")]
    ahead = (month, day) > (today.month, today.day)
    first = today.replace(year=int(words.get("year", today.year - ahead)), month=month, day=1)
    start = first + timedelta(days=day - 1)
    return [days(start, 0, 1) if "day" in words and start.month == month else months(first, 0, 1)]


def _numeric(words: Words, today: datetime) -> list[Period]:
    """Both ways to write a day, that of most of the world first, as far as there is such a month."""
    orders = [(words["one"], words["two"]), (words["two"], words["one"])]
    dates = [{"day": day, "month": month, "year": words["year"]} for day, month in orders]
    return [period for each in dates if 1 <= int(each["month"]) <= 12 for period in _date(each, today)]


def _season(words: Words, today: datetime) -> list[Period]:
    month = SEASONS[words["season"]]
    if "year" in words:
        return [months(today.replace(year=int(words["year"]), month=month, day=1), 0, 3)]
    return [latest_months(today, month, 3, over=words.get("which") == "last")]


def _year(words: Words, today: datetime) -> list[Period]:
    return [months(today.replace(year=int(words["year"]), month=1, day=1), 0, 12)]


def _ago(words: Words, today: datetime) -> list[Period]:
    return [around(today, words["unit"], -number_of(words["number"]))]


def _within(words: Words, today: datetime) -> list[Period]:
    length = ceil(number_of(words.get("number", "a")) * LENGTHS[words["unit"]])
    return [days(today, -length, length + 1)]


def _last(words: Words, today: datetime) -> list[Period]:
    return [calendar(today, words["unit"], {"this": 0, "last": 1}.get(words["which"], 2))]


def _weekday(words: Words, today: datetime) -> list[Period]:
    return [weekday(today, words["weekday"], before=True)]


def _to_come(words: Words, today: datetime) -> list[Period]:
    return []


def _open(words: Words, today: datetime) -> list[Period]:
    """From a time to the end of today, or up to a time; "since" and "until" take the time in."""
    tomorrow = days(today, 0, 1).end
    found: list[tuple[float, float]] = []
    for time in whole_time(words["time"], today):
        match words["side"]:
            case "since":
                found.append((time.start, tomorrow))
            case "after":
                found.append((time.end, tomorrow))
            case "before":
                found.append((EARLIEST, time.start))
            case _:
                found.append((EARLIEST, time.end))
    return [Period(start, end) for start, end in found if start < end]


def _between(words: Words, today: datetime) -> list[Period]:
    """From one time to another; the first is the latest before the second, where its year is not said."""
    first, second = whole_time(words["first"], today), whole_time(words["second"], today)
    if first and second and first[0].start >= second[0].end:
        last_day = datetime.fromtimestamp(second[0].end, today.tzinfo) - timedelta(days=1)
        first = whole_time(words["first"], midnight(last_day))
    both = [*first, *second]
    return [Period(min(each.start for each in both), max(each.end for each in both))] if both else []


_Source = tuple[str, Read]
_TIMES: Final[tuple[_Source, ...]] = (
    (rf"{_YEAR}[-/.](?P<month>0?[1-9]|1[0-2])[-/.](?P<day>\d\d?)", _date),
    (rf"(?P<one>\d\d?)[-/.](?P<two>\d\d?)[-/.]{_YEAR}", _numeric),
    (rf"{_DAY} (?:of )?{MONTH}(?:{_OF_YEAR})?", _date),
    (rf"(?:on |(?-i:(?!mar|may))){MONTH} {_DAY}(?!\d)(?:{_OF_YEAR})?", _date),  # "I may 2" is no date
    (rf"{MONTH}{_OF_YEAR}", _date),
    (rf"next (?:{MONTH}|{SEASON}|{UNIT}|{WEEKDAY})", _to_come),
    (rf"(?P<which>last) {MONTH}", _date),
    # A month that is a name or a verb as well needs a word before it.
    (rf"(?:in|on|this|past|of|during|before|after|early|late|mid) {MONTH}", _date),
    (rf"(?P<month>{_SURE})\b\.?", _date),
    (rf"{SEASON}{_OF_YEAR}", _season),
    (rf"(?P<which>last) {SEASON}", _season),
    (rf"(?:this|past|in|(?:in|during|over|of) the) {SEASON}", _season),
    (rf"{NUMBER} {UNIT}s? ago", _ago),
    (rf"(?:in|within|over|during) the (?:last|past) (?:{NUMBER} )?{UNIT}s?", _within),
    (rf"(?:last|past) {NUMBER} {UNIT}s?", _within),
    (r"(?P<which>this|last) (?P<unit>weekend|week|month|year)", _last),
    (r"the (?P<unit>weekend|week|month|year) (?P<which>before last)", _last),
    (r"past (?P<unit>weekend|week|month|year)", _within),
    (r"(?:the )?day before yesterday", lambda _, today: [days(today, -2, 1)]),
    (r"yesterday|last night", lambda _, today: [days(today, -1, 1)]),
    (r"today|tonight|this (?:morning|afternoon|evening)", lambda _, today: [days(today, 0, 1)]),
    (rf"(?:last|on|this|this past) {WEEKDAY}", _weekday),
    (rf"{_YEAR}(?![-/.]\d\d?[-/.])", _year),
)
_BARE: Final[tuple[_Source, ...]] = (
    (MONTH, _date),
    (SEASON, _season),
    (WEEKDAY, _weekday),
    ("now", lambda _, today: [days(today, 0, 1)]),
)
"""Times where a word before them says that they are: "since", "between"."""

_ANY: Final = re.sub(r"\(\?P<\w+>", "(?:", "|".join(source for source, _ in (*_TIMES, *_BARE)))
_VAGUELY: Final = r"(?:the (?:beginning|start|middle|end|year) (?:of )?|the |early |late |mid[- ])?"
_FIRST: Final = rf"{_VAGUELY}(?P<first>{_ANY})"
_SECOND: Final = rf"{_VAGUELY}(?P<second>{_ANY})"
_NO_OFFSET: Final = "".join(rf"(?<!{unit} )(?<!{unit}s )" for unit in (*LENGTHS, *WEEKDAYS))
"""Before "before": what makes it an `EventOffset`."""


_PATTERNS: Final[tuple[_Source, ...]] = (
    (rf"between {_FIRST} and {_SECOND}", _between),
    (rf"(?:from )?{_FIRST}(?: (?:to|until|till|through) | ?[-\u2013] ?){_SECOND}", _between),
    (rf"{_NO_OFFSET}(?P<side>since|until|till|before|after) {_VAGUELY}(?P<time>{_ANY})", _open),
    *_TIMES,
)
