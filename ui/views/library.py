"""The page of the library: documents added, listed, put together, removed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.library import Library
from app.records import Collection, DocumentRecord
from ui.errors import shown_errors
from ui.parts.add_progress import show_add_jobs
from ui.parts.adding import show_adding
from ui.parts.collecting import names_by_document, show_collections, show_put
from ui.parts.documents import SORTS, Listed, choose_all, chosen_rows, listed, show_rows
from ui.parts.removing import ask_to_remove
from ui.session import library as library_here
from ui.words import t

__all__ = ["show"]


def show() -> None:
    """Draw it."""
    st.title(t("library.title"))
    with shown_errors():
        library = library_here()
        records, collections = library.documents(), library.collections.all()
        with st.expander(t("library.add_title"), expanded=not records, icon=":material/upload_file:"):
            show_adding(library)
        show_add_jobs(library)
        if not records:
            st.info(t("library.empty"), icon=":material/info:")
            return
        show_collections(library, collections)
        _show_list(library, records, collections)


def _show_list(
    library: Library, records: Sequence[DocumentRecord], collections: Sequence[Collection]
) -> None:
    by_name = {each.name: each.documents for each in collections}
    left, middle, right = st.columns(3)
    words = left.text_input(t("library.search"), key="library_words", icon=":material/search:")
    name = middle.selectbox(
        t("library.within"),
        ["", *by_name],
        format_func=lambda each: each or t("library.all"),
        key="library_in",
    )
    sort = right.selectbox(
        t("library.sort"),
        list(SORTS),
        format_func=lambda each: t(f"library.sorted.{each}"),
        key="library_sort",
    )
    page = int(st.session_state.get("library_page", 1))
    found = listed(records, words, by_name.get(name), sort, page)
    st.caption(t("library.found", n=f"{found.found:,}", all=f"{len(records):,}"))
    if not found.rows:
        st.info(t("library.none_found"), icon=":material/search_off:")
        return
    _show_bar(library, collections, found, chosen_rows(records), name)
    show_rows(found.rows, names_by_document(collections))
    if found.pages > 1:
        st.number_input(
            t("library.page", n=found.pages), 1, found.pages, value=found.page, key="library_page"
        )


def _show_bar(
    library: Library,
    collections: Sequence[Collection],
    found: Listed,
    chosen: Sequence[DocumentRecord],
    name: str,
) -> None:
    """What can be done with the documents that are chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        every = len(chosen_rows(found.rows)) == len(found.rows)
        st.button(
            t("library.choose_none" if every else "library.choose_all"),
            key="library_choose_all",
            on_click=choose_all,
            args=(found.rows, not every),
            icon=":material/deselect:" if every else ":material/select_all:",
        )
        if chosen:
            if st.button(t("library.remove", n=len(chosen)), key="library_remove", icon=":material/delete:"):
                ask_to_remove(library, chosen)
            show_put(library, collections, chosen, name)
        else:
            st.caption(t("library.choose_hint"))
