"""Units of model work: planned with the document, begun, and stored the moment they are done.

A unit is known by the hash of its inputs and its model. `kill -9` loses at most the units that were begun
and not finished; they are begun again, and `attempts` shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, insert, select, update

from memory.embeddings import insert_embeddings
from memory.tables import UnitRow

__all__ = ["PlannedUnit", "Unit", "UnitStore", "plan_units"]

HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class PlannedUnit:
    """One batch of texts for one encoder, by their hashes."""

    encoder: int
    hashes: tuple[bytes, ...]

    @property
    def digest(self) -> bytes:
        """16 bytes that name the unit: its encoder and its inputs."""
        digest = hashlib.blake2b(b"embed %d " % self.encoder, digest_size=HASH_BYTES)
        digest.update(b"".join(self.hashes))
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that is stored."""

    key: int
    encoder: int
    hashes: tuple[bytes, ...]


def plan_units(connection: Connection, document_key: int, units: Sequence[PlannedUnit]) -> None:
    """Write the units of a document, in the order they are to be done."""
    if units:
        connection.execute(
            insert(UnitRow),
            [
                {
                    "document_key": document_key,
                    "kind": "embed",
                    "digest": unit.digest,
                    "encoder_key": unit.encoder,
                    "inputs": b"".join(unit.hashes),
                    "state": "planned",
                    "attempts": 0,
                }
                for unit in units
            ],
        )


class UnitStore:
    """Units of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def open(self, document_key: int) -> list[Unit]:
        """The units of a document that are not done, in order."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(UnitRow.key, UnitRow.encoder_key, UnitRow.inputs)
                .where(UnitRow.document_key == document_key, UnitRow.state == "planned")
                .order_by(UnitRow.key)
            ).all()
        return [Unit(row.key, row.encoder_key, _split(row.inputs)) for row in rows]

    def plan(self, document_key: int, units: Sequence[PlannedUnit]) -> None:
        """Add units to a document."""
        with self.engine.begin() as connection:
            plan_units(connection, document_key, units)

    def begin(self, unit: Unit) -> None:
        """Note that a unit is being worked on."""
        with self.engine.begin() as connection:
            connection.execute(
                update(UnitRow).where(UnitRow.key == unit.key).values(attempts=UnitRow.attempts + 1)
            )

    def finish(self, unit: Unit, rows: NDArray[np.float32], seconds: float) -> None:
        """Store the embeddings of a unit, shape (texts, dim), and that it is done, in one transaction."""
        with self.engine.begin() as connection:
            insert_embeddings(connection, unit.encoder, unit.hashes, rows)
            connection.execute(
                update(UnitRow)
                .where(UnitRow.key == unit.key)
                .values(state="done", seconds=seconds, finished_at=datetime.now(UTC))
            )

    def repeated(self) -> int:
        """How many attempts were lost to interruptions, over all units that are done."""
        with self.engine.connect() as connection:
            query = select(func.coalesce(func.sum(UnitRow.attempts - 1), 0)).where(UnitRow.state == "done")
            return int(connection.execute(query).scalar_one())


def _split(inputs: bytes) -> tuple[bytes, ...]:
    return tuple(inputs[start : start + HASH_BYTES] for start in range(0, len(inputs), HASH_BYTES))
