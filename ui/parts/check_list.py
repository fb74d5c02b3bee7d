"""What was looked at, each told as well, as a warning or as a problem, in words and not by colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from app.checks import Check
from ui.plain import label
from ui.words import t

__all__ = ["draw_checks"]

ICONS: Final = {
    "ok": ":material/check_circle:",
    "warning": ":material/warning:",
    "problem": ":material/error:",
}
ORDER: Final = ("problem", "warning", "ok")


def draw_checks(checks: Sequence[Check]) -> None:
    """A line for each, what is wrong first."""
    for check in sorted(checks, key=lambda each: ORDER.index(each.state)):
        state = t(f"settings.state.{check.state}")
        detail = f" · {label(check.detail)}" if check.detail else ""
        st.markdown(f"{ICONS[check.state]} **{label(check.name)}** · {state}{detail}")
