"""Citations and places in words: what a button says, where something stands, how well it was checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.shown_answers import ShownCitation, ShownPlace
from ui.parts.moments import zone
from ui.plain import cut
from ui.words import language, t

__all__ = ["ICONS", "button_words", "day", "place_words", "short_place", "told_apart", "verdict_words"]

TITLE: Final = 40
SECTION: Final = 40
EXCERPT: Final = 40
ICONS: Final = {
    "verified": ":material/verified:",
    "corrected": ":material/edit_location_alt:",
    "dropped": ":material/block:",
    "place": ":material/near_me:",
}


def day(at: datetime) -> str:
    """A date, as one writes it in the language of the page, where the browser is."""
    local = at.astimezone(zone())
    month = t(f"chat.month.{local.month}")
    return t("chat.day", day=local.day, month=month, year=local.year)


def button_words(shown: ShownCitation | ShownPlace) -> str:
    """All that a button says of it: "[1] Jane Eyre, p. 12 - verified"."""
    if isinstance(shown, ShownPlace):
        return short_place(shown)
    number = f"[{shown.n}] " if shown.n else ""
    return f"{number}{short_place(shown)} · {verdict_words(shown.verdict)}"


def told_apart(shown: Sequence[ShownCitation | ShownPlace]) -> list[str]:
    """The same for several; places that are called the same are told apart by their first words."""
    words = [button_words(each) for each in shown]
    return [
        f"{said} · “{cut(' '.join(each.excerpt.split()), EXCERPT)}”"
        if isinstance(each, ShownPlace) and words.count(said) > 1
        else said
        for said, each in zip(words, shown, strict=True)
    ]


def short_place(shown: ShownCitation | ShownPlace) -> str:
    """Title and page, or the innermost section where there are no pages; for what was said, who and when."""
    if isinstance(shown, ShownCitation) and shown.origin == "memory":
        return said_by(shown)
    title = cut(shown.title, TITLE) or t("chat.removed")
    if shown.page is not None:
        return t("chat.on_page", title=title, page=shown.page)
    section = cut(shown.section.rpartition(" / ")[2], SECTION)
    return f"{title}, {section}" if section and section != title else title


def place_words(page: int | None, section: str) -> str:
    """Page and sections, "" where there are neither."""
    parts = [t("chat.page", page=page)] if page is not None else []
    return " · ".join([*parts, *([section] if section else [])])


def verdict_words(verdict: str) -> str:
    """What looking it up has shown."""
    return t(f"chat.verdict.{verdict}")


def said_by(shown: ShownCitation) -> str:
    """Who said it and when; who it was that is neither the user nor Clew stands in the title."""
    who = t("chat.clew") if shown.side == "answer" else t("chat.you")
    return f"{who}{'，' if language() == 'zh' else ', '}{day(shown.at)}" if shown.at is not None else who
