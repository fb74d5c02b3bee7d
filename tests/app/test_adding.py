"""Adding: what each file becomes, what is encoded again, and what an interruption leaves."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.adding import AddedDocument, files_of
from app.events import Event
from app.library import Library
from retrieval.document import Document, Page, Span
from retrieval.encoder import Encoder
from retrieval.errors import EmptyFileError, EncoderError
from retrieval.hits import Float32
from tests.conftest import NOVELLA, ForOneHome, write
from tests.retrieval.loaders.samples import good_docx, good_epub, good_pdf

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
OWL = "The owl hunts at night. It hears a mouse under the snow from thirty yards.\n"


def add(library: Library, *paths: Path) -> list[AddedDocument]:
    return list(library.add(paths))


def count(library: Library, query: str) -> Any:
    with closing(sqlite3.connect(library.settings.home / "clew.sqlite")) as connection:
        return connection.execute(query).fetchone()[0]


def test_added_then_unchanged(library: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    (added,) = add(library, file)
    assert (added.status, added.error, added.path) == ("added", None, str(file))
    record = added.record
    assert record is not None
    assert (record.title, record.path, record.characters) == ("Fox", str(file), len(FOX))
    assert (record.chunks, added.chunks_encoded, record.pages, record.sections) == (1, 1, 0, 0)
    assert added.seconds > 0
    (again,) = add(library, file)
    assert (again.status, again.chunks_encoded, again.record) == ("unchanged", 0, record)
    assert library.documents() == [record]
    assert count(library, "SELECT sum(attempts) FROM units") == 1


def test_same_bytes_under_another_path_are_unchanged(library: Library, tmp_path: Path) -> None:
    (first,) = add(library, write(tmp_path / "fox.txt", FOX))
    (copy,) = add(library, write(tmp_path / "elsewhere" / "copy.md", FOX))
    assert (copy.status, copy.record) == ("unchanged", first.record)
    assert len(library.documents()) == 1


def test_relative_path_is_the_same_file(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (first,) = add(library, write(Path("fox.txt"), FOX))
    assert first.record is not None
    assert first.record.path == str(tmp_path / "fox.txt")
    write(tmp_path / "fox.txt", FOX + OWL)
    (second,) = add(library, tmp_path / "fox.txt")
    assert (second.status, len(library.documents())) == ("updated", 1)


def test_documents_share_the_embeddings_of_equal_texts(library: Library, tmp_path: Path) -> None:
    add(library, write(tmp_path / "fox.txt", FOX))
    before = count(library, "SELECT count(*) FROM embeddings")
    add(library, write(tmp_path / "fox2.txt", FOX + "\n"))  # other bytes, another title, the same sentences
    assert count(library, "SELECT count(*) FROM embeddings") == before + 1
    library.remove("fox.txt")
    answer = library.ask("Where does the fox sleep?")
    assert {c.origin.title for c in answer.evidence} == {"Fox2"}


def test_edited_paragraph_encodes_a_few_chunks_and_keeps_the_id(novella: Library, tmp_path: Path) -> None:
    old = "a fish-scale that you lifted with tweezers"
    text = NOVELLA.read_text(encoding="utf-8")
    assert text.count(old) == 1
    (before,) = novella.documents()
    # The novella was added from data/; its edited version comes from there too, so that only bytes differ.
    copy = write(tmp_path / "novella.txt", text)
    with sqlite3.connect(novella.settings.home / "clew.sqlite") as connection:
        connection.execute("UPDATE documents SET path = ?", (str(copy),))
    connection.close()
    write(copy, text.replace(old, "a fish-scale that you lifted with a magnet"))
    (added,) = add(novella, copy)
    assert added.status == "updated"
    assert added.record is not None
    assert added.record.id == before.id
    assert added.record.content_hash != before.content_hash
    assert 1 <= added.chunks_encoded <= 4 < added.record.chunks * 0.05
    assert [record.id for record in novella.documents()] == [before.id]
    words = novella.indexes().chunk_words
    assert words.occurring(["magnet", "tweezer"]) == {"magnet"}
    new = novella.ask("What was the thing like a fish-scale lifted with?")
    assert any("with a magnet" in each.quote for each in new.evidence)
    assert not any("tweezers" in each.quote for each in new.evidence)
    assert count(novella, "SELECT count(DISTINCT document_key) FROM sentences") == 1
    assert (
        count(
            novella,
            """SELECT count(*) FROM embeddings WHERE text_hash NOT IN
            (SELECT text_hash FROM chunks UNION SELECT text_hash FROM sentences)""",
        )
        == 0
    )


class StoppingEncoder:
    """The real encoder, until it has encoded so many batches; then someone presses Ctrl-C."""

    def __init__(self, encoder: Encoder, batches: int) -> None:
        self._encoder, self._left = encoder, batches
        self.name, self.fingerprint, self.dim = encoder.name, encoder.fingerprint, encoder.dim
        self.max_tokens, self.token_offsets = encoder.max_tokens, encoder.token_offsets

    def encode(self, texts: Sequence[str]) -> Float32:
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return self._encoder.encode(texts)


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """About thirty paragraphs that are all different, a handful of units."""
    text = NOVELLA.read_text(encoding="utf-8")
    return write(tmp_path / "part.txt", text[1000:15_000])


def stopped(library: Library, encoder: Encoder, batches: int) -> Library:
    stopping = StoppingEncoder(encoder, batches)
    backends = replace(library.backends, encoder=lambda progress: stopping)
    return Library(library.settings, library.engine, backends)


def test_interrupted_add_goes_on_where_it_was(library: Library, encoder: Encoder, long_file: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        add(stopped(library, encoder, 1), long_file)
    assert library.documents() == []  # nothing half is listed
    assert count(library, "SELECT count(*) FROM units WHERE state = 'done'") == 1
    total = count(library, "SELECT count(*) FROM units")
    assert total >= 3

    def unreachable(path: Path) -> Document:
        raise AssertionError("parsed again")

    events: list[Event] = []
    resumed = Library(library.settings, library.engine, replace(library.backends, load=unreachable))
    (added,) = list(resumed.add([long_file], events.append))
    assert added.status == "added"
    assert added.record is not None
    assert 0 < added.chunks_encoded < added.record.chunks  # the first unit holds chunks
    assert [e.done for e in events if e.stage == "encode"] == list(range(total - 1 + 1))
    assert count(library, "SELECT sum(attempts - 1) FROM units") == 1
    assert library.home.units.repeated() == 1


def test_interrupted_update_leaves_the_old_version_answering(
    library: Library, encoder: Encoder, tmp_path: Path, long_file: Path
) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    (old,) = add(library, file)
    shutil.copyfile(long_file, file)
    with pytest.raises(KeyboardInterrupt):
        add(stopped(library, encoder, 1), file)
    assert library.documents() == [old.record]
    answer = library.ask("Where does the fox sleep?")
    assert [each.quote for each in answer.evidence][:1] == ["The fox sleeps in a den under the oak."]
    assert all(FOX[e.origin.span.start : e.origin.span.end] == e.quote for e in answer.evidence)
    (new,) = add(library, file)
    assert new.status == "updated"
    assert new.record is not None
    assert old.record is not None
    assert new.record.id == old.record.id
    assert not library.indexes().chunk_words.occurring(["fox"])


def test_interrupted_update_given_up_leaves_nothing(
    library: Library, encoder: Encoder, tmp_path: Path, long_file: Path
) -> None:
    """The file changes back, or to a third version, before the update was finished."""
    file = write(tmp_path / "fox.txt", FOX)
    add(library, file)
    shutil.copyfile(long_file, file)
    with pytest.raises(KeyboardInterrupt):
        add(stopped(library, encoder, 1), file)
    write(file, FOX + OWL)
    (added,) = add(library, file)
    assert added.status == "updated"
    assert count(library, "SELECT count(*) FROM documents") == 1
    assert count(library, "SELECT count(*) FROM units WHERE state != 'done'") == 0


def test_one_bad_file_does_not_stop_the_others(library: Library, tmp_path: Path) -> None:
    empty, absent = write(tmp_path / "a.txt", ""), tmp_path / "b.txt"
    good, broken = write(tmp_path / "c.txt", FOX), write(tmp_path / "d.pdf", "%PDF-1.7\nnothing")
    statuses = {Path(each.path).name: each for each in add(library, empty, absent, good, broken)}
    assert {name: each.status for name, each in statuses.items()} == {
        "a.txt": "failed",
        "b.txt": "failed",
        "c.txt": "added",
        "d.pdf": "failed",
    }
    for name in ("a.txt", "b.txt", "d.pdf"):
        assert statuses[name].error is not None
        assert name in str(statuses[name].error)
        assert statuses[name].record is None
        assert statuses[name].chunks_encoded == 0
    assert [record.title for record in library.documents()] == ["C"]
    assert count(library, "SELECT count(*) FROM documents") == 1


def test_file_that_vanishes_while_it_is_added(library: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)

    def load(path: Path) -> Document:
        path.unlink()
        return library.backends.load(path)

    vanishing = Library(library.settings, library.engine, replace(library.backends, load=load))
    (added,) = add(vanishing, file)
    assert added.status == "failed"
    assert "fox.txt" in str(added.error)
    assert library.documents() == []


def test_failed_update_leaves_the_old_version(library: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    (old,) = add(library, file)
    write(file, "")
    (failed,) = add(library, file)
    assert failed.status == "failed"
    assert library.documents() == [old.record]


def test_file_without_words_is_refused(library: Library, tmp_path: Path) -> None:
    (added,) = add(library, write(tmp_path / "blank.txt", " \n\t\n"))
    assert added.status == "failed"
    assert "blank.txt" in str(added.error)


def test_scan_says_that_it_has_no_text_layer(library: Library) -> None:
    pages = tuple(Page(number, Span(0, 0), unread=True) for number in (1, 2, 3))
    with pytest.raises(EmptyFileError, match=r'"scan\.pdf" has no text layer on any of its 3 pages'):
        library.add_documents([(Document("", "Scan", "application/pdf", (), pages), "f" * 64, "/x/scan.pdf")])
    assert library.documents() == []


def test_folder_means_the_documents_in_and_below_it(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    for name in ("b.txt", "a.MD", "sub/c.epub", "sub/deeper/d.html", "cover.jpg", "notes.rtf"):
        write(folder / name, "x")
    (folder / "folder.txt").mkdir()
    single = write(tmp_path / "single.xyz", "x")  # a file that is named is tried whatever its suffix
    found = [path.relative_to(tmp_path).as_posix() for path in files_of([single, folder])]
    assert found == ["single.xyz", "books/a.MD", "books/b.txt", "books/sub/c.epub", "books/sub/deeper/d.html"]


def test_empty_folder_is_refused_by_name(library: Library, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (added,) = add(library, tmp_path / "nothing")
    assert added.status == "failed"
    assert "nothing" in str(added.error)


def test_every_format_through_the_library(library: Library, tmp_path: Path) -> None:
    for name, content in (("a.pdf", good_pdf()), ("b.epub", good_epub()), ("c.docx", good_docx())):
        (tmp_path / name).write_bytes(content)
    write(tmp_path / "d.html", f"<title>Wood</title><h1>Animals</h1><p>{FOX}</p>")
    write(tmp_path / "e.md", f"# Wood\n\n{OWL}")
    results = add(
        library, tmp_path / "a.pdf", *(tmp_path / n for n in ("b.epub", "c.docx", "d.html", "e.md"))
    )
    assert [each.status for each in results] == ["added"] * 5
    assert results[0].record is not None
    assert results[0].record.pages > 0
    for record in library.documents():
        document = library.store.load(record.key)
        for quote in library.ask("What is said here?", [record.id]).evidence:
            assert document.text[quote.origin.span.start : quote.origin.span.end] == quote.quote


def test_name_that_is_not_utf8(library: Library, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.txt")
    try:
        file.write_text(FOX)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (added,) = add(library, file)
    assert (added.status, added.error) == ("added", None)
    assert [each.status for each in add(library, file)] == ["unchanged"]
    file.write_text(FOX + OWL)
    assert [each.status for each in add(library, file)] == ["updated"]
    (record,) = library.documents()
    record.path.encode()  # can be stored, printed and sent


def test_encoder_that_is_away_is_named(home: Path, open_home: ForOneHome, tmp_path: Path) -> None:
    library = open_home(home)

    def away(progress: Callable[[Event], None]) -> Encoder:
        raise EncoderError("The encoder 'x' cannot be loaded: no such file")

    without = Library(library.settings, library.engine, replace(library.backends, encoder=away))
    with pytest.raises(EncoderError, match="'x'"):
        add(without, write(tmp_path / "fox.txt", FOX))
    assert count(library, "SELECT count(*) FROM documents") == 0
    assert [each.status for each in add(library, tmp_path / "fox.txt")] == ["added"]


def test_other_encoder_encodes_again_and_is_not_mixed(
    library: Library, encoder: Encoder, tmp_path: Path
) -> None:
    add(library, write(tmp_path / "fox.txt", FOX), write(tmp_path / "owl.txt", OWL))
    before = [(record.id, record.title) for record in library.documents()]

    class Other(StoppingEncoder):
        def __init__(self) -> None:
            super().__init__(encoder, -1)
            self.name, self.fingerprint = "other", "other@1"

        def encode(self, texts: Sequence[str]) -> Float32:
            return -encoder.encode(texts)  # nothing of it agrees with the first encoder's rows

    other = Other()
    backends = replace(library.backends, encoder=lambda progress: other, encoder_fingerprint="other@1")
    changed = Library(library.settings, library.engine, backends)
    answer = changed.ask("Where does the fox sleep?")
    assert answer.evidence[0].quote == "The fox sleeps in a den under the oak."
    assert answer.evidence[0].relevance > 0.3  # question and sentence are of one encoder
    assert [(record.id, record.title) for record in changed.documents()] == before
    assert count(library, "SELECT count(*) FROM encoders") == 1
    assert count(library, "SELECT group_concat(DISTINCT e.fingerprint) FROM encoders e") == "other@1"
    (again,) = add(changed, tmp_path / "fox.txt")
    assert again.status == "unchanged"


class Mirrored(StoppingEncoder):
    """Another encoder: none of its rows agrees with those of the real one."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder, -1)
        self.name, self.fingerprint = "mirrored", "mirrored@1"

    def encode(self, texts: Sequence[str]) -> Float32:
        return -super().encode(texts)


