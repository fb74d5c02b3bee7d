"""The page of memory as Streamlit runs it, over a real library."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from app.library import Library
from app.memories import Memories
from app.memory_browsing import Fact
from memory.facts import FactStore, NewFact
from memory.threads import ThreadStore, Turn
from tests.ui.drawn import words
from ui.parts.facts import ROWS
from ui.views import memories

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
BAD = "The boat <img src=x onerror=alert(1)> ![x](http://x.example/a.png) [y](javascript:a())."
Open = Callable[..., AppTest]


def draw() -> None:
    from ui.views import memories

    memories.show()


@pytest.fixture
def open_page(library: Library, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(memories, "library", lambda: library)

    def opener(**address: str) -> AppTest:
        page = AppTest.from_function(draw, default_timeout=300)
        for name, value in address.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return opener


def said(library: Library, n: int, text: str, state: str = "kept", by: str = "me") -> Fact:
    """A fact said on the nth day of May."""
    threads = ThreadStore(library.engine, "me")
    at = START + timedelta(days=n - 1)
    speaker = "" if by == "me" else by
    threads.append("talk", Turn(f"run-{n}", text, "", False, at, 0.0, speaker=speaker))
    turn = threads.turns("talk", last=1)[0]
    new = NewFact(turn.key, text, text, by, state, 1.0, at)  # type: ignore[arg-type]
    fact = FactStore(library.engine, "me").add(new)
    assert fact is not None
    return fact


def test_an_empty_memory_says_what_to_do(open_page: Open) -> None:
    assert "No facts are kept yet" in words(open_page())
    assert "Nothing has been said yet" in words(open_page(part="Conversations"))
    assert "The inbox is empty" in words(open_page(part="Inbox"))
    assert "Nothing has been said yet" in words(open_page(part="Last answer"))
    assert [each.value for each in open_page(part="Report").metric][:5] == ["0"] * 5


def test_facts_come_page_by_page_the_newest_first(library: Library, open_page: Open) -> None:
    for n in range(1, ROWS + 3):
        said(library, n, f"Lamp {n} is lit.")
    page = open_page()
    assert f"Facts: {ROWS + 2}" in words(page)
    assert f"Lamp {ROWS + 2} is lit" in words(page)
    assert "Lamp 2 is lit" not in words(page)
    second = open_page(p="2")
    assert "Lamp 2 is lit" in words(second)
    assert "Lamp 3 is lit" not in words(second)


def test_facts_are_narrowed_by_words_time_thread_and_origin(library: Library, open_page: Open) -> None:
    said(library, 1, "Lamp one is lit.")
    said(library, 2, "Lamp two is out.")
    said(library, 3, "The sea is calm.", by="Carol")
    for address, expected in (
        ({"words": "LAMP"}, 2),
        ({"words": "lamp out"}, 1),
        ({"since": "2026-05-02"}, 2),
        ({"until": "2026-05-02"}, 2),
        ({"since": "2026-05-02", "until": "2026-05-02"}, 1),
        ({"by": "somebody else"}, 1),
        ({"of": "talk"}, 3),
        ({"asof": "2026-05-02"}, 2),
    ):
        assert f"Facts: {expected}" in words(open_page(**address)), address
    assert "Nothing that is remembered fits" in words(open_page(words="zebra"))
    assert "Questions and answers: 2" in words(open_page(part="Conversations", words="lamp"))


def test_words_of_anybody_are_shown_and_do_nothing(library: Library, open_page: Open) -> None:
    said(library, 1, BAD)
    for part in ("Facts", "Conversations"):
        page = open_page(part=part)
        html = "\n".join(str(each.proto.body) for each in page.get("html"))
        assert "<img" not in html
        shown = words(page).replace(html, "")
        assert not re.search(r"(?<!\\)(<img|\]\()", shown)  # every mark of theirs is escaped
        assert "onerror" in shown


def test_the_inbox_is_answered_one_by_one_and_all_at_once(library: Library, open_page: Open) -> None:
    first, second, third = (said(library, n, f"Lamp {n} may be lit.", "waiting", "Carol") for n in (1, 2, 3))
    page = open_page(part="Inbox")
    assert "Waiting in the inbox: 3" in words(page)
    page.button(key=f"accept-{first.id}").click().run()
    assert not page.exception
    assert "Accepted: 1" in words(page)
    page.button(key=f"refuse-{second.id}").click().run()
    assert "Refused and deleted: 1" in words(page)
    page.button(key="accept-all").click().run()
    assert "The inbox is empty" in words(page)
    kept = {fact.id: fact.state for fact in Memories(library, "me").facts("all")}
    assert kept == {first.id: "kept", third.id: "kept"}


def test_a_fact_is_written_down_and_a_wrong_one_says_why(library: Library, open_page: Open) -> None:
    page = open_page()
    page.text_input(key="add-text").set_value("My *desk* is 4B.")
    page.button(key="add-button").click().run()
    assert r"Remembered: My \*desk\* is 4B\." in words(page)
    page.text_input(key="add-text").set_value("...")
    page.button(key="add-button").click().run()
    assert not page.exception
    assert "nothing to remember" in words(page)
    assert [fact.text for fact in Memories(library, "me").facts("all")] == ["My *desk* is 4B."]


def test_the_report_counts(library: Library, open_page: Open) -> None:
    said(library, 1, "Lamp one is lit.")
    said(library, 2, "Lamp two is lit.", "waiting")
    page = open_page(part="Report", days="1")
    assert [each.value for each in page.metric][:5] == ["1", "2", "1", "0", "1"]
    assert "Lamp one is lit" in words(page)
    assert any("Not said again for 1 days: 1" in each.value for each in page.subheader)


def test_it_speaks_chinese(library: Library, open_page: Open) -> None:
    said(library, 1, "Lamp one is lit.")
    page = open_page(lang="zh")
    assert page.title[0].value == "记忆"
    assert "事实：1" in words(page)
