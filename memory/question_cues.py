"""What a question says about the turns it asks for: whose they are, and of when.

The rules know English. Where they see nothing, nothing is added, and the question is answered by its words.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, assert_never

from retrieval.words import STOP_WORDS, content_words, words

__all__ = ["Period", "as_a_speaker_asks", "asked_periods", "asked_speaker", "question_terms"]

Unit = Literal["day", "week", "month", "year"]

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (  # "may" and "march" are also verbs, and "May I" begins a question
    r"[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|Mar(?:ch)?|[Aa]pr(?:il)?|(?<=\s)May|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?"
    r"|[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?"
)
_YEAR: Final = r"(?:19|20)\d\d"
_ISO: Final = re.compile(rf"\b(?P<year>{_YEAR})-(?P<month>0[1-9]|1[0-2])-(?P<day>\d\d)\b")
_DATE: Final = re.compile(
    r"(?:\b(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?)?"
    rf"\b(?P<name>{_MONTH})\b\.?"
    r"(?:\s+(?P<late_day>\d{1,2})(?:st|nd|rd|th)?\b)?"
    rf"(?:,?\s+(?:of\s+)?(?P<year>{_YEAR})\b)?"
)
_ONLY_YEAR: Final = re.compile(rf"\b(?P<year>{_YEAR})\b")
_UNITS: Final[dict[str, Unit]] = {"day": "day", "week": "week", "month": "month", "year": "year"}
_NUMBERS: Final = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_AGO: Final = re.compile(
    r"\b(?:(?P<day>today|yesterday)|(?P<which>this|last|past)\s+(?P<current>week|month|year)"
    rf"|(?P<count>\d{{1,3}}|an?|{'|'.join(_NUMBERS[1:])})\s+(?P<unit>day|week|month|year)s?\s+ago)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, half-open, in seconds since 1970."""

    start: float
    end: float


def asked_speaker(question: str, speakers: Collection[str]) -> str | None:
    """The one of `speakers` whom the question names, by one word of the name at least; else None.

    Two who are named are none: turns of either may be meant. "" is the user who asks, never named.
    """
    said = _name_words(question)
    named = [speaker for speaker in speakers if _name_words(speaker) & said]
    return named[0] if len(named) == 1 else None


def as_a_speaker_asks(question: str, speakers: Collection[str]) -> str:
    """The question with every speaker's name as "I", which is how turns are put: the text to encode.

    "Where did Ines work before Ines's move?" becomes "Where did I work before my move?"; the embedding of a
    name is near to every turn that holds the name, and those are mostly of the other speaker.
    """
    names = "|".join(sorted({re.escape(name) for each in speakers for name in _name_words(each)}))
    if not names:
        return question
    name = re.compile(rf"\b(?:{names})(?:\s+(?:{names}))*(['\u2019]s)?\b", re.IGNORECASE)
    return name.sub(lambda found: "my" if found[1] else "I", question)


def question_terms(question: str, speakers: Collection[str]) -> list[str]:
    """The different terms of a question that count for BM25, in order.

    Names of speakers are left out, unless nothing else is said: a turn seldom names the one who says it.
    """
    terms = dict.fromkeys(content_words(question) or words(question))
    names = {term for speaker in speakers for term in words(speaker)}
    return [term for term in terms if term not in names] or list(terms)


def asked_periods(question: str, now: datetime) -> tuple[Period, ...]:
    """The times that a question names: dates, months, years, "last week", "two months ago".

    A month or day without a year is the latest that has begun; a day that no month has, as 31 June, is
    read as the month.

    Args:
        now: With its time zone, in which days begin.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Period] = []
    for date in _ISO.finditer(question):
        found.append(_dated(today, date["year"], int(date["month"]), date["day"]))
    rest = _ISO.sub(" ", question)
    for date in _DATE.finditer(rest):
        month = _MONTHS.index(date["name"][:3].lower()) + 1
        found.append(_dated(today, date["year"], month, date["day"] or date["late_day"]))
    rest = _DATE.sub(" ", rest)
    for date in _ONLY_YEAR.finditer(rest):
        found.append(_whole("year", today.replace(year=int(date["year"]), month=1, day=1)))
    for relative in _AGO.finditer(rest):
        found.append(_relative(today, *_steps_back(relative)))
    return tuple(found)


def _dated(today: datetime, named_year: str | None, month: int, named_day: str | None) -> Period:
    """A day, or the month where none is named or the month has no such day."""
    day = int(named_day or 1)
    ahead = (month, day) > (today.month, today.day)
    year = int(named_year) if named_year else today.year - ahead
    first = today.replace(year=year, month=month, day=1)
    start = first + timedelta(days=day - 1)
    return _whole("day", start) if named_day and start.month == month else _whole("month", first)


def _steps_back(match: re.Match[str]) -> tuple[Unit, int]:
    """Which unit of time is meant, and how many of it before the present one."""
    if match["day"]:
        return "day", int(match["day"].lower() == "yesterday")
    if match["which"]:
        return _UNITS[match["current"].lower()], int(match["which"].lower() != "this")
    count = match["count"].lower()
    number = int(count) if count.isdecimal() else max(_NUMBERS.index(count) if count in _NUMBERS else 1, 1)
    return _UNITS[match["unit"].lower()], number


def _relative(today: datetime, unit: Unit, back: int) -> Period:
    match unit:
        case "day":
            return _whole(unit, today - timedelta(days=back))
        case "week":
            return _whole(unit, today - timedelta(days=today.weekday() + 7 * back))
        case "month":
            months = max(12 * today.year + today.month - 1 - back, 12)
            return _whole(unit, today.replace(year=months // 12, month=months % 12 + 1, day=1))
        case "year":
            return _whole(unit, today.replace(year=max(today.year - back, 1), month=1, day=1))
        case _:
            assert_never(unit)


def _whole(unit: Unit, start: datetime) -> Period:
    """The day, week, month or year that begins at `start`."""
    match unit:
        case "day" | "week":
            end = start + timedelta(days=1 if unit == "day" else 7)
        case "month":
            end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
        case "year":
            end = start.replace(year=start.year + 1)
        case _:
            assert_never(unit)
    return Period(start.timestamp(), end.timestamp())


def _name_words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - STOP_WORDS
