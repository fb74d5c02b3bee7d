"""Jobs as the terminal and JSON show them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Final

from rich.cells import cell_len
from rich.text import Text

from app.display import printable
from app.jobs.estimates import JobProgress
from memory.job_events import JobEvent
from memory.job_records import JobRecord

__all__ = ["event_json", "event_line", "job_json", "job_lines", "progress_words"]

COLOURS = {"done": "green", "failed": "red", "running": "cyan", "paused": "yellow", "waiting": "yellow"}
TITLE, STATE = 2, 3
GAP: Final = 2
NARROWEST_TITLE: Final = 12
GOES_ON: Final = "no worker is at it any more; the same command goes on with it, or `clew worker`"


def job_json(record: JobRecord, progress: JobProgress) -> dict[str, Any]:
    """A job in the documents of `clew jobs`.

    `clew jobs list --json`: {"jobs": [JOB, ...]}, newest first. `pause`, `cancel`, `resume`: {"job": JOB}.
    `watch`: {"job": JOB, "events": [EVENT, ...]}.

    JOB: {"id", "kind", "title", "state": "queued" | "running" | "paused" | "cancelled" | "done" | "failed",
    "reason", "unattended" (it is running, but no worker is at it any more), "priority",
    "tasks": {"total", "done", "failed", "running"}, "share" (of its work, from 0 to 1),
    "seconds_left" (null where nothing was measured yet), "estimate": {"units", "weight",
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
        "unattended": progress.unattended,
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


def job_lines(jobs: Sequence[tuple[JobRecord, JobProgress]], width: int) -> list[Text]:
    """The list of jobs: a line for each, its title cut; below it why it does not go on, or has failed.

    Args:
        jobs: In the order in which they are shown.
        width: Cells of a line; a narrow terminal breaks what is more.
    """
    rows = [("id", "kind", "title", "state", "done", "failed", "left")]
    for record, progress in jobs:
        counts = f"{progress.done}/{progress.tasks}", str(progress.failed or "-")
        left = "-" if record.ended or progress.unattended else _time_left(progress, "not known")
        title, state = printable(record.title), _state(record, progress)
        rows.append((record.id, record.kind, title, state, *counts, left))
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    others = sum(widths) - widths[TITLE] + GAP * (len(widths) - 1)
    widths[TITLE] = max(NARROWEST_TITLE, min(widths[TITLE], width - others))
    lines = [_row(rows[0], widths, "bold", "bold")]
    for (record, progress), row in zip(jobs, rows[1:], strict=True):
        lines.append(_row(row, widths, "", COLOURS.get(row[STATE], "")))
        indent = " " * (widths[0] + GAP)
        room = max(width, 2 * len(indent))
        reason = wrap(_reason(record, progress), room - len(indent), break_on_hyphens=False)
        lines += [Text(indent + line, style="dim") for line in reason]
    return lines


def _row(cells: Sequence[str], widths: Sequence[int], style: str, state_style: str) -> Text:
    shown = []
    for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        text = Text(cell, style=state_style if column == STATE else style)
        text.truncate(width, overflow="ellipsis")
        text.align("right" if column > STATE else "left", width)
        shown.append(text)
    line = Text(" " * GAP).join(shown)
    line.rstrip()
    return line


def _state(record: JobRecord, progress: JobProgress) -> str:
    return "waiting" if progress.unattended else record.state


def _reason(record: JobRecord, progress: JobProgress) -> str:
    """Why a job does not go on, or has failed; nothing for others."""
    if progress.unattended:
        return GOES_ON
    return "" if record.state == "done" else printable(record.reason).rstrip(".")


def progress_words(record: JobRecord, progress: JobProgress) -> str:
    """How far a job is, in a few words."""
    reason = _reason(record, progress)
    words = f"{_state(record, progress)}{f' ({reason})' if reason else ''}, "
    words += f"{progress.done} of {progress.tasks} tasks done, {progress.share:.0%} of the work"
    if progress.failed:
        words += f", {progress.failed} failed"
    if record.ended or progress.unattended:
        return words
    return f"{words}; time left: {_time_left(progress, 'not measured here yet')}"


def _time_left(progress: JobProgress, unknown: str) -> str:
    seconds = progress.seconds_left
    if seconds is None:
        return unknown
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
