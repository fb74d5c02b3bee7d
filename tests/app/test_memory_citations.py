"""What an answer cites of what was said is shown as that, or as gone; never another turn in its place."""

from __future__ import annotations

import pytest

from app.forgetting import Forgetting
from app.library import Library
from app.shown_answers import ShownCitation
from app.working import working
from memory.forgotten_answers import ANSWER_FORGOTTEN
from tests.app.test_answer_jobs import ended

TELL = "Remember that my desk is 4B in the north wing."
QUOTE = "my desk is 4B in the north wing"
OTHER = "Remember that the cellar door sticks in wet weather."


def cited(library: Library, thread: str) -> ShownCitation:
    (citation,) = library.answers.turns(thread)[-1].answer.citations
    return citation


@pytest.fixture
def asked(library: Library) -> Library:
    library.ask(TELL, thread="work")
    library.ask("Where is my desk?", thread="home")
    assert cited(library, "home").quote == QUOTE
    return library


def test_what_is_cited_is_found_by_the_new_name_of_its_thread(asked: Library) -> None:
    asked.threads.rename("work", "Büro")
    asked.ask(OTHER, thread="work")
    citation = cited(asked, "home")
    assert (citation.thread, citation.quote, citation.verdict) == ("Büro", QUOTE, "verified")


def test_answers_that_are_kept_as_they_were_given_name_the_new_thread(library: Library) -> None:
    library.ask(TELL, thread="work")
    with working(library):
        id = library.answers.ask("Where is my desk?", "home")
        ended(library, id)
    library.answers.rename_thread("work", "office")
    state = library.answers.state(id)
    assert state.answer is not None
    assert [each.thread for each in state.answer.citations] == ["office"]
    assert {each.thread for each in state.answer.recalled} == {"office"}
    assert cited(library, "home").thread == "office"


def test_a_turn_in_the_place_of_one_that_is_gone_is_not_what_was_cited(asked: Library) -> None:
    asked.threads.remove("work")
    asked.ask(OTHER, thread="work")
    citation = cited(asked, "home")
    assert (citation.quote, citation.verdict) == ("", "dropped")


def test_citations_from_before_askings_were_noted_are_read_by_their_number(asked: Library) -> None:
    with asked.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE turns SET details = replace(details, '\"run\"', '\"old\"')")
    assert cited(asked, "home").quote == QUOTE


def test_forgetting_a_renamed_thread_takes_what_was_answered_from_it(asked: Library) -> None:
    asked.threads.rename("work", "office")
    asked.ask(OTHER, thread="work")
    Forgetting(asked).forget_thread("me", "office")
    assert asked.threads.turns("home")[0].answer == ANSWER_FORGOTTEN


def test_forgetting_what_has_the_old_name_now_leaves_what_was_answered(asked: Library) -> None:
    asked.threads.rename("work", "office")
    asked.ask(OTHER, thread="work")
    answer = asked.threads.turns("home")[0].answer
    Forgetting(asked).forget_turn("me", "work", 1)
    assert asked.threads.turns("home")[0].answer == answer
    assert cited(asked, "home").quote == QUOTE


def test_forgetting_what_has_the_number_now_leaves_what_was_answered(asked: Library) -> None:
    asked.threads.remove("work")
    asked.ask(OTHER, thread="work")
    answer = asked.threads.turns("home")[0].answer
    Forgetting(asked).forget_turn("me", "work", 1)
    assert asked.threads.turns("home")[0].answer == answer


def test_what_is_cited_is_found_in_another_home_too(asked: Library) -> None:
    lines = list(asked.memories().export())
    assert not any('"run"' in line for line in lines)
    other = asked.for_user("ben")
    other.memories().import_lines(lines)
    assert cited(other, "home").quote == QUOTE
    assert asked.memories().import_lines(lines).turns == 0
