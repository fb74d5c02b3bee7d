import json
from pathlib import Path

import pytest

from app.errors import OutputError
from app.summaries.files import file_names, prepare_folder, write_report
from app.summaries.wanted import Wanted


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
    names = file_names(paths, Wanted())
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
    assert all(len(name) <= 80 for name in file_names(["/x/" + "a" * 300 + ".txt"], Wanted()))


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


def test_a_part_and_a_method_have_files_of_their_own() -> None:
    assert file_names(["/a/sea.txt"], Wanted(part="chapters 3 to 5")) == ["sea - chapters 3 to 5"]
    assert file_names(["/a/sea.txt"], Wanted("scm")) == ["sea (scm)"]
    assert file_names(["/a/sea.txt"], Wanted("scm", part="../../x|y")) == ["sea - .._.._x_y (scm)"]


def test_the_summary_of_another_document_is_not_written_over(tmp_path: Path) -> None:
    one, other = ({"document": {"path": f"/{name}/sea.txt"}} for name in "ab")
    write_report(tmp_path, "sea", "# Sea\n", one)
    with pytest.raises(OutputError, match=r"is the summary of /a/sea\.txt; name another folder"):
        write_report(tmp_path, "sea", "# Sea\n", other)
    with pytest.raises(OutputError, match="is the summary of"):
        prepare_folder(tmp_path, {"sea": "/b/sea.txt"})
    prepare_folder(tmp_path, {"sea": "/a/sea.txt", "lake": "/b/lake.txt"})
    write_report(tmp_path, "sea", "# The sea\n", one)


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    (tmp_path / ".sea.md.part").symlink_to(precious)
    with pytest.raises(OutputError, match=r"sea\.md cannot be written"):
        write_report(tmp_path, "sea", "# Sea\n", {})
    assert precious.read_text() == "precious"
