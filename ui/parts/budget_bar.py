"""What the model saw and what had no room, as a bar with words."""

from __future__ import annotations

from itertools import cycle
from typing import Final

from app.shown_answers import ShownBudget
from ui.plain import marked
from ui.words import language, t, texts_of

__all__ = ["budget_html"]

SHADES: Final = (75, 50, 30, 60, 40, 20)
"""Percent of the text's colour, so that neighbours are told apart in every theme; the words say the same."""


def budget_html(budget: ShownBudget) -> str:
    """For `st.html`; what is not known of it is said to be unknown."""
    parts = [(part_name(name), tokens) for name, tokens in budget.parts]
    given = sum(tokens or 0 for _, tokens in parts)
    free = budget.window - given if budget.window is not None and budget.window > given else 0
    segments = [_segment(tokens, shade) for (_, tokens), shade in zip(parts, cycle(SHADES)) if tokens]
    if free:
        segments.append(_segment(free, 0))
    bar = f'<div class="clew-bar" aria-hidden="true">{"".join(segments)}</div>' if given else ""
    lines = [_line(name, tokens) for name, tokens in parts]
    if budget.window is not None:
        lines.append(_line(t("chat.budget.window"), budget.window))
    left = [_line(part_name(name), tokens) for name, tokens in budget.left_out]
    out = f"<p>{marked(t('chat.budget.left_out'))}</p>{_list(left)}" if left else ""
    none = "" if left else f"<p>{marked(t('chat.budget.all'))}</p>"
    return f"{bar}{_list(lines)}{out}{none}"


def part_name(name: str) -> str:
    """What a part is called; one without words by its name."""
    key = f"chat.budget.part.{name}"
    return t(key) if key in texts_of(language()) else name


def _segment(tokens: int, shade: int) -> str:
    colour = f"color-mix(in srgb, currentColor {shade}%, transparent)"
    return f'<span style="flex: {tokens} 0 0; background: {colour}"></span>'


def _line(name: str, tokens: int | None) -> str:
    amount = t("chat.budget.unknown") if tokens is None else t("chat.budget.tokens", tokens=f"{tokens:,}")
    return f"<li>{marked(name)}: {marked(amount)}</li>"


def _list(lines: list[str]) -> str:
    return f'<ul class="clew-steps">{"".join(lines)}</ul>' if lines else ""
