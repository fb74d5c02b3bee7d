"""What was read of a document, and the stores that end with it, by brute force over all that is stored."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine

from memory.node_rows import NodeRowStore
from memory.read_parts import ReadPart, read_parts
from memory.search_rows import Place, SearchRowStore
from memory.tree_store import TreeStore
from retrieval.chunking import chunk_document
from retrieval.document import Span
from retrieval.search import ChunkPlace
from retrieval.words import words
from tests.memory.samples import DIM, SMALL, TEXT, Words, add, add_tree, an_encoder, document, summarise

OTHER = "A cat sat. Another cat ran. Three more cats hid. One cat slept."
CUT = chunk_document(document(), Words(), SMALL)
POSITIONS = range(len(TEXT) + 1)


@pytest.fixture
def keys(engine: Engine) -> tuple[int, int]:
    return add(engine, text=OTHER, path="/books/cats.txt"), add(engine)


def part_of(engine: Engine, key: int, read_to: int) -> ReadPart:
    return read_parts(engine, {key: read_to})[key]


def rows_up_to(engine: Engine, key: int, read_to: int) -> SearchRowStore:
    return SearchRowStore(engine, an_encoder(engine), DIM, read_parts(engine, {key: read_to}))


def test_a_part_is_of_whole_sentences(engine: Engine, keys: tuple[int, int]) -> None:
    chunk_keys = SearchRowStore(engine, 1, DIM).chunk_keys(np.array([keys[1]])).tolist()
    for read_to in POSITIONS:
        part = part_of(engine, keys[1], read_to)
        read = [span for span in CUT.sentences if span.end <= read_to]
        end = read[-1].end if read else 0
        assert (part.sentences, part.end) == (len(read), end)
        assert part.sections == (read_to >= 15) + (end > TEXT.index("Three"))
        whole = [n for n, chunk in enumerate(CUT.chunks) if chunk.end_sentence <= len(read)]
        assert part.chunks == sum(chunk.first_sentence < len(read) for chunk in CUT.chunks)
        assert [k for k in chunk_keys if k <= part.last_chunk] == [chunk_keys[n] for n in whole]
        # The neighbourhood of a chunk holds the one after it.
        around = [n for n in whole if n + 1 in whole or n + 1 == len(CUT.chunks)]
        assert [k for k in chunk_keys if k <= part.last_neighbourhood] == [chunk_keys[n] for n in around]
        behind = CUT.chunks[whole[-1]].span.end if whole else 0
        assert part.tail == set(words(TEXT[min(behind, end) : end]))


def test_rows_end_with_the_part(engine: Engine, keys: tuple[int, int]) -> None:
    other, key = keys
    both = np.array([other, key], np.int64)
    whole = SearchRowStore(engine, an_encoder(engine), DIM)
    all_chunks, all_sentences = whole.chunk_keys(both), whole.sentence_keys(both)
    for read_to in POSITIONS:
        rows = rows_up_to(engine, key, read_to)
        part = rows.read[key]
        chunks, sentences = rows.chunk_keys(both), rows.sentence_keys(both)
        mine = whole.sentence_keys(np.array([key]))
        beyond = set(mine.tolist()) - set(mine[: part.sentences].tolist())
        assert sentences.tolist() == [each for each in all_sentences.tolist() if each not in beyond]
        assert chunks.tolist() == [
            each
            for each in all_chunks.tolist()
            if whole.places(np.array([each]))[each].document == other or each <= part.last_chunk
        ]
        # A chunk that goes on beyond holds what was read of it.
        expected = {
            each: ChunkPlace(place.document, place.first, end)
            for each, place in whole.places(all_chunks).items()
            if (end := place.end if place.document == other else min(place.end, part.sentences)) > place.first
        }
        assert rows.places(all_chunks) == expected
        counts = rows.sentence_tokens([(key, 0, 99), (other, 1, 3)])
        assert list(counts[key]) == list(range(part.sentences))
        assert list(counts[other]) == [1, 2]
        stored = rows.sentences(key, 1, 99)
        assert stored.texts == tuple(TEXT[s.start : s.end] for s in CUT.sentences[1 : part.sentences])
        assert rows.text(key, Span(0, len(TEXT))) == TEXT[: part.end]
        assert rows.text(key, Span(part.end, len(TEXT))) == ""
        assert rows.text(other, Span(0, len(OTHER))) == OTHER
        assert all(span.end <= part.end and span.start < part.end for span in rows.sections(key))
        assert len(rows.sections(key)) == part.sections
        for offset in range(part.end, len(TEXT)):
            assert rows.place(key, offset) == Place((), None)
        if part.end:
            assert rows.place(key, 0) == whole.place(key, 0)


def test_nodes_that_go_on_beyond_are_not_searched(engine: Engine, keys: tuple[int, int]) -> None:
    other, key = keys
    for each in keys:
        tree = add_tree(engine, each)
        summarise(engine, tree)
        assert TreeStore(engine).finish(tree)
    loaded = TreeStore(engine).load(tree)
    assert loaded is not None
    encoder = an_encoder(engine)
    both = np.array([other, key], np.int64)
    whole = NodeRowStore(engine, encoder, DIM)
    of_other = set(whole.node_keys(np.array([other])).tolist())
    assert {node.end_sentence for node in loaded.nodes} == {2, 4, 6}, "leaves of two sentences"
    for sentences in range(7):
        read_to = CUT.sentences[sentences - 1].end if sentences else 0
        parts = read_parts(engine, {key: read_to})
        store = NodeRowStore(engine, encoder, DIM, parts)
        found = set(store.node_keys(both).tolist())
        assert of_other <= found
        assert len(found - of_other) == sum(node.end_sentence <= sentences for node in loaded.nodes)
        for node, chunks in store.chunks_of_nodes(np.array(sorted(found - of_other), np.int64)).items():
            assert chunks == [
                k for k in whole.chunks_of_nodes(np.array([node]))[node] if k <= parts[key].last_chunk
            ]
