from hypothesis import given
from hypothesis import strategies as st

from retrieval.batching import BATCH_TOKENS, MOST_TEXTS, SPECIAL_TOKENS, plan_batches


def test_batches_by_hand() -> None:
    # Longest first, two special tokens each: 12 + 12 fill 24; then 7 + 7 + 7 make 21, a fourth would make 28.
    assert plan_batches([5, 10, 5, 1, 10, 5], batch_tokens=24) == [[1, 4], [0, 2, 5], [3]]


def test_nothing_makes_no_batch() -> None:
    assert plan_batches([]) == []


def test_a_text_over_the_limit_gets_a_batch_of_its_own() -> None:
    assert plan_batches([100, 3, 3], batch_tokens=50) == [[0], [1, 2]]


def test_empty_texts_still_end() -> None:
    batches = plan_batches([0] * 1_000)
    assert sorted(position for batch in batches for position in batch) == list(range(1_000))
    assert max(map(len, batches)) == MOST_TEXTS


@given(st.lists(st.integers(0, 300), max_size=400), st.integers(1, BATCH_TOKENS))
def test_each_text_is_in_one_batch_within_the_limits(counts: list[int], batch_tokens: int) -> None:
    batches = plan_batches(counts, batch_tokens)
    flat = [position for batch in batches for position in batch]
    assert sorted(flat) == list(range(len(counts)))
    assert [counts[position] for position in flat] == sorted(counts, reverse=True)
    for batch in batches:
        padded = len(batch) * (max(counts[position] for position in batch) + SPECIAL_TOKENS)
        assert len(batch) == 1 or padded <= batch_tokens
        assert len(batch) <= MOST_TEXTS
    assert plan_batches(counts, batch_tokens) == batches


@given(st.lists(st.integers(0, 300), min_size=1, max_size=200))
def test_no_batch_could_have_taken_the_next_text(counts: list[int]) -> None:
    batches = plan_batches(counts)
    for batch in batches[:-1]:
        wider = (len(batch) + 1) * (counts[batch[0]] + SPECIAL_TOKENS)
        assert wider > BATCH_TOKENS or len(batch) == MOST_TEXTS
