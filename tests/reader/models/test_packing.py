from hypothesis import given
from hypothesis import strategies as st

from reader.models.packing import pack
from reader.models.prefix import common_length

PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), max_size=20)


@given(PROMPTS, st.integers(1, 5), st.integers(1, 60), st.booleans(), st.sampled_from([None, 0, 6]))
def test_every_request_is_in_one_batch_and_batches_keep_their_limits(
    prompts: list[list[int]], rows: int, tokens: int, equal: bool, together: int | None
) -> None:
    most = [3] * len(prompts)
    batches = pack(prompts, rows, tokens, most, equal, together)
    assert sorted(position for batch in batches for position in batch) == list(range(len(prompts)))
    for batch in batches:
        longest = max(len(prompts[each]) + 3 for each in batch)
        assert len(batch) <= rows
        assert len(batch) == 1 or longest * len(batch) <= tokens
        if equal:
            assert len({len(prompts[each]) for each in batch}) == 1
    first = [len(prompts[batch[0]]) for batch in batches]
    assert first == sorted(first, reverse=True)


def test_the_longest_go_together_and_first() -> None:
    prompts = [[1] * length for length in (3, 9, 4, 8)]
    assert pack(prompts, 2, 1000, [1] * 4, together=None) == [[1, 3], [2, 0]]


def test_prompts_about_one_document_go_together() -> None:
    one, other = [1] * 20, [2] * 20
    prompts = [[*one, 5], [*other, 5, 5, 5], [*one, 6, 6, 6, 6], [*other, 7]]
    assert sorted(map(sorted, pack(prompts, 8, 1000, [1] * 4, together=20))) == [[0, 2], [1, 3]]
    assert pack(prompts, 8, 1000, [1] * 4, together=21) == [[2, 1, 0, 3]]
    assert pack(prompts, 8, 1000, [1] * 4, together=None) == [[2, 1, 0, 3]]


def test_the_replies_count_too() -> None:
    prompts = [[1] * 10, [1] * 10]
    assert pack(prompts, 8, 40, [10, 10]) == [[0, 1]]
    assert pack(prompts, 8, 40, [10, 11]) == [[0], [1]]


def test_common_length() -> None:
    assert common_length([1, 2, 3], [1, 2, 4]) == 2
    assert common_length([1, 2], [1, 2, 4]) == 2
    assert common_length([], [1]) == 0
