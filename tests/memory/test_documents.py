from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from memory.collections import CollectionStore
from memory.documents import DocumentStore
from memory.embeddings import embed_hash, missing_hashes
from memory.errors import AmbiguousDocumentError, UnknownDocumentError
from memory.library import library_state
from memory.tables import DocumentRow, UnitRow
from memory.units import UnitStore
from retrieval.chunking import encoder_text
from tests.memory.samples import (
    TEXT,
    add,
    add_collection,
    add_summaries,
    an_encoder,
    counts,
    document,
    encode,
    new_document,
)

LONGER = TEXT + " Seven women work. Eight women rest."


def test_a_document_comes_back_as_it_was(engine: Engine, store: DocumentStore) -> None:
    key = add(engine)
    assert store.load(key) == document()
    (record,) = store.records()
    planned = new_document(engine)
    assert record.key == key
    assert record.id == planned.content_hash[:12]
    assert (record.title, record.path, record.media_type) == ("Lamps", "/books/lamps.txt", "text/plain")
    assert (record.characters, record.sections, record.pages) == (len(TEXT), 2, 3)
    assert record.pages_unread == (2,)
    assert record.chunks == len(planned.chunked.chunks) > 2
    assert (record.content_hash, record.recipe) == (planned.content_hash, "recipe")
    assert timedelta(0) <= datetime.now(UTC) - record.added_at < timedelta(minutes=1)
    assert store.chunk_hashes(key) == list(planned.chunk_hashes)


def test_a_pending_document_is_invisible_until_it_is_finished(engine: Engine, store: DocumentStore) -> None:
    new = new_document(engine)
    key = store.begin(new)
    revision = library_state(engine).revision
    assert store.records() == []
    assert store.ready(new.content_hash) is None
    assert store.replaced_by(new.path, new.content_hash) is None
    assert store.outdated("other") == []
    with pytest.raises(UnknownDocumentError):
        store.resolve(new.content_hash[:12])
    assert store.pending(new.content_hash, "recipe", new.path) == key
    assert store.pending(new.content_hash, "other", new.path) is None
    assert store.pending(new.content_hash, "recipe", "/elsewhere.txt") is None
    encode(engine, key)
    record, replaced = store.finish(key, an_encoder(engine))
    assert (record.key, replaced) == (key, False)
    assert store.pending(new.content_hash, "recipe", new.path) is None
    assert store.ready(new.content_hash) == record == store.records()[0]
    assert library_state(engine).revision == revision + 1


def test_beginning_again_drops_the_older_attempt(engine: Engine, store: DocumentStore) -> None:
    first = store.begin(new_document(engine))
    encode(engine, first, most=1)
    second = store.begin(new_document(engine))
    assert second != first
    # What was encoded already is not planned again.
    assert len(UnitStore(engine).open(second)) == len(new_document(engine).units)
    assert counts(engine)["documents"] == 1
    encode(engine, second)
    store.finish(second, an_encoder(engine))
    once = counts(engine)
    store.remove(second)
    add(engine)
    # The second attempt lacks only the unit that the first has done.
    assert counts(engine) == once | {"units": once["units"] + 1}


def test_a_dropped_attempt_leaves_no_embeddings_behind(engine: Engine, store: DocumentStore) -> None:
    edited = "Quite other words. Nothing like before. No lamp here."
    encode(engine, store.begin(new_document(engine, text=edited)))
    key = add(engine)
    planned = new_document(engine)
    assert counts(engine)["embeddings"] == len({*planned.chunk_hashes, *planned.sentence_hashes})
    store.remove(key)
    assert counts(engine)["embeddings"] == 0


def test_a_changed_file_replaces_its_document_and_keeps_the_id(engine: Engine, store: DocumentStore) -> None:
    old = add(engine)
    id = store.records()[0].id
    new = new_document(engine, text=LONGER)
    assert store.replaced_by(new.path, new.content_hash) == id
    key = store.begin(new)
    # Until it is finished the old one is in use.
    assert [record.key for record in store.records()] == [old]
    assert store.load(old).text == TEXT
    encode(engine, key)
    record, replaced = store.finish(key, an_encoder(engine))
    assert (record.id, replaced) == (id, True)
    assert [r.key for r in store.records()] == [key]
    assert store.load(key).text == LONGER
    fresh = {*new.chunk_hashes, *new.sentence_hashes}
    assert counts(engine)["embeddings"] == len(fresh)
    assert missing_hashes(engine, an_encoder(engine), fresh) == set()


