"""What the chat says of an answer: every text of others is shown as it is, and in words what was found."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
import streamlit as st
from hypothesis import given, strategies

from app.events import Step
from app.shown_answers import (
    ShownAnswer,
    ShownBudget,
    ShownCitation,
    ShownMemory,
    ShownPlace,
    WalkedStep,
    WalkOption,
)
from ui.parts.answer import figures
from ui.parts.answer_text import answer_html, growing_html
from ui.parts.budget_bar import budget_html
from ui.parts.citation_words import button_words, day, place_words, told_apart
from ui.parts.flowing import flowing
from ui.parts.recalled_list import recalled_html
from ui.parts.references import Kind, Reference, opened, references
from ui.parts.step_list import seconds_words, steps_html, walk_html
from ui.parts.threads import file_name

BAD = "<script>alert(1)</script><img src=http://x.example onerror=a()> [x](javascript:a()) ![y](http://x.example)"
OURS = {"div", "b", "span", "ol", "ul", "li", "small", "i", "p", "br", "mark"}
AT = datetime(2026, 5, 12, 12, tzinfo=UTC)


class Seen(HTMLParser):
    """Which tags and attributes a browser would see, and which text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def citation(n: int = 1, **changes: object) -> ShownCitation:
    values: dict[str, object] = {
        "n": n,
        "origin": "document",
        "document": "a",
        "title": "Jane Eyre",
        "section": "Part One / Chapter II",
        "page": 12,
        "start": 5,
        "end": 9,
        "quote": "word",
        "verdict": "verified",
    }
    return ShownCitation(**(values | changes))  # type: ignore[arg-type]


def answer(**changes: object) -> ShownAnswer:
    values: dict[str, object] = {
        "text": "So it is [1].",
        "abstained": False,
        "route": "search",
        "model": "extractive",
        "seconds": 1.25,
        "prompt_tokens": 0,
        "completion_tokens": 0,
    }
    return ShownAnswer(**(values | changes))  # type: ignore[arg-type]


def place() -> ShownPlace:
    return ShownPlace("a", "Jane Eyre", None, "Part One / Chapter II", 5, 90, 0.5, "the words")


def shown_everywhere() -> list[str]:
    """Everything that is made into HTML here, with a bad text at each place."""
    step = WalkedStep("d", "n", 1, BAD, 0, 9, 7, (WalkOption("m", BAD, 0.5),), "m", BAD, BAD, 0, 0)
    memory = ShownMemory(BAD, 1, "turn", AT, BAD, 0.5, (("relevance", 0.5),))
    return [
        answer_html(f"{BAD} [1]", {1}),
        growing_html(BAD),
        steps_html([Step(BAD, BAD, 1.0)], running=True),
        walk_html([step]),
        budget_html(ShownBudget(100, ((BAD, 5),), ((BAD, None),))),
        recalled_html([memory]),
    ]


def test_nothing_of_others_becomes_html() -> None:
    for source in shown_everywhere():
        seen = Seen(source)
        assert seen.tags <= OURS, seen.tags
        assert seen.attributes <= {"class", "dir", "role", "aria-live", "aria-hidden", "style"}
        assert "<script>alert(1)</script>" in seen.text


def test_numbers_of_citations_are_set_off_and_others_are_not() -> None:
    source = answer_html("One [1], two [2], and [12]; a list[1].", {1, 12})
    assert source.count("<b>[1]</b>") == 2
    assert "<b>[12]</b>" in source
    assert "<b>[2]</b>" not in source
    assert Seen(source).text == "One [1], two [2], and [12]; a list[1]."


@given(strategies.text(max_size=200))
def test_every_character_of_an_answer_is_shown(text: str) -> None:
    kept = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", text)
    inner = (
        answer_html(text, {1, 2}).removeprefix('<div class="clew-passage" dir="auto">').removesuffix("</div>")
    )
    assert html.unescape(inner.replace("<b>", "").replace("</b>", "")) == kept


@given(strategies.text(alphabet="ab \n\r-*1", max_size=400))
def test_prose_flows_and_every_offset_means_the_same(text: str) -> None:
    flowed = flowing(text)
    assert len(flowed) == len(text)
    assert all(
        now == before or (now == " " and before in "\r\n") for now, before in zip(flowed, text, strict=True)
    )


def test_full_lines_are_joined_and_verse_paragraphs_and_lists_are_not() -> None:
    full = "There was no possibility of taking a walk that day, said she"
    assert flowing(f"{full}\nand so on") == f"{full} and so on"
    assert flowing(f"{full}\r\nand so on") == f"{full}  and so on"
    for kept in (
        f"{full}\n\nA new paragraph",
        "Tiger, tiger,\nburning bright",
        f"{full}\n- one",
        f"{full}\n  in",
    ):
        assert flowing(kept) == kept


