"""Times that a question names, as stretches of time: "last May", "two weeks ago", "since 8 May 2023".

English. What is found only raises the turns of that time, so a reading that is a little wide does no harm;
libraries that parse dates (dateparser, parsedatetime) give points in time, and "last spring" is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory.periods import LENGTHS, WEEKDAYS, Period, around, days, midnight, weekday
from memory.time_patterns import MONTH, NUMBER, SEASON, UNIT, WEEKDAY, named_times, number_of, whole_time
from retrieval.words import content_words

__all__ = ["EventOffset", "Period", "asked_periods", "event_offset"]


_EVENT: Final = re.compile(
    rf"\b(?:(?:the|{NUMBER}) {UNIT}s?|the {WEEKDAY}) (?P<side>before|after) "
    rf"(?!tomorrow\b|last\b(?! (?:{MONTH}|{SEASON})))(?P<event>(?:[^?.!,;]|,(?= ?\d))+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class EventOffset:
    """How a time is dated by an event: "two weeks before the trip".

    Attributes:
        event: What is to be found to know the time.
        unit: A key of `LENGTHS`, or one of `WEEKDAYS`.
        count: Of units; 0 is the one that ends or begins with the event, as in "the week before".
        before: Whether it was before the event, not after.
    """

    event: str
    unit: str
    count: int
    before: bool

    def period(self, event: datetime) -> Period:
        """The time that is meant if the event was then, with its time zone; as wide as the unit."""
        day = midnight(event)
        if self.unit in WEEKDAYS:
            return weekday(day, self.unit, self.before)
        if self.count:
            return around(day, self.unit, -self.count if self.before else self.count)
        length = LENGTHS[self.unit]
        return days(day, -length if self.before else 1, length)


def asked_periods(question: str, now: datetime) -> tuple[Period, ...]:
    """The times that a question names, in its order; none if it names none, or only such as are to come.

    A month or season without a year is the latest that has begun, or with "last" the latest that is over; a
    day that no month has, as 31 June, is read as the month. "12/05/2026" is two, and so is "the week before
    8 May": what was of one time is often told at the other.

    Args:
        question: In English.
        now: What "yesterday" counts from, with its time zone, in which days begin.
    """
    text, today = " ".join(question.split()), midnight(now)
    periods = [period for time in named_times(text) for period in time.periods(today)]
    offset = _offset(text)
    if offset is not None:
        named = [each.start for each in _dates(offset.event, today) or ()]
        periods += [offset.period(datetime.fromtimestamp(start, now.tzinfo)) for start in named]
    return tuple(dict.fromkeys(period for period in periods if period.start <= now.timestamp()))


def event_offset(question: str, now: datetime) -> EventOffset | None:
    """What a question dates by an event that names no time itself; None if it does not."""
    offset = _offset(" ".join(question.split()))
    if offset is None or not content_words(offset.event) or _dates(offset.event, midnight(now)) is not None:
        return None
    return offset


def _dates(event: str, today: datetime) -> list[Period] | None:
    """The times that an event names, or is; None if it names none."""
    times = named_times(event)
    if not times:
        return whole_time(event, today) or None
    return [period for time in times for period in time.periods(today)]


def _offset(text: str) -> EventOffset | None:
    match = _EVENT.search(text)
    if match is None:
        return None
    unit = (match["weekday"] or match["unit"]).lower()
    count = number_of(match["number"]) if match["number"] else 0
    return EventOffset(match["event"].strip(), unit, count, match["side"].lower() == "before")
