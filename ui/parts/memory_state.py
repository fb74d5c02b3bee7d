"""The whole of a memory: what there is, what is added by hand, taken elsewhere, brought back, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Final

import streamlit as st

from app.events import Progress
from app.library import Library
from app.memories import STALE_DAYS, MemoryReport
from app.memory_browsing import Fact, Imported
from app.memory_files import export_lines
from ui.errors import shown_errors
from ui.parts.amounts import size_words
from ui.parts.errands import Told, errands
from ui.parts.facts import LONGEST, noted
from ui.parts.forgetting import ask_to_forget_everything
from ui.parts.moments import day_of, zone
from ui.plain import label
from ui.upload_files import received
from ui.words import t

__all__ = ["draw_adding", "draw_files", "draw_report"]

SHOWN: Final = 20
"""Facts of a list."""


def draw_adding(mine: Library) -> None:
    """A statement that is to be kept."""
    with st.form("add-fact", clear_on_submit=True, border=False):
        text = st.text_input(
            t("memories.add"), max_chars=LONGEST, placeholder=t("memories.add_example"), key="add-text"
        )
        added = st.form_submit_button(t("memories.add_button"), icon=":material/add:", key="add-button")
    if added:
        with shown_errors(), st.spinner(t("memories.relating")):
            result = mine.memories().add(text)
            noted(
                t(
                    f"memories.outcome.{result.outcome}",
                    text=label(result.fact.text, 200),
                    closed=len(result.closed),
                )
            )
            st.rerun()


def draw_report(mine: Library) -> None:
    """Counts, duplicates, and what was not said again for long."""
    days = st.number_input(t("memories.stale_days"), 1, 36_500, STALE_DAYS, key="days", bind="query-params")
    with shown_errors():
        report = mine.memories().report(int(days))
        _counts(report)
        st.subheader(t("memories.duplicates", n=len(report.duplicates)))
        for one, other in report.duplicates[:SHOWN]:
            st.markdown(f"- {label(one.text, 200)} ↔ {label(other.text, 200)}")
        _more(len(report.duplicates))
        st.subheader(t("memories.stale", n=len(report.stale), days=report.stale_days))
        _facts(report.stale)
        _more(len(report.stale))


def _counts(report: MemoryReport) -> None:
    counts = report.counts
    shown = [
        ("threads", f"{counts.threads:,}"),
        ("turns", f"{counts.turns:,}"),
        ("kept", f"{counts.kept:,}"),
        ("closed", f"{counts.closed:,}"),
        ("waiting", f"{counts.waiting:,}"),
        ("text", size_words(counts.text_bytes)),
        ("vectors", size_words(counts.vector_bytes)),
    ]
    with st.container(horizontal=True):
        for name, value in shown:
            st.metric(t(f"memories.metric.{name}"), value, width="content")
    if counts.unencoded:
        st.caption(t("memories.unencoded", n=counts.unencoded))


def _facts(facts: Sequence[Fact]) -> None:
    for fact in facts[:SHOWN]:
        st.markdown(f"- {label(fact.text, 200)} ({day_of(fact.asked_at, zone())})")


def _more(count: int) -> None:
    if count > SHOWN:
        st.caption(t("memories.more", n=count - SHOWN))


def draw_files(mine: Library) -> None:
    """Export, import, and forgetting everything."""
    st.subheader(t("memories.export"))
    st.write(t("memories.export_what"))
    st.download_button(
        t("memories.export_button"),
        data=lambda: "".join(mine.memories().export()).encode(),
        file_name="memory.jsonl",
        mime="application/jsonl",
        key="export",
        icon=":material/download:",
        on_click="ignore",
    )
    st.subheader(t("memories.import"))
    st.write(t("memories.import_what"))
    file = st.file_uploader(t("memories.import_file"), key="import-file")
    stored = None if file is None else received(file)
    if stored is not None and st.button(
        t("memories.import_button", name=label(stored.name, 60)), key="import", icon=":material/upload:"
    ):
        content = stored.path.read_bytes()  # the file is gone with the session

        def does(progress: Progress) -> Told:
            memories = mine.memories()
            imported = memories.import_lines(export_lines(BytesIO(content)))
            memories.encode(progress)
            return partial(_imported, imported)

        if errands().begin(mine.user, t("memories.importing"), does):
            st.rerun()
        st.warning(t("memories.busy"), icon=":material/hourglass_top:")
    st.subheader(t("memories.everything"))
    st.write(t("memories.everything_what"))
    if st.button(t("memories.everything_button"), key="forget-all", icon=":material/delete_forever:"):
        ask_to_forget_everything(mine)


def _imported(imported: Imported) -> str:
    return t(
        "memories.imported",
        threads=imported.threads,
        turns=imported.turns,
        facts=imported.facts,
        known=imported.known,
    )
