"""What search reads from SQL: where hits stand, the sentences around them, their texts and embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Engine, and_, bindparam, func, select

from memory.embeddings import rows_from_blobs
from memory.layouts import Layouts
from memory.read_parts import ReadPart
from memory.tables import ChunkRow, DocumentRow, EmbeddingRow, SectionRow, SentenceRow
from retrieval.document import Span
from retrieval.hits import Float32, Int64
from retrieval.search import ChunkPlace

__all__ = ["Place", "SearchRowStore", "StoredSentences"]

Item = TypeVar("Item")
VARIABLES: Final = 500


@dataclass(frozen=True, slots=True)
class StoredSentences:
    """Sentences of one document, in order.

    Attributes:
        numbers: Their numbers in the document.
        spans: Where they stand.
        texts: The text of each span, exactly.
        token_counts: Tokens of each.
        rows: Their embeddings, unit rows, shape (n, dim).
    """

    numbers: tuple[int, ...]
    spans: tuple[Span, ...]
    texts: tuple[str, ...]
    token_counts: tuple[int, ...]
    rows: Float32


@dataclass(frozen=True, slots=True)
class Place:
    """What a citation says of an offset: titles of the sections around it, outermost first, and its page."""

    sections: tuple[str, ...]
    page: int | None


class SearchRowStore:
    """The `SearchRows` of one database.

    Args:
        engine: Of the database.
        encoder: Key of the encoder whose embeddings count.
        dim: Their width.
        read: Of some documents, the part that has been read; what is beyond is not there. A chunk that goes
            on beyond is found by its sentences alone, and holds those that were read.
        layouts: Of the same database, kept from one question to the next.
    """

    def __init__(
        self,
        engine: Engine,
        encoder: int,
        dim: int,
        read: Mapping[int, ReadPart] | None = None,
        layouts: Layouts | None = None,
    ) -> None:
        self.engine, self.encoder, self.dim, self.read = engine, encoder, dim, read or {}
        self.layouts = layouts or Layouts(engine)

    def chunk_keys(self, documents: Int64) -> Int64:
        """Keys of all chunks of some documents."""
        read = {d: ChunkRow.key <= self.read[d].last_chunk for d in self.read}
        return self._keys(ChunkRow, documents, read)

    def sentence_keys(self, documents: Int64) -> Int64:
        """Keys of all sentences of some documents."""
        read = {d: SentenceRow.ordinal < self.read[d].sentences for d in self.read}
        return self._keys(SentenceRow, documents, read)

    def chunks_of_sentences(self, sentences: Int64) -> Int64:
        """For each sentence key, the key of the first chunk that it lies in; -1 if it is gone."""
        found: dict[int, int] = {}
        with self.engine.connect() as connection:
            for batch in _batches(sentences.tolist()):
                query = (
                    select(SentenceRow.key, ChunkRow.key)
                    .join(
                        ChunkRow,
                        and_(
                            ChunkRow.document_key == SentenceRow.document_key,
                            ChunkRow.ordinal == SentenceRow.chunk,
                        ),
                    )
                    .where(SentenceRow.key.in_(batch))
                )
                found.update((row[0], row[1]) for row in connection.execute(query))
        return np.array([found.get(int(key), -1) for key in sentences], np.int64)

    def places(self, chunks: Int64) -> dict[int, ChunkPlace]:
        """Where chunks stand; chunks that are gone, or belong to a version not in use, are left out."""
        found: dict[int, ChunkPlace] = {}
        with self.engine.connect() as connection:
            for batch in _batches(chunks.tolist()):
                query = (
                    select(
                        ChunkRow.key, ChunkRow.document_key, ChunkRow.first_sentence, ChunkRow.end_sentence
                    )
                    .join(DocumentRow, DocumentRow.key == ChunkRow.document_key)
                    .where(ChunkRow.key.in_(batch), DocumentRow.state == "ready")
                )
                for key, document, first, end in connection.execute(query):
                    end = min(end, self._sentences_read(document, end))
                    if first < end:
                        found[key] = ChunkPlace(document, first, end)
        return found

    def spans(self, places: Sequence[ChunkPlace]) -> list[Span]:
        """Where the sentences of some places stand in their documents; an empty span for one that is gone."""
        wanted: dict[int, set[int]] = {}
        for place in places:
            wanted.setdefault(place.document, set()).update((place.first, place.end - 1))
        found: dict[tuple[int, int], tuple[int, int]] = {}
        with self.engine.connect() as connection:
            for document, numbers in wanted.items():
                for batch in _batches(sorted(numbers)):
                    query = select(SentenceRow.ordinal, SentenceRow.start, SentenceRow.end).where(
                        SentenceRow.document_key == document, SentenceRow.ordinal.in_(batch)
                    )
                    found.update(((document, n), (start, end)) for n, start, end in connection.execute(query))
        ends = [(found.get((p.document, p.first)), found.get((p.document, p.end - 1))) for p in places]
        return [Span(first[0], last[1]) if first and last else Span(0, 0) for first, last in ends]

    def sentence_tokens(self, ranges: Sequence[tuple[int, int, int]]) -> Mapping[int, Mapping[int, int]]:
        """For each (document, first, end), the token counts of these sentences by number."""
        counts: dict[int, dict[int, int]] = {document: {} for document, _, _ in ranges}
        for document, first, end in _joined(ranges):
            known = self.layouts.of(document).tokens
            end = min(end, self._sentences_read(document, end), len(known))
            counts[document].update(zip(range(first, end), known[first:end].tolist(), strict=True))
        return counts

    def sentences(self, document: int, first: int, end: int) -> StoredSentences:
        """The sentences `first` to `end` (exclusive) of a document with texts and embeddings."""
        end = min(end, self._sentences_read(document, end))
        with self.engine.connect() as connection:
            values = {"document": document, "first": first, "end": end, "encoder": self.encoder}
            found = connection.execute(_SENTENCES, values).all()
        if not found:
            return StoredSentences((), (), (), (), np.empty((0, self.dim), np.float32))
        whole = Span(found[0].start, found[-1].end)
        text = self.layouts.text(document, whole)
        spans = tuple(Span(row.start, row.end) for row in found)
        return StoredSentences(
            numbers=tuple(row.ordinal for row in found),
            spans=spans,
            texts=tuple(text[s.start - whole.start : s.end - whole.start] for s in spans),
            token_counts=tuple(row.token_count for row in found),
            rows=rows_from_blobs([row.vector for row in found], self.dim),
        )

    def text(self, document: int, span: Span) -> str:
        """The characters of a span, read from the stored text."""
        if (part := self.read.get(document)) is not None:
            span = Span(min(span.start, part.end), min(span.end, part.end))
        return self.layouts.text(document, span)

    def place(self, document: int, offset: int) -> Place:
        """The sections and the page that an offset lies in."""
        if document in self.read and offset >= self.read[document].end:
            return Place((), None)
        layout = self.layouts.of(document)
        return Place(layout.titles(offset), layout.page(offset))

    def sections(self, document: int) -> list[Span]:
        """Where the sections of a document stand, each before those within it."""
        return [Span(start, end) for _, start, end in self.titled_sections(document)]

    def titled_sections(self, document: int) -> list[tuple[str, int, int]]:
        """Title, start and end of the sections of a document, each before those within it."""
        part = self.read.get(document)
        query = select(SectionRow.title, SectionRow.start, SectionRow.end).where(
            SectionRow.document_key == document
        )
        with self.engine.connect() as connection:
            rows = [(*row,) for row in connection.execute(query.order_by(SectionRow.ordinal))]
        if part is None:
            return rows
        return [(title, start, min(end, part.end)) for title, start, end in rows if start < part.end]

    def _sentences_read(self, document: int, all_of_them: int) -> int:
        part = self.read.get(document)
        return all_of_them if part is None else part.sentences

    def _keys(
        self,
        table: type[ChunkRow] | type[SentenceRow],
        documents: Int64,
        read: Mapping[int, ColumnElement[bool]],
    ) -> Int64:
        """Ascending. What is written together has keys in one run, and its ends are read in a hundredth."""
        found: list[Int64] = []
        bounds = select(table.document_key, func.min(table.key), func.max(table.key), func.count())
        asked = documents.tolist()
        wheres: list[ColumnElement[bool]]
        wheres = [table.document_key.in_(batch) for batch in _batches(d for d in asked if d not in read)]
        wheres += [and_(table.document_key == d, read[d]) for d in asked if d in read]
        with self.engine.connect() as connection:
            for where in wheres:
                query = bounds.where(where).group_by(table.document_key)
                for document, first, last, count in connection.execute(query).all():
                    if last - first + 1 == count:
                        found.append(np.arange(first, last + 1))
                        continue
                    keys = select(table.key).where(where, table.document_key == document)
                    found.append(np.fromiter(connection.execute(keys).scalars(), np.int64))
        return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)


# Made once: to put a statement together costs more than to run it.
_SENTENCES: Final = (
    select(
        SentenceRow.ordinal,
        SentenceRow.start,
        SentenceRow.end,
        SentenceRow.token_count,
        EmbeddingRow.vector,
    )
    .join(
        EmbeddingRow,
        and_(
            EmbeddingRow.text_hash == SentenceRow.text_hash,
            EmbeddingRow.encoder_key == bindparam("encoder"),
        ),
    )
    .where(
        SentenceRow.document_key == bindparam("document"),
        SentenceRow.ordinal >= bindparam("first"),
        SentenceRow.ordinal < bindparam("end"),
    )
    .order_by(SentenceRow.ordinal)
)


def _joined(ranges: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Overlapping ranges made one."""
    joined: list[tuple[int, int, int]] = []
    for document, first, end in sorted(ranges):
        if joined and joined[-1][0] == document and joined[-1][2] >= first:
            joined[-1] = (document, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((document, first, end))
    return joined


def _batches(items: Iterable[Item], size: int = VARIABLES) -> Iterator[list[Item]]:
    ordered = list(items)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))
