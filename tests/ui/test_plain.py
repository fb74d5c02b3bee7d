"""Texts of anybody, on a page: nothing of them acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ui.plain import cut, label, marked, passage

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://example.org/a.png)",
    "[x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "**bold** _it_ `code` # head :material/bug: :red[x] $x^2$ ~~y~~",
    "http://example.org www.example.org a@b.org",
    "&lt;script&gt; &amp; \"'",
    "1. one\n- two\n> three\n\n---\n| a | b |\n|---|---|",
    "\u202egnp.exe \x1b[31m\x00",
]


REMADE = re.compile(
    r"(https?://|www(?=\.))([-.\w]+)(\S*)|[-.\w+]+@[-\w]+(\.[-\w]+)+"
    r"|:[\w+/-]+:|(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    re.ASCII | re.IGNORECASE,
)
"""What Streamlit's Markdown makes something else of once it is read and marks are no escaped ones any more:
links and mail addresses (mdast-util-gfm-autolink-literal), emoji and icons, arrows, dashes (Streamlit)."""


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    return tags


VISIBLE = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs")))


@given(VISIBLE, st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=4))
def test_html_shows_the_text_and_has_no_tag_but_marks(text: str, spans: list[tuple[int, int]]) -> None:
    seen = parsed(marked(text, spans))
    assert seen.text == text
    assert set(seen.tags) <= {"mark"}


def test_hostile_texts_have_no_tags_of_their_own() -> None:
    for text in HOSTILE:
        assert parsed(passage(text, [(0, 5)])).tags == ["div", "mark"]


def test_spans_are_marked_where_they_are() -> None:
    assert marked("a <b> c", [(2, 5)]) == "a <mark>&lt;b&gt;</mark> c"
    assert marked("abcdef", [(3, 5), (1, 4), (9, 12)]) == "a<mark>bcde</mark>f"
    assert marked("abc", [(2, 1), (1, 1)]) == "abc"


def test_a_label_is_text_alone_for_markdown() -> None:
    for text in HOSTILE:
        html = MarkdownIt("gfm-like", {"linkify": False}).enable("table").render(label(text))
        assert set(parsed(html).tags) == {"p"}, html


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "HTTP://evil.example",
        "(http://evil.example)",
        "www.evil.example",
        "xWWW.evil.example",
        "a@evil.example",
        "mailto:a.b+c@evil.example",
        ":smile: :+1: :material/bug: :streamlit: a:b:c:d",
        "a -> b <- c <-> d -- e >= f <= g ~= h",
    ],
)
def test_a_label_is_not_turned_into_links_or_signs(text: str) -> None:
    assert REMADE.search(text)
    shown = parsed(MarkdownIt().render(label(text))).text.strip()
    assert not REMADE.search(shown), shown
    assert shown.replace("\u2060", "") == text


@given(VISIBLE)
def test_a_label_shows_the_words(text: str) -> None:
    shown = parsed(MarkdownIt().render(label(text))).text.replace("\u2060", "")
    assert " ".join(shown.split()) == " ".join(text.split())


def test_what_turns_writing_around_is_not_shown() -> None:
    assert label("\u202eexe\x07.txt") == "exe\\.txt"
    assert marked("a\u202eb\x00") == "ab"


def test_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd ef", 6) == "abcd…"
    assert label("a" * 50, 10) == "a" * 9 + "…"