def test_a_button_says_where_and_how_sure() -> None:
    assert button_words(citation()) == "[1] Jane Eyre, p. 12 · verified"
    assert (
        button_words(citation(page=None, verdict="corrected"))
        == "[1] Jane Eyre, Chapter II · place corrected"
    )
    assert button_words(citation(0, verdict="dropped")) == "Jane Eyre, p. 12 · dropped"
    assert button_words(place()) == "Jane Eyre, Chapter II"
    said = citation(origin="memory", side="question", at=AT, title="x")
    assert button_words(said) == "[1] you, 12 May 2026 · verified"
    assert button_words(citation(title="")) == "[1] A document that was removed, p. 12 · verified"
    assert len(button_words(citation(title="x" * 300, page=None, section="y" * 300))) < 110


def test_places_that_are_called_the_same_are_told_apart() -> None:
    other = replace(place(), page=7)
    one, two = replace(place(), excerpt="The first\nwords"), replace(place(), excerpt="x" * 90)
    assert told_apart([one, other, two]) == [
        "Jane Eyre, Chapter II · “The first words”",
        "Jane Eyre, p. 7",
        f"Jane Eyre, Chapter II · “{'x' * 39}…”",
    ]


def test_the_same_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(st.session_state, "language", "zh")
    assert button_words(citation()) == "[1] Jane Eyre，第 12 页 · 已核实"
    assert day(AT) == "2026年5月12日"
    assert place_words(3, "甲") == "第 3 页 · 甲"


def test_what_can_be_opened_of_an_answer() -> None:
    told = answer(
        citations=(citation(1), citation(2)), dropped=(citation(0, verdict="dropped"),), closest=(place(),)
    )
    assert [str(each) for each in references(told, 3)] == ["3.c1", "3.c2", "3.d1"]
    without = answer(abstained=True, closest=(place(), place()))
    assert [str(each) for each in references(without, 4)] == ["4.p1", "4.p2"]
    assert opened(told, Reference(3, Kind.CITATION, 2)) == citation(2)
    assert opened(told, Reference(3, Kind.PLACE, 1)) == place()
    assert opened(told, Reference(3, Kind.CITATION, 3)) is None


def test_steps_are_named_in_words_and_unknown_ones_by_their_names() -> None:
    source = steps_html([Step("retrieve", "10 passages", 0.021), Step("dance", "", 12.0)])
    assert Seen(source).text == "Passages found 10 passages 0.02 sdance  12.0 s"
    assert "aria-live" not in source
    assert seconds_words(1234.5) == "1,234.5 s"


def test_a_walk_says_where_it_stood_and_what_it_chose() -> None:
    options = (WalkOption("a", "Chapter I", 0.1), WalkOption("b", "II", 0.2))
    down = WalkedStep("", "r", 3, "", 0, 9, 0, options, "b", "it names her", "", 0, 0)
    leaf = WalkedStep("d", "b", 0, "II", 0, 9, 1200, (), "commit", "", "", 0, 0)
    text = Seen(walk_html([down, leaf])).text
    assert text == (
        "All documents · level 3 · went on to “II”, one of 2 · it names her"
        "II · level 0 · kept what was read · 1,200 tokens read"
    )


def test_a_budget_says_what_is_known() -> None:
    budget = ShownBudget(8_000, (("evidence", 1_000), ("question", None)), (("evidence", 300),))
    source = budget_html(budget)
    assert source.count("<span") == 2  # the evidence, and what is free
    assert "flex: 7000 0 0" in source
    text = Seen(source).text
    assert "1,000 tokens" in text
    assert "not known" in text
    assert "8,000 tokens" in text
    assert "Had no room:" in text
    assert "Nothing had to be left out." in budget_html(ShownBudget(None, (("evidence", None),)))


def test_figures_leave_out_what_is_not_known() -> None:
    assert figures(answer(route="", model="")) == "tokens 0 in, 0 out · 1.2 s"
    assert figures(answer(tokens_read=1500, sections_read=2, sections_total=40)) == (
        "model extractive · way: Search passages · tokens 0 in, 0 out · "
        "1,500 tokens read · 2 of 40 sections · 1.2 s"
    )


@pytest.mark.parametrize(
    ("thread", "file"),
    [
        ("Who is Jane?", "Who-is-Jane"),
        ("../../etc/passwd", "etc-passwd"),
        ("谁是简·爱？", "谁是简-爱"),
        ("…", "thread"),
    ],
)
def test_an_exported_file_has_a_name_that_is_one(thread: str, file: str) -> None:
    assert file_name(thread) == file
