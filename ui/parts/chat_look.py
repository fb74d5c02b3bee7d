"""What lists and bars of the chat look like, in the colours of the theme."""

from __future__ import annotations

from typing import Final

import streamlit as st

__all__ = ["put_on"]

STYLE: Final = """
<style>
.stMainBlockContainer { padding-top: 3.5rem; }
[data-testid="stBottomBlockContainer"] { padding-bottom: 1.5rem; }
.st-key-chat-head h1 { font-size: 1.5rem; padding: 0; overflow-wrap: anywhere; }
.st-key-chat-head { padding-bottom: .75rem; }
[class*="st-key-chat-thread-t-"] button, [class*="st-key-chat-thread-i-"] button,
[class*="st-key-chat-thread-t-"] button *, [class*="st-key-chat-thread-i-"] button * {
  justify-content: flex-start; text-align: start;
}
.clew-steps { margin: 0; padding-inline-start: 1.6em; overflow-wrap: anywhere; }
.clew-steps li { margin: .15em 0; }
.clew-steps small { opacity: .8; }
.clew-scroll { max-height: 42vh; overflow-y: auto; }
.clew-scroll:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.clew-scroll mark { scroll-initial-target: nearest; }
.clew-bar { display: flex; height: 1.1em; border: 1px solid currentColor; margin: .3em 0; }
.clew-bar span + span { border-inline-start: 1px solid currentColor; }
</style>
"""


def put_on() -> None:
    """Add it to this run of the page."""
    st.html(STYLE)
