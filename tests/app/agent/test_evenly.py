"""Orders whose beginnings lie all over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.agent.evenly import evenly, halving


def test_halving_by_hand() -> None:
    assert [halving(n) for n in range(5)] == [[], [0], [0, 1], [0, 2, 1], [0, 2, 1, 3]]
    assert halving(8) == [0, 4, 2, 6, 1, 5, 3, 7]


@given(st.integers(0, 400))
def test_halving_has_each_number_once(count: int) -> None:
    assert sorted(halving(count)) == list(range(count))


def test_the_best_of_each_place_comes_first() -> None:
    places = [10, 10, 20, 30, 30]
    scores = [0.1, 0.9, 0.5, 0.2, 0.8]
    # Places in the order 10, 30, 20; then the second best of 10 and of 30.
    assert evenly(places, scores) == [1, 4, 2, 0, 3]


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=60), st.integers(0, 60))
def test_wherever_it_is_cut_no_place_has_two_more_than_another_that_has_more(
    pairs: list[tuple[int, float]], cut: int
) -> None:
    places, scores = [place for place, _ in pairs], [score for _, score in pairs]
    order = evenly(places, scores)
    assert sorted(order) == list(range(len(pairs)))
    kept = [places[n] for n in order[:cut]]
    for one in set(places):
        for other in set(places):
            if places.count(one) > kept.count(one):
                assert kept.count(other) <= kept.count(one) + 1
