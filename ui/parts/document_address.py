"""Where in a document somebody is: all of it stands in the address of the page, so that a reload finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

__all__ = ["SIDES", "DocumentAddress", "document_address", "move"]

SIDES: Final = ("text", "tree", "summaries", "questions")


@dataclass(frozen=True, slots=True)
class DocumentAddress:
    """What the address says.

    Attributes:
        document: Id of it, "" if none is named.
        at: Offset into its text that is to be seen.
        end: Where a quote ends that begins there; None if none is lit up.
        side: Which side of the document is seen, one of `SIDES`.
        node: Of the summary tree, "" for the root.
    """

    document: str = ""
    at: int = 0
    end: int | None = None
    side: str = "text"
    node: str = ""


def document_address() -> DocumentAddress:
    """The address of now; what makes no sense in it counts as if it were not there."""
    asked = st.query_params
    at, end = _number(asked.get("at")), _number(asked.get("quote"))
    side = asked.get("side", SIDES[0])
    return DocumentAddress(
        document=asked.get("document", ""),
        at=at or 0,
        end=end if at is not None and end is not None and end > at else None,
        side=side if side in SIDES else SIDES[0],
        node=asked.get("node", ""),
    )


def move(*, at: int | None = None, side: str | None = None, node: str | None = None) -> None:
    """Go elsewhere in the document; a quote is lit up no longer once another place is meant."""
    if at is not None:
        st.query_params["at"] = str(at)
        st.query_params.pop("quote", None)
    if side is not None:
        st.query_params["side"] = side
    if node is not None:
        st.query_params["node"] = node


def _number(text: str | None) -> int | None:
    """A count that is not absurd, None for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 13 else None
