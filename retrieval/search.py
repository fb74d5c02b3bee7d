"""Hybrid search: each chunk is looked at from four sides, the rankings are fused, the hits made passages.

Where it is switched on, the summary trees are a fifth side (`retrieval.collapsed_tree`).

The sides: the chunk's embedding, its words (BM25), the embedding of its best sentence, and the words of its
neighbourhood (the chunk with the one before and the one after). A place that is hard to see from one side,
because its words or its subject stand a paragraph away, is often plain from another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from retrieval.collapsed_tree import CollapsedTree
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.hits import Float32, Hits, Int64
from retrieval.passages import Neighbourhood, Passage, build_passages
from retrieval.vector_index import VectorIndex

__all__ = ["ChunkPlace", "HybridSearch", "SearchRows", "WordIndex"]

DEPTH: Final = 200
"""Hits taken from each side."""

WEIGHTS: Final = (2.0, 2.0, 1.0, 1.0)
"""Of the chunk's embedding, its words, its best sentence, its neighbourhood's words: a view of the chunk
itself counts twice a view of its part or its surroundings. Taken with the rank constant, see there."""

COLLAPSED_WEIGHT: Final = 0.5
"""Of the summary trees, where they are searched: the best in tests/benchmarks/collapsed_tree_choice.py, by a
margin of one or two questions, which is why they are not searched by default."""

REACH: Final = 24
"""Sentences looked at on each side of a hit to fill up its passage."""


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk stands: its document's key and its sentences, `first` to `end` (exclusive)."""

    document: int
    first: int
    end: int


class WordIndex(Protocol):
    """What search needs of a lexical index."""

    def search(self, query: str, k: int, within_documents: Int64 | None = None) -> Hits:
        """The `k` best entries for the words of a question, of those documents alone."""


class SearchRows(Protocol):
    """What search asks of the store."""

    def chunk_keys(self, documents: Int64) -> Int64:
        """Keys of all chunks of some documents."""

    def sentence_keys(self, documents: Int64) -> Int64:
        """Keys of all sentences of some documents."""

    def chunks_of_sentences(self, sentences: Int64) -> Int64:
        """For each sentence key, the key of the chunk that it lies in; -1 if it is gone."""

    def places(self, chunks: Int64) -> dict[int, ChunkPlace]:
        """Where chunks stand; chunks that are gone are left out."""

    def sentence_tokens(self, ranges: Sequence[tuple[int, int, int]]) -> Mapping[int, Mapping[int, int]]:
        """For each (document, first, end), the token counts of these sentences by number."""


@dataclass(frozen=True, slots=True)
class HybridSearch:
    """The four sides, the summary trees if they are searched as well, and the rows behind them."""

    chunks: VectorIndex
    sentences: VectorIndex
    chunk_words: WordIndex
    neighbourhood_words: WordIndex
    rows: SearchRows
    collapsed: CollapsedTree | None = None

    def passages(
        self, question: str, row: Float32, count: int, documents: Int64 | None = None
    ) -> list[Passage]:
        """Find the best `count` passages for a question.

        Args:
            question: Its words.
            row: Its embedding, shape (dim,), unit length.
            count: Passages wanted; fewer come back if there are fewer.
            documents: Keys of the documents to search; all when None.
        """
        if documents is not None and len(documents) == 0:
            return []
        return self.passages_of(self.hits(question, row, documents), count)

    def passages_of(self, fused: Hits, count: int) -> list[Passage]:
        """The best `count` passages of a ranking of chunks."""
        keys = fused.ids[: 6 * count + 20]
        places = self.rows.places(keys)
        hits = [
            Neighbourhood(place.document, place.first, place.end, float(score))
            for key, score in zip(keys, fused.scores, strict=False)
            if (place := places.get(int(key))) is not None
        ]
        tokens = self.rows.sentence_tokens(
            [(h.document, max(h.first - REACH, 0), h.end + REACH) for h in hits]
        )
        # A document can be removed by another process between these lines.
        whole = [h for h in hits if all(n in tokens.get(h.document, {}) for n in range(h.first, h.end))]
        return build_passages(whole, tokens, count)

    def hits(self, question: str, row: Float32, documents: Int64 | None = None) -> Hits:
        """The fused ranking of chunks."""
        rankings = list(zip(self.sides(question, row, documents), WEIGHTS, strict=True))
        if self.collapsed is not None:
            rankings.append((self.collapsed.ranking(row, DEPTH, documents), COLLAPSED_WEIGHT))
        return reciprocal_rank_fusion(rankings)

    def sides(self, question: str, row: Float32, documents: Int64 | None = None) -> list[Int64]:
        """Keys of chunks, best first, as seen from each side, in the order of `WEIGHTS`."""
        chunks_within = None if documents is None else self.rows.chunk_keys(documents)
        sentences_within = None if documents is None else self.rows.sentence_keys(documents)
        rows = np.ascontiguousarray(row[None, :])
        dense = self.chunks.search(rows, DEPTH, chunks_within)[0].ids
        sentences = self.sentences.search(rows, 2 * DEPTH, sentences_within)[0].ids
        return [
            dense,
            self.chunk_words.search(question, DEPTH, documents).ids,
            _first_of_each(self.rows.chunks_of_sentences(sentences))[:DEPTH],
            self.neighbourhood_words.search(question, DEPTH, documents).ids,
        ]


def _first_of_each(keys: Int64) -> Int64:
    """The keys in order, without repeats and without -1."""
    kept = keys[keys >= 0]
    _, first = np.unique(kept, return_index=True)
    return kept[np.sort(first)]
