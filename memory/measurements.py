"""Measurements of this machine, remembered by name."""

from __future__ import annotations

from sqlalchemy import Engine, select

from memory.tables import MeasurementRow
from memory.upserts import upsert

__all__ = ["read_measurement", "write_measurement"]


def read_measurement(engine: Engine, name: str) -> dict[str, object] | None:
    """What was measured under that name, or None."""
    with engine.connect() as connection:
        return connection.execute(select(MeasurementRow.value).where(MeasurementRow.name == name)).scalar()


def write_measurement(engine: Engine, name: str, value: dict[str, object]) -> None:
    """Remember a measurement in place of an older one."""
    with engine.begin() as connection:
        new = upsert(connection, MeasurementRow).values(name=name, value=value)
        connection.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
