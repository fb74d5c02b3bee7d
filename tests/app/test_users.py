"""Two users of one home: neither sees, finds, removes, asks, stops or hears of what is the other's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import EmptyLibraryError, SettingsError
from app.library import Library
from app.summaries.wanted import Wanted
from memory.errors import UnknownDocumentError, UnknownJobError
from retrieval.evidence import DocumentOrigin
from tests.conftest import write

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
OWL = "The owl hunts at night. It hears a mouse under the snow from thirty yards.\n"
CODE = "The code of the vault is 4711. Nobody but the keeper of the vault knows the code.\n"


def done(library: Library, kinds: set[str] | None = None) -> None:
    """Do all that waits, as a worker of any user does."""
    worker = library.jobs.worker()
    for ended in worker.work(until_idle=True):
        assert ended.error is None or kinds is not None, ended.error
    worker.close()


@pytest.fixture
def anna(library: Library) -> Library:
    return library.for_user("anna")


@pytest.fixture
def bob(library: Library) -> Library:
    return library.for_user("bob")


def quotes(library: Library, question: str, **more: object) -> list[str]:
    return [each.quote for each in library.ask(question, **more).citations]  # type: ignore[arg-type]


def test_a_library_is_that_of_its_user(library: Library, anna: Library) -> None:
    assert (library.user, anna.user, anna.settings.user) == ("me", "anna", "anna")
    assert library.for_user("anna") is anna
    assert anna.for_user("me") is library
    assert anna.for_user("an\x00na").user == "an\ufffdna"
    for name in ("", "  ", "x" * 201):
        with pytest.raises(SettingsError, match="1 to 200"):
            library.for_user(name)


def test_the_same_file_is_a_document_of_each(anna: Library, bob: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    for user in (anna, bob):
        assert [each.status for each in user.add([file])] == ["added"]
        assert [each.status for each in user.add([file])] == ["unchanged"]
    (mine,), (theirs,) = anna.documents(), bob.documents()
    assert mine.id != theirs.id
    for reference in ("Fox", "fox.txt", str(file)):
        assert anna.document(reference).id == mine.id
        assert bob.document(reference).id == theirs.id
    with pytest.raises(UnknownDocumentError):
        anna.document(theirs.id)
    with pytest.raises(UnknownDocumentError):
        anna.remove(theirs.id)
    with pytest.raises(UnknownDocumentError):
        anna.view(theirs.id)
    anna.remove("Fox")
    assert anna.documents() == []
    assert bob.documents() == [theirs]
    assert quotes(bob, "Where does the fox sleep?") == ["The fox sleeps in a den under the oak."]
    # The jobs that added it for bob are still there.
    assert [record.kind for record, _ in bob.job_list()] == ["add", "add"]
    assert anna.job_list() == []


def test_no_question_finds_what_is_anothers(anna: Library, bob: Library, tmp_path: Path) -> None:
    list(bob.add([write(tmp_path / "vault.txt", CODE)]))
    with pytest.raises(EmptyLibraryError):
        anna.ask("What is the code of the vault?")
    with pytest.raises(EmptyLibraryError):
        anna.check_question("What is the code of the vault?")
    list(anna.add([write(tmp_path / "fox.txt", FOX)]))
    for route in ("auto", "search", "walk", "whole"):
        answer = anna.ask("What is the code of the vault?", route=route)
        assert "4711" not in answer.text
        assert not any("vault" in each.quote for each in answer.citations), route
        assert {each.document for each in answer.passages} <= {anna.documents()[0].id}
        assert quotes(bob, "What is the code of the vault?", route=route), route
    for question in ("What is the code?", "Where does the fox sleep?"):
        with pytest.raises(UnknownDocumentError):
            anna.ask(question, [bob.documents()[0].id])
        with pytest.raises(UnknownDocumentError):
            anna.ask(question, ["vault.txt"])


def test_all_levels_of_trees_are_searched_of_ones_own_alone(
    home: Path, open_home: Callable[..., Library], tmp_path: Path
) -> None:
    library = open_home(home, collapsed_tree="on")
    anna, bob = library.for_user("anna"), library.for_user("bob")
    list(bob.add([write(tmp_path / "vault.txt", CODE)]))
    list(anna.add([write(tmp_path / "fox.txt", FOX)]))
    for user in (anna, bob):
        user.trees.ensure(user.documents()[0])
    answer = anna.ask("What is the code of the vault?", route="search")
    assert {each.document for each in answer.passages} <= {anna.documents()[0].id}
    assert "4711" not in answer.text
    assert quotes(bob, "What is the code of the vault?", route="search")


def test_a_citation_names_ones_own_copy(anna: Library, bob: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "fox.txt", FOX)
    for user in (anna, bob):
        list(user.add([file]))
    for user in (anna, bob):
        (citation, *_) = user.ask("Where does the fox sleep?", thread="wood").citations
        assert isinstance(citation.origin, DocumentOrigin)
        assert citation.origin.document == user.documents()[0].id
        view = user.view("Fox")
        assert [each.question for each in view.questions(10)] == ["Where does the fox sleep?"]


def test_threads_and_memory_are_ones_own(anna: Library, bob: Library) -> None:
    anna.ask("My desk is 4B in the north wing.", thread="work")
    anna.memories().add("My desk is 4B in the north wing.")
    assert {each.name for each in anna.threads.threads()} == {"work", "notes"}
    assert bob.threads.threads() == bob.threads.search("desk") == []
    assert [each.name for each in anna.threads.search("desk wing work")] == ["work"]
    assert bob.memories().facts("all") == []
    assert len(anna.memories().facts("all")) == 1


def test_incognito_threads_are_of_one_user_and_stay_while_the_process_runs(
    anna: Library, bob: Library, tmp_path: Path
) -> None:
    list(anna.add([write(tmp_path / "fox.txt", FOX)]))
    anna.ask("Where does the fox sleep?", thread="x", incognito=True)
    assert [each.name for each in anna.for_user("anna").incognito.threads()] == ["x"]
    assert bob.incognito.threads() == []


def test_jobs_of_another_are_not_there(anna: Library, bob: Library, tmp_path: Path) -> None:
    job = anna.start_adding([write(tmp_path / "fox.txt", FOX)])
    assert bob.job_list() == []
    for does in (
        bob.job,
        bob.job_tasks,
        bob.job_events,
        bob.pause_job,
        bob.cancel_job,
        bob.resume_job,
        bob.summary_results,
        bob.find_job,
    ):
        with pytest.raises(UnknownJobError):
            does(job.id)
    same = bob.start_adding([tmp_path / "fox.txt"])
    assert same.id != job.id
    anna.pause_job(job.id)
    assert bob.job(same.id).state == "queued"
    done(anna)
    assert [len(user.documents()) for user in (anna, bob)] == [0, 1]
    anna.resume_job(job.id)
    done(bob)
    assert [len(user.documents()) for user in (anna, bob)] == [1, 1]
    with pytest.raises(UnknownDocumentError):
        bob.start_tree(anna.documents()[0].id)
    with pytest.raises(UnknownDocumentError):
        bob.start_summaries([anna.documents()[0].id], Wanted())


def test_collections_are_ones_own(anna: Library, bob: Library, tmp_path: Path) -> None:
    list(anna.add([write(tmp_path / "fox.txt", FOX)]))
    anna.collections.create("wood")
    anna.collections.put("wood", [anna.documents()[0].id])
    assert bob.collections.all() == []
    bob.collections.create("wood")
    with pytest.raises(UnknownDocumentError):
        bob.collections.put("wood", [anna.documents()[0].id])


def test_another_encoder_redoes_the_documents_of_all(anna: Library, bob: Library, tmp_path: Path) -> None:
    for user, text in ((anna, FOX), (bob, OWL)):
        list(user.add([write(tmp_path / f"{user.user}.txt", text)]))
    with anna.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE documents SET recipe = 'another'")
    assert quotes(anna, "Where does the fox sleep?")
    assert [record.recipe for record in bob.documents()] == [bob.recipe]
    assert [record.owner for record in bob.home.documents.records()] == ["anna", "bob"]
    assert quotes(bob, "When does the owl hunt?") == ["The owl hunts at night."]


def test_forgetting_a_document_tells_nothing_of_anothers_copy(
    anna: Library, bob: Library, tmp_path: Path
) -> None:
    from app.forgetting import Forgetting

    file = write(tmp_path / "vault.txt", CODE)
    for user in (anna, bob):
        list(user.add([file]))
    report = Forgetting(anna).forget_document("vault.txt")
    assert dict(report.elsewhere) == {}
    assert anna.documents() == []
    assert quotes(bob, "What is the code of the vault?")
    with pytest.raises(UnknownDocumentError):
        Forgetting(anna).forget_document(bob.documents()[0].id)


def test_incognito_threads_of_all_share_one_room(anna: Library, bob: Library, library: Library) -> None:
    assert anna.incognito.room is bob.incognito.room is library.incognito.room
