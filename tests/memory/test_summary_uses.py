from pathlib import Path

import pytest
from sqlalchemy import Engine

from memory.database import open_database
from memory.documents import DocumentStore
from memory.summaries import SummaryStore
from memory.trees import Summary
from tests.memory.samples import TEXT, add, url

ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(url(tmp_path))


def kept(engine: Engine) -> set[bytes]:
    return set(SummaryStore(engine).get([ONE, TWO, THREE]))


def of_document(engine: Engine, document: int, version: str, *digests: bytes) -> None:
    """Summaries that a version of a document uses."""
    (record,) = (each for each in DocumentStore(engine).records() if each.key == document)
    for digest in digests:
        assert SummaryStore(engine).put(Summary(digest, ()), "extractive", 0.1, use=(record.id, version))


def test_summaries_go_with_their_document(engine: Engine) -> None:
    first = add(engine)
    second = add(engine, text=TEXT + " More.", path="/books/more.txt", title="More")
    documents = DocumentStore(engine)
    of_document(engine, first, "a", ONE, TWO)
    of_document(engine, second, "b", TWO, THREE)
    documents.remove(first)
    assert kept(engine) == {TWO, THREE}
    documents.remove(second)
    assert kept(engine) == set()


def test_summaries_of_an_older_version_go_when_they_are_outdated(engine: Engine) -> None:
    store, key = SummaryStore(engine), add(engine)
    id = DocumentStore(engine).records()[0].id
    of_document(engine, key, "old", ONE, TWO)
    of_document(engine, key, "new", TWO, THREE)
    assert kept(engine) == {ONE, TWO, THREE}
    store.drop_outdated(id, "new")
    assert kept(engine) == {TWO, THREE}
    store.drop_outdated("another", "x")
    assert kept(engine) == {TWO, THREE}
