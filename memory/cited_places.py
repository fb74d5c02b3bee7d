"""Where citations that a turn has kept stand now: their quotes, sections and pages, read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Engine, bindparam, select

from memory.conversation_tables import ThreadRow, TurnRow, UserRow
from memory.moments import in_utc
from memory.search_rows import SearchRowStore
from memory.tables import DocumentRow
from memory.threads import storable
from retrieval.document import Span

__all__ = ["CitedDocument", "CitedPlaces", "CitedTurn"]

_DOCUMENT: Final = select(DocumentRow.key, DocumentRow.title, DocumentRow.content_hash).where(
    DocumentRow.id == bindparam("id"), DocumentRow.owner == bindparam("owner"), DocumentRow.state == "ready"
)
_TURN: Final = (
    select(TurnRow.run, TurnRow.question, TurnRow.answer, TurnRow.speaker, TurnRow.asked_at)
    .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
    .join(UserRow, UserRow.key == ThreadRow.user_key)
    .where(
        UserRow.name == bindparam("user"),
        ThreadRow.name == bindparam("thread"),
        TurnRow.ordinal == bindparam("ordinal"),
    )
)


@dataclass(frozen=True, slots=True)
class CitedDocument:
    """A place in a document; `sections` outermost first, `quote` "" where the document has changed since."""

    title: str
    sections: tuple[str, ...]
    page: int | None
    quote: str


@dataclass(frozen=True, slots=True)
class CitedTurn:
    """A place in what was said."""

    speaker: str
    at: datetime
    quote: str


class CitedPlaces:
    """Reads citations of one user, each document and turn once.

    Args:
        engine: Of the database.
        user: What belongs to others is as if it were not there.
    """

    def __init__(self, engine: Engine, user: str) -> None:
        self._engine, self._user = engine, storable(user)
        self._rows = SearchRowStore(engine, encoder=0, dim=0)  # no embedding is read
        self._documents: dict[str, tuple[int, str, str] | None] = {}

    def document(self, id: str, span: Span, versions: Mapping[str, str]) -> CitedDocument | None:
        """A place in a document, None if it is gone.

        Args:
            id: Of the document.
            span: In the version that was cited.
            versions: The content hashes of the versions that were cited, by id, where they are known.
        """
        found = self._document(id)
        if found is None:
            return None
        key, title, version = found
        if versions.get(id, version) != version:
            return CitedDocument(title, (), None, "")
        place = self._rows.place(key, span.start)
        return CitedDocument(title, place.sections, place.page, self._rows.text(key, span))

    def turn(
        self, thread: str, ordinal: int, side: Literal["question", "answer"], span: Span, run: str = ""
    ) -> CitedTurn | None:
        """A place in a turn, None if it is gone.

        `run` names the asking that was cited, "" where that is not known: after a turn was taken back, its
        number is that of another.
        """
        place = {"user": self._user, "thread": storable(thread), "ordinal": ordinal}
        with self._engine.connect() as connection:
            row = connection.execute(_TURN, place).first()
        if row is None or run not in ("", row.run):
            return None
        text = row.answer if side == "answer" else row.question
        return CitedTurn(row.speaker, in_utc(row.asked_at), text[span.start : span.end])

    def _document(self, id: str) -> tuple[int, str, str] | None:
        if id not in self._documents:
            with self._engine.connect() as connection:
                row = connection.execute(_DOCUMENT, {"id": id, "owner": self._user}).first()
            self._documents[id] = None if row is None else (row.key, row.title, row.content_hash)
        return self._documents[id]
