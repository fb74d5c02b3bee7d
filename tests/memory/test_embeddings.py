import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from memory.embeddings import (
    BATCH,
    delete_orphans,
    delete_other_encoders,
    embed_hash,
    insert_embeddings,
    missing_hashes,
    note_encoder,
    rows_from_blobs,
)
from tests.memory.samples import DIM, add, an_encoder, counts, new_document, row_of

MANY = [embed_hash(f"text {n}") for n in range(2 * BATCH + 7)]


def rows_of(hashes: list[bytes]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.stack([row_of(each) for each in hashes])


def test_an_encoder_keeps_its_key(engine: Engine) -> None:
    first = note_encoder(engine, "model@1", "model", DIM)[0]
    second = note_encoder(engine, "model@2", "model", DIM)[0]
    assert first != second
    assert note_encoder(engine, "model@1", "model", DIM)[0] == first
    assert counts(engine)["encoders"] == 2


def test_missing_is_what_this_encoder_has_not_seen(engine: Engine) -> None:
    one, two = an_encoder(engine, "model@1"), an_encoder(engine, "model@2")
    stored = MANY[::3]
    with engine.begin() as connection:
        for start in range(0, len(stored), 100):
            part = stored[start : start + 100]
            insert_embeddings(connection, one, part, rows_of(part))
    assert missing_hashes(engine, one, MANY) == set(MANY) - set(stored)
    assert missing_hashes(engine, two, MANY) == set(MANY)
    assert missing_hashes(engine, one, []) == set()


def test_a_second_insert_keeps_the_first_row(engine: Engine) -> None:
    encoder = an_encoder(engine)
    with engine.begin() as connection:
        insert_embeddings(connection, encoder, MANY[:2], rows_of(MANY[:2]))
        insert_embeddings(connection, encoder, MANY[:4], np.zeros((4, DIM), np.float32))
        insert_embeddings(connection, encoder, [], np.empty((0, DIM), np.float32))
        blobs = connection.exec_driver_sql("SELECT text_hash, vector FROM embeddings").all()
    found = {blob.text_hash: blob.vector for blob in blobs}
    assert len(found) == 4
    assert rows_from_blobs([found[MANY[0]]], DIM)[0] @ row_of(MANY[0]) == pytest.approx(1, abs=1e-5)


def test_orphans_are_those_that_no_chunk_and_no_sentence_has(engine: Engine) -> None:
    add(engine)
    planned = new_document(engine)
    used = {*planned.chunk_hashes, *planned.sentence_hashes}
    encoder = an_encoder(engine)
    with engine.begin() as connection:
        insert_embeddings(connection, encoder, MANY[:300], rows_of(MANY[:300]))
        delete_orphans(connection, [*used, *MANY])
    assert counts(engine)["embeddings"] == len(used)
    assert missing_hashes(engine, encoder, used) == set()


def test_other_encoders_go_with_their_embeddings(engine: Engine) -> None:
    one, two = an_encoder(engine, "model@1"), an_encoder(engine, "model@2")
    with engine.begin() as connection:
        for encoder in (one, two):
            insert_embeddings(connection, encoder, MANY[:5], rows_of(MANY[:5]))
    delete_other_encoders(engine, two)
    assert (counts(engine)["encoders"], counts(engine)["embeddings"]) == (1, 5)
    assert missing_hashes(engine, two, MANY[:5]) == set()


@given(st.text())
def test_a_hash_is_of_the_text_alone(text: str) -> None:
    assert embed_hash(text) == embed_hash("".join(list(text)))
    assert len(embed_hash(text)) == 16
    assert embed_hash(text) != embed_hash(text + " ")


def test_a_text_that_is_no_unicode_has_a_hash() -> None:
    assert embed_hash("\ud800") != embed_hash("\ud801")


def test_rows_lose_less_than_a_millionth_of_cosine() -> None:
    rows = np.random.default_rng(3).standard_normal((500, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    back = rows_from_blobs([row.astype("<f2").tobytes() for row in rows], 384)
    assert back.dtype == np.float32
    assert np.linalg.norm(back, axis=1) == pytest.approx(np.ones(500), abs=1e-6)
    assert (1 - (back.astype(np.float64) * rows).sum(axis=1)).max() < 1e-6


def test_no_blobs_are_no_rows() -> None:
    assert rows_from_blobs([], DIM).shape == (0, DIM)
