"""Stretches of time counted from a day: "two weeks ago", "last weekend", "three months from then on"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

__all__ = [
    "LENGTHS",
    "WEEKDAYS",
    "Period",
    "around",
    "calendar",
    "days",
    "latest_months",
    "midnight",
    "months",
    "weekday",
]

WEEKDAYS: Final = str.split("monday tuesday wednesday thursday friday saturday sunday")
LENGTHS: Final = {"day": 1.0, "night": 1.0, "week": 7.0, "weekend": 7.0, "month": 30.4, "year": 365.25}
"""In days."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, half-open, in seconds since 1970."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"the period from {self.start} to {self.end} has no length")


def midnight(moment: datetime) -> datetime:
    """When the day of a moment began, in its time zone."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def days(day: datetime, first: float, count: float) -> Period:
    """So many days, the first of them so many after `day`."""
    start = day + timedelta(days=first)
    return Period(start.timestamp(), (start + timedelta(days=count)).timestamp())


def months(day: datetime, first: int, count: int) -> Period:
    """Whole months, the first of them so many after that of `day`."""

    def begins(month: int) -> float:
        year, month = divmod(max(12 * day.year + day.month - 1 + month, 12), 12)
        return day.replace(year=year, month=month + 1, day=1).timestamp()

    return Period(begins(first), begins(first + count))


def latest_months(day: datetime, month: int, count: int, over: bool) -> Period:
    """Of the times that begin with this month of a year the latest that has begun, or is `over`, on a day."""
    least = count if over else 0
    return months(day, -((day.month - month - least) % 12 + least), count)


def weekday(day: datetime, name: str, before: bool) -> Period:
    """The last such day of the week before `day`, or the first after it."""
    way = -1 if before else 1
    return days(day, way * ((WEEKDAYS.index(name) - day.weekday()) * way % 7 or 7), 1)


def around(day: datetime, unit: str, count: int) -> Period:
    """As wide as its unit: "two weeks ago" is the seven days around that day, "a month ago" a month."""
    match unit:
        case "year":
            return months(day.replace(year=max(day.year + count, 1), month=1, day=1), 0, 12)
        case "month":
            return months(day, count, 1)
        case _:
            length = int(LENGTHS[unit])
            return days(day, count * length - length // 2, length)


def calendar(day: datetime, unit: str, back: int) -> Period:
    """The week, weekend, month or year so many before the one of a day."""
    match unit:
        case "week":
            return days(day, -day.weekday() - 7 * back, 7)
        case "weekend":  # of a working day the latest is one back
            latest = -((day.weekday() - 5) % 7)
            return days(day, latest - 7 * max(back - (day.weekday() < 5), 0), 2)
        case _:
            return around(day, unit, -back)
