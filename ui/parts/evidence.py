"""What a citation rests on, beside its answer: the quote highlighted among the words around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from app.library import Library
from app.shown_answers import ShownAnswer, ShownCitation, ShownPlace
from ui.errors import shown_errors
from ui.parts.chat_address import Address, address, go
from ui.parts.citation_words import ICONS, place_words, said_by, verdict_words
from ui.parts.flowing import flowing
from ui.parts.links import link_to_document, link_to_turn
from ui.parts.references import Reference, opened, references
from ui.plain import label, marked, passage
from ui.words import t

__all__ = ["draw_evidence", "open_evidence"]

AROUND: Final = 200
"""Characters on either side: few enough that the quote is seen without scrolling."""
TITLE: Final = 120
SECTION: Final = 160


def open_evidence(reference: Reference | None) -> None:
    """Show it from the next run on, or nothing."""
    go(replace(address(), cite=reference, part=0))


def draw_evidence(mine: Library, at: Address, reference: Reference, answer: ShownAnswer) -> None:
    """A panel for one reference, with the way to those before and behind it."""
    shown = opened(answer, reference)
    with st.container(border=True, key="chat-evidence", gap="xsmall"):
        with shown_errors():
            if shown is None:
                st.info(t("chat.evidence_gone"), icon=":material/info:")
            elif isinstance(shown, ShownCitation) and shown.origin == "memory":
                _said(mine, at, shown)
            else:
                _written(mine, at, shown)
        _neighbours(reference, answer)


def _neighbours(reference: Reference, answer: ShownAnswer) -> None:
    """Previous, which of how many this is, next, close."""
    every = references(answer, reference.turn)
    here = every.index(reference) if reference in every else -1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        before = every[here - 1] if here > 0 else None
        _button("previous", ":material/arrow_back:", before)
        if here >= 0:
            st.caption(t("chat.which", number=here + 1, count=len(every)), width="content")
        behind = every[here + 1] if 0 <= here < len(every) - 1 else None
        _button("next", ":material/arrow_forward:", behind)
        st.button(
            t("chat.close"),
            key="chat-evidence-close",
            icon=":material/close:",
            type="tertiary",
            on_click=open_evidence,
            args=(None,),
        )


def _button(name: str, icon: str, target: Reference | None) -> None:
    st.button(
        t(f"chat.{name}"),
        key=f"chat-evidence-{name}",
        icon=icon,
        type="tertiary",
        disabled=target is None,
        on_click=open_evidence,
        args=(target,),
    )


def _head(shown: ShownCitation | ShownPlace, title: str, place: str) -> None:
    number = f"[{shown.n}] " if isinstance(shown, ShownCitation) and shown.n else ""
    place = f" · {label(place, SECTION)}" if place else ""
    st.markdown(f"**{label(number + title, TITLE)}**{place}")
    if isinstance(shown, ShownCitation):
        score = "" if shown.score is None else f" · {t('chat.score', score=f'{shown.score:.2f}')}"
        words = f"{verdict_words(shown.verdict)}: {t(f'chat.meaning.{shown.verdict}')}{score}"
        st.caption(f"{ICONS[shown.verdict]} {label(words)}")


def _written(mine: Library, at: Address, shown: ShownCitation | ShownPlace) -> None:
    """A place of a document: the words around it, or another page of it."""
    _head(shown, shown.title or t("chat.removed"), place_words(shown.page, shown.section))
    view = mine.view(shown.document)
    part = view.part(at.part) if at.part else view.around(shown.start, shown.end, AROUND)
    if at.part:
        st.caption(label(place_words(part.page, part.section) or t("chat.part", number=part.number)))
    st.html(_scrolled(part.text, (shown.start - part.start, shown.end - part.start)))
    if isinstance(shown, ShownCitation) and not shown.quote:
        st.caption(t("chat.quote_gone"))
    with st.container(horizontal=True, gap="small"):
        for name, target in (("page_before", part.number - 1), ("page_behind", part.number + 1)):
            st.button(
                t(f"chat.{name}"),
                key=f"chat-{name}",
                type="tertiary",
                disabled=not 1 <= target <= view.part_count,
                on_click=_turn_to,
                args=(target,),
            )
        if at.part:
            st.button(
                t("chat.back_to_quote"),
                key="chat-back-to-quote",
                type="tertiary",
                on_click=_turn_to,
                args=(0,),
            )
    link_to_document(shown.document, shown.start, shown.end, t("chat.open_document"))


def _said(mine: Library, at: Address, shown: ShownCitation) -> None:
    """A place of a conversation: that side of its turn."""
    _head(shown, said_by(shown), t("chat.in_thread", thread=shown.thread, turn=shown.turn))
    threads = mine.incognito if at.incognito else mine.threads
    turn = next(iter(threads.turns(shown.thread, last=1, until=shown.turn)), None)
    if turn is None or turn.ordinal != shown.turn:
        st.info(t("chat.evidence_gone"), icon=":material/info:")
        return
    text = turn.answer if shown.side == "answer" else turn.question
    st.html(_scrolled(text, (shown.start, shown.end)))
    link_to_turn(shown.thread, shown.turn, t("chat.open_thread"))


def _scrolled(text: str, quote: tuple[int, int]) -> str:
    """The text, no higher than the window has room for; one scrolls in it with the keyboard too."""
    name = marked(t("chat.around"))
    inner = passage(flowing(text), [quote])
    return f'<div class="clew-scroll" role="region" aria-label="{name}" tabindex="0">{inner}</div>'


def _turn_to(part: int) -> None:
    go(replace(address(), part=part))
