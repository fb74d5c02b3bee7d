"""What a user has read of the documents that are asked, and the views in which nothing else is there.

A question without spoilers is answered by the same steps as any other. What they look at ends where the
reading has: the stores, the indexes, the trees and the records of documents; what Clew has answered from
beyond it is not recalled. A document of which no position is known counts as unread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Engine

from app.errors import PositionError
from app.indexing import SearchIndexes
from memory.documents import DocumentRecord
from memory.node_rows import NodeRowStore
from memory.partial_trees import tree_of_part
from memory.read_parts import ReadPart, read_parts
from memory.reading_positions import ReadingPosition
from memory.search_rows import SearchRowStore
from memory.trees import SummaryTree
from retrieval.bounded_words import BoundedWords
from retrieval.collapsed_tree import CollapsedTree
from retrieval.search import HybridSearch

__all__ = ["NO_POSITION", "Reading", "reading_of"]

NO_POSITION: Final = "how far you have read is not known (`clew memory position`), so nothing was held back"
"""What is noted of a question that may have asked for no spoilers."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What of the documents that are asked has been read.

    Attributes:
        whole: The documents that a position is known of, as they are.
        parts: By key, of those that were not read to their end: what was read.
        read_to: By id and version, the position in every document that one is known of.
        left_out: How many documents are not asked, none being known of them.
        note: What is to be said of it.
    """

    whole: tuple[DocumentRecord, ...]
    parts: Mapping[int, ReadPart]
    read_to: Mapping[tuple[str, str], int]
    left_out: int
    note: str

    @property
    def documents(self) -> list[DocumentRecord]:
        """The documents as far as they were read."""
        return [
            replace(record, characters=part.end, sections=part.sections, chunks=part.chunks)
            if (part := self.parts.get(record.key)) is not None
            else record
            for record in self.whole
        ]

    @property
    def all_of_it(self) -> bool:
        """Whether nothing has to be kept from the user."""
        return not self.parts and not self.left_out

    @property
    def key(self) -> str:
        """What an answer depends on."""
        return " ".join(f"{id}:{read_to}" for (id, _), read_to in sorted(self.read_to.items()))

    def hides(self, details: Mapping[str, object]) -> bool:
        """Whether an answer, by the details of its turn, may tell of what has not been read.

        A model may tell of all that it was shown, whatever it cites; what it was shown of a version that has
        been replaced is not known to have been read. An answer that rests on another answer does so at second
        hand; one that found nothing may name the places that came closest, and cites none of them.
        """
        match details:
            case {"citations": [_, *_] as citations, "shown": [*shown]}:
                at_second_hand = any(isinstance(c, dict) and c.get("side") == "answer" for c in citations)
                return at_second_hand or not all(map(self._read, shown))
            case _:
                return "citations" in details

    def _read(self, place: object) -> bool:
        match place:
            case {"document": str(document), "version": str(version), "end": int(end)}:
                return end <= self.read_to.get((document, version), -1)
            case _:
                return False

    def rows(self, rows: SearchRowStore) -> SearchRowStore:
        """The same store, ending where the reading has."""
        return SearchRowStore(rows.engine, rows.encoder, rows.dim, self.parts, rows.layouts)

    def words(self, indexes: SearchIndexes) -> tuple[BoundedWords, BoundedWords]:
        """The words of the chunks, and those of their neighbourhoods, that were read whole."""
        tails = frozenset[str]().union(*(part.tail for part in self.parts.values()))
        last = {key: part.last_chunk for key, part in self.parts.items()}
        around = {key: part.last_neighbourhood for key, part in self.parts.items()}
        return (
            BoundedWords(indexes.chunk_words, last, tails),
            BoundedWords(indexes.neighbourhood_words, around),
        )

    def search(self, search: HybridSearch, indexes: SearchIndexes, rows: SearchRowStore) -> HybridSearch:
        """The same search over what was read; `rows` are those of this reading."""
        chunk_words, neighbourhood_words = self.words(indexes)
        collapsed = search.collapsed
        if collapsed is not None:
            nodes = NodeRowStore(rows.engine, rows.encoder, rows.dim, self.parts)
            collapsed = CollapsedTree(collapsed.nodes, collapsed.chunks, nodes)
        return replace(
            search,
            chunk_words=chunk_words,
            neighbourhood_words=neighbourhood_words,
            rows=rows,
            collapsed=collapsed,
        )

    def find_tree(
        self, find: Callable[[DocumentRecord], tuple[SummaryTree, str]], all_rows: SearchRowStore
    ) -> Callable[[DocumentRecord], tuple[SummaryTree, str]]:
        """Gives trees of what was read; they are cut from whole ones, which `find` gives."""
        rows, whole = self.rows(all_rows), {record.key: record for record in self.whole}

        def found(record: DocumentRecord) -> tuple[SummaryTree, str]:
            tree, said = find(whole[record.key])
            part = self.parts.get(record.key)
            if part is None:
                return tree, said
            counts = rows.sentence_tokens([(record.key, 0, part.sentences)])[record.key]
            sections = rows.titled_sections(record.key)
            unread = [title for title, _, _ in all_rows.titled_sections(record.key)[len(sections) :]]
            return tree_of_part(tree, part, counts, sections, unread), said

        return found


def reading_of(
    engine: Engine,
    positions: Sequence[ReadingPosition],
    asked: Sequence[DocumentRecord],
    named: bool,
) -> Reading:
    """What has been read of the documents that are asked.

    Args:
        engine: Of the database.
        positions: Of the user.
        asked: Records of these documents.
        named: Whether they were asked by name; if not, those of which no position is known are left out.

    Raises:
        PositionError: If no position is known of any of them, or of one that was named.
    """
    known = {position.document: position for position in positions}
    unknown = [record for record in asked if record.id not in known]
    if unknown and (named or len(unknown) == len(asked)):
        raise PositionError(
            f"How far you have read {unknown[0].title!r} is not known; say so with "
            f"`clew memory position {unknown[0].id} --percent 40` (or --section, --page, --offset)."
        )
    whole = tuple(record for record in asked if record.id in known)
    begun = {r.key: known[r.id].read_to for r in whole if known[r.id].read_to < r.characters}
    read_to = {(position.document, position.version): position.read_to for position in positions}
    read_to |= {(r.id, r.content_hash): r.characters for r in whole if r.key not in begun}
    return Reading(
        whole=whole,
        parts=read_parts(engine, begun),
        read_to=read_to,
        left_out=len(unknown),
        note=_note(whole, known, len(unknown)),
    )


def _note(whole: Sequence[DocumentRecord], known: Mapping[str, ReadingPosition], left_out: int) -> str:
    """What the step that chooses the route says."""
    if not whole:
        return ""
    if len(whole) == 1:
        share = min(known[whole[0].id].read_to / max(whole[0].characters, 1), 1)
        said = [f"only the {100 * share:.0f} % of {whole[0].title!r} that you have read"]
    else:
        said = [f"only what you have read of {len(whole)} documents"]
    if left_out:
        said.append(f"{left_out} of which no reading position is known left out")
    moved = [record.title for record in whole if known[record.id].carried_over(record)]
    if moved:
        titles = ", ".join(map(repr, moved))
        said.append(f"{titles} changed since; the position was carried over by the sentences around it")
    return "; ".join(said)
