"""What of a document has been read: whole sentences from its beginning on, and what follows for its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from memory.tables import ChunkRow, SectionRow, SentenceRow
from memory.texts import read_text
from retrieval.document import Span
from retrieval.words import words

__all__ = ["ReadPart", "read_parts"]


@dataclass(frozen=True, slots=True)
class ReadPart:
    """The beginning of a document.

    Attributes:
        sentences: How many; one that goes on beyond the position is not among them.
        end: Where the last of them ends, in characters.
        sections: Sections that begin in them.
        chunks: Chunks that begin in them.
        last_chunk: The greatest key up to which every chunk lies in them, 0 if none does.
        last_neighbourhood: Likewise with the chunk after each.
        tail: The words behind that last chunk, which no chunk holds that is searched.
    """

    sentences: int
    end: int
    sections: int
    chunks: int
    last_chunk: int
    last_neighbourhood: int
    tail: frozenset[str]


def read_parts(engine: Engine, read_to: Mapping[int, int]) -> dict[int, ReadPart]:
    """What of some documents, by key, stands before an offset."""
    with engine.connect() as connection:
        return {key: _read_part(connection, key, offset) for key, offset in read_to.items()}


def _read_part(connection: Connection, document: int, read_to: int) -> ReadPart:
    of_sentences = select(func.count(), func.max(SentenceRow.end)).where(
        SentenceRow.document_key == document, SentenceRow.end <= read_to
    )
    sentences, end = connection.execute(of_sentences).one()
    end = end or 0
    of_sections = select(func.count()).where(SectionRow.document_key == document, SectionRow.start < end)
    begun = select(func.count()).where(ChunkRow.document_key == document, ChunkRow.first_sentence < sentences)
    last_chunk, all_of_them = _last_chunk(connection, document, sentences)
    whole = select(func.max(ChunkRow.ordinal), func.max(ChunkRow.end)).where(
        ChunkRow.document_key == document, ChunkRow.key <= last_chunk
    )
    ordinal, chunks_end = connection.execute(whole).one()
    # The neighbourhood of the last whole chunk holds the one after, which is not.
    before = select(func.max(ChunkRow.key)).where(
        ChunkRow.document_key == document, ChunkRow.ordinal < (ordinal or 0)
    )
    last_neighbourhood = last_chunk if all_of_them else connection.execute(before).scalar() or 0
    tail = Span(min(chunks_end or 0, end), end)
    return ReadPart(
        sentences=sentences,
        end=end,
        sections=connection.execute(of_sections).scalar_one(),
        chunks=connection.execute(begun).scalar_one(),
        last_chunk=last_chunk,
        last_neighbourhood=last_neighbourhood,
        tail=frozenset(words(read_text(connection, document, tail))),
    )


def _last_chunk(connection: Connection, document: int, sentences: int) -> tuple[int, bool]:
    """The key of the last chunk within these sentences, and whether that is the last of all.

    Keys ascend in the order of the text; should they ever not, fewer chunks are searched, never more.
    """
    within = select(func.max(ChunkRow.key)).where(
        ChunkRow.document_key == document, ChunkRow.end_sentence <= sentences
    )
    beyond = select(func.min(ChunkRow.key)).where(
        ChunkRow.document_key == document, ChunkRow.end_sentence > sentences
    )
    last = connection.execute(within).scalar() or 0
    first_beyond = connection.execute(beyond).scalar()
    return (last, True) if first_beyond is None else (min(last, first_beyond - 1), False)
