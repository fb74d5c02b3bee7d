"""The page of one document: its text, its summary tree, its summaries, what was asked of it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.document_views import DocumentView
from app.library import Library
from ui.errors import shown_errors
from ui.parts.amounts import page_ranges
from ui.parts.document_address import SIDES, DocumentAddress, document_address, move
from ui.parts.document_history import show_questions, show_summaries
from ui.parts.documents import facts_of
from ui.parts.links import link_to_library
from ui.parts.reading import show_text
from ui.parts.tree_view import show_tree
from ui.plain import label
from ui.session import library as library_here
from ui.words import t

__all__ = ["show"]

SIDE: Final = "document_side"


def show() -> None:
    """Draw it."""
    address = document_address()
    if not address.document:
        st.title(t("document.title"))
        st.info(t("document.none"), icon=":material/info:")
        link_to_library(t("document.to_library"))
        return
    with shown_errors():
        library = library_here()
        view = library.view(address.document)
        _show_head(view)
        _show_sides(library, view, address)


def _show_head(view: DocumentView) -> None:
    record = view.record
    st.header(label(record.title, 300))
    st.caption(facts_of(record))
    if record.pages_unread:
        pages = label(page_ranges(record.pages_unread))
        st.caption(f":material/warning: {t('library.unread', n=len(record.pages_unread), pages=pages)}")


def _show_sides(library: Library, view: DocumentView, address: DocumentAddress) -> None:
    st.session_state[SIDE] = address.side
    st.segmented_control(
        t("document.side"),
        SIDES,
        format_func=lambda side: t(f"document.sides.{side}"),
        key=SIDE,
        on_change=_turn,
        label_visibility="collapsed",
        required=True,
    )
    match address.side:
        case "text":
            show_text(view, address)
        case "tree":
            show_tree(library, view, address)
        case "summaries":
            show_summaries(library, view)
        case _:
            show_questions(view)


def _turn() -> None:
    move(side=st.session_state[SIDE])
