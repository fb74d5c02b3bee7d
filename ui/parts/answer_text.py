"""An answer's text as HTML that shows it as it is, the numbers of its citations set off."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from ui.plain import marked

__all__ = ["answer_html", "growing_html"]

_NUMBER: Final = re.compile(r"\[(\d{1,4})\]")


def answer_html(text: str, numbers: Collection[int]) -> str:
    """For `st.html`; only [n] of citations that there are is set off."""
    parts: list[str] = []
    at = 0
    for match in _NUMBER.finditer(text):
        if int(match[1]) in numbers:
            parts.append(f"{marked(text[at : match.start()])}<b>[{match[1]}]</b>")
            at = match.end()
    return f'<div class="clew-passage" dir="auto">{"".join(parts)}{marked(text[at:])}</div>'


def growing_html(text: str) -> str:
    """The same for what is still being written."""
    return f'<div class="clew-passage" dir="auto">{marked(text)}<span aria-hidden="true"> ▍</span></div>'
