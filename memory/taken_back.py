"""Taking a turn back: as if it had not been said, because its question has been answered again.

Unlike forgetting, which leaves no byte behind, it only leaves the turn out from then on.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from memory.answer_tasks import ANSWER
from memory.conversation_tables import FactRow, TurnRow
from memory.job_records import ENDED
from memory.tables import JobRow, TaskRow
from memory.users import user_changed

__all__ = ["take_back"]


def take_back(connection: Connection, user: int, owner: str, thread: int, ordinal: int, run: str) -> bool:
    """Delete the last turn of a thread with the facts that came from it and its kept answer.

    What these facts had replaced holds again.

    Args:
        connection: In the transaction that puts another turn in its place; the user is locked.
        user: Key of the user.
        owner: Name of that user.
        thread: Key of the thread.
        ordinal: Of the turn.
        run: Of the turn.

    Returns:
        Whether it was there still, and the last one; else nothing is changed.
    """
    turns = select(TurnRow.key, TurnRow.ordinal, TurnRow.run).where(TurnRow.thread_key == thread)
    last = connection.execute(turns.order_by(TurnRow.ordinal.desc()).limit(1)).first()
    if last is None or (last.ordinal, last.run) != (ordinal, run):
        return False
    own = select(FactRow.id).where(FactRow.user_key == user, FactRow.turn_key == last.key)
    facts = connection.execute(own).scalars().all()
    connection.execute(
        update(FactRow)
        .where(FactRow.user_key == user, FactRow.replaced_by.in_(facts))
        .values(replaced_by=None, invalid_at=None)
    )
    connection.execute(delete(TurnRow).where(TurnRow.key == last.key))
    answer = select(TaskRow.job_key).where(TaskRow.kind == ANSWER, TaskRow.result["run"].as_string() == run)
    connection.execute(
        delete(JobRow).where(JobRow.owner == owner, JobRow.state.in_(ENDED), JobRow.key.in_(answer))
    )
    user_changed(connection, user)
    return True
