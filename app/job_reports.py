"""Jobs as the terminal and JSON show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from app.display import printable
from app.jobs.estimates import JobProgress
from memory.job_events import JobEvent
from memory.job_records import JobRecord

__all__ = ["event_json", "event_line", "job_json", "job_table", "progress_words"]

COLOURS = {"done": "green", "failed": "red", "running": "cyan", "paused": "yellow"}


def job_json(record: JobRecord, progress: JobProgress) -> dict[str, Any]:
    """A job in the documents of `clew jobs`.

    `clew jobs list --json`: {"jobs": [JOB, ...]}, newest first. `pause`, `cancel`, `resume`: {"job": JOB}.
    `watch`: {"job": JOB, "events": [EVENT, ...]}.

    JOB: {"id", "kind", "title", "state": "queued" | "running" | "paused" | "cancelled" | "done" | "failed",
    "reason", "priority", "tasks": {"total", "done", "failed", "running"}, "share" (of its work,
    from 0 to 1), "seconds_left" (null where nothing was measured yet), "estimate": {"units", "weight",
    "tokens", "minutes", "unmeasured": [kind]} or null, "created_at", "started_at", "finished_at"}; times in
    ISO 8601, null if not yet.
    """
    times = {
        "created_at": record.created_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
    }
    return {
        "id": record.id,
        "kind": record.kind,
        "title": record.title,
        "state": record.state,
        "reason": record.reason,
        "priority": record.priority,
        "tasks": {
            "total": progress.tasks,
            "done": progress.done,
            "failed": progress.failed,
            "running": progress.running,
        },
        "share": round(progress.share, 4),
        "seconds_left": None if progress.seconds_left is None else round(progress.seconds_left, 1),
        "estimate": record.estimate,
    } | {name: time and time.isoformat() for name, time in times.items()}


def event_json(event: JobEvent) -> dict[str, Any]:
    """EVENT: {"key", "task" (null for the job as a whole), "stage", "subject", "done", "total", "at"}."""
    return {
        "key": event.key,
        "task": event.task,
        "stage": event.stage,
        "subject": event.subject,
        "done": event.done,
        "total": event.total,
        "at": event.at.isoformat(),
    }


def event_line(event: JobEvent) -> Text:
    """An event on one line."""
    counted = f" {event.done}/{event.total}" if event.total else ""
    return Text.assemble(
        (f"{event.at.astimezone():%H:%M:%S}  ", "dim"),
        (f"{event.stage:<9} ", COLOURS.get(event.stage, "")),
        printable(event.subject),
        counted,
    )


def job_table(jobs: Sequence[tuple[JobRecord, JobProgress]]) -> Table:
    """The list of jobs, with the reason below one that is paused or failed."""
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=8)
    table.add_column("kind", no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column("state", no_wrap=True)
    for name in ("done", "failed", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    for record, progress in jobs:
        title = printable(record.title)
        if record.reason and record.state != "done":
            title += f" ({printable(record.reason).rstrip('.')})"
        table.add_row(
            record.id,
            record.kind,
            Text(title),
            Text(record.state, style=COLOURS.get(record.state, "")),
            f"{progress.done}/{progress.tasks}",
            str(progress.failed or "-"),
            "-" if record.ended else _time_left(progress),
        )
    return table


def progress_words(record: JobRecord, progress: JobProgress) -> str:
    """How far a job is, in a few words."""
    reason = f" ({record.reason.rstrip('.')})" if record.reason else ""
    words = f"{record.state}{reason}, {progress.done} of {progress.tasks} tasks done, "
    words += f"{progress.share:.0%} of the work"
    if progress.failed:
        words += f", {progress.failed} failed"
    return words if record.ended else f"{words}; time left: {_time_left(progress)}"


def _time_left(progress: JobProgress) -> str:
    seconds = progress.seconds_left
    if seconds is None:
        return "not measured here yet"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
