"""Links from page to page that stay within the session."""

from __future__ import annotations

from typing import Final

import streamlit as st

__all__ = ["link_to_document", "link_to_library", "link_to_settings", "link_to_turn", "place_in_document"]

CHAT: Final = "chat"
"""The page at the address of the server itself."""


def link_to_turn(thread: str, turn: int, label: str) -> None:
    """A link to a turn of a thread; `label` is Markdown."""
    st.page_link(_page(CHAT), label=label, query_params={"thread": thread, "turn": str(turn)})


def link_to_document(document: str, start: int | None, end: int | None, label: str) -> None:
    """A link to a document, a place in it or a quote from there on; `label` is Markdown."""
    st.page_link(_page("document"), label=label, query_params=place_in_document(document, start, end))


def place_in_document(document: str, start: int | None = None, end: int | None = None) -> dict[str, str]:
    """What stands behind the "?" in the address of such a place."""
    place = {"document": document, "at": start, "quote": end}
    return {name: str(value) for name, value in place.items() if value is not None}


def link_to_library(label: str) -> None:
    """A link to the page where documents are added."""
    st.page_link(_page("library"), label=label, icon=":material/library_books:")


def link_to_settings(label: str) -> None:
    """A link to the page where a model is chosen."""
    st.page_link(_page("settings"), label=label, icon=":material/settings:")


def _page(path: str) -> st.Page:
    # Streamlit knows a page by its path alone; naming its function here would have pages import each other.
    return st.Page(_elsewhere, url_path=path, title=path, default=path == CHAT)


def _elsewhere() -> None:
    """The page that main.py has under that path is run."""
