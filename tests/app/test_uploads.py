"""Files that were uploaded: deleted once they are added, kept while they may be tried again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app.library import Library
from memory.errors import JobStateError
from tests.conftest import write

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
BROKEN = b"%PDF-1.7 nothing that could be read"


def worked(library: Library) -> None:
    """Do all that waits."""
    worker = library.jobs.worker()
    for _ in worker.work(until_idle=True):
        pass
    worker.close()


def uploaded(library: Library, name: str, content: bytes) -> Path:
    folder = library.home.uploads.folder(library.user)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def states(library: Library, job: str) -> dict[str, str]:
    return {f"{each.kind} {Path(each.name).name}": each.state for each in library.job_tasks(job)}


def test_a_job_that_was_only_started_is_done_by_a_worker(library: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    assert library.estimate_adding([file, file]).units == 2
    job = library.start_adding([file, file])
    assert (job.state, library.documents()) == ("queued", [])
    assert states(library, job.id) == {"add fox.txt": "ready", "index index": "waiting"}
    assert library.start_adding([file, file]).id == job.id
    worked(library)
    assert states(library, job.id) == {"add fox.txt": "done", "index index": "done"}
    assert library.job(job.id).state == "done"
    assert [event.stage for event in library.job_events(job.id)][-1] == "state"
    assert (library.settings.indexes / "chunks").exists()
    assert file.exists()
    assert [record.title for record in library.documents()] == ["Fox"]
    # The same files again are looked at, and nothing is done.
    again = library.start_adding([file])
    worked(library)
    (task, _) = library.job_tasks(again.id)
    assert (task.result or {})["status"] == "unchanged"


def test_an_upload_goes_once_it_is_added_and_a_bad_one_stays_to_be_tried_again(library: Library) -> None:
    fox, bad = uploaded(library, "fox.txt", FOX.encode()), uploaded(library, "bad.pdf", BROKEN)
    job = library.start_adding([fox, bad])
    worked(library)
    assert (fox.exists(), bad.exists()) == (False, True)
    assert [record.title for record in library.documents()] == ["Fox"]
    (failed,) = [each for each in library.job_tasks(job.id) if each.state == "failed"]
    assert "bad.pdf" in (failed.error or "")
    # Mended, it is added by the same job; what was added is not added again.
    bad.write_bytes(b"The owl hunts at night.")
    library.resume_job(job.id)
    worked(library)
    assert [record.title for record in library.documents()] == ["Fox", "Bad"]
    assert not library.home.uploads.folder(library.user).exists()
    assert [record.title for record in library.documents() if library.view(record.id).part(1).text] == [
        "Fox",
        "Bad",
    ]


def test_cancelling_deletes_what_was_not_added(library: Library, tmp_path: Path) -> None:
    bad, own = uploaded(library, "bad.pdf", BROKEN), write(tmp_path / "own.txt", FOX)
    job = library.start_adding([bad, own])
    library.cancel_job(job.id)
    assert (bad.exists(), own.exists()) == (False, True)
    with pytest.raises(JobStateError):
        library.resume_job(job.id)


def test_removing_a_document_deletes_an_upload_of_it(library: Library) -> None:
    fox = uploaded(library, "fox.txt", FOX.encode())
    list(library.add([fox]))
    assert uploaded(library, "fox.txt", FOX.encode()) == fox  # uploaded again, and not added yet
    library.remove("fox.txt")
    assert not fox.exists()


def test_what_was_never_added_is_deleted_a_day_later(library: Library, tmp_path: Path) -> None:
    old, bad, new = (uploaded(library, name, BROKEN) for name in ("old.pdf", "bad.pdf", "new.pdf"))
    theirs = uploaded(library.for_user("anna"), "old.pdf", BROKEN)
    library.start_adding([bad])
    worked(library)
    for each in (old, bad, theirs):
        os.utime(each, (time.time() - 90_000,) * 2)
    library.start_adding([write(tmp_path / "own.txt", FOX)])
    assert [each.exists() for each in (old, bad, new, theirs)] == [False, True, True, True]


def test_what_goes_while_abandoned_files_are_looked_for_stops_nothing(library: Library) -> None:
    files = [uploaded(library, name, BROKEN) for name in ("a.pdf", "b.pdf", "c.pdf")]
    for each in files:
        os.utime(each, (time.time() - 90_000,) * 2)

    class Meanwhile(list[str]):
        """Somebody else deletes a file as soon as it is asked for."""

        def __contains__(self, path: object) -> bool:
            if str(path).endswith("b.pdf"):
                Path(str(path)).unlink()
            return False

    library.home.uploads.remove_abandoned(library.user, Meanwhile())
    assert not any(each.exists() for each in files)


def test_only_uploads_are_deleted(library: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    uploads = library.home.uploads
    outside = uploads.folder("me") / ".." / ".." / ".." / "clew.sqlite"
    uploads.remove([str(file), str(outside), str(uploads.folder("me") / "absent.txt")])
    assert file.exists()
    assert (library.settings.home / "clew.sqlite").exists()
    assert not uploads.holds(outside)
    assert uploads.folder("me") != uploads.folder("me ")
