"""The index of the nodes of summary trees: it comes back equal, and is in step with the trees."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.library import Library
from memory.search_rows import SearchRowStore
from memory.tables import ChunkRow
from tests.conftest import ForOneHome, write

QUESTION = "What happened to the weights of Vannock?"


def ranking(library: Library, documents: list[int] | None = None) -> list[int]:
    collapsed = library.home.searching.collapsed(library.indexes())
    assert collapsed is not None
    within = None if documents is None else np.array(documents, np.int64)
    found = collapsed.ranking(library.encoder().encode([QUESTION])[0], 200, within)
    return [int(chunk) for chunk in found]


@pytest.fixture
def switched_on(own_novella_home: Path, open_home: ForOneHome) -> Callable[[], Library]:
    library = open_home(own_novella_home)
    library.trees.ensure_extractive(library.documents()[0])
    return lambda: open_home(own_novella_home, collapsed_tree="on")


def test_all_nodes_are_in_it(switched_on: Callable[[], Library]) -> None:
    library = switched_on()
    chunks = ranking(library)
    (record,) = library.documents()
    tree = library.trees.ready(record)
    assert tree is not None
    assert library.home.searching.nodes()
    assert len(library.home.searching.nodes().index) == len(tree.nodes)
    assert len(chunks) == len(set(chunks)) >= 16
    keys, _ = library.indexes().rows.vectors(record.key, ChunkRow)
    assert set(chunks) <= set(keys.tolist())


def test_a_node_has_the_chunks_of_its_part_of_the_text(switched_on: Callable[[], Library]) -> None:
    library = switched_on()
    (record,) = library.documents()
    tree = library.trees.ready(record)
    assert tree is not None
    ranking(library)
    assert library.home.searching.nodes()
    rows = library.home.searching.nodes().rows
    keys = rows.keys()
    held = rows.chunks_of_nodes(keys)
    every = SearchRowStore(library.engine, rows.encoder, rows.dim)
    chunks = every.places(every.chunk_keys(np.array([record.key], np.int64)))
    for key, node in zip(keys, tree.nodes, strict=True):
        expected = [
            chunk
            for chunk, place in chunks.items()
            if place.first < node.end_sentence and place.end > node.first_sentence
        ]
        assert held[int(key)] == sorted(expected)


def _gone(place: Path) -> None:
    shutil.rmtree(place)


def _altered(place: Path) -> None:
    file = next(place.glob("*.faiss"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def _a_file_in_its_place(place: Path) -> None:
    shutil.rmtree(place)
    place.write_text("not a folder")


@pytest.mark.parametrize("harm", [_gone, _altered, _a_file_in_its_place])
def test_it_comes_back_equal(
    switched_on: Callable[[], Library], own_novella_home: Path, harm: Callable[[Path], None]
) -> None:
    wanted = ranking(switched_on())
    assert wanted
    harm(own_novella_home / "indexes" / "nodes")
    assert ranking(switched_on()) == wanted
    assert ranking(switched_on()) == wanted, "and what was made anew is whole"


def test_it_follows_the_trees(switched_on: Callable[[], Library], tmp_path: Path) -> None:
    library = switched_on()
    before = ranking(library)
    file = write(
        tmp_path / "zebra.txt", "The zebra counts its stripes. It has as many as the weights of Vannock.\n"
    )
    (added,) = library.add([file])
    assert ranking(library) == before, "it has no tree yet"
    assert added.record is not None
    library.trees.ensure_extractive(added.record)
    after = ranking(library)
    assert set(before) < set(after)
    of_it, _ = library.indexes().rows.vectors(added.record.key, ChunkRow)
    assert ranking(library, [added.record.key]) == of_it.tolist()
    library.remove(added.record.id)
    assert ranking(library) == before


def test_it_is_off_by_default_and_on_it_is_one_more_side(
    switched_on: Callable[[], Library], own_novella_home: Path, open_home: ForOneHome
) -> None:
    off = open_home(own_novella_home)
    assert off.home.searching.collapsed(off.indexes()) is None
    on = switched_on().ask(QUESTION)
    assert len(on.passages) == 10
    assert not on.abstained
    assert [p.score for p in on.passages] != [p.score for p in off.ask(QUESTION).passages]
