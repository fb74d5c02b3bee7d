"""The page on which one asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.library import Library
from ui.errors import shown_errors
from ui.parts.answer import draw_turn
from ui.parts.chat_address import Address, address, go
from ui.parts.chat_look import put_on
from ui.parts.composer import draw_composer, draw_refused
from ui.parts.errands import draw_errand
from ui.parts.links import link_to_library, link_to_settings
from ui.parts.live_answer import draw_ended, follow
from ui.parts.scope import draw_scope
from ui.parts.threads import draw_threads, thread_actions
from ui.plain import label
from ui.session import library
from ui.words import t

if TYPE_CHECKING:
    from app.answering import AnswerState

__all__ = ["show"]

SHOWN: Final = 20
"""Turns at once; earlier ones are asked for."""
TITLE: Final = 120
EARLIER: Final = "chat.earlier"


def show() -> None:
    """Draw it."""
    put_on()
    with shown_errors():
        mine, at = library(), address()
        with st.sidebar:
            draw_threads(mine, at)
        _draw(mine, at)


def _draw(mine: Library, at: Address) -> None:
    under_way = _under_way(mine, at)
    _head(at)
    draw_errand(mine.user)
    talk = st.container()
    draw_refused(mine, at)
    with st.bottom, st.container(gap="xsmall"):
        with st.container(horizontal=True, gap="small"):
            draw_scope(mine, at)
            if at.thread:
                thread_actions(mine, at)
        draw_composer(mine, at, busy=under_way is not None and not under_way.ended)
    # Last, because it does not end before an answer that is under way.
    with talk, shown_errors():
        _conversation(mine, at, under_way)


def _under_way(mine: Library, at: Address) -> AnswerState | None:
    """The question of the thread that has no answer, if there is one."""
    id = mine.answers.open(at.thread, at.incognito) if at.thread else None
    return mine.answers.state(id) if id is not None else None


def _head(at: Address) -> None:
    with st.container(key="chat-head"):
        st.title(label(at.thread, TITLE) if at.thread else t("chat.new_thread"), anchor=False)
    if at.incognito:
        st.info(t("chat.incognito_told"), icon=":material/visibility_off:")
    if "chat.told" in st.session_state:
        st.success(label(st.session_state.pop("chat.told")), icon=":material/check:")


def _conversation(mine: Library, at: Address, under_way: AnswerState | None) -> None:
    count = _wanted(mine, at)
    # One more than is shown tells whether there are earlier ones.
    turns = mine.answers.turns(at.thread, at.incognito, last=count + 1) if at.thread else []
    if len(turns) > count:
        st.button(
            t("chat.earlier", count=turns[0].ordinal),
            key="chat-earlier",
            icon=":material/expand_less:",
            on_click=_earlier,
            args=(at.thread, count),
        )
    if not turns and under_way is None:
        _greet(mine)
    shown = turns[-count:]
    for turn in shown:
        draw_turn(mine, at, turn, last=turn is shown[-1] and under_way is None)
    if under_way is not None:
        if under_way.ended:
            draw_ended(mine, at, under_way)
        else:
            follow(mine, under_way)


def _wanted(mine: Library, at: Address) -> int:
    """How many turns are shown: the latest, those that were asked for, back to the one that is to be seen."""
    thread, count = st.session_state.get(EARLIER, ("", SHOWN))
    wanted = count if thread == at.thread else SHOWN
    named = [at.turn] if at.turn else []
    named += [at.cite.turn] if at.cite is not None else []
    if not named:
        return wanted
    threads = (mine.incognito if at.incognito else mine.threads).threads()
    last = next((each.turns for each in threads if each.name == at.thread), 0)
    return max(wanted, last - min(named) + 1)


def _greet(mine: Library) -> None:
    """What one needs to know before the first question."""
    count = len(mine.documents())
    st.markdown(t("chat.first", count=count) if count else t("chat.empty"))
    if not count:
        link_to_library(t("chat.add_documents"))
        link_to_settings(t("chat.choose_model"))


def _earlier(thread: str, count: int) -> None:
    st.session_state[EARLIER] = thread, count + SHOWN
    go(replace(address(), turn=0))
