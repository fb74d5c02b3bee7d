import numpy as np
import pytest
from sqlalchemy import Engine

from memory.documents import DocumentStore
from memory.embeddings import delete_other_encoders
from memory.summaries import SummaryStore
from memory.trees import Summary, SummarySentence
from retrieval.document import Span
from tests.memory.samples import DIM, a_summary, add, add_tree, an_encoder, counts, row_of, summarise

ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


@pytest.fixture
def store(engine: Engine) -> SummaryStore:  # type: ignore[override]
    return SummaryStore(engine)


@pytest.fixture
def use(engine: Engine) -> tuple[str, str]:
    """Of a document that is there."""
    key = add(engine)
    (record,) = (each for each in DocumentStore(engine).records() if each.key == key)
    return record.id, record.content_hash


def test_only_what_is_wanted_is_kept(engine: Engine, store: SummaryStore, use: tuple[str, str]) -> None:
    encoder, rows = an_encoder(engine), np.stack([row_of(ONE)])
    assert not store.put(a_summary(ONE, "Of no node."), "reader", 0.5, vectors=(encoder, rows))
    assert not store.put(a_summary(TWO, "Of no document."), "reader", 0.5, use=("gone", "hash"))
    assert counts(engine)["summaries"] == 0
    assert counts(engine)["summary_vectors"] == 0
    assert store.put(a_summary(TWO, "Of a document."), "reader", 0.5, use=use)
    assert not store.use("gone", "hash", [TWO])
    assert not store.use(*use, [ONE])  # of ONE there is no summary
    assert store.use(*use, [TWO])
    DocumentStore(engine).remove(DocumentStore(engine).records()[0].key)
    assert store.missing([ONE, TWO]) == {ONE, TWO}
    assert counts(engine)["summary_uses"] == 0


def test_what_nothing_refers_to_goes_with_the_next_document(engine: Engine, store: SummaryStore) -> None:
    key = add(engine)
    summarise(engine, add_tree(engine, key))
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM trees")
    assert counts(engine)["summaries"] > 0
    DocumentStore(engine).remove(key)
    assert counts(engine)["summaries"] == 0


def test_a_summary_comes_back_as_it_was_kept(store: SummaryStore, use: tuple[str, str]) -> None:
    summary = Summary(
        ONE,
        (
            SummarySentence("Five men sleep — \ud800.", (Span(3, 9), Span(0, 2)), True),
            SummarySentence("Nobody says so.", (), False),
        ),
        ("it was cut",),
    )
    store.put(summary, "reader", 0.5, use=use)
    assert store.get([ONE, TWO]) == {ONE: summary}
    assert store.missing([ONE, TWO]) == {TWO}
    assert store.get([]) == {}


def test_what_is_kept_stays_as_it_is(engine: Engine, store: SummaryStore, use: tuple[str, str]) -> None:
    encoder = an_encoder(engine)
    store.put(a_summary(ONE, "First.", Span(0, 5)), "reader", 0.5, use=use)
    store.put(
        a_summary(ONE, "Second.", Span(0, 5)),
        "reader",
        0.5,
        vectors=(encoder, np.stack([row_of(TWO)])),
        use=use,
    )
    assert store.get([ONE])[ONE].text == "First."
    assert store.vectors(encoder, DIM, [ONE]) == {}


def test_sources_are_given_later(store: SummaryStore, use: tuple[str, str]) -> None:
    store.put(a_summary(ONE, "Five men sleep."), "reader", 0.5, linked=False, use=use)
    store.put(a_summary(TWO, "Six men wake.", Span(0, 4)), "reader", 0.5, use=use)
    assert store.unlinked([ONE, TWO, THREE]) == {ONE}
    linked = a_summary(ONE, "Five men sleep.", Span(2, 7))
    store.link([linked])
    assert store.unlinked([ONE, TWO]) == set()
    assert store.get([ONE]) == {ONE: linked}


def test_vectors_are_of_one_encoder_and_go_with_it(
    engine: Engine, store: SummaryStore, use: tuple[str, str]
) -> None:
    one, other = an_encoder(engine), an_encoder(engine, "another@1")
    rows = np.stack([row_of(TWO), row_of(THREE)])
    for digest in (ONE, TWO):
        store.put(a_summary(digest, "Five men sleep."), "reader", 0.5, vectors=(one, rows), use=use)
    store.put_vectors(other, {ONE: rows[:1], THREE: rows})  # of THREE there is no summary
    found = store.vectors(one, DIM, [ONE, TWO, THREE])
    assert set(found) == {ONE, TWO}
    np.testing.assert_allclose(found[ONE], rows, atol=1e-3)
    assert {digest: len(each) for digest, each in store.vectors(other, DIM, [ONE, THREE]).items()} == {ONE: 1}
    delete_other_encoders(engine, other)
    assert store.vectors(one, DIM, [ONE]) == {}
    assert store.missing([ONE, TWO]) == set()


def test_many_digests_at_once(store: SummaryStore, use: tuple[str, str]) -> None:
    digests = [n.to_bytes(16, "big") for n in range(1_200)]
    for digest in digests[::100]:
        store.put(a_summary(digest, "It is so."), "reader", 0.0, use=use)
    assert set(store.get(digests)) == set(digests[::100])
    assert len(store.missing(digests)) == 1_188
