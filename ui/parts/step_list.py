"""The steps of an answer, and the way that a walk took, as HTML lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.events import Step
from app.shown_answers import WalkedStep
from ui.plain import cut, marked
from ui.words import language, t, texts_of

__all__ = ["seconds_words", "steps_html", "walk_html"]

REASON: Final = 300
DETAIL: Final = 300
MOVES: Final = frozenset({"commit", "revert", "invalid"})


def steps_html(steps: Sequence[Step], running: bool = False) -> str:
    """For `st.html`; while it is `running`, what is added is read out by screen readers."""
    live = ' role="status" aria-live="polite"' if running else ""
    items = "".join(
        f"<li><b>{marked(step_name(each.name))}</b> {marked(cut(each.detail, DETAIL))} "
        f"<small>{marked(seconds_words(each.seconds))}</small></li>"
        for each in steps
    )
    return f'<ol class="clew-steps"{live} dir="auto">{items}</ol>'


def step_name(name: str) -> str:
    """What a step does, in words; a step without words by its name."""
    key = f"chat.step.{name}"
    return t(key) if key in texts_of(language()) else name


def seconds_words(seconds: float) -> str:
    """Seconds, finer where they are few."""
    return t("chat.seconds", seconds=f"{seconds:.2f}" if seconds < 1 else f"{seconds:,.1f}")


def walk_html(trace: Sequence[WalkedStep]) -> str:
    """For `st.html`: each move with where it stood, what was chosen of how many, and why."""
    items = "".join(f"<li>{_move(each)}</li>" for each in trace)
    return f'<ol class="clew-steps" dir="auto">{items}</ol>'


def _move(step: WalkedStep) -> str:
    where = step.title or t("chat.walk.above")
    parts = [f"<b>{marked(where)}</b>", marked(t("chat.walk.level", level=step.level))]
    titles = {option.node: option.title for option in step.options}
    if step.choice in titles:
        chosen = titles[step.choice] or step.choice
        parts.append(marked(t("chat.walk.chosen", title=chosen, count=len(titles))))
    elif step.choice in MOVES:
        parts.append(marked(t(f"chat.walk.{step.choice}")))
    if step.tokens:
        parts.append(marked(t("chat.walk.read", tokens=f"{step.tokens:,}")))
    if step.reason:
        parts.append(f"<i>{marked(cut(step.reason, REASON))}</i>")
    if step.note:
        parts.append(marked(cut(step.note, REASON)))
    return " · ".join(parts)
