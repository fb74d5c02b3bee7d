"""Measurements of this machine, remembered by name."""

from __future__ import annotations

from sqlalchemy import Engine, delete, insert, select

from memory.tables import MeasurementRow

__all__ = ["read_measurement", "write_measurement"]


def read_measurement(engine: Engine, name: str) -> dict[str, object] | None:
    """What was measured under that name, or None."""
    with engine.connect() as connection:
        return connection.execute(select(MeasurementRow.value).where(MeasurementRow.name == name)).scalar()


def write_measurement(engine: Engine, name: str, value: dict[str, object]) -> None:
    """Remember a measurement in place of an older one."""
    with engine.begin() as connection:
        connection.execute(delete(MeasurementRow).where(MeasurementRow.name == name))
        connection.execute(insert(MeasurementRow).values(name=name, value=value))
