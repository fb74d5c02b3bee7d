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
    from app.shown_answers import ShownTurn

__all__ = ["show", "window_end"]

SHOWN: Final = 20
"""Turns at once; earlier and later ones are asked for."""
AROUND: Final = SHOWN // 2
"""Of these after the one that is to be seen."""
TITLE: Final = 120


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
    turns, later = _window(mine, at)
    if not turns and under_way is None:
        _greet(mine)
    shown = turns[-SHOWN:]
    if len(turns) > SHOWN:
        _further("earlier", "expand_less", shown[0].ordinal - 1, shown[0].ordinal - AROUND)
    replaced = under_way.replaces if under_way is not None and not under_way.ended else None
    for turn in shown:
        if replaced is not None and turn.ordinal == replaced[0]:
            continue  # its question is asked again: it is there still, should nothing come of that
        draw_turn(mine, at, turn, last=not later and turn is shown[-1] and under_way is None)
    if later:
        _further("later", "expand_more", later, shown[-1].ordinal + AROUND - 1)
    if under_way is not None:
        if under_way.ended:
            draw_ended(mine, at, under_way)
        else:
            follow(mine, under_way)


def _window(mine: Library, at: Address) -> tuple[list[ShownTurn], int]:
    """The turns that are shown, one more where there are earlier ones, and how many come after them.

    They are the latest, or those around the turn that the address names, so that of a thread of hundreds no
    more is drawn than of any other.
    """
    if not at.thread:
        return [], 0
    threads = mine.incognito if at.incognito else mine.threads
    newest = threads.turns(at.thread, last=1)
    end = newest[0].ordinal if newest else 0
    until = window_end(end, at.turn, at.cite.turn if at.cite is not None else 0)
    return mine.answers.turns(at.thread, at.incognito, last=SHOWN + 1, until=until), end - until


def window_end(end: int, turn: int, cited: int) -> int:
    """The ordinal of the last turn that is shown.

    Args:
        end: Of the last there is.
        turn: That is to be seen, 0 for the last.
        cited: Whose evidence is open, 0 for none; around it only if it is not shown anyway.
    """

    def around(named: int) -> int:
        return min(end, max(named + AROUND, SHOWN)) if named else end

    until = around(turn)
    return until if not cited or until - SHOWN < cited <= until else around(cited)


def _further(name: str, icon: str, count: int, turn: int) -> None:
    st.button(
        t(f"chat.{name}", count=count),
        key=f"chat-{name}",
        icon=f":material/{icon}:",
        on_click=_turn_to,
        args=(max(turn, 1),),
    )


def _greet(mine: Library) -> None:
    """What one needs to know before the first question."""
    count = len(mine.documents())
    st.markdown(t("chat.first", count=count) if count else t("chat.empty"))
    if not count:
        link_to_library(t("chat.add_documents"))
        link_to_settings(t("chat.choose_model"))


def _turn_to(turn: int) -> None:
    go(replace(address(), turn=turn, cite=None, part=0))
