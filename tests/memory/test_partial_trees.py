"""Trees of a document whose beginning was read: nothing in them tells what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory.partial_trees import tree_of_part
from memory.read_parts import ReadPart
from memory.trees import SummaryTree
from tests.tree_samples import LEAF_CHARACTERS, LEAF_SENTENCES, part, section, tree_of

BOOK = part(
    "the book",
    section("Dawn", "Dawn, part 1", "Dawn, part 2"),
    part(
        "Morning - Noon",
        section("Morning", "Morning, part 1", "Morning, part 2"),
        section("Noon", "before Dusk"),
    ),
    section("Dusk", "Dusk, part 1"),
)
WHOLE = tree_of(BOOK)
SECTIONS = [("Dawn", 0, 200), ("Morning", 200, 400), ("Noon", 400, 500), ("Dusk", 500, 600)]
SENTENCES = 6 * LEAF_SENTENCES


def up_to(sentences: int, tree: SummaryTree = WHOLE) -> SummaryTree:
    end = sentences * LEAF_CHARACTERS // LEAF_SENTENCES
    begun = [(title, start, min(stop, end)) for title, start, stop in SECTIONS if start < end]
    read = ReadPart(sentences, end, len(begun), 1, 0, 0, frozenset())
    counts = dict.fromkeys(range(sentences), 5)
    return tree_of_part(tree, read, counts, begun, [title for title, _, _ in SECTIONS[len(begun) :]])


@pytest.mark.parametrize("sentences", range(1, SENTENCES + 1))
def test_it_is_a_tree_that_ends_with_what_was_read(sentences: int) -> None:
    tree, end = up_to(sentences), sentences * LEAF_CHARACTERS // LEAF_SENTENCES
    assert [node.ordinal for node in tree.nodes] == list(range(len(tree.nodes)))
    assert tree.root.parent is None
    assert (tree.root.first_sentence, tree.root.end_sentence) == (0, sentences)
    for node in tree.nodes:
        assert node.span.end <= end
        assert node.first_sentence < node.end_sentence <= sentences
        assert all(child.parent == node.ordinal for child in tree.children(node))
        if node.children:
            inner = tree.children(node)
            assert node.span.start == inner[0].span.start
            assert node.span.end == inner[-1].span.end
            assert node.end_sentence == inner[-1].end_sentence
        assert node.tokens == 5 * (node.end_sentence - node.first_sentence)
    # The leaves tile what was read.
    firsts = [leaf.first_sentence for leaf in tree.leaves]
    assert firsts == list(range(0, sentences, LEAF_SENTENCES))


@pytest.mark.parametrize("sentences", range(1, SENTENCES + 1))
def test_summaries_are_of_what_was_read_alone(sentences: int) -> None:
    tree = up_to(sentences)
    kept = {node.id: node for node in tree.nodes}
    for node in WHOLE.nodes:
        if node.end_sentence <= sentences:
            assert kept[node.id].summary == node.summary
        elif node.id in kept and not node.children:
            assert kept[node.id].summary is None
    read = {node.summary for node in WHOLE.nodes if node.summary and node.end_sentence <= sentences}
    told = {sentence for summary in read for sentence in summary.sentences}
    for node in tree.nodes:
        assert node.summary is None or set(node.summary.sentences) <= told


def test_a_node_that_goes_on_beyond_is_summarised_by_those_within() -> None:
    tree = up_to(35)
    (morning,) = [node for node in tree.nodes if (node.kind, node.title) == ("section", "Morning")]
    assert morning.summary is not None
    assert morning.summary.text == "What Morning, part 1 tells."
    assert tree.root.summary is not None
    assert tree.root.summary.text == "What Dawn tells. What Morning, part 1 tells."
    assert up_to(5).root.summary is None


def test_titles_name_nothing_that_was_not_read() -> None:
    for sentences in range(1, SENTENCES + 1):
        titles = [node.title for node in up_to(sentences).nodes]
        unread = [title for title, start, _ in SECTIONS if start >= sentences * 10]
        assert not [title for title in titles for each in unread if each in title]
    titles = [node.title for node in up_to(35).nodes]
    assert titles == [
        "Dawn, part 1",
        "Dawn, part 2",
        "Dawn",
        "Morning, part 1",
        "Morning, part 2",
        "Morning",
        *["Morning", "the book"],
    ]
    assert [node.title for node in up_to(50).nodes][-4:] == ["Noon", "Noon", "Morning - Noon", "the book"]


def test_all_of_it_is_the_same_tree() -> None:
    assert up_to(SENTENCES) == WHOLE
    single = replace(WHOLE, nodes=tree_of(part("one", "leaf")).nodes)
    assert up_to(LEAF_SENTENCES, single).nodes == single.nodes
