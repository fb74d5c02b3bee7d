"""The library: what documents go by, what removing leaves, and stores that fail."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app import bootstrap
from app.bootstrap import open_library
from app.config import Settings
from app.errors import SettingsError
from app.library import Library
from memory.errors import AmbiguousDocumentError, DatabaseError, UnknownDocumentError
from retrieval.errors import ClewError, EncoderError
from tests.conftest import ForOneHome, settings_of, write

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
OWL = "The owl hunts at night. It hears a mouse under the snow from thirty yards.\n"


def rows_of(home: Path) -> dict[str, int]:
    with closing(sqlite3.connect(home / "clew.sqlite")) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
            if name not in {"sqlite_sequence", "alembic_version", "library", "measurements", "encoders"}
        }


def test_documents_in_the_order_they_came(library: Library, tmp_path: Path) -> None:
    for name, text in (("owl", OWL), ("fox", FOX)):
        assert [a.status for a in library.add([write(tmp_path / f"{name}.txt", text)])] == ["added"]
    assert [record.title for record in library.documents()] == ["Owl", "Fox"]


def test_document_by_id_title_path_and_name(library: Library, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "red_fox.txt", FOX), write(tmp_path / "owl.txt", OWL)]))
    fox = library.documents()[0]
    for reference in (fox.id, fox.id[:5], "Red fox", "RED FOX", "red_fox.txt", str(tmp_path / "red_fox.txt")):
        assert library.document(reference) == fox
    for reference in ("wolf", fox.id[:2], "", "%", "_"):
        with pytest.raises(UnknownDocumentError):
            library.document(reference)


def test_ambiguous_title_names_the_ids(library: Library, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "one" / "fox.txt", FOX), write(tmp_path / "two" / "fox.txt", OWL)]))
    with pytest.raises(AmbiguousDocumentError) as caught:
        library.document("Fox")
    assert all(record.id in str(caught.value) for record in library.documents())


def test_remove_leaves_nothing_of_a_document(library: Library, home: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX.replace("oak", "quercusilex"))
    list(library.add([file]))
    assert rows_of(home)["chunks"] == 1
    removed = library.remove("fox.txt")
    assert removed.title == "Fox"
    assert set(rows_of(home).values()) == {0}
    assert file.read_text() == FOX.replace("oak", "quercusilex")
    assert library.documents() == []
    library.close()
    assert holding(home, b"quercusilex") == []


def test_remove_leaves_the_others(library: Library, home: Path, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "owl.txt", OWL)]))
    alone = rows_of(home)
    list(library.add([write(tmp_path / "fox.txt", FOX + OWL)]))
    library.remove("fox.txt")
    assert rows_of(home) == alone
    assert not library.indexes().chunk_words.occurring(["fox"])
    assert library.ask("When does the owl hunt?").evidence[0].origin.title == "Owl"


def test_text_of_a_removed_document_stands_in_no_file(library: Library, home: Path, tmp_path: Path) -> None:
    text = FOX.replace("oak", "quercusilex")
    list(library.add([write(tmp_path / "fox.txt", text), write(tmp_path / "owl.txt", OWL)]))
    library.remove("fox.txt")
    library.close()
    assert holding(home, b"quercusilex") == []


def holding(home: Path, words: bytes) -> list[str]:
    return [
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file() and words in path.read_bytes()
    ]


def test_damaged_database_is_one_named_error(home: Path) -> None:
    (home / "clew.sqlite").write_bytes(b"This is no database, it is a letter to a friend." * 100)
    with pytest.raises(DatabaseError) as caught:
        open_library(settings_of(home))
    assert "clew.sqlite" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damage_inside_the_database_is_one_named_error(own_novella_home: Path, open_home: ForOneHome) -> None:
    """The header is whole, so it opens; a page in the middle is not."""
    file = own_novella_home / "clew.sqlite"
    content = bytearray(file.read_bytes())
    for start in range(8192, len(content), 4096):
        content[start : start + 4000] = b"\xff" * 4000
    file.write_bytes(content)
    with pytest.raises(ClewError) as caught:
        open_home(own_novella_home).ask("Who is Dorcas?")
    assert "\n" not in str(caught.value)


def test_locked_database_is_one_named_error(library: Library, home: Path, tmp_path: Path) -> None:
    with library.engine.connect() as connection:  # the 30 seconds that it would wait, made short
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    file = write(tmp_path / "fox.txt", FOX)
    with closing(sqlite3.connect(home / "clew.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked"):
            list(library.add([file]))
        other.execute("ROLLBACK")
    assert [added.status for added in library.add([file])] == ["added"]


@pytest.mark.parametrize("home", ["/proc/clew", "/dev/null/clew"])
def test_home_that_cannot_be_made_is_named(home: str) -> None:
    with pytest.raises(SettingsError, match=home):
        open_library(settings_of(Path(home)))


def test_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"fox\.txt"):
        open_library(settings_of(write(tmp_path / "fox.txt", FOX)))


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/clew/x.sqlite", "postgresql+nothing://h/d"])
def test_database_url_that_cannot_be_used_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        open_library(settings_of(tmp_path / "home", database_url=url))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoder", ["absent-model", "some-body/absent-model", "/nowhere/model"])
def test_encoder_that_is_not_there_is_named(tmp_path: Path, encoder: str) -> None:
    with pytest.raises(EncoderError, match=encoder):
        open_library(settings_of(tmp_path / "home", encoder=encoder)).encoder()


def test_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(EncoderError, match="model"):
        open_library(settings_of(tmp_path / "home", encoder=str(tmp_path / "model"))).encoder()


def test_model_without_its_address_is_named(own_novella_home: Path, open_home: ForOneHome) -> None:
    library = open_home(own_novella_home, model="openai:gpt")
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL"):
        library.ask("Who is Dorcas Imray?")


def test_opening_twice_changes_nothing(own_novella_home: Path, open_home: ForOneHome) -> None:
    before = rows_of(own_novella_home)
    for _ in range(2):
        assert len(open_home(own_novella_home).documents()) == 1
    assert rows_of(own_novella_home) == before


def test_a_device_that_is_not_there_is_one_error_and_no_traceback_of_a_thread(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The encoder loads on a thread beside the parser; its error is met once, by whoever uses the encoder."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    file = tmp_path / "fox.txt"
    file.write_text("The fox sleeps in a den under the oak.", encoding="utf-8")
    library = bootstrap.open_library(Settings(home=tmp_path / "home", device="cuda"))
    with pytest.raises(SettingsError, match="CUDA"):
        list(library.add([file]))
    assert "Traceback" not in capfd.readouterr().err
    library.close()
