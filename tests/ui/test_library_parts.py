"""What the page of the library is made of: names of files, lists, progress."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.errors import OutputError, SettingsError
from app.records import DocumentRecord, JobEvent, TaskRecord
from ui.parts.add_progress import file_states, share_done
from ui.parts.amounts import page_ranges, size_words, time_words
from ui.parts.documents import ROWS, facts_of, listed
from ui.parts.kept_files import kept, kept_name
from ui.parts.server_files import files_in, folders_in
from ui.upload_files import StoredUpload

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(number: int, title: str = "", path: str = "") -> DocumentRecord:
    return DocumentRecord(
        key=number,
        id=f"{number:012x}",
        owner="me",
        title=title or f"Book {number}",
        path=path or f"/books/book{number}.txt",
        media_type="text/plain",
        content_hash=str(number),
        recipe="",
        characters=1000 - number,
        pages=0,
        pages_unread=(),
        sections=0,
        chunks=1,
        added_at=NOON + timedelta(minutes=number),
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_300, "12 kB"), (3_400_000, "3.4 MB"), (2e9, "2.0 GB")],
)
def test_sizes(count: float, words: str) -> None:
    assert size_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "not measured here yet"),
        (0.2, "about 1 s"),
        (99, "about 99 s"),
        (119, "about 2 min"),
        (3 * 3600, "about 3.0 h"),
    ],
)
def test_times(seconds: float | None, words: str) -> None:
    assert time_words(seconds) == words


def test_pages_in_a_few_words() -> None:
    assert page_ranges([3, 7, 8, 9, 12, 8]) == "3, 7–9, 12"
    assert page_ranges(range(1, 100, 2), most=2) == "1, 3, …"
    assert page_ranges([]) == ""


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("book.pdf", "book.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "file"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("a\u202egpj.exe\x00", "a gpj.exe"),
        ("日記 2026.md", "日記 2026.md"),
        ("no suffix", "no suffix"),
    ],
)
def test_names_are_made_harmless(name: str, harmless: str) -> None:
    assert kept_name(name) == harmless


@given(some.text(max_size=400))
def test_any_name_is_one_of_a_file_in_its_folder(name: str) -> None:
    harmless = kept_name(name)
    assert harmless.strip(". ") == harmless != ""
    assert not set(harmless) & set("/\\\0\n")
    assert len(harmless.encode()) <= 200


def test_files_of_one_name_do_not_take_each_others_place(tmp_path: Path) -> None:
    folder, uploads = tmp_path / "kept", []
    for number in range(3):
        path = tmp_path / f"upload{number}"
        path.write_text(str(number))
        uploads.append(StoredUpload("../notes.txt", path, 1))
    taken = {str(folder / "notes (2).txt")}
    with kept(uploads, folder, taken) as paths:
        assert [path.name for path in paths] == ["notes.txt", "notes (3).txt", "notes (4).txt"]
    assert [path.read_text() for path in paths] == ["0", "1", "2"]
    assert {path.parent for path in paths} == {folder}


def test_uploads_that_cannot_be_kept_or_added_are_not_lost(tmp_path: Path) -> None:
    folder, uploads = tmp_path / "kept", []
    for number in range(2):
        path = tmp_path / "incoming" / f"upload{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(number))
        uploads.append(StoredUpload("notes.txt", path, 1))
    with pytest.raises(SettingsError), kept(uploads, folder):
        raise SettingsError("There is nothing to add.")
    assert [each.path.read_text() for each in uploads] == ["0", "1"]

    missing = StoredUpload("more.txt", tmp_path / "incoming" / "nowhere", 1)
    with pytest.raises(OutputError, match="No such file"), kept([*uploads, missing], folder):
        pytest.fail("one of them is not there")
    assert [each.path.read_text() for each in uploads] == ["0", "1"]
    with pytest.raises(OutputError, match="No space left"), kept(uploads, folder):
        raise OSError(28, "No space left on device")
    assert [each.path.read_text() for each in uploads] == ["0", "1"]
    assert list(folder.iterdir()) == []


def test_a_folder_of_the_server_leads_nowhere_else(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "deep" / "deeper", root / ".hidden", outside):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("text")
        (folder / "b.bin").write_text("text")
    (root / "linked").symlink_to(outside)
    (root / "deep" / "stolen.txt").symlink_to(outside / "a.txt")
    assert folders_in(root) == [".", "deep", "deep/deeper"]
    found = [path.relative_to(root).as_posix() for path in files_in(root, "deep")]
    assert found == ["deep/deeper/a.txt"]
    assert files_in(root, "../outside") == files_in(root, "linked") == files_in(root, "nowhere") == []


def test_the_list_is_searched_sorted_and_paged() -> None:
    records = [record(number) for number in range(60)]
    first = listed(records)
    assert (len(first.rows), first.found, first.page, first.pages) == (ROWS, 60, 1, 3)
    assert first.rows[0].title == "Book 59"
    assert listed(records, sort="oldest").rows[0].title == "Book 0"
    assert listed(records, sort="longest").rows[0].title == "Book 0"
    assert [each.title for each in listed(records, sort="title").rows[:3]] == ["Book 0", "Book 1", "Book 10"]
    assert [each.title for each in listed(records, page=99).rows] == [f"Book {n}" for n in range(9, -1, -1)]
    assert listed(records, words=" 7 BOOK ").found == 6  # 7, 17, ..., 57


def test_the_list_finds_words_in_titles_and_names_of_files() -> None:
    records = [record(1, "The Salt Road"), record(2, path="/deep/salt/pepper.txt"), record(3, "Straße")]
    assert [each.key for each in listed(records, "road SALT").rows] == [1]
    assert [each.key for each in listed(records, "pepper").rows] == [2]
    assert [each.key for each in listed(records, "STRASSE").rows] == [3]
    assert listed(records, "salt pepper").rows == ()
    within = listed(records, within={records[1].id})
    assert [each.key for each in within.rows] == [2]
    assert listed([], "x") == listed([])


def test_what_is_said_of_a_document_is_escaped() -> None:
    said = facts_of(replace(record(1, path="/x/![a](http:b).md"), pages=3))
    assert "Text · 3 pages · 999 characters" in said
    assert "![a](http:b)" not in said


def test_times_are_those_of_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.parts.documents.zone", lambda: ZoneInfo("Asia/Shanghai"))
    assert "2026-03-01 20:01" in facts_of(record(1))


def task(name: str, state: str, weight: float = 100.0, error: str | None = None) -> TaskRecord:
    return TaskRecord(1, f"/kept/{name}", "add", state, weight, 1, None, error, None)


def event(name: str, stage: str, done: int, total: int, second: int) -> JobEvent:
    return JobEvent(second, f"/kept/{name}", stage, name, done, total, NOON + timedelta(seconds=second))


def test_each_file_of_a_job_is_told() -> None:
    tasks = [
        task("a.pdf", "done"),
        task("b.pdf", "running"),
        task("c.pdf", "failed", error="It is empty."),
        task("d.pdf", "ready"),
        replace(task("e.pdf", "done"), result={"status": "unchanged"}),
        replace(task("x", "ready"), kind="index"),
    ]
    events = [
        event("b.pdf", "load", 0, 1, 1),
        event("b.pdf", "encode", 0, 40, 2),
        event("b.pdf", "encode", 10, 40, 7),
        event("a.pdf", "encode", 5, 5, 8),
    ]
    states = file_states(tasks, events)
    assert [(each.name, each.state) for each in states] == [
        ("c.pdf", "failed"),
        ("b.pdf", "encoding"),
        ("d.pdf", "waiting"),
        ("a.pdf", "done"),
        ("e.pdf", "unchanged"),
    ]
    assert states[0].error == "It is empty."
    assert (states[1].share, states[1].seconds_left) == (0.25, 15.0)
    assert share_done(states, 0.25) == pytest.approx(0.25 + 0.25 / 5)


def test_time_left_is_measured_from_the_attempt_of_now() -> None:
    events = [
        event("b.pdf", "encode", 0, 40, 0),
        event("b.pdf", "encode", 30, 40, 1),
        event("b.pdf", "encode", 20, 40, 100),
        event("b.pdf", "encode", 30, 40, 110),
    ]
    (state,) = file_states([task("b.pdf", "running")], events)
    assert state.seconds_left == 10.0
    (state,) = file_states([task("b.pdf", "running")], events[:1])
    assert state.seconds_left is None
    (state,) = file_states([task("b.pdf", "running")], [])
    assert (state.state, state.share) == ("loading", 0.0)
