"""What was recalled for the last answer of a thread, and why: the scores of each memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from app.library import Library
from app.shown_answers import ShownMemory
from ui.errors import shown_errors
from ui.parts.links import link_to_turn
from ui.parts.moments import day_of, zone
from ui.plain import cut, label, passage
from ui.words import t

__all__ = ["draw_recalled"]

MOST_THREADS: Final = 500
LONGEST: Final = 600


def draw_recalled(mine: Library) -> None:
    """The last answer of the thread that was used last, or of another one."""
    with shown_errors():
        names = [each.name for each in mine.threads.threads()[:MOST_THREADS] if each.turns]
        if not names:
            st.info(t("memories.no_turns"), icon=":material/info:")
            return
        thread = st.selectbox(t("memories.thread"), names, key="last", bind="query-params")
        turns = mine.answers.turns(thread, last=1)
        if not turns:
            st.info(t("memories.none_found"), icon=":material/info:")
            return
        turn = turns[-1]
        st.html(passage(cut(turn.question, LONGEST)))
        link_to_turn(thread, turn.ordinal, t("memories.source", thread=label(thread, 60), n=turn.ordinal))
        if not turn.answer.recalled:
            st.info(t("memories.nothing_recalled"), icon=":material/info:")
            return
        st.write(t("memories.recalled_what", n=len(turn.answer.recalled)))
        _list(turn.answer.recalled)


def _list(recalled: Sequence[ShownMemory]) -> None:
    for number, each in enumerate(recalled):
        with st.container(border=True, key=f"recalled-{number}"):
            at = "" if each.at is None else day_of(each.at, zone())
            st.caption(" · ".join(part for part in (t(f"memories.side.{each.side}"), at) if part))
            if each.text:
                st.html(passage(cut(each.text, LONGEST)))
            else:
                st.caption(t("memories.recalled_gone"))
            scores = [] if each.score is None else [("score", each.score)]
            words = [t(f"memories.why.{name}", score=f"{value:.2f}") for name, value in (*scores, *each.why)]
            st.caption(" · ".join(words) or t("memories.why.fact"))
            if each.thread and each.turn:
                link_to_turn(
                    each.thread, each.turn, t("memories.source", thread=label(each.thread, 60), n=each.turn)
                )
