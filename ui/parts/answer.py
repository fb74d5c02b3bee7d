"""A turn of a conversation: the question, the answer, what it rests on and what can be done with it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.library import Library
from app.shown_answers import ShownAnswer, ShownCitation, ShownPlace, ShownTurn
from ui.errors import shown_errors
from ui.parts.answer_text import answer_html
from ui.parts.budget_bar import budget_html
from ui.parts.chat_address import Address
from ui.parts.citation_words import ICONS, day, told_apart
from ui.parts.composer import ask_again, begin_edit, draw_edit
from ui.parts.evidence import draw_evidence, open_evidence
from ui.parts.links import link_to_library
from ui.parts.recalled_list import recalled_html
from ui.parts.references import Kind, Reference, opened, references
from ui.parts.step_list import seconds_words, steps_html, walk_html
from ui.plain import label, passage
from ui.words import t

__all__ = ["draw_question", "draw_turn"]

USER: Final = ":material/person:"
CLEW: Final = ":material/route:"
OFFERED: Final = 12
"""Buttons of one answer at once; the others are reached with "next" beside it."""
BESIDE: Final = (1, 1)


def draw_question(question: str) -> None:
    """What was asked."""
    with st.chat_message("user", avatar=USER):
        st.html(passage(question))


def draw_turn(mine: Library, at: Address, turn: ShownTurn, last: bool) -> None:
    """The whole turn; where something of it is open, that stands beside it, on narrow screens below."""
    draw_question(turn.question)
    answer, cite = turn.answer, at.cite
    with st.chat_message("assistant", avatar=CLEW):
        if cite is not None and cite.turn == turn.ordinal:
            written, beside = st.columns(BESIDE)
            with beside:
                draw_evidence(mine, at, cite, answer)
        else:
            written = st.container()
        with written:
            _text(answer)
            _evidence_buttons(answer, turn.ordinal, cite)
            _actions(mine, at, turn, last)
    if last:
        draw_edit(mine, at, turn)


def _text(answer: ShownAnswer) -> None:
    if answer.abstained:
        st.caption(f":material/help: {t('chat.abstained')}")
    st.html(answer_html(answer.text, {each.n for each in answer.citations}))
    if answer.abstained and answer.sections_total == 0:
        link_to_library(t("chat.add_documents"))
    for note in answer.notes:
        st.caption(f":material/rule: {label(note)}")


def _evidence_buttons(answer: ShownAnswer, turn: int, open_now: Reference | None) -> None:
    found = references(answer, turn)
    if not found:
        return
    groups = {
        Kind.CITATION: "",
        Kind.DROPPED: t("chat.dropped", count=len(answer.dropped)),
        Kind.PLACE: t("chat.closest"),
    }
    for kind, words in groups.items():
        of_kind = [each for each in found if each.kind is kind]
        if not of_kind:
            continue
        if words:
            st.caption(words)
        with st.container(horizontal=True, gap="xsmall"):
            offered = [(each, shown) for each in of_kind[:OFFERED] if (shown := opened(answer, each))]
            called = told_apart([shown for _, shown in offered])
            for (each, shown), words in zip(offered, called, strict=True):
                _evidence_button(each, shown, words, each == open_now)
            if len(of_kind) > OFFERED:
                st.caption(t("chat.more_citations", count=len(of_kind) - OFFERED))


def _evidence_button(
    reference: Reference, shown: ShownCitation | ShownPlace, words: str, is_open: bool
) -> None:
    st.button(
        label(words),
        key=f"chat-cite-{reference}",
        icon=ICONS[shown.verdict if isinstance(shown, ShownCitation) else "place"],
        type="primary" if is_open else "secondary",
        wrap=True,
        on_click=open_evidence,
        args=(None if is_open else reference,),
    )


def _actions(mine: Library, at: Address, turn: ShownTurn, last: bool) -> None:
    """Copy, again, edit, and how it was found; what is not opened is not drawn."""
    with st.container(horizontal=True, gap="small"):
        copy = st.popover(
            t("chat.copy"),
            icon=":material/content_copy:",
            type="tertiary",
            key=f"chat-copy-{turn.ordinal}",
            on_change="rerun",
        )
        if copy.open:
            with copy:
                st.caption(t("chat.copy_help"))
                st.code(mine.answers.copied(turn), language=None, wrap_lines=True)
        if last:
            st.button(
                t("chat.again"),
                icon=":material/refresh:",
                type="tertiary",
                key="chat-again",
                on_click=ask_again,
                args=(mine, at),
            )
            st.button(
                t("chat.edit"),
                icon=":material/edit:",
                type="tertiary",
                key="chat-edit",
                on_click=begin_edit,
                args=(at, turn.ordinal),
            )
    how = st.expander(
        t("chat.how", seconds=seconds_words(turn.answer.seconds), day=day(turn.asked_at)),
        key=f"chat-how-{turn.ordinal}",
        type="compact",
        on_change="rerun",
    )
    if how.open:
        with how, shown_errors():
            _how(turn.answer)


def _how(answer: ShownAnswer) -> None:
    """Steps, walk, memory, budget, figures."""
    # A walk is told move by move below, where it is kept.
    steps = [each for each in answer.steps if not (answer.trace and each.name == "walk")]
    if steps:
        st.html(steps_html(steps))
    else:
        st.caption(t("chat.no_steps"))
    if answer.trace:
        st.caption(t("chat.walked"))
        st.html(walk_html(answer.trace))
    if answer.recalled:
        st.caption(t("chat.recalled.title"))
        st.html(recalled_html(answer.recalled))
    if answer.budget is not None:
        st.caption(t("chat.budget.title"))
        st.html(budget_html(answer.budget))
    st.caption(label(figures(answer)))


def figures(answer: ShownAnswer) -> str:
    """Model, tokens and seconds in a line; what is not known is left out."""
    parts = [t("chat.figures.model", model=answer.model)] if answer.model else []
    if answer.route:
        parts.append(t("chat.figures.route", route=t(f"chat.route.{answer.route}")))
    parts.append(
        t(
            "chat.figures.tokens",
            prompt=f"{answer.prompt_tokens:,}",
            completion=f"{answer.completion_tokens:,}",
        )
    )
    if answer.tokens_read is not None:
        parts.append(t("chat.figures.read", tokens=f"{answer.tokens_read:,}"))
    if answer.sections_read is not None and answer.sections_total is not None:
        parts.append(t("chat.figures.sections", read=answer.sections_read, total=answer.sections_total))
    parts.append(seconds_words(answer.seconds))
    return " · ".join(parts)
