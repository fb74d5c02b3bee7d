"""An answer under way: its steps and its text as they come, and Stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.library import Library
from ui.parts.answer import CLEW, draw_question
from ui.parts.answer_text import growing_html
from ui.parts.composer import ask_again
from ui.parts.step_list import seconds_words, steps_html
from ui.plain import label
from ui.words import t

if TYPE_CHECKING:
    from app.answering import AnswerState

__all__ = ["draw_ended", "follow"]

LOOK: Final = 0.5
"""Seconds after which it is looked, whether something new was told or not."""
PAUSE: Final = 0.1
"""Seconds between two looks at least: as often as a person can read."""


def follow(mine: Library, state: AnswerState) -> None:
    """Show an answer until it is there, then draw the page anew.

    It is read from its job, look for look: whatever ends this run of the page takes nothing from the answer.
    """
    draw_question(state.question)
    with st.chat_message("assistant", avatar=CLEW):
        steps, draft, clock = st.empty(), st.empty(), st.empty()
        st.button(
            t("chat.stop"),
            key="chat-stop",
            icon=":material/stop_circle:",
            type="primary",
            on_click=mine.answers.stop,
            args=(state.id,),
        )
    told, written = -1, ""
    with mine.answers.watching(state.id) as news:
        while not state.ended:
            if len(state.steps) != told:
                told = len(state.steps)
                steps.html(steps_html(state.steps, running=True))
            if state.draft != written:
                written = state.draft
                draft.html(growing_html(written))
            # Drawn at every look, changed or not: only where something is drawn can a click end this run.
            clock.caption(_waiting(state))
            time.sleep(PAUSE)
            news.wait(LOOK)
            news.clear()
            state = mine.answers.state(state.id)
    st.rerun()


def draw_ended(mine: Library, state: AnswerState) -> None:
    """A question that has no answer: stopped or failed, with what there was of it."""
    draw_question(state.question)
    with st.chat_message("assistant", avatar=CLEW):
        if state.steps:
            st.html(steps_html(state.steps))
        if state.state == "failed":
            st.error(label(state.error), icon=":material/error:")
        else:
            st.info(t("chat.stopped"), icon=":material/stop_circle:")
        st.button(
            t("chat.try_again"),
            key="chat-try-again",
            icon=":material/refresh:",
            on_click=ask_again,
            args=(mine,),
        )


def _waiting(state: AnswerState) -> str:
    if state.waiting:
        what = label(state.waiting)
    else:
        what = t("chat.waiting") if state.state == "waiting" else t("chat.working")
    return f":material/hourglass_top: {what} · {seconds_words(state.seconds)}"
