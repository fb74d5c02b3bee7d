from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import Engine, delete, update

from memory.documents import DocumentStore
from memory.search_rows import Place, SearchRowStore
from memory.tables import SentenceRow
from retrieval.chunking import chunk_document
from retrieval.document import Span
from retrieval.hits import Int64
from retrieval.search import ChunkPlace
from tests.memory.samples import DIM, SMALL, TEXT, Words, add, an_encoder, document, new_document, row_of

OTHER = "A cat sat. Another cat ran. Three more cats hid. One cat slept."
SENTENCES = ["One lamp burns.", "Two lamps burn.", "Three rivers rise.", "Four rivers fall."]


def ids(numbers: Sequence[int]) -> Int64:
    return np.array(numbers, np.int64)


@pytest.fixture
def two(engine: Engine) -> tuple[int, int]:
    """Keys of two documents."""
    return add(engine), add(engine, text=OTHER, path="/books/cats.txt", title="Cats")


@pytest.fixture
def rows(engine: Engine) -> SearchRowStore:
    return SearchRowStore(engine, an_encoder(engine), DIM)


def test_keys_are_those_of_the_documents_alone(two: tuple[int, int], rows: SearchRowStore) -> None:
    first, second = two
    chunks = [rows.chunk_keys(ids([key])).tolist() for key in (first, second)]
    assert len(chunks[0]) == len(chunk_document(document(), Words(), SMALL).chunks)
    assert not set(chunks[0]) & set(chunks[1])
    assert sorted(rows.chunk_keys(ids([first, second])).tolist()) == sorted(chunks[0] + chunks[1])
    assert len(rows.sentence_keys(ids([first]))) == 6
    assert len(rows.sentence_keys(ids([second]))) == 4
    assert rows.chunk_keys(ids([])).tolist() == rows.chunk_keys(ids([999])).tolist() == []


def test_keys_need_not_be_in_one_run(engine: Engine, two: tuple[int, int], rows: SearchRowStore) -> None:
    """Two programs that write at once can get keys in turn."""
    first, second = two
    before = rows.sentence_keys(ids([first])).tolist()
    taken = rows.sentence_keys(ids([second])).tolist()
    assert before + taken == sorted(before + taken)
    with engine.begin() as connection:
        connection.execute(delete(SentenceRow).where(SentenceRow.key.in_([before[2], taken[-1]])))
        connection.execute(update(SentenceRow).where(SentenceRow.key == before[1]).values(key=taken[-1]))
    assert rows.sentence_keys(ids([first])).tolist() == [before[0], *before[3:], taken[-1]]
    assert rows.sentence_keys(ids([second])).tolist() == taken[:-1]
    assert rows.sentence_keys(ids([second, first])).tolist() == [before[0], *before[3:], *taken]


def test_places_say_which_sentences_a_chunk_holds(two: tuple[int, int], rows: SearchRowStore) -> None:
    first, _ = two
    keys = rows.chunk_keys(ids([first]))
    expected = [
        ChunkPlace(first, chunk.first_sentence, chunk.end_sentence)
        for chunk in chunk_document(document(), Words(), SMALL).chunks
    ]
    assert list(rows.places(np.sort(keys)).values()) == expected
    assert rows.places(ids([999_999])) == {}


def test_places_leave_out_what_is_not_in_use(
    engine: Engine, store: DocumentStore, rows: SearchRowStore
) -> None:
    pending = store.begin(new_document(engine))
    keys = rows.chunk_keys(ids([pending]))
    assert len(keys) > 0
    assert rows.places(keys) == {}


