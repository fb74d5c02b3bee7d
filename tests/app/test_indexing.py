"""Indexes come back by themselves, equal, whatever has happened to their folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.library import Library
from tests.conftest import NOVELLA, ForOneHome, write

QUESTIONS = (
    "How much did Miss Judith Nance ask for an apprentice?",
    "What colour was the thread of the glove?",
)
NAMES = {"chunks", "sentences", "chunk-words", "neighbourhood-words"}


def found(library: Library) -> list[list[tuple[str, int, int, float]]]:
    return [
        [(p.document, p.span.start, p.span.end, p.score) for p in library.ask(question).passages]
        for question in QUESTIONS
    ]


@pytest.fixture(scope="module")
def wanted(read_novella: Library) -> list[list[tuple[str, int, int, float]]]:
    answers = found(read_novella)
    assert all(len(passages) == 10 for passages in answers)
    assert read_novella.indexes().rebuilt == []
    return answers


def one(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))))


def _all_gone(indexes: Path) -> None:
    shutil.rmtree(indexes)


def _one_gone(indexes: Path) -> None:
    shutil.rmtree(indexes / "sentences")


def _emptied(indexes: Path) -> None:
    for name in NAMES:
        shutil.rmtree(indexes / name)
        (indexes / name).mkdir()


def _no_manifest(indexes: Path) -> None:
    for name in NAMES:
        (indexes / name / "manifest.json").unlink()


def _altered_manifest(indexes: Path) -> None:
    for name in NAMES:
        manifest = indexes / name / "manifest.json"
        content = json.loads(manifest.read_text())
        content["stamp"]["documents"] = "[]"
        manifest.write_text(json.dumps(content))


def _vectors_cut_short(indexes: Path) -> None:
    file = one(indexes / "chunks", "*.faiss")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _vectors_altered(indexes: Path) -> None:
    file = one(indexes / "sentences", "*.faiss")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def _vectors_of_another(indexes: Path) -> None:
    shutil.copyfile(one(indexes / "sentences", "*.faiss"), one(indexes / "chunks", "*.faiss"))


def _words_altered(indexes: Path) -> None:
    file = one(indexes / "chunk-words" / "segments", "*.term")
    content = bytearray(file.read_bytes())
    content[10] ^= 0xFF
    file.write_bytes(content)


def _words_gone(indexes: Path) -> None:
    one(indexes / "neighbourhood-words" / "segments", "*.idx").unlink()


def _file_in_its_place(indexes: Path) -> None:
    shutil.rmtree(indexes / "chunks")
    (indexes / "chunks").write_text("not a folder")
    shutil.rmtree(indexes / "chunk-words")
    (indexes / "chunk-words").write_text("not a folder")


@pytest.mark.parametrize(
    "harm",
    [
        _all_gone,
        _one_gone,
        _emptied,
        _no_manifest,
        _altered_manifest,
        _vectors_cut_short,
        _vectors_altered,
        _vectors_of_another,
        _words_altered,
        _words_gone,
        _file_in_its_place,
    ],
    ids=lambda harm: harm.__name__.strip("_"),
)
def test_rebuilt_with_the_same_results(
    harm: Callable[[Path], None],
    own_novella_home: Path,
    open_home: ForOneHome,
    wanted: list[list[tuple[str, int, int, float]]],
) -> None:
    harm(own_novella_home / "indexes")
    library = open_home(own_novella_home)
    assert found(library) == wanted
    assert set(library.indexes().rebuilt) <= NAMES
    again = open_home(own_novella_home)  # and what was rebuilt is whole
    assert found(again) == wanted
    assert again.indexes().rebuilt == []


def test_damage_is_told(own_novella_home: Path, open_home: ForOneHome) -> None:
    _vectors_cut_short(own_novella_home / "indexes")
    assert open_home(own_novella_home).indexes().rebuilt == ["chunks"]


def test_stale_indexes_catch_up(own_novella_home: Path, open_home: ForOneHome, tmp_path: Path) -> None:
    """The indexes are those of before a document was added and another removed."""
    before = shutil.copytree(own_novella_home / "indexes", tmp_path / "before")
    library = open_home(own_novella_home)
    file = write(
        tmp_path / "zebra.txt", "The zebra of the menagerie counts its stripes aloud every morning.\n"
    )
    assert [added.status for added in library.add([file])] == ["added"]
    library.remove("novella.txt")
    shutil.rmtree(own_novella_home / "indexes")
    shutil.copytree(before, own_novella_home / "indexes")
    stale = open_home(own_novella_home)
    (zebra,) = stale.documents()
    assert {passage.document for passage in stale.ask("What does the zebra count?").passages} == {zebra.id}
    assert (len(stale.indexes().chunks), len(stale.indexes().chunk_words)) == (1, 1)
    assert not stale.indexes().chunk_words.occurring(["vannock"])


def test_indexes_of_another_library_are_not_used(
    own_novella_home: Path,
    home: Path,
    open_home: ForOneHome,
    tmp_path: Path,
    wanted: list[list[tuple[str, int, int, float]]],
) -> None:
    (home / "clew.sqlite").unlink()  # so that it is another library, not a copy of one
    other = open_home(home)
    other.encoder()
    list(other.add([write(tmp_path / "zebra.txt", "The zebra counts its stripes aloud every morning.\n")]))
    shutil.rmtree(own_novella_home / "indexes")
    shutil.copytree(home / "indexes", own_novella_home / "indexes")
    library = open_home(own_novella_home)
    assert found(library) == wanted
    assert set(library.indexes().rebuilt) == NAMES


def test_two_open_libraries_see_each_others_changes(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    reading, writing = open_home(own_novella_home), open_home(own_novella_home)
    question = "What does the zebra count?"
    assert not any("zebra" in each.quote for each in reading.ask(question).evidence)
    file = write(tmp_path / "zebra.txt", "The zebra counts its stripes aloud every morning.\n")
    (added,) = writing.add([file])
    assert added.record is not None
    assert reading.ask(question).passages[0].document == added.record.id
    writing.remove(added.record.id)
    assert added.record.id not in {p.document for p in reading.ask(question).passages}
    assert len(reading.indexes().chunks) == len(writing.indexes().chunks)


def test_embeddings_read_back_are_those_of_the_index(read_novella: Library) -> None:
    """Nothing was lost on the way: every chunk and every sentence of the store is in its index."""
    indexes = read_novella.indexes()
    (record,) = read_novella.documents()
    assert (
        len(indexes.chunks) == len(indexes.chunk_words) == len(indexes.neighbourhood_words) == record.chunks
    )
    assert len(indexes.sentences) > record.chunks
    assert record.characters == len(NOVELLA.read_bytes().decode("utf-8"))
