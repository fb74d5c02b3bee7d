"""What memory gave to an answer, and why, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.shown_answers import ShownMemory
from ui.parts.citation_words import day
from ui.plain import cut, marked
from ui.words import t

__all__ = ["recalled_html"]

LONGEST: Final = 400


def recalled_html(recalled: Sequence[ShownMemory]) -> str:
    """For `st.html`."""
    return f'<ul class="clew-steps" dir="auto">{"".join(f"<li>{_one(each)}</li>" for each in recalled)}</ul>'


def _one(memory: ShownMemory) -> str:
    text = cut(memory.text, LONGEST) or t("chat.recalled.gone")
    parts = [t(f"chat.recalled.{memory.side}"), memory.thread, day(memory.at) if memory.at else ""]
    if memory.score is not None:
        parts.append(t("chat.recalled.score", score=f"{memory.score:.2f}"))
    parts += [t(f"chat.recalled.{name}", score=f"{score:.2f}") for name, score in memory.why]
    return f"{marked(text)}<br><small>{marked(' · '.join(part for part in parts if part))}</small>"