def test_a_changed_file_encodes_only_what_changed(engine: Engine) -> None:
    add(engine)
    planned = {text_hash for unit in new_document(engine, text=LONGER).units for text_hash in unit.hashes}
    whole = new_document(engine, text=LONGER, encoder=an_encoder(engine, "model@2"))
    every = {text_hash for unit in whole.units for text_hash in unit.hashes}
    assert planned < every
    assert {embed_hash("Seven women work."), embed_hash("Eight women rest.")} <= planned
    assert embed_hash("One lamp burns.") not in planned
    assert new_document(engine).units == []


def test_the_same_bytes_from_another_path_replace_too(engine: Engine, store: DocumentStore) -> None:
    add(engine)
    id = store.records()[0].id
    add(engine, path="/moved/lamps.txt", recipe="other")
    (record,) = store.records()
    assert (record.id, record.path, record.recipe) == (id, "/moved/lamps.txt", "other")


def test_an_id_that_an_edited_document_was_born_with_is_not_given_again(
    engine: Engine, store: DocumentStore
) -> None:
    add(engine)
    add(engine, text=LONGER)  # keeps the id made from the first content
    add(engine, path="/books/copy.txt")  # has that first content
    ids = [record.id for record in store.records()]
    assert len(set(ids)) == 2
    assert all(len(id) == 12 for id in ids)


def test_two_attempts_that_would_replace_the_same_document_do_not_block_each_other(
    engine: Engine, store: DocumentStore
) -> None:
    add(engine)
    # A copy elsewhere was begun with another recipe and interrupted; then the file itself changed.
    store.begin(new_document(engine, path="/copy/lamps.txt", recipe="other"))
    key = store.begin(new_document(engine, text=LONGER))
    encode(engine, key)
    store.finish(key, an_encoder(engine))
    assert [record.path for record in store.records()] == ["/books/lamps.txt"]
    assert counts(engine)["documents"] == 1


def test_removing_leaves_no_row_in_any_table(engine: Engine, store: DocumentStore) -> None:
    an_encoder(engine)
    empty = counts(engine)
    key = add(engine)
    add_summaries(engine, key)
    add_collection(engine, key)
    full = counts(engine)
    others = {"measurements", "threads", "turns", "completions", "model_calls"}
    others |= {"users", "turn_vectors", "facts", "fact_vectors", "readings", "cleanups"}
    # Rows of these are written by what is done with a document, and removed by the library.
    others |= {"jobs", "tasks", "task_needs", "job_events"}
    assert all(full[name] > 0 for name in full if name not in others)
    revision = library_state(engine).revision
    store.remove(key)
    CollectionStore(engine, "me").remove("course")  # which is there still, and empty
    assert counts(engine) == empty
    assert library_state(engine).revision == revision + 1
    assert store.records() == []


def test_removing_keeps_what_another_document_shares(engine: Engine, store: DocumentStore) -> None:
    first = add(engine)
    alone = counts(engine)
    second = add(engine, text=LONGER, path="/books/longer.txt")
    both = counts(engine)
    assert both["embeddings"] < 2 * alone["embeddings"]
    store.remove(first)
    planned = new_document(engine, text=LONGER, path="/books/longer.txt")
    kept = {*planned.chunk_hashes, *planned.sentence_hashes}
    assert missing_hashes(engine, an_encoder(engine), kept) == set()
    assert counts(engine)["embeddings"] == len(kept)
    assert [record.key for record in store.records()] == [second]
    assert store.load(second).text == LONGER


def test_removing_keeps_what_a_pending_document_counts_on(engine: Engine, store: DocumentStore) -> None:
    first = add(engine)
    pending = store.begin(new_document(engine, text=LONGER, path="/books/longer.txt"))
    store.remove(first)
    encode(engine, pending)
    store.finish(pending, an_encoder(engine))
    planned = new_document(engine, text=LONGER, path="/books/longer.txt")
    assert planned.units == []


def test_a_document_without_sections_and_pages(engine: Engine, store: DocumentStore) -> None:
    key = add(engine, text="Plain words. No more.", title="Plain")
    (record,) = store.records()
    assert (record.key, record.characters) == (key, 21)


