"""Who has something in a home, counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, or_, select, union

from memory.conversation_tables import FactRow, ThreadRow, UserRow
from memory.tables import CollectionRow, DocumentRow, JobRow

__all__ = ["UserCounts", "user_counts"]


@dataclass(frozen=True, slots=True)
class UserCounts:
    """What a user has: documents that can be asked, threads, facts that are kept and true."""

    name: str
    documents: int
    threads: int
    facts: int


def user_counts(engine: Engine) -> list[UserCounts]:
    """All of whom anything is stored, by their names."""
    owners = union(
        select(UserRow.name), select(DocumentRow.owner), select(JobRow.owner), select(CollectionRow.owner)
    )
    is_true = or_(FactRow.invalid_at.is_(None), FactRow.invalid_at > datetime.now(UTC))
    with engine.connect() as connection:

        def counted(name: Any, table: Any, *where: ColumnElement[bool]) -> dict[str, int]:
            query = select(name, func.count()).select_from(table).where(*where).group_by(name)
            return {str(user): count for user, count in connection.execute(query)}

        names = sorted(connection.execute(owners).scalars())
        documents = counted(DocumentRow.owner, DocumentRow, DocumentRow.state == "ready")
        threads = counted(UserRow.name, ThreadRow, UserRow.key == ThreadRow.user_key)
        facts = counted(
            UserRow.name, FactRow, UserRow.key == FactRow.user_key, FactRow.state == "kept", is_true
        )
    return [
        UserCounts(each, documents.get(each, 0), threads.get(each, 0), facts.get(each, 0)) for each in names
    ]
