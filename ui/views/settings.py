"""The page settings."""

from __future__ import annotations

import streamlit as st

from ui.words import t

__all__ = ["show"]


def show() -> None:
    """Draw it."""
    st.title(t("common.name"))
