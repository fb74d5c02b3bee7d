"""The page settings: what answers, the language, and how the server is."""

from __future__ import annotations

import streamlit as st

from ui.errors import shown_errors
from ui.identity import has_login
from ui.parts.health import draw_health
from ui.parts.model_form import NOTE, draw_model_form
from ui.plain import label
from ui.session import library, may_change_settings, user_shown
from ui.words import LANGUAGES, chosen_language, language, t

__all__ = ["show"]


def show() -> None:
    """Draw it."""
    st.title(t("settings.title"))
    with shown_errors():
        mine = library()
        # Places for what is there only at times: everything else keeps its own, and a field that is to be
        # empty is so at once.
        note = st.container()
        st.subheader(t("settings.answers"), anchor=False)
        without = st.container()
        may = may_change_settings()
        draw_model_form(mine.settings, may)
        if NOTE in st.session_state:
            note.success(st.session_state.pop(NOTE), icon=":material/check_circle:")
        if mine.settings.model == "extractive":
            without.info("\n".join(f"- {t(f'settings.without.{n}')}" for n in ("1", "2", "3")))
        st.subheader(t("settings.page"), anchor=False)
        _language()
        st.caption(t("settings.theme"))
        if has_login():
            st.caption(t("common.logged_in", name=label(user_shown())))
        st.subheader(t("settings.health"), anchor=False)
        draw_health(mine, may)


def _language() -> None:
    codes = list(LANGUAGES)
    st.selectbox(
        t("settings.language"),
        codes,
        index=codes.index(language()),
        key="settings-language",
        format_func=LANGUAGES.__getitem__,
        on_change=lambda: chosen_language(st.session_state["settings-language"]),
    )
