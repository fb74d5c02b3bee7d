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
    """A question that was not taken, with the reason.

    Attributes:
        thread: The chat it was asked in, "" for a new one, and whether that is incognito.
        question: As it was asked.
        why: The reason.
        again: Whether it was to replace the last one.
    """

    thread: tuple[str, bool]
    question: str
    why: str = ""
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


def draw_refused(mine: Library, at: Address) -> None:
    """The question that was not taken, where it can be mended; dropped in another chat."""
    refused: Refused | None = st.session_state.get(REFUSED)
    if refused is None:
        return
    if refused.thread != _thread(at):
        del st.session_state[REFUSED]
        return
    st.error(label(refused.why), icon=":material/error:")
    _edited(mine, at, refused.question, "refused", again=refused.again)


def begin_edit(at: Address, turn: int) -> None:
    """Have the question of a turn be edited from the next run on."""
    st.session_state[EDITED] = _thread(at), turn


def draw_edit(mine: Library, at: Address, turn: ShownTurn) -> None:
    """The last question, where it is being edited, to be asked anew in other words."""
    edited = st.session_state.get(EDITED)
    if edited == (_thread(at), turn.ordinal):
        _edited(mine, at, turn.question, "edit", again=True)
    elif edited is not None:
        del st.session_state[EDITED]


def ask_again(mine: Library, at: Address, question: str | None = None) -> None:
    """Take the last turn back and ask its question again, or another one in its place."""
    again = Refused(_thread(at), question or "", again=True)
    _begin(mine, again, lambda: mine.answers.again(at.thread, question, at.incognito))


def _thread(at: Address) -> tuple[str, bool]:
    return at.thread, at.incognito


def _edited(mine: Library, at: Address, question: str, name: str, again: bool) -> None:
    key = f"{EDITED}.{name}.{at.incognito:d}.{at.thread}"
    with st.form(f"chat-form-{name}", border=True):
        st.text_area(t("chat.question"), value=question, key=key)
        with st.container(horizontal=True):
            st.form_submit_button(
                t("chat.send"),
                type="primary",
                key=f"chat-send-{name}",
                on_click=_send,
                args=(mine, at, key, again),
            )
            st.form_submit_button(t("chat.leave"), key=f"chat-leave-{name}", on_click=_leave)


def _ask(mine: Library) -> None:
    _new(mine, address(), st.session_state[QUESTION])


def _send(mine: Library, at: Address, key: str, again: bool) -> None:
    question = st.session_state[key]
    _leave()
    if again:
        ask_again(mine, at, question)
    else:
        _new(mine, at, question)


def _leave() -> None:
    st.session_state.pop(REFUSED, None)
    st.session_state.pop(EDITED, None)


def _new(mine: Library, at: Address, question: str) -> None:
    thread = at.thread or (new_incognito_name() if at.incognito else None)
    _begin(
        mine,
        Refused(_thread(at), question),
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
