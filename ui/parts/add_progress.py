"""What becomes of files that are added, file by file, as the jobs tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import streamlit as st

from app.add_jobs import ADD
from app.library import Library
from app.records import JobEvent, JobProgress, JobRecord, TaskRecord
from ui.errors import shown_errors
from ui.parts.amounts import time_words
from ui.plain import label
from ui.words import t

__all__ = ["FileState", "file_states", "show_add_jobs"]

LOOK: Final = 1.0
"""Seconds between two looks at jobs under way."""
JOBS: Final = 20
FILES: Final = 25
ENDED_SHOWN: Final = 5
STAGES: Final = {"load": "loading", "encode": "encoding", "wait": "held"}
ICONS: Final = {
    "waiting": ":material/schedule:",
    "loading": ":material/sync:",
    "encoding": ":material/sync:",
    "held": ":material/hourglass_empty:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
}


@dataclass(frozen=True, slots=True)
class FileState:
    """How far one file is.

    Attributes:
        name: Of the file.
        state: A key of `ICONS`.
        share: Of the stage it is in, from 0 to 1.
        error: Why it failed.
    """

    name: str
    state: str
    share: float = 0.0
    error: str = ""


def file_states(tasks: Sequence[TaskRecord], events: Iterable[JobEvent]) -> list[FileState]:
    """Each file of a job: what failed first, then what runs, what waits, and what is done last."""
    newest: dict[str | None, JobEvent] = {each.task: each for each in events if each.stage in STAGES}
    found = [_state_of(each, newest.get(each.name)) for each in tasks if each.kind == ADD]
    order = ["failed", "loading", "encoding", "held", "waiting", "cancelled", "done"]
    return sorted(found, key=lambda each: order.index(each.state))


def _state_of(task: TaskRecord, event: JobEvent | None) -> FileState:
    name = PurePath(task.name).name
    if task.state in ("done", "cancelled"):
        return FileState(name, task.state)
    if task.state == "failed":
        return FileState(name, "failed", error=task.error or "")
    if task.state != "running":
        return FileState(name, "waiting")
    if event is None:
        return FileState(name, "loading")
    return FileState(name, STAGES[event.stage], event.done / event.total if event.total else 0.0)


def show_add_jobs(library: Library) -> None:
    """Draw the jobs that add files: those under way, and what the last ones came to.

    While one is under way this part looks again by itself; when files are done, the page is drawn anew.
    """
    with shown_errors():
        jobs = library.job_list([ADD], JOBS)
        active = any(record.state in ("queued", "running") for record, _ in jobs)
        before = _done(jobs)

        def look() -> None:
            with shown_errors():
                now = library.job_list([ADD], JOBS)
                _show(library, now)
                if _done(now) != before:
                    st.rerun()

        st.fragment(look, run_every=LOOK if active else None)()


def _done(jobs: Sequence[tuple[JobRecord, JobProgress]]) -> list[tuple[str, str, int]]:
    return [(record.id, record.state, progress.done) for record, progress in jobs]


def _show(library: Library, jobs: Sequence[tuple[JobRecord, JobProgress]]) -> None:
    open_jobs = [each for each in jobs if not each[0].ended]
    ended = [each for each in jobs if each[0].ended][:ENDED_SHOWN]
    if open_jobs:
        st.subheader(t("library.under_way"))
    for record, progress in open_jobs:
        with st.container(border=True):
            _show_open(library, record, progress)
    if ended:
        failed = sum(progress.failed for _, progress in ended)
        title = t("library.last_failed", n=failed) if failed else t("library.last")
        with st.expander(title, icon=":material/error:" if failed else ":material/history:"):
            for record, progress in ended:
                _show_ended(library, record, progress)


def _show_open(library: Library, record: JobRecord, progress: JobProgress) -> None:
    state = "unattended" if progress.unattended else record.state
    st.write(f"**{label(record.title, 120)}** · {t(f'library.state.{state}')}")
    if record.reason:
        st.caption(label(record.reason))
    left = t("library.left", time=time_words(progress.seconds_left)) if record.state != "paused" else ""
    st.progress(min(max(progress.share, 0.0), 1.0), text=f"{progress.share:.0%} {left}")
    with st.container(horizontal=True):
        if record.state == "paused":
            _button("resume", library.resume_job, record.id, ":material/play_arrow:")
        else:
            _button("pause", library.pause_job, record.id, ":material/pause:")
        _button("cancel", library.cancel_job, record.id, ":material/close:")
    _show_files(library, record)


def _show_ended(library: Library, record: JobRecord, progress: JobProgress) -> None:
    at = record.finished_at or record.created_at
    st.write(
        f"**{label(record.title, 120)}** · {t(f'library.state.{record.state}')}"
        f" · {at.astimezone():%Y-%m-%d %H:%M}"
    )
    if progress.failed and record.state != "cancelled":
        _button("retry", library.resume_job, record.id, ":material/refresh:")
    _show_files(library, record)


def _show_files(library: Library, record: JobRecord) -> None:
    states = file_states(library.job_tasks(record.id), library.job_events(record.id))
    for each in states[:FILES]:
        share = f" {each.share:.0%}" if each.share else ""
        st.write(f"{ICONS[each.state]} {label(each.name, 100)} · {t(f'library.file.{each.state}')}{share}")
        if each.error:
            st.caption(label(each.error))
    if len(states) > FILES:
        st.caption(t("library.more_files", n=f"{len(states) - FILES:,}"))


def _button(name: str, act: Callable[[str], object], id: str, icon: str) -> None:
    if st.button(t(f"library.{name}"), key=f"library_{name}_{id}", icon=icon):
        with shown_errors():
            act(id)
            st.rerun()
