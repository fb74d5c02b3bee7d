"""The documents of a library as a list: which of them are shown, in what order, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import streamlit as st

from app.records import DocumentRecord
from ui.parts.amounts import page_ranges
from ui.parts.links import link_to_document
from ui.parts.moments import minute_of, zone
from ui.plain import label
from ui.words import t

__all__ = [
    "ROWS",
    "SORTS",
    "Listed",
    "choose_all",
    "chosen_rows",
    "facts_of",
    "file_name",
    "listed",
    "show_rows",
]

ROWS: Final = 25
TITLE: Final = 120
CHOSEN: Final = "library_chosen_"
TICKED: Final = "library_ticked"
"""Ids of the documents that are chosen, on any page of the list; boxes that are not drawn lose theirs."""

SORTS: Final[Mapping[str, tuple[Callable[[DocumentRecord], Any], bool]]] = {
    "newest": (lambda record: record.added_at, True),
    "oldest": (lambda record: record.added_at, False),
    "title": (lambda record: record.title.casefold(), False),
    "longest": (lambda record: record.characters, True),
}
"""How the list can be sorted: by what, and whether the greatest comes first."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list.

    Attributes:
        rows: The documents on it.
        found: Documents on all pages.
        page: Its number, from 1.
        pages: How many there are, at least 1.
    """

    rows: tuple[DocumentRecord, ...]
    found: int
    page: int
    pages: int


def listed(
    records: Sequence[DocumentRecord],
    words: str = "",
    within: Collection[str] | None = None,
    sort: str = "newest",
    page: int = 1,
) -> Listed:
    """The page of that number, or the nearest one that there is.

    Args:
        records: All documents.
        words: Each must stand in the title or in the name of the file, in any case.
        within: Ids that are meant; None for all.
        sort: A key of `SORTS`.
        page: From 1.
    """
    wanted = words.casefold().split()
    found = [
        record
        for record in records
        if (within is None or record.id in within)
        and all(word in f"{record.title}\n{file_name(record)}".casefold() for word in wanted)
    ]
    key, greatest_first = SORTS[sort]
    found.sort(key=key, reverse=greatest_first)
    pages = max(1, -(-len(found) // ROWS))
    page = min(max(page, 1), pages)
    return Listed(tuple(found[(page - 1) * ROWS : page * ROWS]), len(found), page, pages)


def file_name(record: DocumentRecord) -> str:
    """Of the file that a document comes from."""
    return PurePath(record.path).name


def facts_of(record: DocumentRecord) -> str:
    """What the list says of a document, in Markdown."""
    kind = t(f"library.kind.{KINDS[record.media_type]}") if record.media_type in KINDS else record.media_type
    facts = [label(kind)]
    if record.pages:
        facts.append(t("library.pages", n=f"{record.pages:,}"))
    facts.append(t("library.characters", n=f"{record.characters:,}"))
    facts.append(t("library.added", at=minute_of(record.added_at, zone())))
    facts.append(label(file_name(record), 80))
    return " · ".join(facts)


KINDS: Final = {
    "text/plain": "text",
    "text/markdown": "markdown",
    "text/html": "html",
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}


def show_rows(rows: Sequence[DocumentRecord], collections: Mapping[str, Sequence[str]]) -> None:
    """Draw documents, each with a box to choose it and a link to it.

    Args:
        rows: The documents.
        collections: The names of the collections that a document, named by its id, is in.
    """
    for record in rows:
        with st.container(border=True, gap=None):
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                name = t("library.choose", title=label(record.title, TITLE))
                st.session_state[CHOSEN + record.id] = record.id in _ticked()
                st.checkbox(
                    name,
                    key=CHOSEN + record.id,
                    label_visibility="collapsed",
                    width="content",
                    on_change=_tick,
                    args=(record.id,),
                )
                link_to_document(record.id, None, None, label(record.title, TITLE))
            st.caption(facts_of(record))
            if record.pages_unread:
                pages, n = page_ranges(record.pages_unread), len(record.pages_unread)
                st.caption(f":material/warning: {t('library.unread', n=n, pages=label(pages))}")
            if names := collections.get(record.id):
                within = ", ".join(label(name, 60) for name in names)
                st.caption(f":material/folder: {t('library.in_collections', names=within)}")


def chosen_rows(records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Those of the documents that are ticked, on this page of the list or on another."""
    ticked = _ticked()
    return [record for record in records if record.id in ticked]


def choose_all(records: Sequence[DocumentRecord], chosen: bool) -> None:
    """Tick or clear documents."""
    ids = {record.id for record in records}
    st.session_state[TICKED] = _ticked() | ids if chosen else _ticked() - ids


def _tick(id: str) -> None:
    ticked = st.session_state[CHOSEN + id]
    st.session_state[TICKED] = _ticked() | {id} if ticked else _ticked() - {id}


def _ticked() -> frozenset[str]:
    return frozenset(st.session_state.get(TICKED, ()))
