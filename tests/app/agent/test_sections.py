"""Parts that tile a document, and which of them a reader was shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agent.sections import parts_of, parts_shown, stand_for_sections, stands_for, supported_sentences
from memory.trees import TreeNode
from retrieval.document import Span
from retrieval.evidence import Candidate, ScoredCandidate
from tests.tree_samples import Part, part, section, tree_of

BOOK = tree_of(
    part(
        "Book",
        "front",
        part("I - II", section("I", "a", "b"), section("II", "c", part("d and e", "d", "e"))),
        section("III", section("III.1", "f"), section("III.2", "g", "h")),
    )
)


def titles(parts: list[TreeNode]) -> list[str]:
    return [node.title for node in parts]


def test_the_innermost_sections_and_what_stands_beside_them() -> None:
    assert titles(parts_of(BOOK, 100)) == ["front", "I", "II", "III.1", "III.2"]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (5, ["front", "I", "II", "III.1", "III.2"]),
        (4, ["front", "I", "II", "III"]),
        (3, ["front", "I - II", "III"]),
        (2, ["Book"]),
        (1, ["Book"]),
    ],
)
def test_higher_nodes_stand_for_sections_that_are_too_many(most: int, expected: list[str]) -> None:
    parts = parts_of(BOOK, most)
    assert titles(parts) == expected
    above = {"Book", "I - II", "III"}
    assert [stand_for_sections(BOOK, node) for node in parts] == [title in above for title in expected]


def test_long_parts_are_divided_where_there_is_room() -> None:
    long = tree_of(part("Text", part("1", "a", "b"), part("2", "c", "d")), tokens=3_000)
    assert titles(parts_of(long, 100)) == ["1", "2"], "12,000 tokens are divided, 6,000 are not"
    assert titles(parts_of(long, 1)) == ["Text"]


@st.composite
def books(draw: st.DrawFn, depth: int = 3) -> Part:
    kind = draw(st.sampled_from(["group", "section"]))
    count = draw(st.integers(1, 4))
    children = [
        draw(books(depth=depth - 1)) if depth > 1 and draw(st.booleans()) else "leaf" for _ in range(count)
    ]
    return part("x", *children, kind=kind)  # type: ignore[arg-type]


@given(books(), st.integers(1, 30), st.sampled_from([50, 3_000]))
def test_parts_tile_the_text_and_are_bounded(book: Part, most: int, tokens: int) -> None:
    tree = tree_of(book, tokens)
    parts = parts_of(tree, most)
    assert 1 <= len(parts) <= max(most, 1)
    ends = [0, *(node.span.end for node in parts)]
    assert [node.span.start for node in parts] == ends[:-1]
    assert ends[-1] == tree.root.span.end


@pytest.mark.parametrize(
    ("sizes", "left_out", "shown"),
    [
        ([3, 4, 5], 0, 3),
        ([3, 4, 5], 5, 2),
        ([3, 4, 5], 9, 1),
        ([3, 4, 5], 11, 1),
        ([3], 2, 1),
        ([3, 0, 5], 5, 1),
    ],
)
def test_parts_that_were_shown(sizes: list[int], left_out: int, shown: int) -> None:
    assert parts_shown(sizes, left_out) == shown


def test_what_the_summary_of_a_root_rests_on() -> None:
    assert [each.sources for each in supported_sentences(BOOK.root)] == [(Span(0, 9),)]


def scored(start: int, score: float, coverage: float) -> ScoredCandidate:
    return ScoredCandidate(Candidate(1, start // 10, Span(start, start + 9), "A.", 1), score, coverage, score)


def test_the_sentence_that_stands_for_a_part() -> None:
    node = BOOK.root
    speaks = [scored(0, 0.1, 0.0), scored(10, 0.4, 0.5), scored(20, 0.3, 0.0)]
    assert stands_for(node, speaks) == speaks[1]
    silent = [scored(10, 0.4, 0.0), scored(0, 0.1, 0.0), scored(20, 0.3, 0.0)]
    assert stands_for(node, silent) == silent[1], "the summary rests on it"
    assert stands_for(replace(node, summary=None), silent) == silent[0]
