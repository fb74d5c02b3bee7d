import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import DamagedIndexError, DimensionMismatchError
from retrieval.hits import Float32, Int64
from retrieval.vector_index import FaissIndex, Storage, VectorIndex, VectorOptions

DIM = 24


def unit(rows: Float32) -> Float32:
    result: Float32 = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return result


def random_rows(count: int, seed: int = 0) -> Float32:
    return unit(np.random.default_rng(seed).standard_normal((count, DIM), dtype=np.float32))


def clustered_rows(count: int, seed: int = 0) -> Float32:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((200, DIM))
    return unit(centres[random.integers(0, 200, count)] + 0.6 * random.standard_normal((count, DIM)))


def brute_force(held: dict[int, Float32], query: Float32, k: int, within: Int64 | None = None) -> list[int]:
    allowed = held.keys() if within is None else held.keys() & set(within.tolist())
    return sorted(allowed, key=lambda i: -float(held[i] @ query))[:k]


def recall(
    index: FaissIndex, ids: Int64, rows: Float32, queries: Float32, within: Int64 | None = None
) -> float:
    kept = np.isin(ids, ids if within is None else within)
    ids, rows = ids[kept], rows[kept]
    truth = ids[np.argsort(-(queries @ rows.T), axis=1)[:, :10]]
    found = index.search(queries, 10, within)
    return float(
        np.mean(
            [len(np.intersect1d(hits.ids, true)) / len(true) for hits, true in zip(found, truth, strict=True)]
        )
    )


@pytest.fixture
def small() -> FaissIndex:
    index = FaissIndex.create(DIM)
    index.add(np.arange(300) * 7, random_rows(300))
    return index


@pytest.fixture(scope="module")
def large() -> FaissIndex:
    index = FaissIndex.create(DIM, VectorOptions(exact_up_to=2_000))
    index.add(np.arange(6_000), clustered_rows(6_000))
    return index


def test_it_is_a_vector_index(small: FaissIndex) -> None:
    index: VectorIndex = small
    assert len(index) == 300
    assert index.ids.tolist() == [i * 7 for i in range(300)]


def test_exact_search_equals_brute_force(small: FaissIndex) -> None:
    held = dict(zip((np.arange(300) * 7).tolist(), random_rows(300), strict=True))
    queries = random_rows(20, seed=5)
    for query, hits in zip(queries, small.search(queries, 12), strict=True):
        assert hits.ids.tolist() == brute_force(held, query, 12)
        assert np.allclose(hits.scores, [held[i] @ query for i in hits.ids.tolist()], atol=1e-5)
    assert small.exact


def test_k_above_the_size_and_an_empty_index(small: FaissIndex) -> None:
    assert len(small.search(random_rows(1), 10_000)[0]) == 300
    empty = FaissIndex.create(DIM)
    assert [len(hits) for hits in empty.search(random_rows(2), 5)] == [0, 0]
    assert small.search(random_rows(0), 5) == []
    assert empty.remove(np.array([1])) == 0


def test_remove_and_add_again(small: FaissIndex) -> None:
    row = random_rows(300)[10:11]
    assert small.search(row, 1)[0].ids.tolist() == [70]
    assert small.remove(np.array([70, 71, 70])) == 1
    assert len(small) == 299
    assert 70 not in small.search(row, 299)[0].ids
    small.add(np.array([70]), row)
    assert small.search(row, 1)[0].ids.tolist() == [70]


