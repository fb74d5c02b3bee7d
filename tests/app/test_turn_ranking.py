"""Turns in the order that reading them gives, by hand."""

from __future__ import annotations

import pytest

from app import turn_ranking
from app.turn_ranking import read_turns
from memory.stream_index import ActivatedTurn
from retrieval.document import Span
from retrieval.reranking import FoundSpan, Reading


@pytest.fixture(autouse=True)
def weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of our own, whatever the fitted ones become."""
    for name, value in (("RELEVANCE", 0.1), ("ANSWERABLE", 0.0), ("MARGIN", 0.01)):
        monkeypatch.setattr(turn_ranking, name, value)


def turn(key: int, score: float) -> ActivatedTurn:
    return ActivatedTurn(key=key, score=score, relevance=key / 10, recency=0.5, importance=0.1)


def reading(relevance: float, margin: float | None = 0.0) -> Reading:
    spans = () if margin is None else (FoundSpan(Span(0, 1), margin),)
    return Reading(relevance, 0.0, spans)


def test_order_by_activation_and_reading() -> None:
    turns = [turn(1, 0.9), turn(2, 0.8), turn(3, 0.2)]
    # 0.9 - 0.2 = 0.7; 0.8 + 0.1 = 0.9; 0.2 + 0.6 = 0.8
    found = read_turns(turns, [reading(-2.0), reading(1.0), reading(6.0)])
    assert [each.key for each in found] == [2, 3, 1]
    # The scores stay those of the places, all else of the turns.
    assert [each.score for each in found] == [0.9, 0.8, 0.2]
    assert [each.relevance for each in found] == [0.2, 0.3, 0.1]


def test_equal_ones_stay_in_their_order() -> None:
    turns = [turn(n, 0.5) for n in range(5)]
    assert [each.key for each in read_turns(turns, [reading(1.0)] * 5)] == [0, 1, 2, 3, 4]


def test_turn_without_words_is_no_error() -> None:
    found = read_turns([turn(1, 0.5), turn(2, 0.5)], [reading(0.0, None), reading(0.0, -1.0)])
    assert [each.key for each in found] == [2, 1]
    assert read_turns([], []) == []
