"""The jobs of summaries: how far each is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from app.library import Library
from app.records import JobProgress, JobRecord
from ui.errors import shown_errors
from ui.parts.amounts import time_words
from ui.parts.moments import minute_of, zone
from ui.plain import label
from ui.words import t

__all__ = ["SUMMARIZE", "draw_jobs", "job_words"]

SUMMARIZE: Final = "summarize"
LOOK: Final = 1.0
"""Seconds between two looks at jobs under way."""
MOST: Final = 100
ROWS: Final = 5
Jobs = Sequence[tuple[JobRecord, JobProgress]]


def draw_jobs(mine: Library) -> None:
    """The table of jobs, newest first; while one is under way it looks again by itself."""
    with shown_errors():
        jobs = mine.job_list([SUMMARIZE], MOST)
        if not jobs:
            st.info(t("summaries.no_jobs"), icon=":material/info:")
            return
        before = _ended(jobs)

        def look() -> None:
            with shown_errors():
                now = mine.job_list([SUMMARIZE], MOST)
                _table(mine, now)
                if _ended(now) != before:
                    st.rerun()

        active = any(record.state in ("queued", "running") for record, _ in jobs)
        st.fragment(look, run_every=LOOK if active else None)()


def _ended(jobs: Jobs) -> list[tuple[str, str, int]]:
    """What the rest of the page goes by: a result is shown as soon as there is one more."""
    return [(record.id, record.state, sum_done(progress)) for record, progress in jobs]


def sum_done(progress: JobProgress) -> int:
    """Whether all tasks have ended, as far as that changes what can be shown."""
    return int(progress.done + progress.failed == progress.tasks)


def _table(mine: Library, jobs: Jobs) -> None:
    pages = -(-len(jobs) // ROWS)
    number = st.pagination(pages, key="jobs-page") if pages > 1 else 1
    for record, progress in jobs[(number - 1) * ROWS : number * ROWS]:
        with st.container(border=True, key=f"job-{record.id}"):
            _row(mine, record, progress)


def _row(mine: Library, record: JobRecord, progress: JobProgress) -> None:
    state = "unattended" if progress.unattended else record.state
    st.markdown(f"**{job_words(record)}**")
    counts = t("summaries.counts", done=progress.done, tasks=progress.tasks)
    failed = f" · {t('summaries.failed_tasks', n=progress.failed)}" if progress.failed else ""
    when = minute_of(record.created_at, zone())
    st.caption(f"{t(f'summaries.state.{state}')} · {when} · {counts}{failed}")
    if record.reason and record.state != "done":
        st.caption(label(record.reason))
    if not record.ended:
        left = time_words(progress.seconds_left) if record.state != "paused" else "–"
        st.progress(
            min(max(progress.share, 0.0), 1.0),
            text=t("summaries.progress", share=f"{progress.share:.0%}", left=left),
        )
    with st.container(horizontal=True):
        st.button(
            t("summaries.open"),
            key=f"open-{record.id}",
            icon=":material/article:",
            on_click=_open,
            args=(record.id,),
        )
        if record.state == "paused":
            _button("resume", mine.resume_job, record.id, ":material/play_arrow:")
        elif not record.ended:
            _button("pause", mine.pause_job, record.id, ":material/pause:")
        if not record.ended:
            _button("cancel", mine.cancel_job, record.id, ":material/close:")
        elif progress.failed and record.state != "cancelled":
            _button("retry", mine.resume_job, record.id, ":material/refresh:")


def job_words(record: JobRecord) -> str:
    """What a job summarises and how, as Markdown."""
    spec = record.spec
    names = [str(name) for name in spec.get("names", ())]
    what = label(names[0], 80) if len(names) == 1 else t("summaries.several", n=len(names))
    method = t(f"summaries.methods.{spec.get('method', 'hierarchical')}")
    part = f" · {label(str(spec['part']), 80)}" if spec.get("part") else ""
    return f"{what}{part} · {t('summaries.so_many_words', n=spec.get('words', 0))} · {method}"


def _button(name: str, act: Callable[[str], object], id: str, icon: str) -> None:
    if st.button(t(f"summaries.{name}"), key=f"{name}-{id}", icon=icon):
        with shown_errors():
            act(id)
            st.rerun()


def _open(id: str) -> None:
    st.query_params["job"] = id
