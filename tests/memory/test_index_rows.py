import numpy as np
import pytest
from sqlalchemy import Engine

from memory.documents import DocumentStore
from memory.errors import DatabaseError
from memory.index_rows import ChunkTexts, IndexRowStore
from memory.tables import ChunkRow, SentenceRow
from retrieval.chunking import chunk_document
from tests.memory.samples import DIM, SMALL, TEXT, Words, add, an_encoder, document, new_document, row_of

OTHER = "A cat sat. Another cat ran. Three more cats hid."
LONG = " ".join(f"Sentence {n} stands here now." for n in range(4_300))


@pytest.fixture
def rows(engine: Engine) -> IndexRowStore:
    return IndexRowStore(engine, an_encoder(engine), DIM)


def test_only_ready_documents_are_indexed(engine: Engine, store: DocumentStore, rows: IndexRowStore) -> None:
    assert rows.documents() == []
    assert rows.keys(ChunkRow).tolist() == rows.keys(SentenceRow).tolist() == []
    first = add(engine)
    store.begin(new_document(engine, text=OTHER, path="/books/pending.txt"))
    third = add(engine, text=OTHER + " It ended.", path="/books/cats.txt")
    assert rows.documents() == [first, third]
    sentences = [rows.vectors(key, SentenceRow)[0].tolist() for key in (first, third)]
    assert rows.keys(SentenceRow).tolist() == sentences[0] + sentences[1]
    assert [len(keys) for keys in sentences] == [6, 4]


def test_vectors_stand_beside_their_keys(engine: Engine, rows: IndexRowStore) -> None:
    key = add(engine)
    planned = new_document(engine)
    for table, hashes in ((ChunkRow, planned.chunk_hashes), (SentenceRow, planned.sentence_hashes)):
        keys, found = rows.vectors(key, table)
        assert keys.tolist() == sorted(keys.tolist())
        expected = np.stack([row_of(each) for each in hashes])
        assert found.dtype == np.float32
        assert (found * expected).sum(axis=1) == pytest.approx(np.ones(len(hashes)), abs=1e-5)


def test_nothing_has_no_vectors(engine: Engine, rows: IndexRowStore) -> None:
    keys, found = rows.vectors(999, ChunkRow)
    assert (keys.shape, found.shape) == ((0,), (0, DIM))
    assert list(rows.chunk_texts(999)) == []


def test_a_document_without_embeddings_of_this_encoder_is_refused(engine: Engine) -> None:
    """An index that silently lacked it would be worse than an error."""
    key = add(engine)
    other = IndexRowStore(engine, an_encoder(engine, "model@2"), DIM)
    with pytest.raises(DatabaseError, match="lacks embeddings"):
        other.vectors(key, ChunkRow)


def check(blocks: list[ChunkTexts], text: str, expected_keys: list[int]) -> None:
    spans = [c.span for c in chunk_document(document(text), Words(), SMALL).chunks]
    assert [key for block in blocks for key in block.keys.tolist()] == expected_keys
    assert [each for block in blocks for each in block.texts] == [text[s.start : s.end] for s in spans]
    neighbourhoods = [
        text[spans[max(n - 1, 0)].start : spans[min(n + 1, len(spans) - 1)].end] for n in range(len(spans))
    ]
    assert [each for block in blocks for each in block.neighbourhoods] == neighbourhoods


def test_chunks_with_what_stands_before_and_after(engine: Engine, rows: IndexRowStore) -> None:
    key = add(engine)
    check(list(rows.chunk_texts(key)), TEXT, rows.vectors(key, ChunkRow)[0].tolist())


def test_a_single_chunk_is_its_own_neighbourhood(engine: Engine, rows: IndexRowStore) -> None:
    key = add(engine, text="One lamp burns.")
    (block,) = rows.chunk_texts(key)
    assert block.texts == block.neighbourhoods == ("One lamp burns.",)


def test_long_documents_come_in_blocks_with_neighbours_across_them(
    engine: Engine, rows: IndexRowStore
) -> None:
    key = add(engine, text=LONG)
    blocks = list(rows.chunk_texts(key))
    assert len(blocks) >= 2
    check(blocks, LONG, rows.vectors(key, ChunkRow)[0].tolist())
