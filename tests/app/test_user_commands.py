"""`clew users`: who has what, and all of it handed over to another name, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.library import Library
from app.positions import Positions
from app.working import working
from memory.errors import HandOverError, UnknownDocumentError, UnknownUserError
from memory.handing_over import hand_over
from memory.reading_positions import ReadingPositions
from memory.user_inventory import UserCounts, user_counts
from tests.app.test_answer_jobs import ended
from tests.conftest import Ran, write

FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
DESK = "Remember that my desk is 4B in the north wing."


@pytest.fixture
def mine(library: Library, tmp_path: Path) -> Library:
    list(library.add([write(tmp_path / "fox.txt", FOX)]))
    library.collections.create("wood")
    library.collections.put("wood", [library.documents()[0].id])
    library.ask(DESK, thread="work")
    with working(library):
        ended(library, library.answers.ask("Where does the fox sleep?", "wood"))
    Positions(library, "me").set("fox.txt", None, None, 50, None)
    return library


def test_everything_is_handed_over(mine: Library) -> None:
    (before,), (answered,) = mine.documents(), mine.answers.turns("wood")
    assert user_counts(mine.engine) == [UserCounts("me", 1, 2, 1)]
    hand_over(mine.engine, "me", "anna")
    anna = mine.for_user("anna")
    assert user_counts(mine.engine) == [UserCounts("anna", 1, 2, 1)]
    assert [each.id for each in anna.documents()] == [before.id]
    assert anna.collections.get("wood").documents == (before.id,)
    assert anna.answers.turns("wood") == [answered]
    assert anna.ask("Where is my desk?", thread="x").citations[0].quote == "my desk is 4B in the north wing"
    assert anna.ask("Where does the fox sleep?").citations
    assert [each.asserted_by for each in anna.memories().facts("all")] == ["anna"]
    assert ReadingPositions(mine.engine, "anna").get(before.id) is not None
    assert sorted(record.kind for record, _ in anna.job_list()) == ["add", "answer"]
    # Nothing is left of it to the old one.
    assert mine.documents() == mine.collections.all() == mine.job_list() == mine.threads.threads() == []
    assert mine.memories().facts("all") == []
    with pytest.raises(UnknownDocumentError):
        mine.document(before.id)


def test_what_the_new_one_has_already_stays(mine: Library, tmp_path: Path) -> None:
    anna = mine.for_user("anna")
    list(anna.add([write(tmp_path / "owl.txt", "The owl hunts at night.\n")]))
    anna.ask("My bicycle is green.", thread="home")
    hand_over(mine.engine, "me", "anna")
    assert [each.title for each in anna.documents()] == ["Fox", "Owl"]
    assert {each.name for each in anna.threads.threads()} == {"home", "work", "wood"}
    found = anna.ask("Where is my desk?", thread="y").citations
    assert [each.quote for each in found] == ["my desk is 4B in the north wing"]


@pytest.mark.parametrize("what", ["thread", "collection", "document"])
def test_it_refuses_where_names_clash_and_changes_nothing(mine: Library, tmp_path: Path, what: str) -> None:
    anna = mine.for_user("anna")
    match what:
        case "thread":
            anna.ask("My bicycle is green.", thread="work")
        case "collection":
            anna.collections.create("wood")
        case _:
            list(anna.add([tmp_path / "fox.txt"]))
    before = user_counts(mine.engine)
    with pytest.raises(HandOverError, match=f"Both 'me' and 'anna' have a {what} "):
        hand_over(mine.engine, "me", "anna")
    assert user_counts(mine.engine) == before


def test_it_refuses_while_work_goes_on(mine: Library, tmp_path: Path) -> None:
    job = mine.start_adding([write(tmp_path / "owl.txt", "The owl hunts at night.\n")])
    with pytest.raises(HandOverError, match=f"{job.id} of 'me' has not ended"):
        hand_over(mine.engine, "me", "anna")
    mine.cancel_job(job.id)
    hand_over(mine.engine, "me", "anna")


def test_nothing_and_nobody(library: Library) -> None:
    with pytest.raises(UnknownUserError, match="Nothing of a user 'ben'"):
        hand_over(library.engine, "ben", "anna")
    with pytest.raises(HandOverError, match="has that already"):
        hand_over(library.engine, "anna", "anna")
    assert user_counts(library.engine) == []


def test_the_commands(clew: Callable[..., Ran], home: Path, tmp_path: Path) -> None:
    assert "Nobody has anything" in clew("--home", home, "users", "list").out
    assert clew("--home", home, "add", write(tmp_path / "fox.txt", FOX)).code == 0
    counts = {"name": "me", "documents": 1, "threads": 0, "facts": 0}
    assert json.loads(clew("--home", home, "users", "list", "--json").out) == {"users": [counts]}
    ran = clew("--home", home, "users", "hand-over", "me", "anna")
    assert (ran.code, ran.out) == (0, "anna: 1 document, 0 threads, 0 facts\n")
    assert "anna" in clew("--home", home, "users", "list").out
    failed = clew("--home", home, "users", "hand-over", "me", "anna", "--json")
    assert failed.code == 1
    assert "Nothing of a user 'me' is stored" in failed.err
