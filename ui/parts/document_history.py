"""What has been made of a document so far: its summaries, and the questions whose answers cite it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.document_views import DocumentView
from app.library import Library
from app.records import JobRecord
from app.summaries.report import DocumentSummary
from ui.parts.links import link_to_document, link_to_turn
from ui.parts.moments import minute_of, zone
from ui.plain import label, passage
from ui.words import t

__all__ = ["show_questions", "show_summaries"]

SUMMARIZE: Final = "summarize"
SUMMARIES: Final = 10
QUESTIONS: Final = 50


def show_summaries(library: Library, view: DocumentView) -> None:
    """Draw the summaries of a document that jobs have made, newest first."""
    found = _summaries(library, view)
    if not found:
        st.info(t("document.no_summaries"), icon=":material/summarize:")
        return
    for number, (record, summary) in enumerate(found):
        method = t(f"document.method.{summary.method}")
        part = f" · {label(summary.part, 80)}" if summary.part else ""
        title = f"{method}{part} · {t('document.words', n=summary.figures.words)}"
        at = record.finished_at or record.created_at
        with st.expander(f"{title} · {minute_of(at, zone())}", expanded=number == 0):
            _show_summary(view, summary)


def _summaries(library: Library, view: DocumentView) -> list[tuple[JobRecord, DocumentSummary]]:
    found: list[tuple[JobRecord, DocumentSummary]] = []
    for record, _ in library.job_list([SUMMARIZE], SUMMARIES, view.record):
        if len(found) < SUMMARIES and record.ended:
            done, _failed = library.summary_results(record.id)
            found += [(record, each) for _, each in done if each.document == view.record.id]
    return found[:SUMMARIES]


def _show_summary(view: DocumentView, summary: DocumentSummary) -> None:
    if summary.content_hash != view.record.content_hash:
        st.caption(f":material/warning: {t('document.older_version')}")
    for sentence in summary.sentences:
        st.html(passage(sentence.text))
        if summary.content_hash != view.record.content_hash:
            continue
        for source in sentence.sources[:1]:
            number = source.page or view.part_of(source.span.start)
            name = t("document.source" if view.pages else "document.source_part", n=number)
            link_to_document(view.record.id, source.span.start, source.span.end, name)


def show_questions(view: DocumentView) -> None:
    """Draw the questions whose answers cite the document, each with a link to its thread."""
    asked = view.questions(QUESTIONS)
    if not asked:
        st.info(t("document.no_questions"), icon=":material/forum:")
        return
    for each in asked:
        with st.container(border=True, gap=None):
            link_to_turn(each.thread, each.ordinal, label(each.question, 300))
            note = f" · {t('document.abstained')}" if each.abstained else ""
            st.caption(f"{label(each.thread, 80)} · {minute_of(each.asked_at, zone())}{note}")