def test_each_sentence_has_its_first_chunk(two: tuple[int, int], rows: SearchRowStore) -> None:
    first, _ = two
    chunked = chunk_document(document(), Words(), SMALL)
    chunk_keys = np.sort(rows.chunk_keys(ids([first]))).tolist()
    sentence_keys = np.sort(rows.sentence_keys(ids([first]))).tolist()
    expected = [
        next(
            key
            for key, chunk in zip(chunk_keys, chunked.chunks, strict=True)
            if chunk.first_sentence <= n < chunk.end_sentence
        )
        for n in range(6)
    ]
    asked = [sentence_keys[3], 999_999, *sentence_keys, sentence_keys[3]]
    found = rows.chunks_of_sentences(ids(asked)).tolist()
    assert found == [expected[3], -1, *expected, expected[3]]
    assert rows.chunks_of_sentences(ids([])).tolist() == []


def test_many_keys_are_asked_for_in_batches(two: tuple[int, int], rows: SearchRowStore) -> None:
    keys = np.sort(rows.sentence_keys(ids([two[0]])))
    many = np.concatenate([np.arange(100_000, 101_300), keys])
    assert rows.chunks_of_sentences(many)[-6:].tolist() == rows.chunks_of_sentences(keys).tolist()
    chunks = rows.chunk_keys(ids([two[0]]))
    assert rows.places(np.concatenate([np.arange(100_000, 101_300), chunks])) == rows.places(chunks)


def test_token_counts_of_ranges(two: tuple[int, int], rows: SearchRowStore) -> None:
    first, second = two
    counts = rows.sentence_tokens([(first, 0, 2), (second, 2, 99), (first, 1, 3), (first, 5, 6)])
    assert counts == {first: {0: 3, 1: 3, 2: 3, 5: 3}, second: {2: 4, 3: 3}}
    assert rows.sentence_tokens([(999, 0, 5)]) == {999: {}}
    assert rows.sentence_tokens([]) == {}
    many = [(first, n, n + 1) for n in range(0, 2_000, 2)]
    assert rows.sentence_tokens(many) == {first: {0: 3, 2: 3, 4: 3}}


def test_sentences_with_texts_and_rows(two: tuple[int, int], rows: SearchRowStore, engine: Engine) -> None:
    found = rows.sentences(two[0], 1, 4)
    assert found.numbers == (1, 2, 3)
    assert found.texts == tuple(SENTENCES[1:])
    assert tuple(TEXT[span.start : span.end] for span in found.spans) == found.texts
    assert found.token_counts == (3, 3, 3)
    expected = [row_of(text_hash) for text_hash in new_document(engine).sentence_hashes[1:4]]
    assert (found.rows * np.stack(expected)).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert rows.text(two[0], found.spans[0]) == SENTENCES[1]


def test_no_sentences_are_an_empty_answer(two: tuple[int, int], rows: SearchRowStore) -> None:
    for document_key, first, end in ((two[0], 50, 60), (999, 0, 9), (two[0], 2, 2)):
        found = rows.sentences(document_key, first, end)
        assert (found.numbers, found.spans, found.texts) == ((), (), ())
        assert found.rows.shape == (0, DIM)


def test_embeddings_of_another_encoder_do_not_count(two: tuple[int, int], engine: Engine) -> None:
    other = SearchRowStore(engine, an_encoder(engine, "model@2"), DIM)
    assert other.sentences(two[0], 0, 9).numbers == ()


def test_a_place_names_sections_and_page(two: tuple[int, int], rows: SearchRowStore) -> None:
    middle = TEXT.index("Three")
    assert rows.place(two[0], 0) == Place(("All",), 1)
    assert rows.place(two[0], middle - 1) == Place(("All",), 1)
    assert rows.place(two[0], middle) == Place(("All", "Rivers"), 3)
    assert rows.place(two[0], len(TEXT) - 1) == Place(("All", "Rivers"), 3)
    # Behind the last character there is no section, and the page is the last one that was begun.
    assert rows.place(two[0], len(TEXT)) == Place((), 3)
    assert rows.place(999, 0) == Place((), None)


def test_a_text_is_read_by_span(two: tuple[int, int], rows: SearchRowStore) -> None:
    assert rows.text(two[1], Span(0, 10)) == "A cat sat."
    assert rows.text(two[1], Span(3, 3)) == ""
