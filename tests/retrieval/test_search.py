from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from retrieval.hits import Float32, Hits, Int64
from retrieval.search import ChunkPlace, HybridSearch
from retrieval.vector_index import FaissIndex
from retrieval.words import words

# Two documents of chunks 100 and more, each chunk of two sentences with ten tokens each.
DOCUMENT_OF = {100: 1, 101: 1, 102: 1, 103: 1, 200: 2, 201: 2}
SENTENCES = {chunk * 10 + part: chunk for chunk in DOCUMENT_OF for part in (0, 1)}
AXES = 8


def axis(number: int) -> Float32:
    return np.eye(AXES, dtype=np.float32)[number]


def ids(*numbers: int) -> Int64:
    return np.array(numbers, np.int64)


@dataclass
class Words:
    """Ranks entries by how many of the question's words they hold, then by id."""

    texts: dict[int, str]
    asked: list[list[int] | None] = field(default_factory=list)

    def search(self, query: str, k: int, within_documents: Int64 | None = None) -> Hits:
        self.asked.append(None if within_documents is None else within_documents.tolist())
        counts = {
            id: len(set(words(query)) & set(words(text)))
            for id, text in self.texts.items()
            if within_documents is None or DOCUMENT_OF[id] in within_documents
        }
        found = [(id, count) for id, count in counts.items() if count]
        hits = Hits.ordered(ids(*(id for id, _ in found)), np.array([c for _, c in found], np.float32))
        return Hits(hits.ids[:k], hits.scores[:k])


@dataclass
class Rows:
    """Chunks in order, except those that are gone."""

    gone: set[int] = field(default_factory=set)

    def chunk_keys(self, documents: Int64) -> Int64:
        return ids(*(chunk for chunk, document in DOCUMENT_OF.items() if document in documents))

    def sentence_keys(self, documents: Int64) -> Int64:
        return ids(*(s for s, chunk in SENTENCES.items() if DOCUMENT_OF[chunk] in documents))

    def chunks_of_sentences(self, sentences: Int64) -> Int64:
        return ids(*(-1 if SENTENCES[int(s)] in self.gone else SENTENCES[int(s)] for s in sentences))

    def places(self, chunks: Int64) -> dict[int, ChunkPlace]:
        return {
            int(chunk): ChunkPlace(DOCUMENT_OF[int(chunk)], int(chunk) % 100 * 2, int(chunk) % 100 * 2 + 2)
            for chunk in chunks
            if int(chunk) not in self.gone
        }

    def sentence_tokens(self, ranges: Sequence[tuple[int, int, int]]) -> Mapping[int, Mapping[int, int]]:
        lengths = {1: 8, 2: 4}
        counts: dict[int, dict[int, int]] = {}
        for document, first, end in ranges:
            counts.setdefault(document, {}).update(
                dict.fromkeys(range(max(first, 0), min(end, lengths[document])), 150)
            )
        return counts


def made(
    chunk_rows: Mapping[int, Float32] | None = None,
    sentence_rows: Mapping[int, Float32] | None = None,
    chunk_words: dict[int, str] | None = None,
    neighbourhood_words: dict[int, str] | None = None,
    gone: set[int] | None = None,
) -> HybridSearch:
    indexes = []
    for rows in (chunk_rows or {}, sentence_rows or {}):
        index = FaissIndex.create(AXES)
        if rows:
            index.add(ids(*rows), np.stack(list(rows.values())))
        indexes.append(index)
    return HybridSearch(
        indexes[0],
        indexes[1],
        Words(chunk_words or {}),
        Words(neighbourhood_words or {}),
        Rows(gone or set()),
    )


@pytest.mark.parametrize(
    "side",
    [
        {"chunk_rows": {101: axis(0), 200: axis(1)}},
        {"sentence_rows": {1010: axis(0), 2001: axis(1)}},
        {"chunk_words": {101: "lamp", 200: "river"}},
        {"neighbourhood_words": {101: "lamp", 200: "river"}},
    ],
    ids=["chunk rows", "sentence rows", "chunk words", "neighbourhood words"],
)
def test_each_side_alone_finds_the_chunk(side: dict[str, dict[int, object]]) -> None:
    search = made(**side)  # type: ignore[arg-type]
    assert search.hits("Who lit the lamp?", axis(0)).ids[0] == 101
    best = search.passages("Who lit the lamp?", axis(0), 1)[0]
    assert best.document == 1
    assert best.first <= 2 < 4 <= best.end


def test_what_several_sides_see_comes_before_what_one_side_sees() -> None:
    near = (axis(0) + axis(1)) / np.sqrt(np.float32(2))
    search = made(
        chunk_rows={100: axis(0), 201: near},
        sentence_rows={2010: axis(0)},
        chunk_words={201: "lamp"},
        neighbourhood_words={200: "lamp", 201: "lamp"},
    )
    assert search.hits("lamp", axis(0)).ids.tolist() == [201, 100, 200]


def test_a_chunk_counts_once_however_many_of_its_sentences_are_near() -> None:
    both = {1000: axis(0), 1001: axis(0)}
    twice = made(sentence_rows=both).hits("nothing", axis(0))
    once = made(sentence_rows={1000: axis(0)}).hits("nothing", axis(0))
    assert twice.ids.tolist() == once.ids.tolist() == [100]
    assert twice.scores.tolist() == once.scores.tolist()


def test_the_filter_holds_on_every_side() -> None:
    every = dict.fromkeys(DOCUMENT_OF, "lamp")
    search = made(
        chunk_rows={chunk: axis(n) for n, chunk in enumerate(DOCUMENT_OF)},
        sentence_rows={sentence: axis(n % AXES) for n, sentence in enumerate(SENTENCES)},
        chunk_words=every,
        neighbourhood_words=dict(every),
    )
    assert set(search.hits("lamp", axis(0), ids(2)).ids.tolist()) == {200, 201}
    assert {p.document for p in search.passages("lamp", axis(0), 10, ids(2))} == {2}
    assert {p.document for p in search.passages("lamp", axis(0), 10)} == {1, 2}
    assert isinstance(search.chunk_words, Words)
    assert search.chunk_words.asked == [[2], [2], None]
    # No document at all is not the same as no filter.
    assert search.passages("lamp", axis(0), 10, ids()) == []


def test_chunks_that_are_gone_are_left_out() -> None:
    search = made(chunk_words={100: "lamp lit", 200: "lamp"}, sentence_rows={1000: axis(0)}, gone={100})
    found = search.passages("lamp lit", axis(0), 5)
    assert [p.document for p in found] == [2]


def test_passages_are_as_many_as_wanted_best_first_and_of_whole_sentences() -> None:
    search = made(chunk_words={100: "lamp lit river", 103: "lamp lit", 200: "lamp"})
    found = search.passages("lamp lit river", axis(0), 2)
    # Sentences of 150 tokens: each chunk fills its passage of 300 alone.
    assert [(p.document, p.first, p.end) for p in found] == [(1, 0, 2), (1, 6, 8)]
    assert found[0].score > found[1].score
    assert len(search.passages("lamp lit river", axis(0), 50)) == 3


def test_nothing_found_is_an_empty_answer() -> None:
    assert made().passages("lamp", axis(0), 5) == []
    assert len(made().hits("lamp", axis(0))) == 0
