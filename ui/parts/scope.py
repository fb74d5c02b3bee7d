"""What the next question is asked of, and how: documents, collections, route, without spoilers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from app.errors import SettingsError
from app.library import Library
from ui.parts.chat_address import Address, address, go
from ui.plain import cut, label
from ui.words import t

__all__ = ["ROUTES", "asked_documents", "draw_scope", "scope_words"]

ROUTES: Final = ("auto", "search", "walk", "whole")
OFFERED: Final = 200
"""Titles that are sent to the page at once; the others are found by their words."""
TITLE: Final = 80
FIND: Final = "chat.find"
DOCUMENTS: Final = "chat.documents"
COLLECTIONS: Final = "chat.collections"
ROUTE: Final = "chat.route"
SPOILERS: Final = "chat.spoilers"


def asked_documents(mine: Library, at: Address) -> list[str]:
    """Ids of the documents that an address means, none for all.

    Raises:
        SettingsError: If it names collections that hold no document: all documents are not what was meant.
    """
    wanted = set(at.collections)
    inside = [id for each in mine.collections.all() if each.name in wanted for id in each.documents]
    ids = list(dict.fromkeys([*at.documents, *inside]))
    if wanted and not ids:
        raise SettingsError(t("chat.empty_scope"))
    return ids


def draw_scope(mine: Library, at: Address) -> None:
    """One button that says what is asked; what can be chosen is drawn only when it is opened."""
    chosen = st.popover(scope_words(at), icon=":material/filter_alt:", key="chat-scope", on_change="rerun")
    if not chosen.open:
        return
    with chosen:
        _documents(mine, at)
        st.selectbox(
            t("chat.route.name"),
            ROUTES,
            index=ROUTES.index(at.route) if at.route in ROUTES else 0,
            format_func=lambda route: t(f"chat.route.{route}"),
            key=ROUTE,
            on_change=_changed,
        )
        st.toggle(
            t("chat.no_spoilers"),
            value=at.no_spoilers,
            key=SPOILERS,
            help=t("chat.no_spoilers_help"),
            on_change=_changed,
        )


def _documents(mine: Library, at: Address) -> None:
    titles = {record.id: record.title for record in mine.documents()}
    offered = list(titles)
    if len(titles) > OFFERED:
        words = st.text_input(t("chat.find", count=len(titles)), key=FIND).casefold().split()
        offered = [id for id, title in titles.items() if all(word in title.casefold() for word in words)]
    gone = [id for id in at.documents if id not in titles]
    st.multiselect(
        t("chat.documents"),
        list(dict.fromkeys([*at.documents, *offered[:OFFERED]])),
        default=list(at.documents),
        format_func=lambda id: cut(titles.get(id, t("chat.removed")), TITLE),
        placeholder=t("chat.all_documents"),
        key=DOCUMENTS,
        on_change=_changed,
        select_all=False,
    )
    if gone:
        st.warning(t("chat.gone", count=len(gone)), icon=":material/warning:")
    names = [each.name for each in mine.collections.all()]
    if names or at.collections:
        st.multiselect(
            t("chat.collections"),
            list(dict.fromkeys([*at.collections, *names])),
            default=list(at.collections),
            key=COLLECTIONS,
            on_change=_changed,
            placeholder=t("chat.no_collection"),
            select_all=False,
        )


def scope_words(at: Address) -> str:
    """What is asked and how, for the button."""
    parts = [t("chat.some_documents", count=len(at.documents))] if at.documents else []
    parts += [label(name, TITLE // 2) for name in at.collections]
    if not parts:
        parts = [t("chat.all_documents")]
    if at.route != "auto":
        parts.append(t(f"chat.route.{at.route}") if at.route in ROUTES else label(at.route))
    if at.no_spoilers:
        parts.append(t("chat.no_spoilers"))
    return " · ".join(parts)


def _changed() -> None:
    state, at = st.session_state, address()
    go(
        replace(
            at,
            documents=tuple(state.get(DOCUMENTS, at.documents)),
            collections=tuple(state.get(COLLECTIONS, at.collections)),
            route=state.get(ROUTE, at.route),
            no_spoilers=state.get(SPOILERS, at.no_spoilers),
        )
    )
