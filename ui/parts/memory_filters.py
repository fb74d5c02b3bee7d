"""What somebody looks for in memory: words, time, thread and who said it, kept in the address of the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, cast, get_args

import streamlit as st

from app.library import Library
from app.memory_browsing import SaidBy, TurnFilter
from ui.parts.moments import end_of, start_of, zone
from ui.words import t

__all__ = ["Looked", "draw_filters", "wanted"]

MOST_THREADS: Final = 500
"""Threads to choose from, the one that was used last first."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked for, and how."""

    filter: TurnFilter
    by_meaning: bool


def draw_filters(mine: Library) -> Looked:
    """The controls, and what they say."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            t("memories.words"), key="words", bind="query-params", icon=":material/search:", max_chars=1000
        )
        by_meaning = st.toggle(
            t("memories.meaning"), key="meaning", bind="query-params", help=t("memories.meaning_help")
        )
    with st.expander(t("memories.filters"), icon=":material/filter_list:", expanded=_narrowed()):
        first, second = st.columns(2)
        since = first.date_input(t("memories.since"), value=None, key="since", bind="query-params")
        until = second.date_input(t("memories.until"), value=None, key="until", bind="query-params")
        thread = first.selectbox(
            t("memories.thread"),
            _threads(mine),
            index=None,
            key="of",
            bind="query-params",
            placeholder=t("memories.any"),
        )
        said_by = second.selectbox(
            t("memories.said_by"),
            get_args(SaidBy),
            index=None,
            key="by",
            bind="query-params",
            format_func=lambda each: t(f"memories.by.{each}"),
            placeholder=t("memories.any"),
        )
    return Looked(wanted(words, since, until, thread, said_by), by_meaning)


def wanted(
    words: str, since: date | None, until: date | None, thread: str | None, said_by: str | None
) -> TurnFilter:
    """What the controls say; days are those of the browser, the last one included."""
    where = zone()
    return TurnFilter(
        words=words,
        since=None if since is None else start_of(since, where),
        before=None if until is None else end_of(until, where),
        thread=thread,
        said_by=cast(SaidBy | None, said_by),
    )


def _threads(mine: Library) -> list[str]:
    names = [each.name for each in mine.threads.threads()[:MOST_THREADS]]
    asked = st.query_params.get("of")
    return [asked, *names] if asked and asked not in names else names


def _narrowed() -> bool:
    return any(name in st.query_params for name in ("since", "until", "of", "by"))
