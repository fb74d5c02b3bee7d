import json
from pathlib import Path

import pytest

from app.errors import OutputError
from app.summaries.files import file_names, prepare_folder, write_report


def test_names_come_from_the_files_and_no_two_are_alike() -> None:
    paths = [
        "/books/The Sea.epub",
        "/old/the sea.pdf",
        r"C:\books\Night & Day.txt",
        "/x/summaries.txt",
        "/x/..%2f..%2fetc.txt",
        "/x/....txt",
        "/x/海の本.txt",
        "the sea-2.txt",
    ]
    names = file_names(paths)
    assert names == [
        "The Sea",
        "the sea-2",
        "Night & Day",
        "summaries-2",
        "2f.._2fetc",
        "document",
        "海の本",
        "the sea-2-2",
    ]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(len(name) <= 80 for name in file_names(["/x/" + "a" * 300 + ".txt"]))


def test_files_are_written_and_written_over(tmp_path: Path) -> None:
    markdown, document = write_report(tmp_path, "sea", "# Sea\n", {"summary": "It sank."})
    assert markdown.read_text().endswith("# Sea\n")
    assert json.loads(document.read_text()) == {"generator": "clew", "summary": "It sank."}
    write_report(tmp_path, "sea", "# The sea\n", {"summary": "It rose."})
    assert markdown.read_text().endswith("# The sea\n")
    assert json.loads(document.read_text())["summary"] == "It rose."
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sea.json", "sea.md"]


@pytest.mark.parametrize("suffix", ["md", "json"])
def test_the_files_of_others_are_kept(tmp_path: Path, suffix: str) -> None:
    mine = tmp_path / f"sea.{suffix}"
    mine.write_text("my notes")
    with pytest.raises(OutputError, match="that Clew has not written; name another folder"):
        write_report(tmp_path, "sea", "# Sea\n", {})
    assert mine.read_text() == "my notes"
    assert [file.name for file in tmp_path.iterdir()] == [f"sea.{suffix}"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"Nothing can be written into .*file"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="Nothing can be written"):
        prepare_folder(tmp_path / "file" / "below")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".sea.md.part").mkdir()
    with pytest.raises(OutputError, match=r"sea\.md cannot be written"):
        write_report(tmp_path, "sea", "# Sea\n", {})
