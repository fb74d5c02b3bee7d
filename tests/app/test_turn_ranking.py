"""Turns in the order that reading them gives, by hand."""

from __future__ import annotations

import pytest

from app import turn_ranking
from app.turn_ranking import read_turns
from memory.stream_index import ActivatedTurn


@pytest.fixture(autouse=True)
def weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of our own, whatever the fitted one becomes."""
    monkeypatch.setattr(turn_ranking, "RELEVANCE", 0.1)


def turn(key: int, score: float) -> ActivatedTurn:
    return ActivatedTurn(key=key, score=score, relevance=key / 10, recency=0.5, importance=0.1)


def test_order_by_activation_and_reading() -> None:
    turns = [turn(1, 0.9), turn(2, 0.8), turn(3, 0.2)]
    # 0.9 - 0.2 = 0.7; 0.8 + 0.1 = 0.9; 0.2 + 0.6 = 0.8
    found = read_turns(turns, [-2.0, 1.0, 6.0])
    assert [each.key for each in found] == [2, 3, 1]
    # The scores stay those of the places, all else of the turns.
    assert [each.score for each in found] == [0.9, 0.8, 0.2]
    assert [each.relevance for each in found] == [0.2, 0.3, 0.1]


def test_equal_ones_stay_in_their_order() -> None:
    turns = [turn(n, 0.5) for n in range(5)]
    assert [each.key for each in read_turns(turns, [1.0] * 5)] == [0, 1, 2, 3, 4]


def test_no_turns_are_no_error() -> None:
    assert read_turns([], []) == []
