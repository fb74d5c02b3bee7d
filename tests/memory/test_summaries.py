import numpy as np
import pytest
from sqlalchemy import Engine

from memory.embeddings import delete_other_encoders
from memory.summaries import SummaryStore
from memory.trees import Summary, SummarySentence
from retrieval.document import Span
from tests.memory.samples import DIM, a_summary, an_encoder, row_of

ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


@pytest.fixture
def store(engine: Engine) -> SummaryStore:  # type: ignore[override]
    return SummaryStore(engine)


def test_a_summary_comes_back_as_it_was_kept(store: SummaryStore) -> None:
    summary = Summary(
        ONE,
        (
            SummarySentence("Five men sleep — \ud800.", (Span(3, 9), Span(0, 2)), True),
            SummarySentence("Nobody says so.", (), False),
        ),
        ("it was cut",),
    )
    store.put(summary, "reader", 0.5)
    assert store.get([ONE, TWO]) == {ONE: summary}
    assert store.missing([ONE, TWO]) == {TWO}
    assert store.get([]) == {}


def test_what_is_kept_stays_as_it_is(engine: Engine, store: SummaryStore) -> None:
    encoder = an_encoder(engine)
    store.put(a_summary(ONE, "First.", Span(0, 5)), "reader", 0.5)
    store.put(
        a_summary(ONE, "Second.", Span(0, 5)), "reader", 0.5, vectors=(encoder, np.stack([row_of(TWO)]))
    )
    assert store.get([ONE])[ONE].text == "First."
    assert store.vectors(encoder, DIM, [ONE]) == {}


def test_sources_are_given_later(store: SummaryStore) -> None:
    store.put(a_summary(ONE, "Five men sleep."), "reader", 0.5, linked=False)
    store.put(a_summary(TWO, "Six men wake.", Span(0, 4)), "reader", 0.5)
    assert store.unlinked([ONE, TWO, THREE]) == {ONE}
    linked = a_summary(ONE, "Five men sleep.", Span(2, 7))
    store.link([linked])
    assert store.unlinked([ONE, TWO]) == set()
    assert store.get([ONE]) == {ONE: linked}


def test_vectors_are_of_one_encoder_and_go_with_it(engine: Engine, store: SummaryStore) -> None:
    one, other = an_encoder(engine), an_encoder(engine, "another@1")
    rows = np.stack([row_of(TWO), row_of(THREE)])
    for digest in (ONE, TWO):
        store.put(a_summary(digest, "Five men sleep."), "reader", 0.5, vectors=(one, rows))
    store.put_vectors(other, {ONE: rows[:1], THREE: rows})  # of THREE there is no summary
    found = store.vectors(one, DIM, [ONE, TWO, THREE])
    assert set(found) == {ONE, TWO}
    np.testing.assert_allclose(found[ONE], rows, atol=1e-3)
    assert {digest: len(each) for digest, each in store.vectors(other, DIM, [ONE, THREE]).items()} == {ONE: 1}
    delete_other_encoders(engine, other)
    assert store.vectors(one, DIM, [ONE]) == {}
    assert store.missing([ONE, TWO]) == set()


def test_many_digests_at_once(store: SummaryStore) -> None:
    digests = [n.to_bytes(16, "big") for n in range(1_200)]
    for digest in digests[::100]:
        store.put(a_summary(digest, "It is so."), "reader", 0.0)
    assert set(store.get(digests)) == set(digests[::100])
    assert len(store.missing(digests)) == 1_188
