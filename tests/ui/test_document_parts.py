"""What the page of a document is made of: sections, findings, the chart of a tree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from app.library import Library
from app.records import SectionRecord
from tests.tree_samples import part, section, tree_of
from ui.parts.finding import BLOCK, found_in
from ui.parts.reading import current_section, section_choices
from ui.parts.tree_chart import ChartWords, cells_of, icicle

WORDS = ChartWords(
    position="Position",
    level="Level",
    kind="Kind",
    title="Title",
    walked="Walked",
    kinds={"root": "All", "section": "Section", "group": "Group", "leaf": "Leaf"},
    yes_no=("yes", "no"),
)
TREE = tree_of(part("All", section("I", "a", "b"), section("II", "c"), "d", kind="root"))


def sections(count: int, level: int = 1) -> Iterator[SectionRecord]:
    for number in range(count):
        yield SectionRecord(f"{level}.{number}", level, number * 100, number * 100 + 100)


def test_of_very_many_sections_the_outer_ones_can_be_chosen() -> None:
    outer, inner = list(sections(5)), list(sections(50, level=2))
    assert section_choices([*outer, *inner], 0, most=60) == [*outer, *inner]
    assert section_choices([*outer, *inner], 0, most=20) == outer


def test_of_very_many_outer_sections_those_around_the_place_can_be_chosen() -> None:
    many = list(sections(100))
    assert section_choices(many, 5_050, most=10) == many[46:56]
    assert section_choices(many, 0, most=10) == many[:10]
    assert section_choices(many, 99_999, most=10) == many[90:]


def test_the_innermost_section_is_the_current_one() -> None:
    outer, inner = SectionRecord("I", 1, 10, 100), SectionRecord("I.1", 2, 20, 50)
    assert current_section([outer, inner], 30) == inner
    assert current_section([outer, inner], 60) == outer
    assert current_section([outer, inner], 5) is None


def test_words_are_found_in_any_case_and_over_line_ends(read_novella: Library) -> None:
    view = read_novella.view(read_novella.documents()[0].id)
    text = view.text(0, view.record.characters)
    found = found_in(view, "the  OLD stone")
    starts = []
    lowered = " ".join(text.split()).lower()
    assert len(found) == lowered.count("the old stone") > 3
    for each in found:
        assert text[each.start : each.end].lower().split() == ["the", "old", "stone"]
        assert text[each.start : each.end] in each.around
        starts.append(each.start)
    assert starts == sorted(set(starts))
    assert found_in(view, "  ") == found_in(view, "zyxwv") == []
    assert found_in(view, "the (old") == []


def test_what_stands_across_the_blocks_that_are_read_is_found_once(
    read_novella: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = read_novella.view(read_novella.documents()[0].id)
    whole = found_in(view, "weighing")
    assert view.record.characters < BLOCK
    for block in (997, 1_013, whole[0].start + 3):
        monkeypatch.setattr("ui.parts.finding.BLOCK", block)
        assert [(each.start, each.end) for each in found_in(view, "weighing")] == [
            (each.start, each.end) for each in whole
        ]


def test_cells_lie_over_the_text_level_by_level() -> None:
    cells = cells_of(TREE, TREE.root, {"2.1", "1.1"}, "0.2")
    assert {(each.title, each.level, each.start, each.end) for each in cells} == {
        (node.title, node.level, node.span.start, node.span.end) for node in TREE.nodes
    }
    assert [each.node for each in cells if each.walked] == ["2.1", "1.1"]
    assert [each.title for each in cells if each.chosen] == ["b"]


def test_of_a_large_tree_whole_levels_are_drawn() -> None:
    assert [each.title for each in cells_of(TREE, TREE.root, (), "", most=4)] == ["All", "I", "II", "d"]
    assert [each.title for each in cells_of(TREE, TREE.root, (), "", most=3)] == ["All"]
    assert [each.title for each in cells_of(TREE, TREE.nodes[2], (), "")] == ["I", "a", "b"]


@pytest.mark.parametrize("dark", [False, True])
def test_the_chart_names_nothing_outside_and_says_in_words_what_is_outlined(dark: bool) -> None:
    cells = cells_of(TREE, TREE.root, {"2.1"}, "1.1")
    chart = icicle(cells, WORDS, dark)
    rows = {row["node"]: row for row in chart["data"]["values"]}
    assert rows.keys() == {node.id for node in TREE.nodes}
    assert (rows["2.1"]["way"], rows["1.1"]["way"]) == ("yes", "no")
    assert rows["1.1"]["outline"] > rows["2.1"]["outline"] > rows["0.1"]["outline"]
    assert {row["kind"] for row in rows.values()} == {"All", "Section", "Leaf"}
    assert "url" not in str(chart)
    assert "href" not in str(chart)


def show_address() -> None:
    import streamlit as st

    from ui.parts.document_address import document_address

    st.text(repr(document_address()))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "document='', at=0, end=None, side='text', node=''"),
        (
            {"document": "d", "at": "5", "quote": "9", "side": "tree", "node": "1.2"},
            "document='d', at=5, end=9, side='tree', node='1.2'",
        ),
        (
            {"document": "d", "at": "-5", "quote": "9", "side": "x"},
            "document='d', at=0, end=None, side='text', node=''",
        ),
        ({"at": "5", "quote": "5"}, "document='', at=5, end=None, side='text', node=''"),
        ({"at": "9" * 50, "quote": "²"}, "document='', at=0, end=None, side='text', node=''"),
    ],
)
def test_what_makes_no_sense_in_an_address_does_not_count(asked: dict[str, str], told: str) -> None:
    app = AppTest.from_function(show_address)
    for name, value in asked.items():
        app.query_params[name] = value
    assert app.run().text[0].value == f"DocumentAddress({told})"
