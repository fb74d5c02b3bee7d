"""Users: whose memory it is. Everything of a conversation hangs below one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, select, update

from memory.conversation_tables import UserRow
from memory.upserts import upsert

__all__ = ["FIRST_USER", "known_user", "note_user", "user_changed", "user_revision"]

FIRST_USER: Final = "me"
"""Who uses a home that names nobody."""


def known_user(connection: Connection, name: str) -> int | None:
    """The key of a user, None if nothing of that user is stored."""
    return connection.execute(select(UserRow.key).where(UserRow.name == name)).scalar()


def note_user(connection: Connection, name: str) -> int:
    """The key of a user, who is noted when new; as the first statement it takes the write lock."""
    values = {"name": name, "revision": 0, "created_at": datetime.now(UTC)}
    return connection.execute(
        upsert(connection, UserRow)
        .values(values)
        .on_conflict_do_update(index_elements=["name"], set_={"name": name})
        .returning(UserRow.key)
    ).scalar_one()


def user_changed(connection: Connection, user: int) -> None:
    """Note, in the transaction of the change itself, that something which was there has changed or gone."""
    connection.execute(update(UserRow).where(UserRow.key == user).values(revision=UserRow.revision + 1))


def user_revision(connection: Connection, user: int) -> int | None:
    """What `user_changed` counts; None if the user has been forgotten."""
    return connection.execute(select(UserRow.revision).where(UserRow.key == user)).scalar()
