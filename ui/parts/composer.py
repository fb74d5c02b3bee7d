"""Asking: the question at the bottom of the page, the last one again or edited, and what was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from app.errors import ClewError
from app.library import Library
from app.shown_answers import ShownTurn
from ui.parts.chat_address import Address, address, go
from ui.parts.scope import asked_documents
from ui.parts.threads import new_incognito_name
from ui.plain import label
from ui.words import t

__all__ = ["Refused", "ask_again", "begin_edit", "draw_composer", "draw_edit", "draw_refused"]

QUESTION: Final = "chat.question"
REFUSED: Final = "chat.refused"
EDITED: Final = "chat.edited"


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that was not taken, with the reason; `again` where it was to replace the last one."""

    question: str
    why: str
    again: bool = False


def draw_composer(mine: Library, at: Address, busy: bool) -> None:
    """Where one types; closed while an answer of the thread is under way."""
    st.chat_input(
        t("chat.busy") if busy else t("chat.ask_incognito") if at.incognito else t("chat.ask"),
        key=QUESTION,
        disabled=busy,
        on_submit=_ask,
        args=(mine,),
    )


def draw_refused(mine: Library) -> None:
    """The question that was not taken, where it can be mended and asked again."""
    refused: Refused | None = st.session_state.get(REFUSED)
    if refused is None:
        return
    st.error(label(refused.why), icon=":material/error:")
    _edited(mine, refused.question, "refused", again=refused.again)


def begin_edit(turn: int) -> None:
    """Have the question of a turn be edited from the next run on."""
    st.session_state[EDITED] = turn


def draw_edit(mine: Library, turn: ShownTurn) -> None:
    """The last question, where it is being edited, to be asked anew in other words."""
    if st.session_state.get(EDITED) == turn.ordinal:
        _edited(mine, turn.question, "edit", again=True)


def ask_again(mine: Library, question: str | None = None) -> None:
    """Take the last turn back and ask its question again, or another one in its place."""
    at = address()
    again = Refused(question or "", "", again=True)
    _begin(mine, again, lambda: mine.answers.again(at.thread, question, at.incognito))


def _edited(mine: Library, question: str, name: str, again: bool) -> None:
    with st.form(f"chat-form-{name}", border=True):
        st.text_area(t("chat.question"), value=question, key=f"{EDITED}.{name}")
        with st.container(horizontal=True):
            st.form_submit_button(
                t("chat.send"),
                type="primary",
                key=f"chat-send-{name}",
                on_click=_send,
                args=(mine, name, again),
            )
            st.form_submit_button(t("chat.leave"), key=f"chat-leave-{name}", on_click=_leave)


def _ask(mine: Library) -> None:
    _new(mine, st.session_state[QUESTION])


def _send(mine: Library, name: str, again: bool) -> None:
    question = st.session_state[f"{EDITED}.{name}"]
    _leave()
    if again:
        ask_again(mine, question)
    else:
        _new(mine, question)


def _leave() -> None:
    st.session_state.pop(REFUSED, None)
    st.session_state.pop(EDITED, None)


def _new(mine: Library, question: str) -> None:
    at = address()
    thread = at.thread or (new_incognito_name() if at.incognito else None)
    _begin(
        mine,
        Refused(question, ""),
        lambda: mine.answers.ask(
            question, thread, asked_documents(mine, at), at.route, at.no_spoilers, at.incognito
        ),
    )


def _begin(mine: Library, asked: Refused, ask: Callable[[], str]) -> None:
    """Have it answered, by whoever does that; what is not taken is kept to be mended."""
    st.session_state.pop(REFUSED, None)
    try:
        thread = mine.answers.state(ask()).thread
    except ClewError as error:
        st.session_state[REFUSED] = replace(asked, why=str(error))
    else:
        go(replace(address(), thread=thread, turn=0, cite=None, part=0))