def test_an_id_added_twice_is_replaced(small: FaissIndex) -> None:
    new = random_rows(1, seed=77)
    small.add(np.array([70]), new)
    assert len(small) == 300
    assert small.search(new, 1)[0].scores[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("within", [[7, 70, 5, 210], list(range(0, 700)), [2093], [], [1, 2], [70, 7, 7]])
def test_filters_hold_exactly(small: FaissIndex, within: list[int]) -> None:
    held = dict(zip((np.arange(300) * 7).tolist(), random_rows(300), strict=True))
    query = random_rows(1, seed=3)
    allowed = np.array(within, np.int64)
    assert small.search(query, 9, allowed)[0].ids.tolist() == brute_force(held, query[0], 9, allowed)


def test_ids_may_be_as_large_as_int64() -> None:
    index = FaissIndex.create(DIM)
    ids = np.array([5, 2**40, 2**62], np.int64)
    index.add(ids, random_rows(3))
    assert sorted(index.search(random_rows(1), 3, ids[1:])[0].ids.tolist()) == [2**40, 2**62]


def test_wrong_rows_are_refused(small: FaissIndex) -> None:
    with pytest.raises(DimensionMismatchError, match="width 24"):
        small.add(np.array([1]), np.ones((1, 3), np.float32))
    with pytest.raises(DimensionMismatchError):
        small.search(np.ones(DIM, np.float32), 3)
    with pytest.raises(ValueError, match=r"norm 2\.0000"):
        small.add(np.array([1]), 2 * random_rows(1))
    with pytest.raises(ValueError, match="norm nan"):
        small.add(np.array([1]), np.full((1, DIM), np.nan, np.float32))
    with pytest.raises(ValueError, match="once"):
        small.add(np.array([1, 1]), random_rows(2))
    with pytest.raises(ValueError, match="0 or more"):
        small.add(np.array([-1]), random_rows(1))
    assert len(small) == 300


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "remove", "search", "within"]), st.sets(st.integers(0, 40), min_size=1)
        ),
        max_size=25,
    )
)
def test_any_sequence_equals_brute_force(steps: list[tuple[str, set[int]]]) -> None:
    index, held = FaissIndex.create(DIM), dict[int, Float32]()
    for number, (step, chosen) in enumerate(steps):
        ids = np.array(sorted(chosen), np.int64)
        rows = random_rows(len(ids), seed=number)
        if step == "add":
            index.add(ids, rows)
            held.update(zip(ids.tolist(), rows, strict=True))
        elif step == "remove":
            assert index.remove(ids) == len(held.keys() & chosen)
            held = {i: row for i, row in held.items() if i not in chosen}
        else:
            within = ids if step == "within" else None
            assert index.search(rows[:1], 7, within)[0].ids.tolist() == brute_force(held, rows[0], 7, within)
        assert index.ids.tolist() == sorted(held)


@pytest.mark.parametrize("storage", list(Storage))
def test_above_the_switch_recall_is_as_promised(storage: Storage) -> None:
    rows, ids = clustered_rows(6_000), np.arange(6_000)
    index = FaissIndex.create(DIM, VectorOptions(exact_up_to=2_000, storage=storage))
    for start in range(0, 6_000, 500):
        index.add(ids[start : start + 500], rows[start : start + 500])
    assert not index.exact
    assert index.about["recall"] >= 0.97
    queries = clustered_rows(100, seed=1)
    assert recall(index, ids, rows, queries) >= 0.95
    assert recall(index, ids, rows, queries, np.arange(600, 1_900)) >= 0.95
    assert recall(index, ids, rows, queries, np.arange(0, 6_000, 100)) >= 0.95
    assert recall(index, ids, rows, queries, np.arange(0, 6_000, 2)) >= 0.95


def test_lists_are_made_anew_as_the_index_grows() -> None:
    rows = clustered_rows(9_000)
    index = FaissIndex.create(DIM, VectorOptions(exact_up_to=1_000))
    index.add(np.arange(1_500), rows[:1_500])
    first = index.about
    for start in range(1_500, 9_000, 1_500):
        index.add(np.arange(start, start + 1_500), rows[start : start + 1_500])
    assert first["trained_on"] == 1_500 < index.about["trained_on"] == 7_500
    assert index.about["lists"] > first["lists"]
    assert recall(index, np.arange(9_000), rows, clustered_rows(100, seed=1)) >= 0.95


def test_above_the_switch_removed_rows_never_come_back(large: FaissIndex) -> None:
    rows, gone = clustered_rows(6_000), np.arange(1_000, 1_100)
    assert large.remove(gone) == 100
    for hits in large.search(rows[gone], 20):
        assert not np.intersect1d(hits.ids, gone).size
    large.add(gone, rows[gone])
    assert (
        np.mean([hits.ids[0] == i for i, hits in zip(gone, large.search(rows[gone], 1), strict=True)]) > 0.95
    )
    assert len(large) == 6_000