def test_encoder_texts_are_what_was_hashed(engine: Engine, store: DocumentStore) -> None:
    new = new_document(engine)
    key = store.begin(new)
    wanted = [text_hash for unit in new.units for text_hash in unit.hashes]
    texts = store.encoder_texts(key, wanted)
    assert set(texts) == set(wanted)
    assert {text_hash: embed_hash(text) for text_hash, text in texts.items()} == {h: h for h in wanted}
    chunk = new.chunked.chunks[-1]
    assert texts[new.chunk_hashes[-1]] == encoder_text(TEXT, chunk.span, chunk.context)
    assert texts[new.chunk_hashes[-1]].startswith("Lamps. All. Rivers. ")
    assert store.encoder_texts(key, []) == {}
    assert store.encoder_texts(key, [b"?" * 16]) == {}


def test_outdated_are_those_of_another_recipe(engine: Engine, store: DocumentStore) -> None:
    add(engine)
    add(engine, text=LONGER, path="/books/longer.txt", recipe="new")
    assert [record.path for record in store.outdated("new")] == ["/books/lamps.txt"]


def test_each_document_goes_by_what_a_person_calls_it(engine: Engine, store: DocumentStore) -> None:
    key = add(engine)
    add(engine, text=LONGER, path="/books/other.txt", title="Rivers of the North")
    id = next(record.id for record in store.records() if record.key == key)
    for reference in (id, id.upper(), id[:3], id[:7], "lamps", " LAMPS ", "/books/lamps.txt", "Lamps.txt"):
        assert store.resolve(reference).key == key, reference
    assert store.resolve("rivers of the north").path == "/books/other.txt"


@pytest.mark.parametrize(
    "reference", ["", "lam", "lamps.tx", "%", "*", "' OR 1=1 --", "/books", "zzzzzzzzzzzz"]
)
def test_what_is_unknown_is_named(engine: Engine, store: DocumentStore, reference: str) -> None:
    add(engine)
    with pytest.raises(UnknownDocumentError) as caught:
        store.resolve(reference)
    assert repr(reference) in str(caught.value)


def test_two_characters_are_too_few_for_an_id(engine: Engine, store: DocumentStore) -> None:
    add(engine)
    with pytest.raises(UnknownDocumentError):
        store.resolve(store.records()[0].id[:2])


def test_what_could_be_several_is_listed_by_id(engine: Engine, store: DocumentStore) -> None:
    add(engine)
    add(engine, text=LONGER, path="/elsewhere/lamps.txt")
    ids = [record.id for record in store.records()]
    for reference in ("lamps", "lamps.txt"):
        with pytest.raises(AmbiguousDocumentError, match=f"{ids[0]}, {ids[1]}"):
            store.resolve(reference)
    assert store.resolve("/elsewhere/lamps.txt").id == ids[1]


def test_an_id_comes_before_a_title_that_reads_like_it(engine: Engine, store: DocumentStore) -> None:
    key = add(engine)
    id = store.records()[0].id
    add(engine, text=LONGER, path="/books/impostor.txt", title=id)
    assert store.resolve(id).key == key


def test_keys_are_never_used_again(engine: Engine, store: DocumentStore) -> None:
    seen: set[int] = set()
    for _ in range(3):
        key = add(engine)
        assert key not in seen
        seen.add(key)
        store.remove(key)


def test_a_begin_that_fails_leaves_nothing(engine: Engine, store: DocumentStore, tmp_path: Path) -> None:
    before = counts(engine)
    new = new_document(engine, encoder=an_encoder(engine))
    before |= {"encoders": 1}
    broken = type(new)(
        **{name: getattr(new, name) for name in new.__slots__} | {"chunk_hashes": new.chunk_hashes[:-1]}
    )
    with pytest.raises(ValueError, match="zip"):
        store.begin(broken)
    assert counts(engine) == before


def test_units_belong_to_their_document(engine: Engine, store: DocumentStore) -> None:
    key = add(engine)
    with engine.connect() as connection:
        owners = set(connection.execute(select(UnitRow.document_key)).scalars())
        states = set(connection.execute(select(DocumentRow.state)).scalars())
    assert owners == {key}
    assert states == {"ready"}
