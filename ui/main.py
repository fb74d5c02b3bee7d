"""The entry script: who is there, then the page they want."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from ui.identity import has_login, identity
from ui.look import put_on
from ui.parts.dialogs import page_begins
from ui.plain import label
from ui.session import user_shown
from ui.views import chat, document, library, memories, settings, summaries
from ui.words import KEY, language, t

__all__ = ["pages", "run", "welcome"]


# An icon by name would be fetched from another host.
ICON: Final = Path(__file__).with_name("clew.svg")


def welcome() -> None:
    """What somebody sees who has not logged in."""
    st.title(t("common.name"))
    st.write(t("common.welcome"))
    st.button(t("common.login"), on_click=st.login, type="primary", key="login", icon=":material/login:")
    if has_login() and st.user.is_logged_in:
        st.error(t("common.nameless"), icon=":material/error:")


def pages() -> list[st.Page]:
    """All pages; that of a document is reached from others."""
    return [
        st.Page(chat.show, title=t("common.chat"), icon=":material/chat:", url_path="chat", default=True),
        st.Page(library.show, title=t("common.library"), icon=":material/library_books:", url_path="library"),
        st.Page(memories.show, title=t("common.memory"), icon=":material/psychology:", url_path="memories"),
        st.Page(
            summaries.show, title=t("common.summaries"), icon=":material/summarize:", url_path="summaries"
        ),
        st.Page(settings.show, title=t("common.settings"), icon=":material/settings:", url_path="settings"),
        st.Page(
            document.show,
            title=t("common.document"),
            icon=":material/description:",
            url_path="document",
            visibility="hidden",
        ),
    ]


def run() -> None:
    """One run of the page."""
    page_begins()
    st.set_page_config(page_title=t("common.name"), page_icon=ICON, layout="wide")
    put_on()
    if has_login() and identity() is None:
        st.navigation([st.Page(welcome, title=t("common.name"))], position="hidden").run()
        return
    page = st.navigation(pages(), position="sidebar")
    if KEY in st.session_state:
        st.query_params["lang"] = language()  # another page has another address
    if has_login():
        with st.sidebar:
            st.caption(t("common.logged_in", name=label(user_shown())))
            st.button(t("common.logout"), on_click=st.logout, key="logout", icon=":material/logout:")
    page.run()


if __name__ == "__main__":  # as Streamlit runs it
    run()