def under(library: Library, encoder: Encoder) -> Library:
    backends = replace(
        library.backends, encoder=lambda progress: encoder, encoder_fingerprint=encoder.fingerprint
    )
    return Library(library.settings, library.engine, backends)


def test_unfinished_file_survives_a_change_of_the_encoder_and_back(
    library: Library, encoder: Encoder, long_file: Path, tmp_path: Path
) -> None:
    """What the other encoder swept away is planned and encoded again, not taken for done."""
    add(library, write(tmp_path / "fox.txt", "The fox sleeps in a den under the oak."))
    with pytest.raises(KeyboardInterrupt):
        add(stopped(library, encoder, 1), long_file)
    under(library, Mirrored(encoder)).ask("Where does the fox sleep?")
    (added,) = add(under(library, encoder), long_file)
    assert added.status == "added"
    assert added.record is not None
    assert added.chunks_encoded == added.record.chunks > 1
    last = under(library, encoder)
    assert len(last.indexes().chunks) == sum(record.chunks for record in last.documents())


def test_library_kept_open_follows_a_change_of_the_encoder_and_back(
    library: Library, encoder: Encoder, tmp_path: Path
) -> None:
    add(library, write(tmp_path / "fox.txt", "The fox sleeps in a den under the oak."))
    kept_open, other = under(library, encoder), under(library, Mirrored(encoder))
    for each in (kept_open, other, kept_open, other, kept_open):
        answer = each.ask("Where does the fox sleep?")
        assert answer.evidence[0].relevance > 0.3
        assert len(each.indexes().chunks) == sum(record.chunks for record in each.documents()) == 1


def test_files_that_no_document_came_of_are_removed_by_path(
    library: Library, encoder: Encoder, long_file: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        add(stopped(library, encoder, 1), long_file)
    library.remove(str(long_file))
    for table in ("documents", "texts", "chunks", "sentences", "embeddings", "units"):
        assert count(library, f"SELECT count(*) FROM {table}") == 0


def test_removing_by_title_takes_the_unfinished_version_too(
    library: Library, encoder: Encoder, long_file: Path
) -> None:
    (added,) = add(library, long_file)
    assert added.record is not None
    write(
        long_file, long_file.read_text(encoding="utf-8") + "\n\nOne more paragraph, quite unlike the others."
    )
    with pytest.raises(KeyboardInterrupt):
        add(stopped(library, encoder, 0), long_file)
    library.remove(added.record.title)
    assert count(library, "SELECT count(*) FROM documents") == 0
