"""What becomes of files that are added, file by file, as the jobs tell it."""

from __future__ import annotations

import time
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
from ui.parts.dialogs import draw_anew
from ui.parts.moments import minute_of, zone
from ui.plain import label
from ui.words import t

__all__ = ["FileState", "file_states", "share_done", "show_add_jobs"]

LOOK: Final = 1.0
"""Seconds between two looks at jobs under way."""
DRAW: Final = 10.0
"""Seconds after which documents are listed that have been added since."""
JOBS: Final = 20
FILES: Final = 25
ENDED_SHOWN: Final = 5
TOLD: Final = "library_told"
STAGES: Final = {"load": "loading", "encode": "encoding", "wait": "held"}
ICONS: Final = {
    "waiting": ":material/schedule:",
    "loading": ":material/sync:",
    "encoding": ":material/sync:",
    "held": ":material/hourglass_empty:",
    "done": ":material/check_circle:",
    "unchanged": ":material/check_circle:",
    "updated": ":material/published_with_changes:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
}


@dataclass(frozen=True, slots=True)
class FileState:
    """How far one file is.

    Attributes:
        name: Of the file.
        state: A key of `ICONS`.
        weight: Its part of the work of the job.
        share: Of the stage it is in, from 0 to 1.
        seconds_left: Of this stage, measured from what is done of it; None where nothing is yet.
        error: Why it failed.
    """

    name: str
    state: str
    weight: float = 0.0
    share: float = 0.0
    seconds_left: float | None = None
    error: str = ""


def file_states(tasks: Sequence[TaskRecord], events: Iterable[JobEvent]) -> list[FileState]:
    """Each file of a job: what failed first, then what runs, what waits, and what is done last."""
    told: dict[str | None, list[JobEvent]] = {}
    for event in events:
        if event.stage in STAGES:
            told.setdefault(event.task, []).append(event)
    found = [_state_of(each, told.get(each.name, [])) for each in tasks if each.kind == ADD]
    order = ["failed", "loading", "encoding", "held", "waiting", "cancelled", "updated", "done", "unchanged"]
    return sorted(found, key=lambda each: order.index(each.state))


def share_done(states: Sequence[FileState], share: float) -> float:
    """The share of a job's work that is done, with what is done of files that are being indexed.

    Args:
        states: Of all its files.
        share: Of the work that has ended.
    """
    begun = sum(each.weight * each.share for each in states if each.state == "encoding")
    weight = sum(each.weight for each in states)
    return min(1.0, max(0.0, share + (begun / weight if weight else 0.0)))


def _state_of(task: TaskRecord, events: Sequence[JobEvent]) -> FileState:
    name = PurePath(task.name).name
    if task.state == "done":
        status = str((task.result or {}).get("status"))
        return FileState(name, status if status in ("unchanged", "updated") else "done", task.weight)
    if task.state == "cancelled":
        return FileState(name, "cancelled", task.weight)
    if task.state == "failed":
        return FileState(name, "failed", task.weight, error=task.error or "")
    if task.state != "running":
        return FileState(name, "waiting", task.weight)
    if not events:
        return FileState(name, "loading", task.weight)
    newest = events[-1]
    share = newest.done / newest.total if newest.total else 0.0
    return FileState(name, STAGES[newest.stage], task.weight, share, _seconds_left(events))


def _seconds_left(events: Sequence[JobEvent]) -> float | None:
    """How long the newest stage still takes, at the speed it had since the attempt of now began it."""
    newest = events[-1]
    same = [each for each in events if each.stage == newest.stage]
    for position in range(len(same) - 1, 0, -1):
        if same[position - 1].done > same[position].done:
            same = same[position:]
            break
    done = newest.done - same[0].done
    if done <= 0:
        return None
    return (newest.at - same[0].at).total_seconds() / done * (newest.total - newest.done)


