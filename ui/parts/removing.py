"""Removing documents, once it has been said what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import streamlit as st

from app.errors import UnknownDocumentError
from app.library import Library
from app.records import DocumentRecord
from ui.errors import shown_errors
from ui.parts.dialogs import ask
from ui.plain import label
from ui.words import t

__all__ = ["ask_to_remove"]

NAMED: Final = 10
PATIENCE: Final = 30.0
"""Seconds for which a page waits until a file that is being added is in the library."""


def ask_to_remove(library: Library, records: Sequence[DocumentRecord]) -> None:
    """Open the question whether documents are to go."""
    ask(t("library.remove_title", n=len(records)), partial(_confirm, library, records))


def _confirm(library: Library, records: Sequence[DocumentRecord]) -> None:
    for record in records[:NAMED]:
        st.write(f"- {label(record.title, 120)}")
    if len(records) > NAMED:
        st.caption(t("library.and_more", n=len(records) - NAMED))
    pages = sum(record.pages for record in records)
    characters = sum(record.characters for record in records)
    st.write(t("library.goes", characters=f"{characters:,}", pages=f"{pages:,}"))
    st.write(t("library.stays"))
    if st.button(t("library.yes_remove"), type="primary", key="library_yes_remove"):
        with shown_errors(), st.spinner(t("library.removing")):
            for record in records:
                with suppress(UnknownDocumentError):  # it went meanwhile, from another page
                    library.remove(record.id, patience=PATIENCE)
            st.rerun()
