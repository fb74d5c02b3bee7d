"""Packing: as much as fits, asked rarely, the best at both ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.packing import best_first_and_last, most_that_fit


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(-1, 200))
def test_most_that_fit_is_the_brute_force_answer(sizes: list[int], room: int) -> None:
    asked: list[int] = []

    def fits(count: int) -> bool:
        assert 0 <= count <= len(sizes)
        asked.append(count)
        return sum(sizes[:count]) <= room

    most = max((k for k in range(len(sizes) + 1) if sum(sizes[:k]) <= room), default=0)
    assert most_that_fit(len(sizes), fits) == most
    assert len(asked) <= 1 + math.ceil(math.log2(len(sizes) + 1))
    if most == len(sizes) and room >= 0:
        assert asked == [len(sizes)]


@pytest.mark.parametrize(
    ("items", "order"),
    [
        ([], []),
        ([1], [1]),
        ([1, 2], [1, 2]),
        ([1, 2, 3], [1, 3, 2]),
        ([1, 2, 3, 4], [1, 3, 4, 2]),
        ([1, 2, 3, 4, 5, 6], [1, 3, 5, 6, 4, 2]),
    ],
)
def test_best_first_and_last(items: list[int], order: list[int]) -> None:
    assert best_first_and_last(items) == order


@given(st.lists(st.integers(), unique=True, min_size=3))
def test_the_worst_is_never_at_an_end(items: list[int]) -> None:
    order = best_first_and_last(items)
    assert sorted(order) == sorted(items)
    assert (order[0], order[-1]) == (items[0], items[1])
