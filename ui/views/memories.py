"""The page memory: what is remembered, looked through, corrected, taken elsewhere and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from app.library import Library
from ui.errors import shown_errors
from ui.parts.errands import draw_errand
from ui.parts.facts import NOTE, draw_facts, draw_inbox
from ui.parts.memory_state import draw_adding, draw_files, draw_report
from ui.parts.recalled import draw_recalled
from ui.parts.stream import draw_stream
from ui.session import library
from ui.words import t

__all__ = ["show"]

PARTS: Final = ("facts", "stream", "inbox", "recalled", "report", "files")


def show() -> None:
    """Draw it."""
    st.title(t("memories.title"))
    st.caption(t("memories.what"))
    with shown_errors():
        mine = library()
        draw_errand(mine.user)
        if NOTE in st.session_state:
            st.success(st.session_state.pop(NOTE), icon=":material/check_circle:")
        if mine.settings.memory == "off":
            st.warning(t("memories.off"), icon=":material/pause_circle:")
        draw_adding(mine)
        _waiting(mine)
        part = st.pills(
            t("memories.part"),
            PARTS,
            default=PARTS[0],
            required=True,
            key="part",
            bind="query-params",
            format_func=lambda each: t(f"memories.parts.{each}"),
            label_visibility="collapsed",
        )
        _drawn(part)(mine)


def _waiting(mine: Library) -> None:
    waiting = len(mine.memories().facts("waiting"))
    if waiting:
        st.caption(t("memories.waiting", n=waiting))


def _drawn(part: str | None) -> Callable[[Library], None]:
    match part:
        case "stream":
            return draw_stream
        case "inbox":
            return draw_inbox
        case "recalled":
            return draw_recalled
        case "report":
            return draw_report
        case "files":
            return draw_files
        case _:
            return draw_facts
