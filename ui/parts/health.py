"""How the server is: what `clew doctor` says, of the library that is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from app.checks import Check
from app.doctor import examine
from app.library import Library
from ui.errors import shown_errors
from ui.parts.check_list import draw_checks
from ui.parts.moments import zone
from ui.words import t

__all__ = ["draw_health"]

LOOKED: Final = "settings.looked"
PATIENCE: Final = 10.0
"""Seconds that whoever opens the page waits at most for an endpoint that may not be there."""


def draw_health(mine: Library, all_of_it: bool) -> None:
    """What was found when this session looked last; the first time it looks by itself.

    Args:
        mine: The library.
        all_of_it: Whether to say more than how each is; those who only use the server need not know what it
            has and where.
    """
    known: tuple[str, datetime, list[Check]] | None = st.session_state.get(LOOKED)
    again = st.button(t("settings.look"), key="look", icon=":material/refresh:")
    # Another model is another state of health.
    if known is None or again or known[0] != mine.settings.model:
        with shown_errors(), st.spinner(t("settings.looking")):
            seconds = min(mine.settings.request_seconds, PATIENCE)
            settings = mine.settings.model_copy(update={"request_seconds": seconds})
            known = mine.settings.model, datetime.now(UTC), examine(settings, opened=mine)
            st.session_state[LOOKED] = known
    if known is None:
        return
    _, at, checks = known
    problems = sum(check.state == "problem" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if problems or warnings:
        st.warning(t("settings.unwell", problems=problems, warnings=warnings), icon=":material/warning:")
    else:
        st.success(t("settings.well"), icon=":material/check_circle:")
    st.caption(t("settings.looked_at", time=f"{at.astimezone(zone()):%H:%M:%S}"))
    draw_checks([each if all_of_it else replace(each, detail="") for each in checks])
