"""What is to be summarised and how, with what it will take, before it is begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, cast, get_args

import streamlit as st

from app.library import Library
from app.records import DocumentRecord, Estimate
from app.summaries.wanted import Method, Wanted
from ui.errors import shown_errors
from ui.parts.amounts import time_words
from ui.parts.links import link_to_library
from ui.plain import cut
from ui.words import t

__all__ = ["chosen_documents", "draw_wishes", "estimate_words", "titles_of"]

OFFERED: Final = 300
"""Titles that are sent to the page at once; the others are found by their words."""
TITLE: Final = 80
SECTIONS: Final = 1_000
FEWEST, USUAL, MOST = 20, 300, 20_000


def draw_wishes(mine: Library) -> str | None:
    """The controls; the id of the job that was begun with them, None if none was."""
    records = mine.documents()
    if not records:
        st.info(t("summaries.no_documents"), icon=":material/info:")
        link_to_library(t("summaries.to_library"))
        return None
    references = _documents(mine, records)
    first, second = st.columns(2)
    method = first.selectbox(
        t("summaries.method"),
        get_args(Method),
        key="method",
        bind="query-params",
        format_func=lambda each: t(f"summaries.methods.{each}"),
    )
    words = second.number_input(
        t("summaries.words"), FEWEST, MOST, USUAL, step=50, key="length", bind="query-params"
    )
    st.caption(t(f"summaries.method_help.{method}"))
    part = st.text_input(
        t("summaries.part"),
        key="range",
        bind="query-params",
        max_chars=300,
        placeholder=t("summaries.part_example"),
        help=t("summaries.part_help"),
    )
    if not references:
        st.caption(t("summaries.choose_first"))
        return None
    with shown_errors():
        if len(references) == 1 and not part.strip():
            part = _section(mine, references[0])
        wanted = Wanted(cast(Method, method), int(words), part)
        st.write(estimate_words(len(references), mine.estimate_summaries(references, wanted)))
        if st.button(t("summaries.start"), key="start", type="primary", icon=":material/summarize:"):
            return mine.start_summaries(references, wanted).id
    return None


def _documents(mine: Library, records: Sequence[DocumentRecord]) -> list[str]:
    titles = titles_of(records)
    words = ""
    if len(titles) > OFFERED:
        words = st.text_input(t("summaries.find", n=len(titles)), key="find", icon=":material/search:")
    asked = st.session_state.get("books", st.query_params.get_all("document"))
    chosen = st.session_state["books"] = [id for id in asked if id in titles]
    offered = [id for id in titles if all(word in titles[id].casefold() for word in words.casefold().split())]
    picked = st.multiselect(
        t("summaries.documents"),
        list(dict.fromkeys([*chosen, *offered[:OFFERED]])),
        key="books",
        format_func=lambda id: titles.get(id, ""),
        placeholder=t("summaries.documents_none"),
    )
    st.query_params["document"] = picked
    names = {each.name: each.documents for each in mine.collections.all() if each.documents}
    if not names:
        return picked
    groups = st.multiselect(
        t("summaries.collections"), list(names), key="groups", placeholder=t("summaries.collections_none")
    )
    return chosen_documents(picked, [names[name] for name in groups])


def _section(mine: Library, reference: str) -> str:
    """A section of the one document that was chosen, by its title; "" for all of it."""
    titles = [" ".join(section.title.split()) for section in mine.view(reference).sections]
    once = [title for title, times in Counter(titles).items() if times == 1]
    if not once:
        return ""
    chosen = st.selectbox(
        t("summaries.section"),
        once[:SECTIONS],
        index=None,
        key=f"section-{reference}",
        placeholder=t("summaries.whole"),
    )
    return chosen or ""


def titles_of(records: Sequence[DocumentRecord]) -> dict[str, str]:
    """What to call each document in a list, by its id; where titles are the same, with the id."""
    titles = {record.id: cut(" ".join(record.title.split()), TITLE) for record in records}
    often = Counter(titles.values())
    return {id: title if often[title] == 1 else f"{title} ({id})" for id, title in titles.items()}


def chosen_documents(picked: Sequence[str], groups: Sequence[Sequence[str]]) -> list[str]:
    """Documents by themselves and those of collections, each once."""
    return list(dict.fromkeys([*picked, *(id for group in groups for id in group)]))


def estimate_words(documents: int, estimate: Estimate) -> str:
    """What it will take."""
    minutes = estimate.minutes
    time = t("summaries.unmeasured") if minutes is None else time_words(minutes * 60)
    tokens = "" if not estimate.tokens else t("summaries.tokens", n=f"{estimate.tokens:,}")
    return t("summaries.estimate", documents=documents, tasks=f"{estimate.units:,}", tokens=tokens, time=time)
