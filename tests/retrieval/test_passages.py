from hypothesis import given
from hypothesis import strategies as st

from retrieval.passages import Neighbourhood, Passage, build_passages

TENS = {1: dict.fromkeys(range(20), 10)}  # document 1: 20 sentences of ten tokens


def hit(first: int, end: int, score: float = 1.0, document: int = 1) -> Neighbourhood:
    return Neighbourhood(document, first, end, score)


def test_a_hit_is_filled_up_before_and_after_in_turn() -> None:
    # 50 tokens hold the hit's 20 and three more sentences: 9 before, 12 after, 8 before.
    assert build_passages([hit(10, 12)], TENS, 1, max_tokens=50) == [Passage(1, 8, 13, 1.0)]


def test_filling_goes_on_at_one_side_when_the_other_ends() -> None:
    assert build_passages([hit(0, 2)], TENS, 1, max_tokens=50) == [Passage(1, 0, 5, 1.0)]
    assert build_passages([hit(18, 20)], TENS, 1, max_tokens=50) == [Passage(1, 15, 20, 1.0)]


def test_a_passage_ends_where_a_sentence_is_missing() -> None:
    counts = {1: {n: 10 for n in range(20) if n not in (8, 13)}}
    assert build_passages([hit(10, 12)], counts, 1) == [Passage(1, 9, 13, 1.0)]


def test_a_sentence_that_does_not_fit_ends_its_side() -> None:
    counts = {1: {0: 5, 1: 40, 2: 10, 3: 10, 4: 10}}
    assert build_passages([hit(2, 3)], counts, 1, max_tokens=40) == [Passage(1, 2, 5, 1.0)]


def test_hits_that_touch_become_one_passage_with_the_better_score() -> None:
    hits = [hit(10, 12, 3.0), hit(12, 14, 2.0), hit(1, 2, 1.0)]
    assert build_passages(hits, TENS, 5, max_tokens=40) == [Passage(1, 10, 14, 3.0), Passage(1, 0, 4, 1.0)]


def test_overlapping_hits_count_their_common_sentences_once() -> None:
    assert build_passages([hit(10, 13), hit(12, 15)], TENS, 5, max_tokens=50) == [Passage(1, 10, 15, 1.0)]


def test_a_neighbour_that_does_not_fit_stays_a_passage_of_its_own() -> None:
    first, second = build_passages([hit(10, 13, 2.0), hit(13, 16, 1.0)], TENS, 5, max_tokens=50)
    assert first == Passage(1, 9, 14, 2.0)
    assert (second.score, second.end - second.first) == (1.0, 5)
    assert second.first <= 13 < 16 <= second.end


def test_hits_of_other_documents_never_join() -> None:
    counts = {1: {0: 10, 1: 10}, 2: {0: 10, 1: 10}}
    found = build_passages([hit(0, 1, 2.0), hit(1, 2, 1.0, document=2)], counts, 5)
    assert found == [Passage(1, 0, 2, 2.0), Passage(2, 0, 2, 1.0)]


def test_a_chunk_over_the_limit_stays_whole() -> None:
    assert build_passages([hit(5, 10)], TENS, 1, max_tokens=30) == [Passage(1, 5, 10, 1.0)]


def test_only_as_many_as_wanted_and_none_of_nothing() -> None:
    hits = [hit(0, 1, 3.0), hit(8, 9, 2.0), hit(16, 17, 1.0)]
    assert [p.score for p in build_passages(hits, TENS, 2, max_tokens=10)] == [3.0, 2.0]
    assert build_passages([], {}, 3) == []


@given(st.data())
def test_every_hit_lies_in_a_passage_and_no_passage_is_over_its_limit(data: st.DataObject) -> None:
    counts = {
        document: dict(enumerate(data.draw(st.lists(st.integers(1, 80), min_size=1, max_size=25))))
        for document in (1, 2)
    }
    hits: list[Neighbourhood] = []
    for rank in range(data.draw(st.integers(0, 8))):
        document = data.draw(st.sampled_from([1, 2]))
        first = data.draw(st.integers(0, len(counts[document]) - 1))
        end = data.draw(st.integers(first + 1, len(counts[document])))
        hits.append(hit(first, end, 1 / (rank + 1), document))
    passages = build_passages(hits, counts, len(hits) or 1, max_tokens=200)
    assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)
    for each in hits:
        assert any(
            p.document == each.document and p.first <= each.first and each.end <= p.end for p in passages
        )
    for passage in passages:
        tokens = sum(counts[passage.document][number] for number in range(passage.first, passage.end))
        whole_hit = any(
            (h.document, h.first, h.end) == (passage.document, passage.first, passage.end) for h in hits
        )
        assert tokens <= 200 or whole_hit
