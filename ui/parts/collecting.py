"""Collections: made, renamed, removed, and documents put into them and taken out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import streamlit as st

from app.library import Library
from app.records import Collection, DocumentRecord
from ui.errors import shown_errors
from ui.parts.dialogs import ask
from ui.plain import label
from ui.words import t

__all__ = ["names_by_document", "show_collections", "show_put"]

NEW_NAME: Final = "library_new_name"


def names_by_document(collections: Sequence[Collection]) -> dict[str, list[str]]:
    """The names of the collections that each document is in, by its id."""
    names: dict[str, list[str]] = {}
    for collection in collections:
        for id in collection.documents:
            names.setdefault(id, []).append(collection.name)
    return names


def show_collections(library: Library, collections: Sequence[Collection]) -> None:
    """Draw what makes, renames and removes collections."""
    # Always the same label, or it would close when a collection is made.
    with st.expander(t("library.collections"), icon=":material/folder:"):
        with st.form("library_create", border=False, clear_on_submit=True):
            st.text_input(t("library.new_collection"), key=NEW_NAME, max_chars=200)
            st.form_submit_button(
                t("library.create"), icon=":material/create_new_folder:", on_click=_create, args=(library,)
            )
        if not collections:
            st.caption(t("library.no_collections"))
            return
        _show_change(library, collections)


def _show_change(library: Library, collections: Sequence[Collection]) -> None:
    sizes = {each.name: len(each.documents) for each in collections}
    name = st.selectbox(
        t("library.collection"),
        list(sizes),
        format_func=lambda each: t("library.collection_size", name=each, n=sizes[each]),
        key="library_change",
    )
    new = st.text_input(t("library.new_name"), key="library_renamed", max_chars=200)
    with st.container(horizontal=True):
        st.button(
            t("library.rename"),
            key="library_rename",
            icon=":material/edit:",
            disabled=not new,
            on_click=_rename,
            args=(library, name, new),
        )
        if st.button(
            t("library.remove_collection"), key="library_remove_collection", icon=":material/delete:"
        ):
            ask(t("library.remove_collection"), partial(_confirm, library, name))


def _confirm(library: Library, name: str) -> None:
    st.write(t("library.confirm_collection", name=label(name)))
    if st.button(t("library.yes_remove"), type="primary", key="library_yes_collection"):
        with shown_errors():
            library.collections.remove(name)
            st.rerun()


def show_put(
    library: Library, collections: Sequence[Collection], chosen: Sequence[DocumentRecord], within: str
) -> None:
    """Draw what puts the chosen documents into a collection, or takes them out of the one that is shown."""
    ids = [record.id for record in chosen]
    names = [each.name for each in collections]
    if names:
        into = st.selectbox(t("library.put_into"), names, key="library_into")
        st.button(
            t("library.put", n=len(ids)),
            key="library_put",
            icon=":material/drive_file_move:",
            on_click=_put,
            args=(library, into, ids),
        )
    if within:
        name = t("library.take", n=len(ids), name=label(within))
        st.button(name, key="library_take", on_click=_take, args=(library, within, ids))


# Before the page is drawn, not in its middle: the boxes below would be forgotten.


def _create(library: Library) -> None:
    with shown_errors():
        library.collections.create(st.session_state[NEW_NAME])


def _rename(library: Library, old: str, new: str) -> None:
    with shown_errors():
        library.collections.rename(old, new)


def _put(library: Library, name: str, ids: Sequence[str]) -> None:
    with shown_errors():
        library.collections.put(name, ids)


def _take(library: Library, name: str, ids: Sequence[str]) -> None:
    with shown_errors():
        library.collections.take(name, ids)
