"""Facts: what a user has asserted, each with the words it was asserted in, and when it was true.

A fact is true at a moment d if valid_from <= d < invalid_at. One that is contradicted or revised is closed
and names its successor; it stays readable as of its date (as the edges of Graphiti do, arXiv 2501.13956).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, func, select, update

from memory.conversation_tables import FactRow, FactVectorRow, ThreadRow, TurnRow, UserRow
from memory.errors import FactStateError, UnknownFactError, UnknownTurnError
from memory.fact_values import Fact, FactState, NewFact, StoredState
from memory.moments import in_utc
from memory.upserts import upsert
from memory.users import FIRST_USER, known_user, note_user, user_changed

__all__ = ["Fact", "FactState", "FactStore", "NewFact", "StoredState", "insert_fact"]

LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of ids: none that is taken for another when it is read out or typed."""
ID_LETTERS: Final = 6


class FactStore:
    """Facts of one user; those of others are neither seen nor touched.

    What is written with an `expected` state is written only if nothing has changed since that was read: no
    transaction is held open while a model says how facts relate.

    Args:
        engine: Of the database.
        user: Whose facts.
    """

    def __init__(self, engine: Engine, user: str = FIRST_USER) -> None:
        self.engine, self.user = engine, user

    def facts(self, after: int = 0) -> list[Fact]:
        """All facts, waiting and closed ones too, oldest first; those with a greater key than `after`."""
        with self.engine.connect() as connection:
            return _facts(connection, FactRow.user_key == self._user(connection), FactRow.key > after)

    def texts(self, ids: Collection[str]) -> dict[str, str]:
        """The texts of those of these facts that there are, by id."""
        with self.engine.connect() as connection:
            found = _facts(connection, FactRow.user_key == self._user(connection), FactRow.id.in_(ids))
        return {fact.id: fact.text for fact in found}

    def fact(self, id: str) -> Fact:
        """The fact of that id.

        Raises:
            UnknownFactError: If this user has none.
        """
        with self.engine.connect() as connection:
            return self._fact(connection, id)

    def state(self) -> StoredState:
        """As of now."""
        with self.engine.connect() as connection:
            return self._state(connection)

    def add(
        self,
        new: NewFact,
        vector: tuple[int, NDArray[np.float32]] | None = None,
        expected: StoredState | None = None,
    ) -> Fact | None:
        """Store a fact with its embedding (an encoder's key and a unit row); None if the state is another.

        Raises:
            UnknownTurnError: If the turn it is from is not there, or another user's.
        """
        with self.engine.connect() as connection, connection.begin() as transaction:
            user = note_user(connection, self.user)
            from_turn = select(TurnRow.question).where(TurnRow.key == new.turn_key, TurnRow.user_key == user)
            question = connection.execute(from_turn).scalar()
            # Its words may have been taken out of the turn since they were read.
            if question is None or new.quote not in question:
                raise UnknownTurnError("The turn that a fact is from has been forgotten.")
            if expected is not None and self._state(connection) != expected:
                transaction.rollback()
                return None
            closed_by, invalid_at = new.closed_by or (None, None)
            id, key = insert_fact(
                connection,
                {
                    "user_key": user,
                    "turn_key": new.turn_key,
                    "text": new.text,
                    "quote": new.quote,
                    "asserted_by": new.asserted_by,
                    "state": new.state,
                    "confidence": new.confidence,
                    "strength": 1,
                    "valid_from": new.valid_from.astimezone(UTC),
                    "invalid_at": invalid_at.astimezone(UTC) if invalid_at else None,
                    "replaced_by": closed_by,
                    "created_at": datetime.now(UTC),
                },
            )
            if vector is not None:
                encoder, row = vector
                blob = row.astype("<f2").tobytes()
                connection.execute(
                    upsert(connection, FactVectorRow)
                    .values({"encoder_key": encoder, "fact_key": key, "vector": blob})
                    .on_conflict_do_nothing()
                )
            self._close(connection, user, new.closes, id)
            return self._fact(connection, id)

    def strengthen(
        self,
        id: str,
        keep: bool,
        expected: StoredState | None = None,
        closes: Sequence[tuple[str, datetime]] = (),
        waiting: str | None = None,
    ) -> Fact | None:
        """Count one more assertion of a fact, one that waits becoming kept if `keep`; None as for `add`.

        Args:
            id: Of the fact.
            keep: Whether the user is sure.
            expected: What the facts were when this was decided.
            closes: Ids of facts that it ends, each with the moment.
            waiting: Id of a waiting fact that says the same, and is deleted.

        Raises:
            UnknownFactError: If this user has none of one of those ids.
            FactStateError: If the one that is said to wait does not.
        """
        with self.engine.connect() as connection, connection.begin() as transaction:
            user = note_user(connection, self.user)
            if expected is not None and self._state(connection) != expected:
                transaction.rollback()
                return None
            state = {"state": "kept"} if keep else {}
            self._change(connection, user, id, strength=FactRow.strength + 1, **state)
            self._close(connection, user, closes, id)
            if waiting is not None:
                self._drop(connection, user, waiting)
            return self._fact(connection, id)

    def keep(
        self,
        id: str,
        text: str,
        closes: Sequence[tuple[str, datetime]] = (),
        expected: StoredState | None = None,
    ) -> Fact | None:
        """Keep a waiting fact, because the user says yes, and close those it contradicts; None as for `add`.

        `text` is what it says now that it is sure; its embedding is made again where that is something else.

        Raises:
            UnknownFactError: If this user has none of that id.
            FactStateError: If it is not waiting.
        """
        with self.engine.connect() as connection, connection.begin() as transaction:
            user = note_user(connection, self.user)
            if expected is not None and self._state(connection) != expected:
                transaction.rollback()
                return None
            fact = self._waiting(connection, id)
            if text != fact.text:
                connection.execute(delete(FactVectorRow).where(FactVectorRow.fact_key == fact.key))
            self._change(connection, user, id, text=text, state="kept", confidence=1.0)
            self._close(connection, user, closes, id)
            return self._fact(connection, id)

    def decline(self, id: str) -> None:
        """Delete a waiting fact, because the user says no.

        Raises:
            UnknownFactError: If this user has none of that id.
            FactStateError: If it is not waiting.
        """
        with self.engine.begin() as connection:
            user = note_user(connection, self.user)
            self._drop(connection, user, id)

    def _user(self, connection: Connection) -> int:
        """The user's key; -1, which no row has, for one who is not there."""
        known = known_user(connection, self.user)
        return -1 if known is None else known

    def _state(self, connection: Connection) -> StoredState:
        user = known_user(connection, self.user)
        row = connection.execute(
            select(UserRow.revision, func.max(FactRow.key))
            .outerjoin(FactRow, FactRow.user_key == UserRow.key)
            .where(UserRow.key == user)
            .group_by(UserRow.key, UserRow.revision)
        ).first()
        return StoredState(user, row[0], row[1] or 0) if row else StoredState(None, 0, 0)

    def _fact(self, connection: Connection, id: str) -> Fact:
        found = _facts(connection, FactRow.user_key == self._user(connection), FactRow.id == id)
        if not found:
            raise UnknownFactError(f"There is no fact {id!r}; `clew memory list --all` shows all.")
        return found[0]

    def _waiting(self, connection: Connection, id: str) -> Fact:
        fact = self._fact(connection, id)
        if fact.state != "waiting":
            raise FactStateError(f"The fact {id!r} is not waiting for a yes: it is kept already.")
        return fact

    def _drop(self, connection: Connection, user: int, id: str) -> None:
        self._waiting(connection, id)
        connection.execute(delete(FactRow).where(FactRow.user_key == user, FactRow.id == id))
        user_changed(connection, user)

    def _close(
        self, connection: Connection, user: int, closes: Sequence[tuple[str, datetime]], by: str
    ) -> None:
        for old, moment in closes:
            self._change(connection, user, old, invalid_at=moment.astimezone(UTC), replaced_by=by)

    def _change(self, connection: Connection, user: int, id: str, **values: Any) -> None:
        changed = update(FactRow).where(FactRow.user_key == user, FactRow.id == id).values(values)
        if not connection.execute(changed).rowcount:
            raise UnknownFactError(f"There is no fact {id!r}; `clew memory list --all` shows all.")
        user_changed(connection, user)


