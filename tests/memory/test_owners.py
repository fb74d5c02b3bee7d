"""Whose documents and jobs they are: what belongs to another user is as if it were not there."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from memory.documents import DocumentStore
from memory.embeddings import missing_hashes
from memory.errors import UnknownDocumentError, UnknownJobError
from memory.jobs import JobStore
from tests.memory.samples import TEXT, ATask, an_encoder, counts, encode, new_document

USERS = ("anna", "bob", "me", "an\u00e9")


def add_for(engine: Engine, user: str, text: str = TEXT, **more: str) -> str:
    store = DocumentStore(engine, user)
    encoder = an_encoder(engine)
    key = store.begin(new_document(engine, text=text, **more))
    encode(engine, key)
    return store.finish(key, encoder)[0].id


def test_the_same_file_of_two_users_is_two_documents(any_engine: Engine) -> None:
    mine, theirs = (DocumentStore(any_engine, user) for user in ("anna", "bob"))
    first = add_for(any_engine, "anna")
    alone = counts(any_engine)
    assert theirs.records() == []
    assert mine.others() is False
    assert theirs.others() is True
    new = new_document(any_engine)
    assert theirs.ready(new.content_hash) is None
    assert theirs.replaced_by(new.path, new.content_hash) is None
    # Nothing is encoded twice for it.
    assert missing_hashes(any_engine, an_encoder(any_engine), new.chunk_hashes) == set()
    second = add_for(any_engine, "bob")
    assert counts(any_engine)["embeddings"] == alone["embeddings"]
    assert first != second
    assert [record.id for record in mine.records()] == [first]
    assert [record.id for record in theirs.records()] == [second]
    assert {record.owner for record in DocumentStore(any_engine).records()} == {"anna", "bob"}
    assert mine.others() is theirs.others() is True


def test_a_title_a_path_and_an_id_mean_ones_own_document(engine: Engine) -> None:
    ids = {user: add_for(engine, user) for user in ("anna", "bob")}
    for user, other in (("anna", "bob"), ("bob", "anna")):
        store = DocumentStore(engine, user)
        record = store.resolve(ids[user])
        for reference in (record.title, record.path, "lamps.txt"):
            assert store.resolve(reference).id == ids[user]
            assert store.versions(reference)[-1].id == ids[user]
        with pytest.raises(UnknownDocumentError):
            store.versions(ids[other])
        with pytest.raises(UnknownDocumentError):
            DocumentStore(engine, "carl").resolve(record.title)


def test_a_new_version_replaces_ones_own_document_alone(engine: Engine) -> None:
    anna, bob = add_for(engine, "anna"), add_for(engine, "bob")
    assert add_for(engine, "anna", TEXT + " Changed.") == anna
    hashes = {user: DocumentStore(engine, user).records()[0].content_hash for user in ("anna", "bob")}
    assert hashes["anna"] != hashes["bob"]
    assert [record.id for record in DocumentStore(engine, "bob").records()] == [bob]


def test_what_another_has_begun_is_neither_gone_on_with_nor_dropped(engine: Engine) -> None:
    an_encoder(engine)
    new = new_document(engine)
    key = DocumentStore(engine, "anna").begin(new)
    theirs = DocumentStore(engine, "bob")
    assert theirs.pending(new.content_hash, new.recipe, new.path) is None
    assert theirs.interrupted() == []
    other = theirs.begin(new)
    assert other != key
    mine = DocumentStore(engine, "anna")
    assert mine.pending(new.content_hash, new.recipe, new.path) == key
    assert [record.key for record in mine.interrupted()] == [key]


def test_removing_leaves_the_document_of_another(engine: Engine) -> None:
    for user in ("anna", "bob"):
        add_for(engine, user)
    mine = DocumentStore(engine, "anna")
    mine.remove(mine.records()[0].key)
    (left,) = DocumentStore(engine, "bob").records()
    store = DocumentStore(engine, "bob")
    assert store.load(left.key).text == TEXT
    assert store.unencoded(left.key, an_encoder(engine)) == {}


def test_any_users_and_files(engine: Engine) -> None:
    """Against a plain dictionary: by user and path, the text; equal bytes of one user are one document."""
    draw = random.Random(7)
    texts = [TEXT, TEXT + " One.", TEXT + " Two."]
    paths = ["/a/lamps.txt", "/b/lamps.txt"]
    expected: dict[str, dict[str, tuple[str, str]]] = {user: {} for user in USERS}
    for _ in range(60):
        user, text, path = draw.choice(USERS), draw.choice(texts), draw.choice(paths)
        store, mine = DocumentStore(engine, user), expected[user]
        if mine and draw.random() < 0.3:
            id = draw.choice(sorted(mine))
            store.remove(store.resolve(id).key)
            del mine[id]
        else:
            same = next((id for id, (held, _) in mine.items() if held == text), None)
            same = same or next((id for id, (_, at) in mine.items() if at == path), None)
            id = add_for(engine, user, text, path=path)
            assert same is None or id == same
            mine[id] = text, path
        for each in USERS:
            records = DocumentStore(engine, each).records()
            assert {r.id: (store.load(r.key).text, r.path) for r in records} == expected[each]
            assert {r.owner for r in records} <= {each}
    everyone = [id for of_user in expected.values() for id in of_user]
    assert len(everyone) == len(set(everyone)) > 3


def tasks(*names: str) -> Sequence[ATask]:
    return [ATask(name) for name in names]


def test_a_job_of_another_is_not_adopted(any_engine: Engine) -> None:
    store = JobStore(any_engine)
    mine, _ = store.create("counting", "Count", {"to": 2}, tasks("a"), owner="anna")
    theirs, adopted = store.create("counting", "Count", {"to": 2}, tasks("a"), owner="bob")
    assert not adopted
    assert mine.id != theirs.id
    again, adopted = store.create("counting", "Count", {"to": 2}, tasks("a", "b"), owner="anna")
    assert adopted
    assert again.id == mine.id
    assert [(each.owner, len(store.tasks(each.id))) for each in store.records()] == [("bob", 1), ("anna", 2)]


def test_a_job_of_another_is_not_there(engine: Engine) -> None:
    store = JobStore(engine)
    mine, _ = store.create("counting", "Count", {"to": 2}, tasks("a"), owner="an\x00na")
    other, _ = store.create("reading", "Read", {}, tasks("a"), owner="bob")
    assert [job.id for job in store.records(owner="an\x00na")] == [mine.id]
    assert [job.id for job in store.records(owner="bob", kinds=["counting"])] == []
    assert [job.id for job in store.records(kinds=["counting", "reading"])] == [other.id, mine.id]
    assert store.get(mine.id, "an\x00na") == store.resolve(mine.id[:6], "an\x00na") == store.get(mine.id)
    for owner in ("bob", "carl", ""):
        with pytest.raises(UnknownJobError):
            store.get(mine.id, owner)
        with pytest.raises(UnknownJobError):
            store.resolve(mine.id, owner)


def test_forgetting_jobs_leaves_those_of_others(engine: Engine) -> None:
    store = JobStore(engine)
    for owner in ("anna", "bob"):
        job, _ = store.create("add", "Add", {"paths": ["/a.txt"]}, tasks("/a.txt"), owner=owner)
        store.cancel(job.id)
    open, _ = store.create("add", "Add", {"paths": ["/b.txt"]}, tasks("/b.txt"), owner="bob")
    store.forget_tasks("add", lambda task: True, "anna")
    assert [len(store.tasks(each.id)) for each in store.records(owner="bob")] == [1, 1]
    store.forget_ended(["/a.txt", "/b.txt"], "anna")
    assert next(each.id for each in store.records()) == open.id
    assert len(store.records()) == 2
    store.forget_ended(["/a.txt"], "bob")
    assert [each.id for each in store.records()] == [open.id]
