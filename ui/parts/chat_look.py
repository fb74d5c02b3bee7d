"""What lists and bars of the chat look like, in the colours of the theme."""

from __future__ import annotations

from typing import Final

import streamlit as st

__all__ = ["put_on"]

STYLE: Final = """
<style>
.clew-steps { margin: 0; padding-inline-start: 1.6em; overflow-wrap: anywhere; }
.clew-steps li { margin: .15em 0; }
.clew-steps small { opacity: .8; }
.clew-bar { display: flex; height: 1.1em; border: 1px solid currentColor; margin: .3em 0; }
.clew-bar span + span { border-inline-start: 1px solid currentColor; }
</style>
"""


def put_on() -> None:
    """Add it to this run of the page."""
    st.html(STYLE)
