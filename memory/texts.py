"""Document texts, kept in stretches so that a span is read without the rest of a long book."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from memory.tables import TextRow
from retrieval.document import Span

__all__ = ["STRETCH", "read_text", "text_rows"]

STRETCH: Final = 16_384
"""Characters of each stretch but the last."""


# Made once: to put a statement together costs more than to run it.
_PARTS: Final = (
    select(TextRow.text)
    .where(
        TextRow.document_key == bindparam("document"),
        TextRow.part >= bindparam("first"),
        TextRow.part <= bindparam("last"),
    )
    .order_by(TextRow.part)
)


def text_rows(text: str) -> list[dict[str, object]]:
    """Rows of `texts` for a document's text, without the document's key."""
    return [
        {"part": part, "text": text[start : start + STRETCH]}
        for part, start in enumerate(range(0, len(text), STRETCH))
    ]


def read_text(connection: Connection, document_key: int, span: Span) -> str:
    """The characters of one span, exactly."""
    first, last = span.start // STRETCH, max(span.end - 1, 0) // STRETCH
    parts = connection.execute(_PARTS, {"document": document_key, "first": first, "last": last}).scalars()
    offset = first * STRETCH
    return "".join(parts)[span.start - offset : span.end - offset]