def show_add_jobs(library: Library) -> None:
    """Draw the jobs that add files: those under way, and what the last ones came to.

    While one is under way this part looks again by itself. The page is drawn anew when a job has ended, and
    from time to time when files are done; not under a question that is open.
    """
    with shown_errors():
        jobs = library.job_list([ADD], JOBS)
        active = any(record.state in ("queued", "running") for record, _ in jobs)
        before, began = _done(jobs), time.monotonic()

        def look() -> None:
            with shown_errors():
                now = library.job_list([ADD], JOBS)
                _show(library, now)
                more = _done(now) != before and time.monotonic() - began > DRAW
                if more or _ended(now) != _ended(jobs):
                    draw_anew()

        st.fragment(look, run_every=LOOK if active else None)()


def _done(jobs: Sequence[tuple[JobRecord, JobProgress]]) -> list[tuple[str, str, int]]:
    return [(record.id, record.state, progress.done) for record, progress in jobs]


def _ended(jobs: Sequence[tuple[JobRecord, JobProgress]]) -> set[str]:
    return {record.id for record, _ in jobs if record.ended}


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
    states = _states(library, record)
    state = "unattended" if progress.unattended else record.state
    st.write(f"**{_title(states)}** · {t(f'library.state.{state}')}")
    if record.reason:
        st.caption(label(record.reason))
    open_files = [each for each in states if each.state in ("loading", "encoding", "held", "waiting")]
    seconds = open_files[0].seconds_left if len(open_files) == 1 else progress.seconds_left
    left = "" if record.state == "paused" else t("library.left", time=time_words(seconds))
    share = share_done(states, progress.share)
    st.progress(share, text=f"{share:.0%} {left}")
    with st.container(horizontal=True):
        if record.state == "paused":
            _button("resume", library.resume_job, record.id, ":material/play_arrow:")
        else:
            _button("pause", library.pause_job, record.id, ":material/pause:")
        _button("cancel", library.cancel_job, record.id, ":material/close:")
    _show_files(states)


def _show_ended(library: Library, record: JobRecord, progress: JobProgress) -> None:
    states = _states(library, record)
    at = record.finished_at or record.created_at
    st.write(f"**{_title(states)}** · {t(f'library.state.{record.state}')} · {minute_of(at, zone())}")
    if progress.failed and record.state != "cancelled":
        _button("retry", library.resume_job, record.id, ":material/refresh:")
    _show_files(states)


def _states(library: Library, record: JobRecord) -> list[FileState]:
    tasks = library.job_tasks(record.id)
    if record.ended:
        return file_states(tasks, [])
    # Of a job with thousands of files only what is new is read, and kept only of those that run.
    kept: dict[str, tuple[int, list[JobEvent]]] = st.session_state.setdefault(TOLD, {})
    after, before = kept.get(record.id, (0, []))
    new = library.job_events(record.id, after)
    running = {each.name for each in tasks if each.state == "running"}
    events = [each for each in [*before, *new] if each.task in running]
    kept[record.id] = new[-1].key if new else after, events
    return file_states(tasks, events)


def _title(states: Sequence[FileState]) -> str:
    if not states:
        return t("library.job_none")
    first, more = label(min(each.name for each in states), 80), len(states) - 1
    return t("library.job_more", name=first, n=f"{more:,}") if more else first


def _show_files(states: Sequence[FileState]) -> None:
    with st.container(gap="xxsmall"):
        for each in states[:FILES]:
            words = t(f"library.file.{each.state}") + (f" {each.share:.0%}" if each.share else "")
            if each.seconds_left is not None:
                words += f" {t('library.left', time=time_words(each.seconds_left))}"
            st.write(f"{ICONS[each.state]} {label(each.name, 100)} · {words}")
            if each.error:
                st.caption(label(each.error))
    if len(states) > FILES:
        st.caption(t("library.more_files", n=f"{len(states) - FILES:,}"))


def _button(name: str, act: Callable[[str], object], id: str, icon: str) -> None:
    if st.button(t(f"library.{name}"), key=f"library_{name}_{id}", icon=icon):
        with shown_errors():
            act(id)
            st.rerun()
