"""This session: whose library it sees, and what it may change."""

from __future__ import annotations

import streamlit as st

from app.library import Library
from ui.identity import has_login, identity
from ui.serving import serving

__all__ = ["given_settings", "library", "may_change_settings", "reopen", "user_shown"]


def library() -> Library:
    """The library as its user sees it.

    Raises:
        ClewError: If it cannot be opened.
    """
    if not has_login():
        return serving().library()
    who = identity()
    if who is None:  # main.py lets nobody in who has not logged in; a page that is reached otherwise stops
        st.stop()
    return serving().library(who.user)


def user_shown() -> str:
    """What to call whoever has logged in, "" where nobody has to."""
    who = identity()
    return who.shown if who is not None else ""


def may_change_settings() -> bool:
    """Whether settings of the server may be changed from here.

    At a server without login by anybody: only this machine reaches it, or a network of which a setting says
    that it is trusted. Else by those whom the setting `admins` names.
    """
    if not has_login():
        return True
    who = identity()
    return who is not None and bool({who.user, who.email} & set(serving().settings().admins) - {""})


def given_settings() -> tuple[str, ...]:
    """Names of the settings that the command line of this server decides."""
    return serving().given


def reopen() -> None:
    """Have the server use the settings as they are now.

    Raises:
        ClewError: If they cannot be used; then everything stays as it was.
    """
    serving().reopen()
