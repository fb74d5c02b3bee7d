"""The text of a document, one page or stretch at a time; no more of it is sent than is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from app.document_views import DocumentView, Part
from app.records import SectionRecord
from ui.parts.document_address import DocumentAddress, move
from ui.parts.finding import MOST, Finding, found_in
from ui.parts.links import link_to_document
from ui.plain import cut, label, passage
from ui.words import t

__all__ = ["section_choices", "show_text"]

SECTIONS: Final = 400
SECTION_TITLE: Final = 80
DEEP: Final = 500
"""If a quote stands further down on its page, what is above it is folded, so that it is seen."""
ABOVE: Final = 160
FOUND: Final = 10
PART, SECTION, WORDS = "document_part", "document_section", "document_words"


def show_text(view: DocumentView, address: DocumentAddress) -> None:
    """Draw the part that the address names, with what leads to others."""
    part = view.part(view.part_of(address.at))
    at = max(address.at, part.start)
    _show_way(view, part, at)
    quote = (address.at, address.end) if address.end is not None else None
    if quote is None:
        _show_finding(view)
    place = [t("document.page_number", n=part.page)] if part.page is not None else []
    place += [label(each.title, 100) for each in view.sections if each.start <= at < each.end]
    if place:
        st.caption(" · ".join(place))
    if quote is not None and quote[1] > part.end:
        st.caption(f":material/info: {t('document.goes_on')}")
    _show_part(part, quote)
    if quote is not None:  # what was asked for comes first
        _show_finding(view)


def _show_part(part: Part, quote: tuple[int, int] | None) -> None:
    if not part.text.strip():
        st.info(t("document.no_text"), icon=":material/info:")
        return
    spans = [] if quote is None else [(quote[0] - part.start, quote[1] - part.start)]
    begin = 0
    if quote is not None and quote[0] - part.start > DEEP:
        begin = _begin(part.text, quote[0] - part.start - ABOVE)
    if begin:
        with st.expander(t("document.above")):
            st.html(passage(part.text[:begin]))
    st.html(passage(part.text[begin:], [(start - begin, end - begin) for start, end in spans]))


def _begin(text: str, at: int) -> int:
    """The beginning of a line, or else of a word, soon after `at`."""
    line = text.find("\n", at, at + ABOVE)
    return (line if line >= 0 else text.find(" ", at, at + ABOVE)) + 1


def _show_way(view: DocumentView, part: Part, at: int) -> None:
    """Draw the number of the part, what leads to the next, and the sections."""
    st.session_state[PART] = part.number
    pages = bool(view.pages)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            t("document.previous"),
            key="document_previous",
            icon=":material/chevron_left:",
            disabled=part.number == 1,
            on_click=_to_part,
            args=(view, part.number - 1),
        )
        st.number_input(
            t("document.page_of" if pages else "document.part_of", n=f"{view.part_count:,}"),
            1,
            view.part_count,
            key=PART,
            on_change=_to_chosen_part,
            args=(view,),
            width=180,
        )
        st.button(
            t("document.next"),
            key="document_next",
            icon=":material/chevron_right:",
            disabled=part.number == view.part_count,
            on_click=_to_part,
            args=(view, part.number + 1),
        )
        choices = section_choices(view.sections, at)
        if choices:
            here = current_section(choices, at)
            st.session_state[SECTION] = here
            st.selectbox(
                t("document.section"),
                choices,
                format_func=_section_words,
                index=None if here is None else 0,
                key=SECTION,
                on_change=_to_section,
                placeholder=t("document.no_section"),
                width="stretch",
            )


def section_choices(sections: Sequence[SectionRecord], at: int, most: int = SECTIONS) -> list[SectionRecord]:
    """The sections to choose from: of a document with very many the outer ones, else those around `at`."""
    chosen = list(sections)
    while len(chosen) > most and len({each.level for each in chosen}) > 1:
        deepest = max(each.level for each in chosen)
        chosen = [each for each in chosen if each.level < deepest]
    if len(chosen) > most:
        here = sum(each.start <= at for each in chosen)
        first = min(max(0, here - most // 2), len(chosen) - most)
        chosen = chosen[first : first + most]
    return chosen


def current_section(sections: Sequence[SectionRecord], at: int) -> SectionRecord | None:
    """The innermost of them that `at` lies in."""
    return next((each for each in reversed(sections) if each.start <= at < each.end), None)


def _section_words(section: SectionRecord) -> str:
    return "\u2003" * (section.level - 1) + cut(" ".join(section.title.split()) or "…", SECTION_TITLE)


def _to_part(view: DocumentView, number: int) -> None:
    move(at=view.part(number).start)


def _to_chosen_part(view: DocumentView) -> None:
    _to_part(view, int(st.session_state[PART]))


def _to_section() -> None:
    section = st.session_state[SECTION]
    if section is not None:
        move(at=section.start)


def _show_finding(view: DocumentView) -> None:
    with st.expander(t("document.find"), icon=":material/search:"):
        words = st.text_input(t("document.find_words"), key=WORDS, max_chars=200)
        if not words.strip():
            return
        found = _found(view, words)
        if not found:
            st.caption(t("document.not_found"))
            return
        st.caption(t("document.found_most" if len(found) == MOST else "document.found", n=len(found)))
        pages = -(-len(found) // FOUND)
        page = 1
        if pages > 1:
            page = int(st.number_input(t("document.found_page", n=pages), 1, pages, key="document_found"))
        for each in found[(page - 1) * FOUND : page * FOUND]:
            number = view.part_of(each.start)
            place = t("document.page_number" if view.pages else "document.part_number", n=number)
            text = f"{place}: … {label(each.around)} …"
            link_to_document(view.record.id, each.start, each.end, text)


def _found(view: DocumentView, words: str) -> list[Finding]:
    """Kept for as long as the same is looked for."""
    asked = (view.record.key, words)
    kept = st.session_state.get("document_findings")
    if kept is None or kept[0] != asked:
        kept = asked, found_in(view, words)
        st.session_state["document_findings"] = kept
    findings: list[Finding] = kept[1]
    return findings
