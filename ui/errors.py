"""Errors on a page: one sentence each, and never a traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.errors import ClewError
from ui.plain import label
from ui.words import t

__all__ = ["shown_errors", "unexpected"]

_LOG = logging.getLogger("clew.ui")


@contextmanager
def shown_errors() -> Iterator[None]:
    """What is wrong with what is done inside is shown in its place, in one sentence; the page goes on."""
    try:
        yield
    except ClewError as error:
        st.error(label(str(error)), icon=":material/error:")


def unexpected(error: Exception) -> bool:
    """Show an error that nobody foresaw by a number under which the log has all of it.

    Streamlit calls it where a run of a page ends in one; True keeps Streamlit from showing its traceback.
    """
    number = secrets.token_hex(4)
    _LOG.error("Error %s on a page", number, exc_info=error)
    st.error(t("common.unexpected", number=number), icon=":material/report:")
    return True
