"""Every hostile file is one named error of that file, soon, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

import pytest

from retrieval.errors import LoadError
from retrieval.loaders import load_document
from tests.retrieval.loaders.hostile import HostileFile, build_hostile_corpus
from tests.retrieval.loaders.samples import good_docx, good_epub, good_pdf


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[HostileFile]:
    return build_hostile_corpus(tmp_path_factory.mktemp("hostile"))


def listing(folder: Path) -> set[tuple[str, int]]:
    return {
        (os.path.join(where, name), os.lstat(os.path.join(where, name)).st_size)
        for where, folders, files in os.walk(folder)
        for name in (*folders, *files)
    }


def test_every_hostile_file_is_one_named_error(
    corpus: list[HostileFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test, not one per file: only together do they show that nothing is left and that others go on."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    good = [("good.pdf", good_pdf()), ("good.epub", good_epub()), ("good.docx", good_docx())]
    for name, content in good:
        (tmp_path / name).write_bytes(content)
    folder = corpus[0].path.parent
    before = listing(folder) | listing(tmp_path)

    wrong = []
    for number, hostile in enumerate(corpus):
        started = time.monotonic()
        try:
            document = load_document(hostile.path)
            ending = f"was read as {document!r}"
        except LoadError as error:
            ending = "" if type(error) in hostile.errors and is_one_sentence(str(error)) else repr(error)
        seconds = time.monotonic() - started
        if ending or seconds > 20:
            wrong.append(f"{hostile.path.name!a} ({hostile.reason}): {ending} in {seconds:.1f} s")
        if number % 30 == 0:  # the good ones among them still load
            assert load_document(tmp_path / good[number // 30 % 3][0]).text
    assert wrong == []
    assert listing(folder) | listing(tmp_path) == before


def test_the_corpus_is_as_large_as_promised(corpus: list[HostileFile]) -> None:
    assert len({hostile.path for hostile in corpus}) == len(corpus) >= 48


def test_name_cannot_forge_terminal_output(corpus: list[HostileFile]) -> None:
    forged = next(hostile for hostile in corpus if "steers" in hostile.reason)
    with pytest.raises(LoadError) as caught:
        load_document(forged.path)
    assert str(caught.value).isprintable()
    assert r"\x1b" in str(caught.value)
    assert r"\u202e" in str(caught.value)


def is_one_sentence(message: str) -> bool:
    """Whether it begins with the quoted name and ends with its only full stop, on one safe line."""
    outside = re.sub(r'"[^"]*"', "", message).replace(".doc, .xls or .ppt", "")
    return (
        message.startswith('"')
        and message.endswith(".")
        and message.isprintable()
        and outside.count(". ") == 0
    )
