"""What the calls of language models took, each of them, and together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Engine, case, func, insert, select

from memory.moments import in_utc
from memory.tables import ModelCallRow

__all__ = ["Call", "CallRecord", "UsageStore", "UsageTotal"]


class Call(Protocol):
    """What is known of a call when it is over."""

    @property
    def task(self) -> str:
        """What it was for, such as "answer"."""

    @property
    def model(self) -> str:
        """Name of the model."""

    @property
    def prompt_tokens(self) -> int:
        """Of the reply, also where no model ran."""

    @property
    def completion_tokens(self) -> int:
        """Of the reply, also where no model ran."""

    @property
    def seconds(self) -> float:
        """What it took; 0 if it was cached."""

    @property
    def cached(self) -> bool:
        """Whether the reply was there already and no model ran."""

    @property
    def run(self) -> str | None:
        """The question it was made for, None outside of any."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A `Call` that is stored; `made_at` is when it was over, in UTC."""

    task: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cached: bool
    run: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The calls of one task on one model; tokens and seconds are of those that were not cached."""

    task: str
    model: str
    calls: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class UsageStore:
    """Calls of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def record(self, call: Call) -> None:
        """Store a call, made now."""
        with self.engine.begin() as connection:
            connection.execute(
                insert(ModelCallRow),
                {
                    "run": call.run,
                    "task": call.task,
                    "model": call.model,
                    "prompt_tokens": call.prompt_tokens,
                    "completion_tokens": call.completion_tokens,
                    "seconds": call.seconds,
                    "cached": call.cached,
                    "made_at": datetime.now(UTC),
                },
            )

    def of_run(self, run: str) -> list[CallRecord]:
        """The calls of one run, in the order they were recorded."""
        table = ModelCallRow.__table__
        query = select(table).where(ModelCallRow.run == run).order_by(ModelCallRow.key)
        with self.engine.connect() as connection:
            return [
                CallRecord(
                    task=row.task,
                    model=row.model,
                    prompt_tokens=row.prompt_tokens,
                    completion_tokens=row.completion_tokens,
                    seconds=row.seconds,
                    cached=row.cached,
                    run=row.run,
                    made_at=in_utc(row.made_at),
                )
                for row in connection.execute(query)
            ]

    def totals(self, since: datetime | None = None) -> list[UsageTotal]:
        """Sums by task and model, in the order of their names.

        Args:
            since: Only of calls made then or later, with its time zone; None for all.
        """
        if since is not None and since.tzinfo is None:
            raise ValueError(f"since is {since.isoformat()}, without a time zone")
        paid = {
            column.key: func.coalesce(func.sum(case((ModelCallRow.cached, 0), else_=column)), 0)
            for column in (ModelCallRow.prompt_tokens, ModelCallRow.completion_tokens, ModelCallRow.seconds)
        }
        query = (
            select(
                ModelCallRow.task,
                ModelCallRow.model,
                func.count().label("calls"),
                func.sum(case((ModelCallRow.cached, 1), else_=0)).label("cached"),
                *(total.label(name) for name, total in paid.items()),
            )
            .group_by(ModelCallRow.task, ModelCallRow.model)
            .order_by(ModelCallRow.task, ModelCallRow.model)
        )
        if since is not None:
            query = query.where(ModelCallRow.made_at >= since.astimezone(UTC))
        with self.engine.connect() as connection:
            return [
                UsageTotal(
                    task=row.task,
                    model=row.model,
                    calls=int(row.calls),
                    cached=int(row.cached),
                    prompt_tokens=int(row.prompt_tokens),
                    completion_tokens=int(row.completion_tokens),
                    seconds=float(row.seconds),
                )
                for row in connection.execute(query)
            ]
