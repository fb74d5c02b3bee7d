"""What is remembered of a user, counted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, select

from memory.conversation_tables import FactRow, FactVectorRow, ThreadRow, TurnRow, TurnVectorRow
from memory.users import known_user

__all__ = ["Inventory", "inventory"]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Counts of one user's memory.

    Attributes:
        threads: Threads.
        turns: Turns of them.
        unencoded: Turns without embeddings; they are encoded before the next question.
        kept: Facts that are kept and true by now.
        closed: Facts that are no longer true.
        waiting: Facts that wait for a yes.
        text_bytes: Of turns and facts, in UTF-8.
        vector_bytes: Of their embeddings.
    """

    threads: int = 0
    turns: int = 0
    unencoded: int = 0
    kept: int = 0
    closed: int = 0
    waiting: int = 0
    text_bytes: int = 0
    vector_bytes: int = 0


def inventory(engine: Engine, user: str, encoder: int) -> Inventory:
    """Count what is remembered of a user; embeddings of other encoders than `encoder` do not count."""
    texts = (TurnRow.question, TurnRow.answer, TurnRow.question_summary, TurnRow.answer_summary)
    with engine.connect() as connection:
        key = known_user(connection, user)
        if key is None:
            return Inventory()
        threads = select(func.count()).select_from(ThreadRow).where(ThreadRow.user_key == key)
        encoded = and_(TurnVectorRow.turn_key == TurnRow.key, TurnVectorRow.encoder_key == encoder)
        turns = select(func.count(), func.count(TurnVectorRow.turn_key)).select_from(TurnRow)
        counted = connection.execute(
            turns.outerjoin(TurnVectorRow, encoded).where(TurnRow.user_key == key)
        ).one()
        facts = connection.execute(
            select(FactRow.state, FactRow.invalid_at, FactRow.text, FactRow.quote).where(
                FactRow.user_key == key
            )
        ).all()
        # Bytes, which SQL counts in another way in each database, so they are counted here.
        size = sum(len((row.text + row.quote).encode()) for row in facts)
        said = select(*texts).where(TurnRow.user_key == key)
        for row in connection.execution_options(yield_per=1000).execute(said):
            size += sum(len(text.encode()) for text in row)
        of_turns = select(func.sum(func.length(TurnVectorRow.vectors))).join(
            TurnRow, TurnRow.key == TurnVectorRow.turn_key
        )
        of_facts = select(func.sum(func.length(FactVectorRow.vector))).join(
            FactRow, FactRow.key == FactVectorRow.fact_key
        )
        vectors = connection.execute(of_turns.where(TurnRow.user_key == key)).scalar() or 0
        vectors += connection.execute(of_facts.where(FactRow.user_key == key)).scalar() or 0
        return Inventory(
            threads=connection.execute(threads).scalar_one(),
            turns=counted[0],
            unencoded=counted[0] - counted[1],
            kept=sum(row.state == "kept" and row.invalid_at is None for row in facts),
            closed=sum(row.state == "kept" and row.invalid_at is not None for row in facts),
            waiting=sum(row.state == "waiting" for row in facts),
            text_bytes=size,
            vector_bytes=int(vectors),
        )
