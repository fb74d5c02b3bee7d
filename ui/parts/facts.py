"""Facts: each with its words, where they were said, since when it is true; revised, forgotten, accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Final, Literal

import streamlit as st

from app.library import Library
from app.memory_browsing import Fact, FoundFact, MemoryBrowser
from ui.errors import shown_errors
from ui.parts.dialogs import ask
from ui.parts.forgetting import ask_to_forget_fact
from ui.parts.links import link_to_turn
from ui.parts.memory_filters import draw_filters
from ui.parts.moments import day_of, end_of, zone
from ui.plain import label
from ui.words import t

__all__ = ["ROWS", "draw_facts", "draw_inbox", "noted", "validity"]

ROWS: Final = 20
NOTE: Final = "memories.note"
LONGEST: Final = 1_000


def draw_facts(mine: Library) -> None:
    """The facts that are looked for, page by page."""
    looked = draw_filters(mine)
    left, right = st.columns(2, vertical_alignment="bottom")
    day = left.date_input(
        t("memories.as_of"), value=None, key="asof", bind="query-params", help=t("memories.as_of_help")
    )
    closed = right.toggle(t("memories.closed"), key="closed", bind="query-params", disabled=day is not None)
    which: Literal["true", "all"] = "all" if closed and day is None else "true"
    with shown_errors():
        as_of = None if day is None else end_of(day, zone())
        browser = MemoryBrowser(mine.memories())
        found = browser.facts(looked.filter, which, as_of, looked.by_meaning)
        if not found:
            anything = bool(mine.memories().facts("all"))
            st.info(t("memories.none_found") if anything else t("memories.no_facts"), icon=":material/info:")
            return
        st.caption(t("memories.fact_count", n=len(found)))
        page = _page(found)
        replacing = {each.fact.replaced_by for each in page if each.fact.replaced_by is not None}
        texts = mine.memories().texts(replacing) if replacing else {}
        for each in page:
            _card(mine, each, texts)


def _page(found: Sequence[FoundFact]) -> Sequence[FoundFact]:
    pages = -(-len(found) // ROWS)
    number = st.pagination(pages, key="p", bind="query-params") if pages > 1 else 1
    return found[(number - 1) * ROWS : number * ROWS]


def _card(mine: Library, found: FoundFact, texts: Mapping[str, str]) -> None:
    fact = found.fact
    with st.container(border=True, key=f"fact-{fact.id}"):
        st.markdown(label(fact.text))
        _origin(fact, mine.user)
        score = [] if found.score is None else [t("memories.score", score=f"{found.score:.2f}")]
        st.caption(" · ".join([validity(fact, zone(), texts), *score]))
        with st.container(horizontal=True, vertical_alignment="center"):
            link_to_turn(
                fact.thread, fact.ordinal, t("memories.source", thread=label(fact.thread, 60), n=fact.ordinal)
            )
            if (
                fact.state == "kept"
                and fact.invalid_at is None
                and st.button(t("memories.revise"), key=f"revise-{fact.id}", icon=":material/edit:")
            ):
                ask(t("memories.revise_title"), partial(_revise, mine, fact))
            if st.button(t("memories.forget"), key=f"forget-{fact.id}", icon=":material/delete_forever:"):
                ask_to_forget_fact(mine, fact)


def _origin(fact: Fact, user: str) -> None:
    who = t("memories.you") if fact.asserted_by == user else label(fact.asserted_by, 60)
    said = t(
        "memories.quoted",
        quote=label(fact.quote),
        who=who,
        day=day_of(fact.asked_at, zone()),
    )
    times = [t("memories.times", n=fact.strength)] if fact.strength > 1 else []
    st.caption(" · ".join([said, *times]))


def validity(fact: Fact, where: tzinfo, texts: Mapping[str, str]) -> str:
    """Since when a fact is true, and until when, as Markdown.

    Args:
        fact: The fact.
        where: The time zone of the days.
        texts: Of other facts, by id.
    """
    since = day_of(fact.valid_from, where)
    if fact.state == "waiting":
        return t("memories.waits", since=since)
    if fact.invalid_at is None:
        return t("memories.true_since", since=since)
    words = t("memories.true_until", since=since, until=day_of(fact.invalid_at, where))
    if fact.replaced_by is None:
        return words
    by = texts.get(fact.replaced_by, fact.replaced_by)
    replaced = t("memories.replaced", by=label(by, 120))
    return f"{words} {replaced}"


def _revise(mine: Library, fact: Fact) -> None:
    st.write(t("memories.revise_what"))
    text = st.text_area(t("memories.revise_text"), value=fact.text, key=f"text-{fact.id}", max_chars=LONGEST)
    if st.button(t("memories.revise_save"), key=f"save-{fact.id}", type="primary"):
        with shown_errors(), st.spinner(t("memories.relating")):
            result = mine.memories().revise(fact.id, text)
            noted(t("memories.revised", closed=len(result.closed)))
            st.rerun()


def noted(words: str) -> None:
    """Say something at the top of the next run of the page."""
    st.session_state[NOTE] = words


def draw_inbox(mine: Library) -> None:
    """The facts that wait for a yes, accepted or refused one by one or all together."""
    with shown_errors():
        waiting = mine.memories().facts("waiting")
        if not waiting:
            st.info(t("memories.inbox_empty"), icon=":material/inbox:")
            return
        st.write(t("memories.inbox_what", n=len(waiting)))
        with st.container(horizontal=True):
            if st.button(t("memories.accept_all"), key="accept-all", icon=":material/done_all:"):
                _answer(mine, waiting, True)
            if st.button(t("memories.refuse_all"), key="refuse-all", icon=":material/remove_done:"):
                _answer(mine, waiting, False)
        pages = -(-len(waiting) // ROWS)
        number = st.pagination(pages, key="inbox-page") if pages > 1 else 1
        for fact in waiting[(number - 1) * ROWS : number * ROWS]:
            _waiting(mine, fact)


def _waiting(mine: Library, fact: Fact) -> None:
    with st.container(border=True, key=f"waiting-{fact.id}"):
        st.markdown(label(fact.text))
        _origin(fact, mine.user)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(t("memories.accept"), key=f"accept-{fact.id}", icon=":material/check:"):
                _answer(mine, [fact], True)
            if st.button(t("memories.refuse"), key=f"refuse-{fact.id}", icon=":material/close:"):
                _answer(mine, [fact], False)
            link_to_turn(
                fact.thread, fact.ordinal, t("memories.source", thread=label(fact.thread, 60), n=fact.ordinal)
            )


def _answer(mine: Library, facts: Sequence[Fact], yes: bool) -> None:
    memories = mine.memories()
    with st.spinner(t("memories.relating")):
        for fact in facts:
            if yes:
                memories.confirm(fact.id)
            else:
                memories.decline(fact.id)
    noted(t("memories.accepted", n=len(facts)) if yes else t("memories.refused", n=len(facts)))
    st.rerun()
