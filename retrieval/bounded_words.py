"""A lexical index of which only the beginning of some documents may be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.hits import Hits, Int64
from retrieval.lexical_index import LexicalIndex

__all__ = ["BoundedWords"]


@dataclass(frozen=True, slots=True)
class BoundedWords:
    """To be used as the index is, for searches within documents that are named.

    Attributes:
        index: Of all documents.
        up_to: Of some documents, the greatest id of an entry that may be seen.
        besides: Terms that may be seen besides, in no entry of their own.
    """

    index: LexicalIndex
    up_to: Mapping[int, int]
    besides: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.index)

    def search(self, query: str, k: int, within_documents: Int64 | None = None) -> Hits:
        """The `k` best entries for the words of a question.

        Raises:
            ValueError: If no documents are named: all of them would be seen whole.
        """
        return self.index.search(query, k, _named(within_documents), self.up_to)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many entries each term occurs, of all documents: how rare it is."""
        return self.index.frequencies(terms)

    def occurring(self, terms: Sequence[str], within_documents: Int64 | None = None) -> frozenset[str]:
        """Those of the terms that occur in what may be seen of some documents; raises as `search` does."""
        found = self.index.occurring(terms, _named(within_documents), self.up_to)
        return found | (self.besides & set(terms))


def _named(documents: Int64 | None) -> Int64:
    if documents is None:
        raise ValueError("bounded words are searched within documents that are named")
    return documents
