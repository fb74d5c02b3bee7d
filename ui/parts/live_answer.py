"""An answer under way: its steps and its text as they come, and Stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.errors import ClewError
from app.library import Library
from ui.parts.answer import CLEW, draw_question
from ui.parts.answer_text import growing_html
from ui.parts.chat_address import Address
from ui.parts.composer import ask_again
from ui.parts.step_list import seconds_words, steps_html
from ui.plain import label
from ui.words import t

if TYPE_CHECKING:
    from app.answering import AnswerState

__all__ = ["draw_ended", "follow"]

POLL: Final = 0.6
"""Seconds between two looks."""


def follow(mine: Library, state: AnswerState) -> None:
    """Show an answer until it is there, then draw the page anew.

    Only this part of the page is drawn again and again: a run of the whole page that went on as long as the
    answer would lose what is clicked in a dialog meanwhile. It is read from its job, look for look: whatever
    ends this takes nothing from the answer.
    """
    draw_question(state.question)
    with st.chat_message("assistant", avatar=CLEW):
        st.fragment(_look, run_every=POLL)(mine, state.id)
        st.button(
            t("chat.stop"),
            key="chat-stop",
            icon=":material/stop_circle:",
            type="primary",
            on_click=mine.answers.stop,
            args=(state.id,),
        )


def _look(mine: Library, id: str) -> None:
    """What there is of the answer now."""
    try:
        state = mine.answers.state(id)
    except ClewError:  # forgotten meanwhile, from another page: what is there now is drawn
        st.rerun()
    if state.ended:
        st.rerun()
    st.html(steps_html(state.steps, running=True))
    if state.draft:
        st.html(growing_html(state.draft))
    st.caption(_waiting(state))


def draw_ended(mine: Library, at: Address, state: AnswerState) -> None:
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
            args=(mine, at),
        )


def _waiting(state: AnswerState) -> str:
    if state.waiting:
        what = label(state.waiting)
    else:
        what = t("chat.waiting") if state.state == "waiting" else t("chat.working")
    return f":material/hourglass_top: {what} · {seconds_words(state.seconds)}"