def test_emptied_it_is_exact_again() -> None:
    index = FaissIndex.create(DIM, VectorOptions(exact_up_to=1_000))
    index.add(np.arange(1_500), clustered_rows(1_500))
    assert not index.exact
    index.remove(np.arange(1_500))
    index.add(np.arange(900), random_rows(900))
    assert index.exact
    assert index.search(random_rows(900)[7:8], 1)[0].scores[0] == pytest.approx(1, abs=1e-5)


def test_a_filter_far_from_the_query_still_fills_k(large: FaissIndex) -> None:
    rows = clustered_rows(6_000)
    far = np.sort(np.argsort(rows @ rows[0])[:3_000])  # the half of the rows least like row 0
    assert len(large.search(rows[:1], 50, far)[0]) == 50


@pytest.mark.parametrize("which", ["small", "large"])
def test_save_and_load(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    index: FaissIndex = request.getfixturevalue(which)
    queries = random_rows(5, seed=8)
    before = index.search(queries, 9)
    index.save(tmp_path / "new" / "index", {"encoder": "e1"})
    index.save(tmp_path / "new" / "index", {"encoder": "e2"})
    loaded = FaissIndex.load(tmp_path / "new" / "index")
    assert loaded.stamp == {"encoder": "e2"}
    assert loaded.about == index.about
    assert loaded.ids.tolist() == index.ids.tolist()
    for old, new in zip(before, loaded.search(queries, 9), strict=True):
        assert old.ids.tolist() == new.ids.tolist()
        assert old.scores.tolist() == new.scores.tolist()
    assert len(list((tmp_path / "new" / "index").iterdir())) == 2  # one file of rows, one manifest


def test_a_loaded_index_goes_on(small: FaissIndex, tmp_path: Path) -> None:
    small.save(tmp_path)
    loaded = FaissIndex.load(tmp_path, VectorOptions(exact_up_to=1_000))
    loaded.remove(np.arange(0, 700))
    loaded.add(np.arange(3_000, 4_500), clustered_rows(1_500))
    assert (len(loaded), loaded.exact) == (1_700, False)


def test_every_damage_is_named(small: FaissIndex, tmp_path: Path) -> None:
    small.save(tmp_path)
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name, content in whole.items():
        for place in np.linspace(0, len(content) - 1, 15).astype(int):
            (tmp_path / name).write_bytes(
                content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            )
            with pytest.raises(DamagedIndexError):
                FaissIndex.load(tmp_path)
        for size in (0, len(content) // 2, len(content) - 1):
            (tmp_path / name).write_bytes(content[:size])
            with pytest.raises(DamagedIndexError):
                FaissIndex.load(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(DamagedIndexError):
            FaissIndex.load(tmp_path)
        (tmp_path / name).write_bytes(content)
    assert len(FaissIndex.load(tmp_path)) == 300


def test_an_older_format_and_no_folder_are_damage(small: FaissIndex, tmp_path: Path) -> None:
    small.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"format": 0}))
    with pytest.raises(DamagedIndexError):
        FaissIndex.load(tmp_path)
    with pytest.raises(DamagedIndexError, match="no readable manifest"):
        FaissIndex.load(tmp_path / "nowhere")


def test_a_save_cut_short_leaves_the_old_index(small: FaissIndex, tmp_path: Path) -> None:
    small.save(tmp_path, {"revision": "1"})
    (tmp_path / "vectors-half.faiss").write_bytes(b"half a file")
    (tmp_path / "manifest.json.tmp").write_text("{")
    assert FaissIndex.load(tmp_path).stamp == {"revision": "1"}


def test_cuda_without_a_gpu_build_searches_on_the_cpu() -> None:
    index = FaissIndex.create(DIM, VectorOptions(device="cuda"))
    index.add(np.arange(5), random_rows(5))
    assert len(index.search(random_rows(1), 3)[0]) == 3


@pytest.mark.parametrize("options", [{"exact_up_to": 0}, {"recall": 0.0}, {"recall": 1.5}])
def test_impossible_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="exact_up_to"):
        VectorOptions(**options)  # type: ignore[arg-type]
