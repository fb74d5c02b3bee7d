"""The little that Streamlit's themes lack, in colours that follow from the theme."""

from __future__ import annotations

from typing import Final

import streamlit as st

__all__ = ["put_on"]

STYLE: Final = """
<style>
.clew-passage { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.6; }
.clew-passage mark, .clew-mark {
  background: color-mix(in srgb, #ffc400 38%, transparent); color: inherit;
  border-bottom: 2px solid currentColor; padding: 0 .1em;
}
[data-testid="stMarkdownContainer"], [data-testid="stCaptionContainer"] { overflow-wrap: anywhere; }
button:focus-visible, a:focus-visible, [role="option"]:focus-visible, summary:focus-visible {
  outline: 3px solid currentColor !important; outline-offset: 2px;
}
</style>
"""


def put_on() -> None:
    """Add it to this run of a page."""
    st.html(STYLE)
