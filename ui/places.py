"""Links from one page to another, each to the place that is meant."""

from __future__ import annotations

from typing import Final

import streamlit as st

from ui.plain import label
from ui.words import KEY, language

__all__ = ["chat_link", "document_link", "go_to_document", "place_in_document"]

LONGEST: Final = 120


def place_in_document(id: str, at: int | None = None, end: int | None = None) -> dict[str, str]:
    """The address of a document: what stands behind the "?".

    Args:
        id: Of the document.
        at: Offset into its text that is to be seen; None opens its beginning.
        end: If what begins at `at` is a quote that is to be lit up, where it ends.
    """
    place = {"document": id}
    if at is not None:
        place["at"] = str(at)
        if end is not None:
            place["quote"] = str(end)
    return place | _chosen_language()


def document_link(
    text: str, id: str, at: int | None = None, end: int | None = None, icon: str | None = None
) -> None:
    """A link to a place in a document; `text` is anybody's."""
    place = place_in_document(id, at, end)
    st.page_link(_document(), label=label(text, LONGEST), icon=icon, query_params=place)


def go_to_document(id: str, at: int | None = None, end: int | None = None) -> None:
    """Leave this page for a place in a document."""
    st.switch_page(_document(), query_params=place_in_document(id, at, end))


def chat_link(text: str, thread: str, icon: str | None = None) -> None:
    """A link to a thread."""
    from ui.views import chat  # the views link to each other

    page = st.Page(chat.show, url_path="chat", default=True)
    place = {"thread": thread} | _chosen_language()
    st.page_link(page, label=label(text, LONGEST), icon=icon, query_params=place)


def _document() -> st.Page:
    from ui.views import document  # the views link to each other

    return st.Page(document.show, url_path="document")


def _chosen_language() -> dict[str, str]:
    return {"lang": language()} if KEY in st.session_state else {}
