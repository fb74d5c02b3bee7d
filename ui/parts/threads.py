"""Threads in the sidebar: new, search, open; and of the one that is open: rename, export, delete."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

import streamlit as st

from app.errors import ClewError
from app.library import Library
from ui.errors import shown_errors
from ui.parts.chat_address import Address, address, go
from ui.parts.dialogs import ask
from ui.parts.forgetting import ask_to_forget_thread
from ui.parts.moments import zone
from ui.plain import label
from ui.words import t

__all__ = ["draw_threads", "file_name", "new_incognito_name", "thread_actions"]

SHOWN: Final = 12
"""So few, because every button costs a run of the page a millisecond."""
NAME: Final = 60
LONGEST: Final = 200
SEARCH: Final = "chat.search"
MORE: Final = "chat.more_threads"
NEW_NAME: Final = "chat.new_name"
ERROR: Final = "chat.thread_error"
DELETING: Final = "chat.deleting"


def draw_threads(mine: Library, at: Address) -> None:
    """The list, the thread that was used last first, at most `SHOWN` until more are asked for."""
    with st.container(horizontal=True, gap="small"):
        st.button(
            t("chat.new"), key="chat-new", icon=":material/add_comment:", on_click=_open, args=("", False)
        )
        st.button(
            t("chat.new_incognito"),
            key="chat-new-incognito",
            icon=":material/visibility_off:",
            help=t("chat.incognito_help"),
            on_click=_open,
            args=("", True),
        )
    words = st.text_input(
        t("chat.search"),
        key=SEARCH,
        placeholder=t("chat.search"),
        label_visibility="collapsed",
        icon=":material/search:",
    ).strip()
    for incognito in (True, False):
        threads = mine.incognito if incognito else mine.threads
        found = [each.name for each in (threads.search(words) if words else threads.threads())]
        # One whose first question is on its way is not stored yet.
        if at.thread and at.incognito == incognito and at.thread not in found and not words:
            found.insert(0, at.thread)
        if incognito and found:
            st.caption(t("chat.incognito_threads"))
        if not incognito:
            st.caption(t("chat.found", count=len(found)) if words else t("chat.threads"))
        _list(found, incognito, at)


def _list(names: list[str], incognito: bool, at: Address) -> None:
    most = len(names) if st.session_state.get(MORE) else SHOWN
    for name in names[:most]:
        here = name == at.thread and incognito == at.incognito
        st.button(
            label(name, NAME),
            key=f"chat-thread-{'i' if incognito else 't'}-{name}",
            type="secondary" if here else "tertiary",
            icon=":material/visibility_off:" if incognito else ":material/chat_bubble:",
            help=t("chat.here") if here else None,
            wrap=True,
            on_click=_open,
            args=(name, incognito),
        )
    if len(names) > most:
        st.button(t("chat.all_threads", count=len(names)), key=f"chat-more-{incognito}", on_click=_show_all)


def thread_actions(mine: Library, at: Address) -> None:
    """What can be done with the thread that is open; drawn only when it is wanted."""
    actions = st.popover(
        t("chat.thread"), icon=":material/more_horiz:", key="chat-thread-actions", on_change="rerun"
    )
    if not actions.open:
        return
    with actions, shown_errors():
        # What the callback met is said here, where the name that was not taken still stands.
        if ERROR in st.session_state:
            st.error(label(st.session_state.pop(ERROR)), icon=":material/error:")
        st.text_input(
            t("chat.name"),
            value=at.thread,
            key=f"{NEW_NAME}-{at.thread}",
            max_chars=LONGEST,
            on_change=_rename,
            args=(mine, at.thread),
        )
        st.download_button(
            t("chat.export"),
            data=lambda: mine.answers.markdown(at.thread, at.incognito),
            file_name=f"{file_name(at.thread)}.md",
            mime="text/markdown",
            key="chat-export",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            t("chat.delete"),
            key="chat-delete",
            icon=":material/delete:",
            on_click=_decide,
            args=(at,),
        )
    # Kept until it is decided: the page may be drawn anew in between, because an answer has ended.
    if st.session_state.get(DELETING) == (at.thread, at.incognito):
        _ask_to_delete(mine, at)


def file_name(thread: str) -> str:
    """A name of a file that is one on every system, from anything."""
    return re.sub(r"[^\w-]+", "-", thread)[:NAME].strip("-") or "thread"


def new_incognito_name() -> str:
    """Not from the question: a name stands in the address, and a browser keeps that in its history."""
    return f"{t('chat.incognito')} {datetime.now(zone()):%H:%M} {secrets.token_hex(2)}"


def _decide(at: Address) -> None:
    st.session_state[DELETING] = at.thread, at.incognito


def _decided(at: Address, deleted: bool) -> None:
    st.session_state.pop(DELETING, None)
    if deleted:
        go(replace(at, thread="", incognito=False, turn=0, cite=None, part=0))


def _ask_to_delete(mine: Library, at: Address) -> None:
    """Say what goes with the thread, and have it forgotten once that is confirmed."""
    turns = _turn_count(mine, at)
    if turns and not at.incognito:
        ask_to_forget_thread(mine, at.thread, turns, partial(_decided, at))
        return
    # Where nothing was stored, nothing has to be searched for.
    title = t("chat.delete_title")
    ask(title, partial(_confirm, mine, at, turns), ":material/delete:", partial(_decided, at, False))


def _confirm(mine: Library, at: Address, turns: int) -> None:
    st.markdown(f"**{label(at.thread, NAME)}**")
    st.write(t("chat.delete_incognito", turns=turns) if at.incognito else t("chat.delete_question"))
    if st.button(
        t("chat.delete_yes"), key="chat-delete-yes", type="primary", on_click=_remove, args=(mine, at)
    ):
        st.rerun()


def _remove(mine: Library, at: Address) -> None:
    try:
        mine.answers.remove_thread(at.thread, at.incognito)
    except ClewError as error:
        st.session_state[ERROR] = str(error)
        _decided(at, False)
    else:
        st.session_state["chat.told"] = t("chat.deleted")
        _decided(at, True)


def _turn_count(mine: Library, at: Address) -> int:
    threads = (mine.incognito if at.incognito else mine.threads).threads()
    return next((each.turns for each in threads if each.name == at.thread), 0)


def _open(name: str, incognito: bool) -> None:
    go(replace(address(), thread=name, incognito=incognito, turn=0, cite=None, part=0))


def _show_all() -> None:
    st.session_state[MORE] = True


def _rename(mine: Library, old: str) -> None:
    at, new = address(), st.session_state[f"{NEW_NAME}-{old}"].strip()
    if not new or new == old:
        return
    try:
        name = mine.answers.rename_thread(old, new, at.incognito)
    except ClewError as error:
        st.session_state[ERROR] = str(error)
    else:
        go(replace(at, thread=name))
