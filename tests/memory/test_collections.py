"""Collections: documents under a name, of one user."""

import pytest
from sqlalchemy import Engine

from memory.collections import Collection, CollectionStore
from memory.documents import DocumentStore
from memory.errors import CollectionNameError, UnknownCollectionError, UnknownDocumentError
from tests.memory.samples import TEXT, add


@pytest.fixture
def mine(engine: Engine) -> CollectionStore:
    return CollectionStore(engine, "me")


def shown(store: CollectionStore) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.name, each.documents) for each in store.all()]


def two_documents(engine: Engine) -> tuple[str, str]:
    add(engine)
    add(engine, text=TEXT + " More.", path="/books/more.txt", title="More")
    first, second = DocumentStore(engine).records()
    return first.id, second.id


def test_documents_are_put_in_and_taken_out(engine: Engine, mine: CollectionStore) -> None:
    lamps, more = two_documents(engine)
    mine.create("sea")
    mine.create("Course")
    mine.put("sea", [more, lamps, more])
    mine.put("sea", [lamps])
    mine.put("Course", [more])
    # By name, whatever its case; documents as they came into the library.
    assert shown(mine) == [("Course", (more,)), ("sea", (lamps, more))]
    mine.take("sea", [more, "nothing"])
    assert shown(mine) == [("Course", (more,)), ("sea", (lamps,))]
    assert mine.get(" sea ").documents == (lamps,)


def test_names(mine: CollectionStore) -> None:
    made = mine.create("  the \n sea\x00 ")
    assert made == Collection("the sea\ufffd", (), made.created_at)
    with pytest.raises(CollectionNameError, match="Another collection is called"):
        mine.create("the sea\ufffd")
    for name in ("", " \t", "x" * 201):
        with pytest.raises(CollectionNameError, match="1 to 200"):
            mine.create(name)
    mine.create("land")
    mine.rename("land", "land")
    with pytest.raises(CollectionNameError, match="Another collection is called 'land'"):
        mine.rename("the sea\ufffd", "land")
    mine.rename("the sea\ufffd", "Sea")
    assert [each.name for each in mine.all()] == ["land", "Sea"]


def test_a_collection_that_is_not_there(mine: CollectionStore) -> None:
    for does in (
        lambda: mine.get("sea"),
        lambda: mine.rename("sea", "land"),
        lambda: mine.remove("sea"),
        lambda: mine.put("sea", []),
        lambda: mine.take("sea", []),
    ):
        with pytest.raises(UnknownCollectionError, match="No collection is called 'sea'"):
            does()


def test_removing_a_collection_keeps_its_documents(engine: Engine, mine: CollectionStore) -> None:
    lamps, _ = two_documents(engine)
    mine.create("sea")
    mine.put("sea", [lamps])
    mine.remove("sea")
    assert mine.all() == []
    assert len(DocumentStore(engine).records()) == 2
    mine.create("sea")
    assert shown(mine) == [("sea", ())]


def test_a_removed_document_leaves_its_collections(engine: Engine, mine: CollectionStore) -> None:
    lamps, more = two_documents(engine)
    mine.create("sea")
    mine.put("sea", [lamps, more])
    documents = DocumentStore(engine)
    documents.remove(documents.resolve(lamps).key)
    assert shown(mine) == [("sea", (more,))]
    with pytest.raises(UnknownDocumentError):
        mine.put("sea", [lamps])
    # The same file added again has the same id, and is in no collection.
    add(engine)
    assert shown(mine) == [("sea", (more,))]


def test_putting_fails_whole(engine: Engine, mine: CollectionStore) -> None:
    lamps, _ = two_documents(engine)
    mine.create("sea")
    with pytest.raises(UnknownDocumentError, match="No document is called 'ffff'"):
        mine.put("sea", [lamps, "ffff"])
    assert shown(mine) == [("sea", ())]


def test_a_document_that_changes_stays_in_its_collections(engine: Engine, mine: CollectionStore) -> None:
    lamps, _ = two_documents(engine)
    mine.create("sea")
    mine.put("sea", [lamps])
    add(engine, text=TEXT + " Changed.")  # the same path
    assert shown(mine) == [("sea", (lamps,))]


def test_collections_of_others_are_out_of_reach(engine: Engine, mine: CollectionStore) -> None:
    lamps, _ = two_documents(engine)
    theirs = CollectionStore(engine, "anna")
    mine.create("sea")
    mine.put("sea", [lamps])
    assert theirs.all() == []
    for does in (
        lambda: theirs.rename("sea", "land"),
        lambda: theirs.remove("sea"),
        lambda: theirs.take("sea", [lamps]),
    ):
        with pytest.raises(UnknownCollectionError):
            does()
    theirs.create("sea")
    with pytest.raises(UnknownDocumentError):
        theirs.put("sea", [lamps])
    theirs.remove("sea")
    assert shown(mine) == [("sea", (lamps,))]