def insert_fact(connection: Connection, values: dict[str, Any]) -> tuple[str, int]:
    """Id and key of a fact that is stored under the first id that is free."""
    while True:
        id = "".join(secrets.choice(LETTERS) for _ in range(ID_LETTERS))
        key = connection.execute(
            upsert(connection, FactRow)
            .values({"id": id} | values)
            .on_conflict_do_nothing(index_elements=["id"])
            .returning(FactRow.key)
        ).scalar()
        if key is not None:
            return id, key


def _facts(connection: Connection, *conditions: Any) -> list[Fact]:
    query = (
        select(FactRow.__table__, ThreadRow.name.label("thread"), TurnRow.ordinal, TurnRow.asked_at)
        .join(TurnRow, TurnRow.key == FactRow.turn_key)
        .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
        .where(*conditions)
        .order_by(FactRow.key)
    )
    return [
        Fact(
            id=row.id,
            text=row.text,
            quote=row.quote,
            thread=row.thread,
            ordinal=row.ordinal,
            asked_at=in_utc(row.asked_at),
            asserted_by=row.asserted_by,
            state=cast(FactState, row.state),
            confidence=row.confidence,
            strength=row.strength,
            valid_from=in_utc(row.valid_from),
            invalid_at=in_utc(row.invalid_at) if row.invalid_at else None,
            replaced_by=row.replaced_by,
            turn_key=row.turn_key,
            key=row.key,
        )
        for row in connection.execute(query)
    ]
