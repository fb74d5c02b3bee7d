"""What a job of summaries has come to: each with the places it rests on, to be read and taken along."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from app.library import Library
from app.records import DocumentRecord, JobRecord
from app.summaries.downloads import summaries_zip, summary_file_json, summary_file_markdown
from app.summaries.report import DocumentSummary, Source, SourcedSentence
from ui.errors import shown_errors
from ui.parts.links import link_to_document
from ui.parts.summary_figures import draw_figures
from ui.parts.summary_jobs import job_words
from ui.plain import label, passage
from ui.words import t

__all__ = ["draw_result"]

RESULTS: Final = "summaries.results"
ROWS: Final = 40
SOURCES: Final = 3
"""Places that are named of a sentence, the closest ones."""
KINDS: Final[dict[str, tuple[str, Callable[[str, DocumentSummary], str | bytes]]]] = {
    "md": ("text/markdown", lambda _, summary: summary_file_markdown(summary)),
    "json": ("application/json", lambda _, summary: summary_file_json(summary)),
    "zip": ("application/zip", lambda name, summary: summaries_zip([(name, summary)])),
}
"""How one summary can be taken along, by the suffix of the file."""
Named = list[tuple[str, DocumentSummary]]
Failed = list[tuple[str, str]]


def draw_result(mine: Library) -> None:
    """The job that the address names."""
    id = st.query_params.get("job", "")
    if not id:
        return
    with shown_errors():
        job = mine.job(id)
        st.subheader(t("summaries.result"), anchor=False)
        st.markdown(job_words(job))
        named, failed = _results(mine, job)
        for path, error in failed:
            st.error(
                t("summaries.failed", path=label(path, 120), error=label(error)), icon=":material/error:"
            )
        if not named:
            st.info(
                t("summaries.nothing_yet" if not job.ended else "summaries.nothing"), icon=":material/info:"
            )
            return
        _take_along(named, failed, job)
        position = 0
        if len(named) > 1:
            position = st.selectbox(
                t("summaries.which"),
                range(len(named)),
                format_func=lambda n: f"{n + 1}. {named[n][1].title}",
                key=f"which-{job.id}",
            )
        _draw(mine, *named[min(position, len(named) - 1)])


def _results(mine: Library, job: JobRecord) -> tuple[Named, Failed]:
    """Kept for this session as long as the job stays as it is: many books have many sources."""
    done = sum(task.state in ("done", "failed") for task in mine.job_tasks(job.id)) if not job.ended else -1
    key = (mine.user, job.id, job.state, job.finished_at, done)
    known = st.session_state.get(RESULTS)
    if known is None or known[0] != key:
        known = st.session_state[RESULTS] = key, mine.summary_results(job.id)
    found: tuple[Named, Failed] = known[1]
    return found


def _take_along(named: Named, failed: Failed, job: JobRecord) -> None:
    if len(named) + len(failed) > 1:
        st.download_button(
            t("summaries.zip"),
            data=lambda: summaries_zip(named, failed),
            file_name=f"summaries-{job.id}.zip",
            mime="application/zip",
            key="zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )


def _draw(mine: Library, name: str, summary: DocumentSummary) -> None:
    st.markdown(f"### {label(summary.title, 300)}")
    words = t(
        "summaries.made", words=summary.figures.words, target=summary.target, reader=label(summary.reader)
    )
    part = f"{label(summary.part)} · " if summary.part else ""
    st.caption(f"{part}{t(f'summaries.methods.{summary.method}')} · {words}")
    with st.container(horizontal=True):
        for kind, (mime, made) in KINDS.items():
            st.download_button(
                f".{kind}",
                data=partial(made, name, summary),
                file_name=f"{name}.{kind}",
                mime=mime,
                key=f"download-{kind}",
                help=t(f"summaries.download_{kind}"),
                icon=":material/download:",
                on_click="ignore",
            )
    for note in summary.notes:
        st.caption(f":material/info: {label(note)}")
    left, right = st.columns([3, 2])
    with right:
        draw_figures(summary.figures)
    with left:
        _sentences(summary, _current(mine, summary))


def _current(mine: Library, summary: DocumentSummary) -> DocumentRecord | None:
    """The document as it was summarised, None if it has changed or is gone: places would be wrong."""
    found = next((each for each in mine.documents() if each.id == summary.document), None)
    if found is None or found.content_hash != summary.content_hash:
        st.warning(t("summaries.changed"), icon=":material/warning:")
        return None
    return found


def _sentences(summary: DocumentSummary, current: DocumentRecord | None) -> None:
    pages = -(-len(summary.sentences) // ROWS)
    number = st.pagination(pages, key="sentences-page") if pages > 1 else 1
    for sentence in summary.sentences[(number - 1) * ROWS : number * ROWS]:
        with st.container(gap=None):
            st.html(passage(sentence.text))
            _places(sentence, current)


def _places(sentence: SourcedSentence, current: DocumentRecord | None) -> None:
    if not sentence.sources:
        st.caption(f":material/help: {t('summaries.no_source')}")
        return
    with st.container(horizontal=True, gap="small"):
        for source in sentence.sources[:SOURCES]:
            words = place_words(source)
            if current is None:
                st.caption(words)
            else:
                at = source.span
                link_to_document(current.id, at.start, at.end, f":material/arrow_outward: {words}")


def place_words(source: Source) -> str:
    """Where a source stands, as Markdown: its page, else its innermost section, else its place."""
    if source.page is not None:
        return t("summaries.page", n=source.page)
    section = source.section.rpartition(" / ")[2]
    return label(section, 60) if section.strip() else t("summaries.place", n=f"{source.span.start:,}")
