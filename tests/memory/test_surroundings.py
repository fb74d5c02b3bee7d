"""The turns around each turn, against a sum over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from memory.surroundings import Surroundings


def spread_by_pairs(values: np.ndarray, sessions: np.ndarray, reach: int) -> np.ndarray:
    """Every turn with every other of its session, by how many of the session lie between."""
    found = np.zeros(len(values))
    for turn in range(len(values)):
        own = np.flatnonzero(sessions == sessions[turn]).tolist()
        for other in own:
            distance = abs(own.index(other) - own.index(turn))
            found[turn] += values[other] * max(0.0, 1 - distance / (reach + 1))
    return found


def test_a_value_reaches_the_turns_around_it_less_and_less() -> None:
    around = Surroundings.of(np.zeros(7, np.int64), reach=2)
    one = np.array([0, 0, 0, 3, 0, 0, 0], np.float32)
    assert around.spread(one) == pytest.approx([0, 1, 2, 3, 2, 1, 0])


def test_no_session_reaches_into_another() -> None:
    around = Surroundings.of(np.array([5, 5, 9, 9]), reach=3)
    assert around.spread(np.array([0, 4, 0, 0], np.float32)) == pytest.approx([3, 4, 0, 0])


def test_turns_of_a_session_are_neighbours_though_others_were_said_in_between() -> None:
    around = Surroundings.of(np.array([0, 1, 0, 1]), reach=1)
    assert around.spread(np.array([2, 0, 0, 0], np.float32)) == pytest.approx([2, 0, 1, 0])


@pytest.mark.parametrize("reach", [0, 1, 4, 9])
def test_as_by_pairs(reach: int) -> None:
    random = np.random.default_rng(reach)
    for n in (1, 2, 30):
        sessions, values = random.integers(0, 4, n), random.random(n).astype(np.float32)
        found = Surroundings.of(sessions, reach).spread(values)
        assert found == pytest.approx(spread_by_pairs(values, sessions, reach), abs=1e-5)


def test_nothing_said() -> None:
    around = Surroundings.of(np.zeros(0, np.int64), reach=4)
    assert around.spread(np.zeros(0, np.float32)).shape == (0,)


def test_a_reach_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="reach is -1"):
        Surroundings.of(np.zeros(2, np.int64), reach=-1)
