"""Where the chat is: all of it stands in the address, so that a reload or a second tab shows the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from ui.parts.references import Reference, reference_of

__all__ = ["Address", "address", "address_of", "go", "parameters"]

KEPT: Final = "chat.address"
NAMES: Final = frozenset(
    {"thread", "incognito", "document", "collection", "route", "spoilers", "turn", "cite", "part"}
)
"""Of the parameters; what else stands in the address is left as it is."""


@dataclass(frozen=True, slots=True)
class Address:
    """What the page shows, and what the next question is asked of.

    Attributes:
        thread: Name of the conversation, "" for a new one.
        incognito: Whether it is one that is written nowhere.
        documents: Ids of those that are asked.
        collections: Names of those whose documents are asked; with no document either, all are.
        route: How it is looked up.
        no_spoilers: Whether only what has been read may answer.
        turn: One that is to be seen, 0 for the latest.
        cite: What is open beside its answer.
        part: Which page or stretch of its document, 0 for the one with the quote.
    """

    thread: str = ""
    incognito: bool = False
    documents: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    route: str = "auto"
    no_spoilers: bool = False
    turn: int = 0
    cite: Reference | None = None
    part: int = 0


def address_of(found: Mapping[str, Sequence[str]]) -> Address:
    """What an address means; what means nothing in it is passed over."""

    def last(name: str) -> str:
        return found[name][-1] if found.get(name) else ""

    return Address(
        thread=last("thread"),
        incognito=last("incognito") == "1",
        documents=tuple(dict.fromkeys(found.get("document", ()))),
        collections=tuple(dict.fromkeys(found.get("collection", ()))),
        route=last("route") or "auto",
        no_spoilers=last("spoilers") == "no",
        turn=_number(last("turn")),
        cite=reference_of(last("cite")),
        part=_number(last("part")),
    )


def parameters(to: Address) -> dict[str, str | list[str]]:
    """The same the other way round; what is as ever is left out."""
    found: dict[str, str | list[str]] = {
        "thread": to.thread,
        "incognito": "1" if to.incognito else "",
        "document": list(to.documents),
        "collection": list(to.collections),
        "route": to.route if to.route != "auto" else "",
        "spoilers": "no" if to.no_spoilers else "",
        "turn": str(to.turn or ""),
        "cite": str(to.cite or ""),
        "part": str(to.part or ""),
    }
    return {name: value for name, value in found.items() if value}


def address() -> Address:
    """Where this session is; coming back from another page, where it was."""
    found = address_of({name: st.query_params.get_all(name) for name in st.query_params})
    if found == Address() and found != st.session_state.get(KEPT, found):
        found = st.session_state[KEPT]
        go(found)
    st.session_state[KEPT] = found
    return found


def go(to: Address) -> None:
    """Show something else from the next run on."""
    st.session_state[KEPT] = to
    others: dict[str, str | list[str]] = {
        name: st.query_params.get_all(name) for name in st.query_params if name not in NAMES
    }
    st.query_params.from_dict(others | parameters(to))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
