"""Points in time as they come out of a database."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["in_utc"]


def in_utc(stored: datetime) -> datetime:
    """A stored time with its zone: SQLite gives back none and means UTC, PostgreSQL that of the session."""
    return stored.astimezone(UTC) if stored.tzinfo else stored.replace(tzinfo=UTC)
