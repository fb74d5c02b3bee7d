"""The memory stream: every turn of every thread, with what was remembered of it; forgotten turn by turn."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.library import Library
from app.memory_browsing import FoundTurn, MemoryBrowser, StreamTurn, TurnFilter, said_by
from ui.errors import shown_errors
from ui.parts.forgetting import ask_to_forget_thread, ask_to_forget_turn
from ui.parts.links import link_to_turn
from ui.parts.memory_filters import draw_filters
from ui.parts.moments import minute_of, zone
from ui.plain import cut, label, passage
from ui.words import t

__all__ = ["draw_stream"]

ROWS: Final = 20
LONGEST: Final = 600
"""Characters that are shown of a question, and of an answer."""


def draw_stream(mine: Library) -> None:
    """The turns that are looked for, page by page, the newest first."""
    looked = draw_filters(mine)
    wanted = looked.filter
    with shown_errors():
        browser = MemoryBrowser(mine.memories())
        _, total = browser.turns(wanted, 0, 0, looked.by_meaning)
        if not total:
            st.info(
                t("memories.no_turns" if wanted == TurnFilter() else "memories.none_found"),
                icon=":material/info:",
            )
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("memories.turn_count", n=total))
            if wanted.thread is not None and st.button(
                t("memories.forget_this_thread"), key="forget-thread", icon=":material/delete_forever:"
            ):
                ask_to_forget_thread(mine, wanted.thread, _turns_of(mine, wanted.thread))
        pages = -(-total // ROWS)
        number = st.pagination(pages, key="p", bind="query-params") if pages > 1 else 1
        for each in browser.turns(wanted, ROWS, (number - 1) * ROWS, looked.by_meaning)[0]:
            _card(mine, each)


def _card(mine: Library, found: FoundTurn) -> None:
    turn = found.turn
    with st.container(border=True, key=f"turn-{turn.key}"):
        st.caption(_heading(turn, found.score))
        st.html(passage(cut(turn.question, LONGEST)))
        if turn.answer:
            st.caption(t("memories.answered"))
            st.html(passage(cut(turn.answer, LONGEST)))
        for fact in found.facts:
            st.caption(t("memories.kept_of_it", text=label(fact.text, 200)))
        with st.container(horizontal=True, vertical_alignment="center"):
            link_to_turn(
                turn.thread, turn.ordinal, t("memories.source", thread=label(turn.thread, 60), n=turn.ordinal)
            )
            if st.button(
                t("memories.forget"), key=f"forget-turn-{turn.key}", icon=":material/delete_forever:"
            ):
                ask_to_forget_turn(mine, turn, len(found.facts))


def _heading(turn: StreamTurn, score: float | None) -> str:
    who = label(turn.speaker, 60) if turn.speaker else t(f"memories.by.{said_by(turn)}")
    parts = [minute_of(turn.asked_at, zone()), who, t("memories.importance", share=f"{turn.importance:.2f}")]
    if turn.answered_by:
        parts.append(t("memories.answered_by", model=label(turn.answered_by, 60)))
    if turn.abstained:
        parts.append(t("memories.abstained"))
    if score is not None:
        parts.append(t("memories.score", score=f"{score:.2f}"))
    return " · ".join(parts)


def _turns_of(mine: Library, thread: str) -> int:
    return next((each.turns for each in mine.threads.threads() if each.name == thread), 0)
