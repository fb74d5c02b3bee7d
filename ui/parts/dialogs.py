"""Questions over a page: drawing it anew closes them, so whatever does that by itself waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import streamlit as st

__all__ = ["ask", "draw_anew", "page_begins"]

OPEN: Final = "dialog_open"


def page_begins() -> None:
    """To be called by every run of a whole page, before anything asks: no question is open over it yet."""
    st.session_state[OPEN] = False


def ask(
    title: str,
    draw: Callable[[], None],
    icon: str | None = None,
    on_dismiss: Literal["rerun"] | Callable[[], None] = "rerun",
) -> None:
    """Open a question."""
    st.session_state[OPEN] = True
    st.dialog(title, icon=icon, on_dismiss=on_dismiss)(draw)()


def draw_anew() -> None:
    """Draw the whole page anew, unless a question is open over it: after that it is drawn anyway."""
    if not st.session_state.get(OPEN, False):
        st.rerun()
