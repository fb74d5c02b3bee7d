from datetime import timedelta

import numpy as np
import pytest

from memory.errors import DatabaseError
from memory.hot_rows import HotRow, StreamState
from memory.hot_shard import NEAREST, HotShard
from retrieval.hits import Float32
from tests.memory.samples import NOON

DIM = 32


def units(count: int, seed: int = 0) -> Float32:
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def row(key: int, vectors: Float32 | None = None, thread: int = 1, minutes: float = 0.0) -> HotRow:
    blob = None if vectors is None else vectors.astype("<f2").tobytes()
    return HotRow(key, thread, key, "", f"word{key} here", "", 0.0, NOON + timedelta(minutes=minutes), blob)


def shard(rows: list[HotRow], state: int = 1) -> HotShard:
    made = HotShard(DIM, StreamState(1, 0, 0))
    made.add(rows, StreamState(1, 0, state))
    return made


def test_a_turn_is_as_near_as_its_nearest_key() -> None:
    keys = [units(n % 4 + 1, seed=n) for n in range(200)]
    question = units(1, seed=999)[0]
    found = shard([row(n + 1, each) for n, each in enumerate(keys)]).similarities(question)
    expected = [float((each @ question).max()) for each in keys]
    # Eight bits a component.
    assert np.abs(found - expected).max() < 0.02


def test_of_some_turns_the_others_have_none() -> None:
    rows = units(50)
    found = shard([row(n + 1, rows[n : n + 1]) for n in range(50)]).similarities(rows[3], np.array([3, 40]))
    assert np.flatnonzero(found).tolist() == [3, 40]
    assert found[3] == pytest.approx(1, abs=0.02)


def test_a_turn_that_no_encoder_has_seen_has_none() -> None:
    rows = units(2)
    found = shard([row(1, rows[:1]), row(2), row(3, rows[1:])])
    assert found.similarities(rows[1])[1] == 0
    assert found.similarities(rows[1])[2] == pytest.approx(1, abs=0.02)
    assert shard([row(1)]).similarities(rows[0]).tolist() == [0]
    assert found.size == 3


def test_of_very_many_the_nearest_are_known_and_the_others_are_no_nearer() -> None:
    rows = units(NEAREST + 500)
    question = units(1, seed=5)[0]
    found = shard([row(n + 1, rows[n : n + 1]) for n in range(len(rows))]).similarities(question)
    exact = rows @ question
    order = np.argsort(-exact)
    assert np.abs(found - exact)[order[: NEAREST - 500]].max() < 0.02
    assert np.all(found >= exact - 0.02)
    assert np.ptp(found[order[-100:]]) == 0


def test_turn_by_turn_is_as_all_at_once() -> None:
    rows = [row(n + 1, units(n % 3 + 1, seed=n), thread=n % 2, minutes=70 * n) for n in range(150)]
    question = units(1, seed=7)[0]
    at_once, one_by_one = shard(rows), HotShard(DIM, StreamState(1, 0, 0))
    for each in rows:
        one_by_one.add([each], StreamState(1, 0, each.key))
    assert np.array_equal(one_by_one.turns, at_once.turns)
    assert np.array_equal(one_by_one.similarities(question), at_once.similarities(question))
    assert one_by_one.state.newest == 150


def test_a_session_is_one_thread_until_it_pauses() -> None:
    minutes = [(1, 0), (2, 1), (1, 59), (1, 118), (1, 179), (2, 180), (1, 181)]
    rows = [row(n, units(1), thread, at) for n, (thread, at) in enumerate(minutes, start=1)]
    assert shard(rows).turns["session"].tolist() == [0, 1, 0, 0, 2, 3, 2]


def test_embeddings_of_another_width_are_an_error() -> None:
    with pytest.raises(DatabaseError, match="turn 1 are not 32 numbers wide"):
        shard([row(1, units(1)[:, :5])])
