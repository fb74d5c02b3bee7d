from dataclasses import replace

from app.summaries.tree_cover import cover, opened
from memory.trees import Summary, SummarySentence, SummaryTree, TreeNode
from retrieval.document import Span


def node(ordinal: int, first: int, end: int, children: tuple[int, ...] = (), words: int = 4) -> TreeNode:
    sentence = SummarySentence(" ".join(["word"] * words), (), False)
    return TreeNode(
        ordinal=ordinal,
        parent=None,
        children=children,
        level=0 if not children else 1,
        number=0,
        kind="section" if children else "leaf",
        title="",
        span=Span(first * 10, end * 10),
        first_sentence=first,
        end_sentence=end,
        tokens=10,
        digest=bytes([ordinal]) * 16,
        summary=Summary(bytes(16), (sentence,)),
    )


# Two chapters of two leaves and one of a single leaf, three sentences a leaf.
NODES = (
    node(0, 0, 3),
    node(1, 3, 6),
    node(2, 0, 6, (0, 1), words=6),
    node(3, 6, 9),
    node(4, 9, 12),
    node(5, 6, 12, (3, 4), words=6),
    node(6, 12, 15),
    node(7, 0, 15, (2, 5, 6), words=8),
)
TREE = SummaryTree(1, "id", "hash", "extractive", NODES)


def covered(first: int, end: int) -> tuple[list[int], list[tuple[int, int]]]:
    found = cover(TREE, first, end)
    return [each.ordinal for each in found.nodes], list(found.edges)


def test_the_whole_is_its_root() -> None:
    assert covered(0, 15) == ([7], [])


def test_whole_chapters_are_their_nodes() -> None:
    assert covered(0, 12) == ([2, 5], [])
    assert covered(6, 15) == ([5, 6], [])
    assert covered(3, 9) == ([1, 3], [])


def test_what_is_left_at_the_edges_is_text() -> None:
    assert covered(0, 8) == ([2], [(6, 8)])
    assert covered(1, 8) == ([1], [(1, 3), (6, 8)])
    assert covered(7, 8) == ([], [(7, 8)])
    assert covered(5, 5) == ([], [])


def test_every_sentence_of_a_part_is_covered_once() -> None:
    for first in range(15):
        for end in range(first + 1, 16):
            found = cover(TREE, first, end)
            held = [n for each in found.nodes for n in range(each.first_sentence, each.end_sentence)]
            held += [n for low, high in found.edges for n in range(low, high)]
            assert sorted(held) == list(range(first, end))


def test_nodes_are_opened_until_there_are_words_enough() -> None:
    def opened_to(words: int) -> list[int]:
        return [each.ordinal for each in opened(TREE, [TREE.root], words)]

    assert opened_to(8) == [7]
    assert opened_to(9) == [2, 5, 6]
    assert opened_to(17) == [0, 1, 3, 4, 6]
    assert opened_to(1000) == [0, 1, 3, 4, 6]


def test_a_node_without_a_summary_has_no_words() -> None:
    bare = replace(TREE, nodes=(*NODES[:-1], replace(NODES[-1], summary=None)))
    assert [each.ordinal for each in opened(bare, [bare.root], 1)] == [2, 5, 6]
