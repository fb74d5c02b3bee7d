"""Adding as a job: what the same command finds after an interruption, what is left of a removed document."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.adding import AddedDocument
from app.errors import JobHaltedError
from app.events import Event
from app.library import Library
from retrieval.document import Document
from tests.conftest import write

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
OWL = "The owl hunts at night. It hears a mouse under the snow from thirty yards.\n"
ELK = "The elk stands in the water. It eats the roots of lilies.\n"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [
        write(tmp_path / f"{name}.txt", text) for name, text in (("fox", FOX), ("owl", OWL), ("elk", ELK))
    ]


def add(library: Library, *paths: Path) -> list[tuple[str, str]]:
    return [(Path(each.path).name, each.status) for each in library.add(paths)]


def interrupted(library: Library, *paths: Path) -> list[AddedDocument]:
    """Add, and stop after the first file."""
    with closing(library.add(paths)) as added:  # type: ignore[type-var]
        return [next(added)]


def loaded(library: Library) -> tuple[Library, list[str]]:
    """The same library, and the names of the files that it loads from now on."""
    names: list[str] = []

    def load(path: Path) -> Document:
        names.append(path.name)
        return library.backends.load(path)

    return Library(library.settings, library.engine, replace(library.backends, load=load)), names


def job(library: Library, position: int = 0) -> tuple[str, str, dict[str, str]]:
    """Title, state and tasks of a job, the newest first."""
    record = library.jobs.store.records()[position]
    tasks = {Path(task.name).name: task.state for task in library.jobs.store.tasks(record.id)}
    return record.title, record.state, tasks


def test_adding_is_a_job_with_a_task_for_each_file(library: Library, files: list[Path]) -> None:
    absent = files[0].with_name("absent.txt")
    assert add(library, *files, absent)[-1] == ("absent.txt", "failed")
    states = {"fox.txt": "done", "owl.txt": "done", "elk.txt": "done", "absent.txt": "failed"}
    assert job(library) == ('Add "fox.txt" and 3 more', "done", states)
    (record,) = library.jobs.store.records()
    (failed,) = library.jobs.store.tasks(record.id, "failed")
    assert failed.error is not None
    assert "absent.txt" in failed.error
    assert library.jobs.rates.rate("add") is not None
    assert add(library, absent) == [("absent.txt", "failed")]
    assert job(library)[:2] == ('Add "absent.txt"', "failed")


def test_the_same_command_goes_on_with_its_job(library: Library, files: list[Path]) -> None:
    interrupted(library, *files)
    assert job(library)[1:] == ("paused", {"fox.txt": "done", "owl.txt": "ready", "elk.txt": "ready"})
    watched, names = loaded(library)
    assert add(watched, *files) == [(file.name, "added") for file in files]
    assert names == ["owl.txt", "elk.txt"]
    assert job(watched)[1:] == ("done", dict.fromkeys(("fox.txt", "owl.txt", "elk.txt"), "done"))
    assert len(library.jobs.store.records()) == 1
    # It has ended: the next one is new, and finds everything there.
    assert add(library, *files) == [(file.name, "unchanged") for file in files]
    assert len(library.jobs.store.records()) == 2


def test_a_file_that_changed_since_it_was_added_is_added_again(library: Library, files: list[Path]) -> None:
    interrupted(library, *files)
    write(files[0], FOX + OWL)
    assert add(library, *files) == [("fox.txt", "updated"), ("owl.txt", "added"), ("elk.txt", "added")]
    assert len(library.documents()) == 3


def test_a_document_that_was_removed_meanwhile_is_added_again(library: Library, files: list[Path]) -> None:
    interrupted(library, *files)
    library.remove("fox.txt")
    assert job(library)[1:] == ("paused", {"owl.txt": "ready", "elk.txt": "ready"})
    assert dict(add(library, *files)) == dict.fromkeys(("fox.txt", "owl.txt", "elk.txt"), "added")


def test_a_removed_document_is_not_brought_back_by_a_worker(library: Library, files: list[Path]) -> None:
    interrupted(library, *files)
    library.remove(str(files[0]))
    (record,) = library.jobs.store.records()
    library.jobs.store.resume(record.id)
    ended = list(library.jobs.worker().work(until_idle=True))
    assert sorted(Path(each.task.name).name for each in ended) == ["elk.txt", "owl.txt"]
    assert sorted(each.title for each in library.documents()) == ["Elk", "Owl"]


def test_a_file_whose_document_is_removed_before_its_turn_is_an_error_and_the_others_are_added(
    library: Library, files: list[Path]
) -> None:
    fox, owl, elk = files
    add(library, owl)
    write(owl, OWL + FOX)
    added = library.add([fox, owl, elk])
    assert next(added).status == "added"
    library.remove("owl.txt")
    second, third = added
    assert (second.status, third.status) == ("failed", "added")
    assert second.error == 'The document "owl.txt" was removed meanwhile; add it again.'
    assert (second.path, job(library)[1]) == (str(owl), "done")
    assert add(library, owl) == [("owl.txt", "added")]


def test_the_last_file_is_removed_before_its_turn(library: Library, files: list[Path]) -> None:
    """What the job waits for is nothing then: it has ended, and is forgotten as it names what is removed."""
    fox, owl, _ = files
    add(library, owl)
    added = library.add([fox, owl])
    next(added)
    library.remove("owl.txt")
    assert [each.status for each in added] == ["failed"]
    assert library.jobs.store.records() == []
    assert [record.title for record in library.documents()] == ["Fox"]


def test_a_document_is_removed_while_its_job_ends(library: Library, files: list[Path]) -> None:
    """Its job is forgotten then."""
    added = library.add(files[:1])
    assert next(added).status == "added"
    library.remove("fox.txt")
    assert list(added) == []
    assert (library.jobs.store.records(), library.documents()) == ([], [])


def test_files_that_come_into_a_folder_later_belong_to_its_job(
    library: Library, files: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for file in files[1:]:
        shutil.move(file, folder)
    interrupted(library, folder)
    shutil.move(files[0], folder)
    assert add(library, folder) == [("elk.txt", "added"), ("fox.txt", "added"), ("owl.txt", "added")]
    assert len(library.jobs.store.records()) == 1


def test_a_file_given_twice_is_one_task(library: Library, files: list[Path]) -> None:
    fox, owl, _ = files
    absent = fox.with_name("absent.txt")
    assert add(library, fox, owl, fox, absent, absent) == [
        ("fox.txt", "added"),
        ("owl.txt", "added"),
        ("fox.txt", "unchanged"),
        ("absent.txt", "failed"),
        ("absent.txt", "failed"),
    ]
    assert len(job(library)[2]) == 3


def test_a_worker_finishes_what_a_command_has_begun(library: Library, files: list[Path]) -> None:
    interrupted(library, *files)
    (record,) = library.jobs.store.records()
    library.jobs.store.resume(record.id)
    assert len(list(library.jobs.worker().work(until_idle=True))) == 2
    assert library.ask("Where does the elk stand?").evidence[0].origin.title == "Elk"
    assert add(library, *files) == [(file.name, "unchanged") for file in files]


def test_cancelled_by_somebody_else(library: Library, files: list[Path]) -> None:
    added = library.add(files)
    next(added)
    (record,) = library.jobs.store.records()
    library.jobs.store.cancel(record.id)
    with pytest.raises(JobHaltedError, match=f"Job {record.id} was cancelled"):
        list(added)
    assert [each.title for each in library.documents()] == ["Fox"]


def test_no_name_of_a_removed_document_is_left_in_the_jobs(library: Library, files: list[Path]) -> None:
    add(library, files[0])
    add(library, files[0])  # unchanged: a job of its own
    copy = write(files[0].with_name("copy.txt"), FOX)
    add(library, copy)
    add(library, files[1])
    library.remove("fox.txt")
    assert [record.title for record in library.jobs.store.records()] == ['Add "owl.txt"']


def test_events_of_adding_are_stored(library: Library, files: list[Path]) -> None:
    told: list[Event] = []
    list(library.add(files[:1], told.append))
    (record,) = library.jobs.store.records()
    stored: Iterator[tuple[str, str]] = (
        (event.stage, event.subject) for event in library.jobs.watch(record.id)
    )
    assert list(stored)[-2:] == [("encode", "fox.txt"), ("state", "done")]
    assert ("load", "fox.txt") in [(event.stage, event.subject) for event in told]
