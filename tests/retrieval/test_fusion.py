import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import RANK_CONSTANT, reciprocal_rank_fusion
from retrieval.hits import Int64


def ids(*numbers: int) -> Int64:
    return np.array(numbers, np.int64)


def test_sums_by_hand() -> None:
    hits = reciprocal_rank_fusion([(ids(7, 3, 9), 2.0), (ids(3, 5), 1.0)], rank_constant=10)
    # 7: 2/11; 3: 2/12 + 1/11; 9: 2/13; 5: 1/12.
    assert hits.ids.tolist() == [3, 7, 9, 5]
    assert hits.scores.tolist() == pytest.approx([2 / 12 + 1 / 11, 2 / 11, 2 / 13, 1 / 12])
    assert hits.scores.dtype == np.float32


def test_the_default_constant_is_used() -> None:
    hits = reciprocal_rank_fusion([(ids(1), 1.0)])
    assert hits.scores.tolist() == pytest.approx([1 / (RANK_CONSTANT + 1)])


def test_equal_scores_come_by_id() -> None:
    assert reciprocal_rank_fusion([(ids(9, 1), 1.0), (ids(1, 9), 1.0)]).ids.tolist() == [1, 9]


@pytest.mark.parametrize("rankings", [[], [(ids(), 1.0)], [(ids(), 1.0), (ids(), 2.0)]])
def test_no_hits_make_none(rankings: list[tuple[Int64, float]]) -> None:
    assert len(reciprocal_rank_fusion(rankings)) == 0


def test_an_empty_ranking_changes_nothing() -> None:
    one = reciprocal_rank_fusion([(ids(4, 2), 1.0)])
    two = reciprocal_rank_fusion([(ids(), 5.0), (ids(4, 2), 1.0)])
    assert one.ids.tolist() == two.ids.tolist() == [4, 2]
    assert one.scores.tolist() == two.scores.tolist()


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 30), unique=True, max_size=20), st.sampled_from([0.5, 1.0, 2.0])),
        max_size=4,
    )
)
def test_equals_the_sum_over_a_dictionary(rankings: list[tuple[list[int], float]]) -> None:
    expected: dict[int, float] = {}
    for ranked, weight in rankings:
        for rank, id in enumerate(ranked, start=1):
            expected[id] = expected.get(id, 0.0) + weight / (7 + rank)
    hits = reciprocal_rank_fusion([(ids(*ranked), weight) for ranked, weight in rankings], rank_constant=7)
    found = dict(zip(hits.ids.tolist(), hits.scores.tolist(), strict=True))
    assert found == pytest.approx(expected, rel=1e-6)
    assert hits.scores.tolist() == sorted(hits.scores.tolist(), reverse=True)
