"""The page on which one asks, run as Streamlit runs it, over a real library and its worker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.library import Library
from app.working import start_work
from tests.conftest import ForOneHome
from ui.views import chat

QUESTION = "Who keeps the light?"
BAD = "<script>alert(1)</script> ![x](http://x.example/a.png) [y](javascript:a())"
OpenChat = Callable[..., AppTest]


def draw() -> None:
    from ui.views import chat

    chat.show()


@contextmanager
def shown(library: Library, patch: pytest.MonkeyPatch) -> Iterator[OpenChat]:
    """Opens sessions of the page over a library that works at its jobs."""
    patch.setattr(chat, "library", lambda: library)
    stop = start_work(library)

    def opener(**address: str | list[str]) -> AppTest:
        session = AppTest.from_function(draw, default_timeout=300)
        for name, value in address.items():
            session.query_params[name] = value
        session.run()
        assert not session.exception
        return session

    try:
        yield opener
    finally:
        stop()


@pytest.fixture
def library(own_novella_home: Path, open_home: ForOneHome) -> Library:
    return open_home(own_novella_home)


@pytest.fixture
def open_chat(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenChat]:
    with shown(library, monkeypatch) as opener:
        yield opener


def at(session: AppTest, name: str) -> str:
    """What the address of a session says; one that was set from outside is given back as it was set."""
    value = session.query_params[name]
    return value if isinstance(value, str) else value[-1]


def ask(session: AppTest, question: str) -> None:
    session.chat_input[0].set_value(question).run()
    follow(session)


def follow(session: AppTest) -> None:
    """Look as the timer of a browser does, until the answer is there."""

    def ended() -> bool:
        session.run()
        return not has_button(session, "chat-stop")

    if has_button(session, "chat-stop"):
        wait_for(ended)
    assert not session.exception


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def html_of(session: AppTest) -> str:
    return "\n".join(str(each.proto.body) for each in session.get("html"))


def texts_of(session: AppTest) -> str:
    return "\n".join(
        [
            html_of(session),
            *(each.value for each in session.markdown),
            *(each.value for each in session.caption),
        ]
    )


def button(session: AppTest, start: str) -> Any:
    """The first button whose key begins so."""
    return next(each for each in session.button if each.key and each.key.startswith(start))


def has_button(session: AppTest, start: str) -> bool:
    return any(each.key and each.key.startswith(start) for each in session.button)


def test_a_first_visit_says_what_works_without_a_model(
    home: Path, open_home: ForOneHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shown(open_home(home), monkeypatch) as opener:
        session = opener()
        (told,) = [each.value for each in session.markdown if "without a language model" in each.value]
        assert len(told.strip().splitlines()) == 3
        ask(session, "Is anybody there?")
        assert "I don't know." in texts_of(session)
        assert len(session.get("page_link")) == 1  # to where documents are added


def test_an_answer_opens_its_citation_beside_it(open_chat: OpenChat, library: Library) -> None:
    session = open_chat()
    ask(session, QUESTION)
    (turn,) = library.answers.turns(at(session, "thread"))
    assert turn.question == QUESTION
    quote = turn.answer.citations[0].quote
    assert "<mark>" not in html_of(session)
    button(session, "chat-cite-1.c1").click().run()
    assert at(session, "cite") == "1.c1"
    (passage,) = [each for each in html_of(session).split("\n<div") if "clew-scroll" in each]
    assert "<mark>" in passage
    assert quote.split()[0] in passage.partition("<mark>")[2].partition("</mark>")[0]
    button(session, "chat-page_behind").click().run()
    assert int(at(session, "part")) > 1
    button(session, "chat-back-to-quote").click().run()
    button(session, "chat-evidence-close").click().run()
    assert "cite" not in session.query_params
    assert not session.exception


def test_a_reload_shows_the_same(open_chat: OpenChat) -> None:
    session = open_chat()
    ask(session, QUESTION)
    again = open_chat(thread=at(session, "thread"), cite="1.c1")
    assert "<mark>" in html_of(again)


def test_how_it_was_found_is_drawn_when_it_is_opened(open_chat: OpenChat) -> None:
    session = open_chat()
    ask(session, QUESTION)
    assert "Passages found" not in html_of(session)
    session.session_state["chat-how-1"] = True
    session.run()
    assert "Passages found" in html_of(session)
    assert "model extractive" in texts_of(session).replace("\\", "")


def test_asking_again_replaces_the_last_turn(open_chat: OpenChat, library: Library) -> None:
    session = open_chat()
    ask(session, QUESTION)
    thread = at(session, "thread")
    button(session, "chat-again").click().run()
    follow(session)
    assert [turn.question for turn in library.answers.turns(thread)] == [QUESTION]
    button(session, "chat-edit").click().run()
    session.text_area[0].set_value("Where does the boat land?")
    button(session, "chat-send-edit").click().run()
    follow(session)
    assert [turn.question for turn in library.answers.turns(thread)] == ["Where does the boat land?"]
    assert not session.text_area


def test_a_question_that_is_edited_stays_in_its_chat(open_chat: OpenChat, library: Library) -> None:
    for thread in ("A", "B"):
        ask(open_chat(thread=thread), QUESTION)
    session = open_chat(thread="A")
    button(session, "chat-edit").click().run()
    session.text_area[0].set_value("Where does the boat land?").run()
    button(session, "chat-thread-t-B").click().run()
    assert not session.text_area
    button(session, "chat-thread-t-A").click().run()
    assert not session.text_area

    button(session, "chat-edit").click().run()
    session.text_area[0].set_value("")
    button(session, "chat-send-edit").click().run()
    assert session.error
    button(session, "chat-thread-t-B").click().run()
    assert not session.error
    assert not session.text_area
    assert [turn.question for turn in library.answers.turns("B")] == [QUESTION]


def test_what_is_not_known_offers_the_closest_places(open_chat: OpenChat, library: Library) -> None:
    session = open_chat()
    ask(session, "What is the boiling point of tungsten in kelvin?")
    (turn,) = library.answers.turns(at(session, "thread"))
    assert turn.answer.abstained
    assert "I don't know." in texts_of(session)
    button(session, "chat-cite-1.p1").click().run()
    assert "clew-scroll" in html_of(session)


def test_incognito_is_marked_and_leaves_no_thread(open_chat: OpenChat, library: Library) -> None:
    session = open_chat()
    button(session, "chat-new-incognito").click().run()
    assert "nothing of this chat" in session.info[0].value
    ask(session, QUESTION)
    assert QUESTION.split()[0] not in at(session, "thread")
    assert library.threads.threads() == []
    assert len(library.incognito.threads()) == 1
    assert has_button(session, "chat-cite-1.c1")


def test_threads_are_found_and_renamed_and_not_deleted_at_once(open_chat: OpenChat, library: Library) -> None:
    session = open_chat()
    ask(session, QUESTION)
    thread = at(session, "thread")
    session.text_input(key="chat.search").set_value("nothing has these words").run()
    assert not has_button(session, "chat-thread-t")
    session.text_input(key="chat.search").set_value("").run()
    session.session_state["chat-thread-actions"] = True
    session.run()
    session.text_input(key=f"chat.new_name-{thread}").set_value(BAD).run()
    assert [each.name for each in library.threads.threads()] == [BAD]
    assert at(session, "thread") == BAD
    for each in session.button:
        assert "](" not in each.label.replace("\\]\\(", "")
    session.session_state["chat-thread-actions"] = True
    session.run()
    button(session, "chat-delete").click().run()
    assert "turns: 1" in texts_of(session)
    assert library.threads.threads() != []
    button(session, "forget-no").click().run()
    assert not has_button(session, "forget-yes")
    assert library.threads.threads() != []
    session.session_state["chat-thread-actions"] = True
    session.run()
    button(session, "chat-delete").click().run()
    session.run()  # as when an answer ends: it is asked still
    button(session, "forget-yes").click().run()
    assert "thread" not in session.query_params
    wait_for(lambda: library.threads.threads() == [])


def test_collections_without_a_document_ask_nothing(open_chat: OpenChat, library: Library) -> None:
    library.collections.create("empty")
    session = open_chat(collection="empty")
    ask(session, QUESTION)
    assert "hold no document" in session.error[0].value
    assert session.text_area[0].value == QUESTION  # not lost: to be asked again
    assert library.threads.threads() == []
    button(session, "chat-leave-refused").click().run()
    assert not session.error


def test_what_is_chosen_is_asked_and_stays_in_the_address(open_chat: OpenChat, library: Library) -> None:
    (record,) = library.documents()
    library.collections.create("books")
    library.collections.put("books", [record.id])
    session = open_chat()
    session.session_state["chat-scope"] = True
    session.run()
    session.multiselect(key="chat.collections").set_value(["books"]).run()
    session.session_state["chat-scope"] = True
    session.run()
    session.selectbox(key="chat.route").set_value("search").run()
    assert at(session, "collection") == "books"
    assert at(session, "route") == "search"
    ask(session, QUESTION)
    (turn,) = library.answers.turns(at(session, "thread"))
    assert turn.answer.route == "search"
    assert not turn.answer.abstained


def test_only_what_is_chosen_is_asked(open_chat: OpenChat, library: Library, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("The clerk Zebulon Quill drew a picture of the harbour. He sold it to the dentist.")
    (told,) = library.add([other])
    assert told.status == "added", told.error
    added = library.document("other.txt")
    session = open_chat(document=added.id)
    ask(session, "Who kept the inn called the Three Pans?")
    (turn,) = library.answers.turns(at(session, "thread"))
    assert {each.document for each in (*turn.answer.citations, *turn.answer.closest)} <= {added.id}
    ask(session, "What did the clerk Zebulon Quill draw?")
    turn = library.answers.turns(at(session, "thread"))[-1]
    assert {each.document for each in turn.answer.citations} == {added.id}
    assert at(session, "document") == added.id


def test_an_address_that_means_nothing_does_no_harm(open_chat: OpenChat) -> None:
    session = open_chat(
        thread="no such thread", cite="7.c9", part="9", turn="3", document=["none"], route="fly"
    )
    assert not session.exception
    ask(session, QUESTION)
    assert session.error
    assert session.text_area[0].value == QUESTION


def test_hostile_words_are_shown_as_they_are(open_chat: OpenChat) -> None:
    session = open_chat()
    ask(session, BAD)
    source = html_of(session)
    assert "<script>alert" not in source
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    for each in [*session.markdown, *session.caption, *session.title]:
        assert "](http" not in each.value
        assert "](javascript" not in each.value


def test_of_many_threads_the_latest_are_shown(open_chat: OpenChat, library: Library) -> None:
    ask(open_chat(thread="thread 0"), QUESTION)
    (turn,) = library.threads.turns("thread 0")
    for number in range(1, 15):
        moment = turn.asked_at + timedelta(seconds=number)
        library.threads.append(f"thread {number}", replace(turn, run=f"run {number}", asked_at=moment))
    session = open_chat()
    shown = [each.label for each in session.button if each.key and each.key.startswith("chat-thread-t")]
    assert shown == [f"thread {number}" for number in range(14, 2, -1)]
    button(session, "chat-more").click().run()
    assert has_button(session, "chat-thread-t-thread 0")


def test_a_long_thread_shows_its_end(open_chat: OpenChat, library: Library) -> None:
    ask(open_chat(thread="long"), QUESTION)
    (turn,) = library.threads.turns("long")
    for number in range(60):
        library.threads.append(
            "long", type(turn)(f"run {number}", f"Question {number}", "So.", False, turn.asked_at, 0.1)
        )
    session = open_chat(thread="long")
    source = html_of(session)
    assert "Question 40" in source
    assert "Question 39" not in source
    assert has_button(session, "chat-again")
    assert not has_button(session, "chat-later")
    button(session, "chat-earlier").click().run()
    assert [int(each) for each in re.findall(r"Question (\d+)<", html_of(session))] == [*range(21, 41)]
    assert not has_button(session, "chat-again")
    button(session, "chat-later").click().run()
    assert [int(each) for each in re.findall(r"Question (\d+)<", html_of(session))] == [*range(40, 60)]
    assert has_button(session, "chat-again")
    early = open_chat(thread="long", turn="7")
    assert [int(each) for each in re.findall(r"Question (\d+)<", html_of(early))] == [*range(0, 19)]
    assert not has_button(early, "chat-earlier")


@pytest.mark.parametrize(
    ("end", "turn", "cited", "until"),
    [
        (0, 0, 0, 0),
        (5, 3, 3, 5),
        (500, 0, 0, 500),
        (500, 0, 490, 500),
        (500, 0, 481, 500),
        (500, 0, 480, 490),
        (500, 1, 0, 20),
        (500, 100, 105, 110),
        (500, 100, 111, 121),
        (500, 900, 0, 500),
    ],
)
def test_no_more_is_shown_than_what_is_around(end: int, turn: int, cited: int, until: int) -> None:
    assert chat.window_end(end, turn, cited) == until


def test_a_turn_that_is_asked_again_makes_room_and_stays_if_that_is_stopped(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "library", lambda: library)
    library.ask(QUESTION, thread="light")
    id = library.answers.again("light")
    session = AppTest.from_function(draw, default_timeout=300)
    session.query_params["thread"] = "light"
    session.run()
    assert [each.name for each in session.chat_message] == ["user", "assistant"], (
        "the question, as it is asked"
    )
    assert has_button(session, "chat-stop")
    library.answers.stop(id)
    session.run()
    assert [each.name for each in session.chat_message] == ["user", "assistant"] * 2
    assert has_button(session, "chat-try-again")
