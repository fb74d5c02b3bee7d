"""Sections of plain text: what is a heading, what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.headings import find_sections
from retrieval.loaders import load_document

BODY = "It was a cold morning, and nobody had lit the fire; she went down.\nNothing stirred in the house.\n"


def outline(text: str) -> list[tuple[int, str]]:
    sections = find_sections(text)
    for section in sections:
        first_line = text[section.span.start :].lstrip("_*").splitlines()[0].strip("_* ")
        assert section.title.startswith(first_line.rstrip(" ]"))
    return [(section.level, section.title) for section in sections]


def book(*headings: str) -> str:
    return "\n\n\n".join(f"{heading}\n\n{BODY}" for heading in headings)


@pytest.mark.parametrize(
    "headings",
    [
        ["CHAPTER I", "CHAPTER II", "CHAPTER III"],
        ["Chapter 1. The Arrival", "Chapter 2. A Walk by the River"],
        ["CHAPTER ONE", "CHAPTER TWENTY-ONE", "EPILOGUE"],
        ["PREFACE", "LETTER 4", "STAVE ONE", "CONCLUSION"],
        ["NOTE TO THE THIRD EDITION", "CHAPTER XXXVIII—CONCLUSION"],
        ["第一章 风雪", "第十二章", "第一百二十回 归来"],
        ["Capítulo 3", "Kapitel 12", "Chapitre IV", "Глава 5"],
        ["Prologue", "Chapter the First", "Chapter the Last", "Appendix"],
    ],
)
def test_lines_that_are_headings(headings: list[str]) -> None:
    for text in (book(*headings), book(*headings).replace("\n", "\r\n")):
        assert outline(text) == [(1, heading) for heading in headings]


def test_spans_run_to_the_next_heading_and_leave_the_front_out() -> None:
    text = "A TALE\n\nby Somebody\n\n" + book("CHAPTER I", "CHAPTER II")
    first, second = find_sections(text)
    assert first.span.start == text.index("CHAPTER I")
    assert first.span.end == second.span.start == text.index("CHAPTER II")
    assert second.span.end == len(text)


def test_levels_nest() -> None:
    text = book("PREFACE", "VOLUME I\n\nCHAPTER I", "CHAPTER II", "VOLUME II\n\nCHAPTER I", "APPENDIX")
    assert outline(text) == [
        (1, "PREFACE"),
        (1, "VOLUME I"),
        (2, "CHAPTER I"),
        (2, "CHAPTER II"),
        (1, "VOLUME II"),
        (2, "CHAPTER I"),
        (1, "APPENDIX"),
    ]
    assert outline(book("BOOK THE FIRST\n\nPART ONE\n\nCHAPTER 1")) == [
        (1, "BOOK THE FIRST"),
        (2, "PART ONE"),
        (3, "CHAPTER 1"),
    ]


def test_title_line_is_joined_only_where_it_is_one() -> None:
    text = book("CHAPTER I\n\nThe Arrival", "CHAPTER II\nA STRANGE\nDISCOVERY", "CHAPTER III")
    assert outline(text) == [
        (1, "CHAPTER I: The Arrival"),
        (1, "CHAPTER II: A STRANGE DISCOVERY"),
        (1, "CHAPTER III"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "“Come in.”",
        "She came.",
        "Dear Margaret,",
        "The rain had not stopped",
        "Yes!",
        "St. Petersburgh, Dec. 11th, 17—",
    ],
)
def test_body_is_not_eaten_by_the_title(line: str) -> None:
    assert outline(book(f"CHAPTER I\n\n{line}", f"CHAPTER II\n\n{line}")) == [
        (1, "CHAPTER I"),
        (1, "CHAPTER II"),
    ]


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_table_of_contents_is_no_section(gap: str) -> None:
    headings = ["PREFACE", "CHAPTER I", "CHAPTER II", "CHAPTER III"]
    contents = "CONTENTS\n\n" + gap.join(headings) + "\n\n\n" + BODY + "\n\n"
    text = contents + book(*headings)
    assert outline(text) == [(1, heading) for heading in headings]
    assert find_sections(text)[0].span.start >= len(contents)


def test_table_of_contents_of_two_parts_that_count_anew() -> None:
    entries = "PART ONE\n\nCHAPTER I\n\nCHAPTER II\n\nPART TWO\n\nCHAPTER I\n\nCHAPTER II\n\n\n"
    text = (
        entries
        + BODY
        + "\n\n"
        + book("PART ONE\n\nCHAPTER I", "CHAPTER II", "PART TWO\n\nCHAPTER I", "CHAPTER II")
    )
    assert outline(text) == [
        (1, "PART ONE"),
        (2, "CHAPTER I"),
        (2, "CHAPTER II"),
        (1, "PART TWO"),
        (2, "CHAPTER I"),
        (2, "CHAPTER II"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "CURRER BELL.",
        "LOWOOD INSTITUTION.",
        "THE END",
        "Chapter 3 describes how the house was built, and by whom",
        "Part of the wall had fallen",
        "book two seats for us",
        "Letter in hand",
        "I. I was wrong ever to bring you to this house, knowing as I did",
        "PREFACED BY NOTHING",
        "Volume",
        "第一章里我们说过，他已经走了。",
    ],
)
def test_lines_that_are_no_headings(line: str) -> None:
    assert outline(book("CHAPTER I", line, "CHAPTER II")) == [(1, "CHAPTER I"), (1, "CHAPTER II")]


def test_bare_numerals_count_from_one() -> None:
    assert outline(book("I", "II", "III", "IV")) == [(1, "I"), (1, "II"), (1, "III"), (1, "IV")]
    assert outline(book("V", "I", "MIX")) == []
    parts = book("PART ONE\n\n1", "2", "3", "PART TWO\n\n1", "2")
    assert [level for level, _ in outline(parts)] == [1, 2, 2, 2, 1, 2, 2]


def test_numbered_headings_of_a_report() -> None:
    text = book("1 Introduction", "2 Methods", "2.1 Data", "2.2 Models", "3. Results")
    assert outline(text) == [
        (1, "1 Introduction"),
        (1, "2 Methods"),
        (2, "2.1 Data"),
        (2, "2.2 Models"),
        (1, "3. Results"),
    ]
    assert outline("1. Apples\n\n2. Pears\n\n3. Plums\n\n" + BODY) == []
    assert outline("Bring:\n\n1. Apples\n2. Pears\n3. Plums\n\n" + BODY) == []
    assert outline(book("3 Apples", "17 Pears")) == []


def test_project_gutenberg_tail_belongs_to_no_section() -> None:
    text = book("CHAPTER I", "CHAPTER II") + "\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\nLicence\n"
    assert find_sections(text)[-1].span.end == text.index("*** END")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "CHAPTER I",
        "\ufeffCHAPTER I\r\n",
        "\r\n\r\n",
        "I\n\nII\n\nIII",
        "\x0c" * 9,
        "ı\n\nıı\n\nx",
        "LıVRE ı\n\nx",
    ],
)
def test_tiny_texts(text: str) -> None:
    for section in find_sections(text):
        assert section.title.strip()
        assert 0 <= section.span.start < section.span.end <= len(text)


@pytest.mark.shared
def test_jane_eyre_has_its_38_chapters() -> None:
    path = Path(__file__).resolve().parents[4] / "shared" / "data" / "books" / "jane_eyre.txt"
    if not path.exists():
        pytest.skip("the shared books are not beside the checkout")
    document = load_document(path)
    with path.open(encoding="utf-8", newline="") as file:
        assert document.text == file.read()
    titles = [section.title for section in document.sections]
    assert titles[:3] == ["PREFACE", "NOTE TO THE THIRD EDITION", "CHAPTER I"]
    assert titles[-1] == "CHAPTER XXXVIII—CONCLUSION"
    assert len(titles) == 2 + 38
    assert {section.level for section in document.sections} == {1}
    assert document.title == "Jane Eyre an Autobiography"


def test_numerals_with_titles() -> None:
    contents = "Contents\n\n I. A SCANDAL\n II. THE LEAGUE\n III. A CASE\n\n\n"
    stories = book("I. A SCANDAL\n\n\nI.", "II. THE LEAGUE", "III. A CASE")
    assert outline(contents + stories) == [(1, "I. A SCANDAL"), (1, "II. THE LEAGUE"), (1, "III. A CASE")]
    assert outline(book("I\nTHE PERIOD", "II\nThe Mail", "III\nThe Shadows")) == [
        (1, "I: THE PERIOD"),
        (1, "II: The Mail"),
        (1, "III: The Shadows"),
    ]


def test_a_lone_introduction_does_not_claim_a_whole_report() -> None:
    assert outline(book("Introduction", "Background of the Programme")) == []
    assert outline(book("Introduction", "Conclusion")) == [(1, "Introduction"), (1, "Conclusion")]


PIECES = ["CHAPTER I", "PART ONE", "Preface", "The Road", "1 Intro", "1.1 More", "II", "第一章"]
BREAKS = ["\n", "\r\n", "\f", " ", BODY]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.sampled_from(PIECES + BREAKS), max_size=40))
def test_sections_always_nest_and_stand_at_visible_text(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    sections = find_sections(text)
    for number, section in enumerate(sections):
        assert not text[section.span.start].isspace()
        for later in sections[number + 1 :]:
            inside = section.span.start < later.span.start and later.span.end <= section.span.end
            assert inside == (later.level > section.level) or later.span.start >= section.span.end
