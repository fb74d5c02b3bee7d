"""Texts that are not ours, shown as what they are: nothing in them is Markdown, HTML, a link or an image."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

__all__ = ["cut", "label", "marked", "passage"]

_MARKS: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/=])")
_ALIVE: Final = re.compile(
    r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?=@)|(?<=@)"  # links
    r"|(?<=:)(?=[\w+/-]+:)"  # emoji and icons
    r"|(?<=[-<>~])(?=[-=>])",  # arrows, dashes
    re.IGNORECASE,
)
"""Inside of what Streamlit's Markdown turns into something else although every mark of it is escaped."""
_JOINER: Final = "\u2060"
_BREAKS: Final = re.compile(r"\s+")
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Controls, and what turns the direction of writing: a name must not look like another one."""


def label(text: str, most: int = 0) -> str:
    """A text for a place that reads Markdown, such as the label of a button: on one line, every mark escaped.

    Where Markdown makes links and icons of bare words, a word joiner, which is not seen, keeps it from that.

    Args:
        text: Anybody's.
        most: Cut after so many characters; 0 for all.
    """
    line = _BREAKS.sub(" ", _UNSEEN.sub("", text)).strip()
    return _MARKS.sub(r"\\\1", _ALIVE.sub(_JOINER, cut(line, most) if most else line))


def cut(text: str, most: int) -> str:
    """At most so many characters, the last one an ellipsis where some are left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def marked(text: str, spans: Sequence[tuple[int, int]] = ()) -> str:
    """A text as HTML that shows it character by character, with stretches of it highlighted.

    Args:
        text: Anybody's.
        spans: Half-open offsets into `text`; what lies outside is cut off, those that overlap are one.
    """
    parts: list[str] = []
    at = 0
    for start, end in _joined(spans, len(text)):
        parts.append(_escaped(text[at:start]))
        parts.append(f"<mark>{_escaped(text[start:end])}</mark>")
        at = end
    return "".join(parts) + _escaped(text[at:])


def passage(text: str, spans: Sequence[tuple[int, int]] = ()) -> str:
    """The same as a block that keeps line breaks and wraps, for `st.html`."""
    return f'<div class="clew-passage" dir="auto">{marked(text, spans)}</div>'


def _escaped(text: str) -> str:
    return html.escape(_UNSEEN.sub("", text), quote=True)


def _joined(spans: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
