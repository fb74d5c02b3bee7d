"""Taking a turn back: as if it had not been said, so that its question can be asked again.

Unlike forgetting, which leaves no byte behind, it only leaves the turn out from then on.
"""

from __future__ import annotations

from sqlalchemy import Engine, delete, select, update

from memory.answer_tasks import ANSWER
from memory.conversation_tables import FactRow, ThreadRow, TurnRow
from memory.errors import UnknownTurnError
from memory.job_records import ENDED
from memory.tables import JobRow, TaskRow
from memory.threads import storable
from memory.users import note_user, user_changed

__all__ = ["take_back"]


def take_back(engine: Engine, user: str, thread: str, ordinal: int) -> int:
    """Delete the last turn of a thread with the facts that came from it and its kept answer; how many facts.

    What these had replaced holds again.

    Raises:
        UnknownTurnError: If that is not the last turn of the user's thread.
    """
    with engine.begin() as connection:
        key = note_user(connection, user)  # written first: it locks
        turns = (
            select(TurnRow.key, TurnRow.ordinal, TurnRow.run)
            .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
            .where(ThreadRow.user_key == key, ThreadRow.name == storable(thread))
        )
        last = connection.execute(turns.order_by(TurnRow.ordinal.desc()).limit(1)).first()
        if last is None or last.ordinal != ordinal:
            raise UnknownTurnError(f"Turn {ordinal} is not the last one of the thread {thread!r}.")
        own = select(FactRow.id).where(FactRow.user_key == key, FactRow.turn_key == last.key)
        facts = connection.execute(own).scalars().all()
        connection.execute(
            update(FactRow)
            .where(FactRow.user_key == key, FactRow.replaced_by.in_(facts))
            .values(replaced_by=None, invalid_at=None)
        )
        connection.execute(delete(TurnRow).where(TurnRow.key == last.key))
        answer = select(TaskRow.job_key).where(
            TaskRow.kind == ANSWER, TaskRow.result["run"].as_string() == last.run
        )
        connection.execute(
            delete(JobRow).where(
                JobRow.owner == storable(user), JobRow.state.in_(ENDED), JobRow.key.in_(answer)
            )
        )
        user_changed(connection, key)
    return len(facts)
