"""Days and moments where whoever looks at the page is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

__all__ = ["day_of", "end_of", "minute_of", "start_of", "zone", "zone_named"]


def zone() -> tzinfo:
    """The time zone of the browser."""
    return zone_named(st.context.timezone)


def zone_named(name: str | None) -> tzinfo:
    """A zone by its name, UTC if there is none of that name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def day_of(moment: datetime, where: tzinfo) -> str:
    """The day there, as 2026-05-12."""
    return f"{moment.astimezone(where):%Y-%m-%d}"


def minute_of(moment: datetime, where: tzinfo) -> str:
    """The day and the minute there."""
    return f"{moment.astimezone(where):%Y-%m-%d %H:%M}"


def start_of(day: date, where: tzinfo) -> datetime:
    """When a day begins there, in UTC."""
    return datetime.combine(day, time.min, where).astimezone(UTC)


def end_of(day: date, where: tzinfo) -> datetime:
    """When the next day begins there, in UTC."""
    return start_of(day + timedelta(days=1), where)
