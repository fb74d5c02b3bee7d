"""Forgetting from a page: what else goes is said first, then what looking for it afterwards has shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from app.events import Progress
from app.forgetting import ForgetReport, Forgetting
from app.library import Library
from app.memory_browsing import Fact, StreamTurn
from ui.parts.amounts import size_words
from ui.parts.dialogs import ask
from ui.parts.errands import Told, errands
from ui.plain import cut, label
from ui.words import t

__all__ = [
    "ask_to_forget_everything",
    "ask_to_forget_fact",
    "ask_to_forget_thread",
    "ask_to_forget_turn",
    "forgotten_words",
]

SHOWN: Final = 200
NAMED: Final = 5
"""Turns that are named at most."""
COUNTED: Final = frozenset(
    (
        "facts",
        "facts redacted",
        "turns",
        "turns redacted",
        "threads",
        "users",
        "answers",
        "completions",
        "readings",
        "documents",
        "events",
    )
)
"""What a report may count, as it is named there."""
BUSY: Final = "memories.busy"
Forget = Callable[[Progress], ForgetReport]
Closed = Callable[[bool], None]
"""Told, when somebody has decided, whether it is being forgotten."""


def ask_to_forget_fact(mine: Library, fact: Fact) -> None:
    """Say what goes with a fact, and forget it once that is confirmed."""
    what = t("memories.forget_fact", text=label(cut(fact.text, SHOWN)))
    goes = t("memories.goes_fact", thread=label(fact.thread, 60), n=fact.ordinal)
    _ask(mine, what, goes, partial(Forgetting(mine).forget_fact, mine.user, fact.id))


def ask_to_forget_turn(mine: Library, turn: StreamTurn, facts: int) -> None:
    """The same for a turn, from which so many facts have come."""
    what = t("memories.forget_turn", text=label(cut(turn.question, SHOWN)))
    goes = t("memories.goes_turn", facts=facts)
    _ask(mine, what, goes, partial(Forgetting(mine).forget_turn, mine.user, turn.thread, turn.ordinal))


def ask_to_forget_thread(mine: Library, name: str, turns: int, closed: Closed | None = None) -> None:
    """The same for a thread of so many turns."""
    facts = sum(fact.thread == name for fact in mine.memories().facts("all"))
    what = t("memories.forget_thread", thread=label(name, 100))
    goes = t("memories.goes_thread", turns=turns, facts=facts)
    _ask(mine, what, goes, partial(Forgetting(mine).forget_thread, mine.user, name), closed=closed)


def ask_to_forget_everything(mine: Library) -> None:
    """The same for all that is remembered of the user; a word has to be typed."""
    counts = mine.memories().report().counts
    facts = counts.kept + counts.closed + counts.waiting
    goes = t("memories.goes_everything", threads=counts.threads, turns=counts.turns, facts=facts)
    forget = partial(Forgetting(mine).forget_user, mine.user)
    _ask(mine, t("memories.forget_everything"), goes, forget, t("memories.sure_word"))


def _ask(
    mine: Library, what: str, goes: str, forget: Forget, word: str = "", closed: Closed | None = None
) -> None:
    closed = closed or _nothing
    ask(
        t("memories.forget_title"),
        partial(_confirm, mine, what, goes, forget, word, closed),
        icon=":material/delete_forever:",
        on_dismiss=partial(closed, False),
    )


def _confirm(mine: Library, what: str, goes: str, forget: Forget, word: str, closed: Closed) -> None:
    st.markdown(what)
    st.write(goes)
    st.write(t("memories.forget_how"))
    typed = st.text_input(t("memories.sure", word=word), key="forget-word") if word else ""
    with st.container(horizontal=True):
        # In callbacks: they are called even if the page is drawn anew just when somebody clicks.
        yes = st.button(
            t("memories.forget_yes"),
            key="forget-yes",
            type="primary",
            disabled=typed.strip() != word,
            on_click=_begin,
            args=(mine, what, forget, closed),
        )
        no = st.button(t("memories.forget_no"), key="forget-no", on_click=closed, args=(False,))
    if st.session_state.pop(BUSY, False):
        st.warning(t("memories.busy"), icon=":material/hourglass_top:")
    elif yes or no:
        st.rerun()


def _begin(mine: Library, what: str, forget: Forget, closed: Closed) -> None:
    def does(progress: Progress) -> Told:
        return partial(forgotten_words, forget(progress))

    if errands().begin(mine.user, what, does):
        closed(True)
    else:
        st.session_state[BUSY] = True


def _nothing(_: bool) -> None:
    """What is to be done elsewhere once it is decided."""


def forgotten_words(report: ForgetReport) -> str:
    """What was forgotten and what looking for it has shown, as Markdown."""
    counted = [_counted(name, count) for name, count in report.counts.items() if count]
    words = [t("memories.forgotten", what=", ".join(counted) or t("memories.nothing"))]
    if report.pieces:
        size = size_words(report.bytes)
        words.append(t("memories.searched", files=report.files, size=size, pieces=report.pieces))
    left = [t(f"memories.left.{place}", n=count) for place, count in report.elsewhere.items()]
    words.append(t("memories.left_some", places=", ".join(left)) if left else t("memories.left_none"))
    if report.turns:
        named = [f"{label(thread, 60)} {turn}" for thread, turn in report.turns[:NAMED]]
        words.append(t("memories.same_said", turns=", ".join(named), n=len(report.turns)))
    return " ".join(words)


def _counted(name: str, count: int) -> str:
    what = t(f"memories.count.{name.replace(' ', '_')}") if name in COUNTED else label(name)
    return t("memories.gone", n=count, what=what)
